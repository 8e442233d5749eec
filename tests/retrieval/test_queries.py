"""What is searched for: which questions take the ones before them along, and how."""

import pytest

from core.retrieval.followup import LONGEST_QUERY, depends, rewriting, rewritten, with_context


@pytest.mark.parametrize(
    "question",
    [
        "And for part-timers?",
        "What about contractors?",
        "How much of it is paid?",
        "Does that apply in Germany?",
        "Why?",
        "Is the same true for apprentices?",
        "Who decides?",
        "But what if they refuse?",
        "Und in Deutschland?",
    ],
)
def test_a_question_that_points_back_needs_the_ones_before_it(question):
    assert depends(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many vacation days do I have left?",
        "What is our policy on remote work?",
        "When is the annual bonus paid?",
        "Can I work from another country in the EU?",
        "How do I report sick leave as a shift worker?",
    ],
)
def test_a_question_that_stands_by_itself_is_searched_as_it_is(question):
    assert not depends(question)


def test_the_last_two_questions_stand_in_front_each_on_its_line():
    assert with_context(["one", "two\n two", "three"], "four") == "two two\nthree\nfour"
    assert with_context([], "four") == "four"


def test_a_model_is_shown_the_last_two_rounds_and_no_more_of_a_long_answer():
    talk = [("first?", "No."), ("second?", "x" * 5000), ("third?", "Yes.")]
    text = rewriting(talk, "And?").messages[0].text
    assert "first?" not in text
    assert "second?" in text
    assert text.endswith("Last question: And?")
    assert len(text) < 2000


@pytest.mark.parametrize(
    ("answer", "query"),
    [
        ("How much parental leave\n do apprentices get?", "How much parental leave do apprentices get?"),
        ('"Quoted?"', "Quoted?"),
        ("", None),
        (" \n", None),
        ("x" * (LONGEST_QUERY + 1), None),
    ],
)
def test_what_a_model_gives_is_a_query_on_one_line_or_none(answer, query):
    assert rewritten(answer) == query
