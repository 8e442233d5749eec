"""Citations: which passage a marker points to, and which of its words it is quoted for."""

import pytest

from core.retrieval.citations import citations
from core.values import Passage


def passage(text, id="p"):
    return Passage(id=id, document="d", title="T", section=[], version="1", text=text, score=1)


LEAVE = passage("Leave is agreed with the line manager. You have 25 working days a year.\n\n- Part-timers get a share.")
NOTICE = passage("Give two months' notice.\n\n| Grade | Notice |\n|---|---|\n| A | 4 weeks |\n| B | 8 weeks |")


def quotes(text, passages=(LEAVE, NOTICE)):
    return [(found.number, found.quote) for found in citations(text, passages)]


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("You get 25 working days [1].", [(1, "You have 25 working days a year.")]),
        ("You get 25 working days. [1] And more.", [(1, "You have 25 working days a year.")]),
        ("Grade B has 8 weeks [2]", [(2, "| B | 8 weeks |")]),
        ("You get 25 days.\n\n[1]", [(1, "You have 25 working days a year.")]),
        ("Nobody knows [7].", []),
        ("Nothing is cited.", []),
        ("Zebras [1].", [(1, "")]),
    ],
)
def test_the_words_quoted_are_those_of_the_passage_that_the_sentence_is_about(text, cited):
    assert quotes(text) == cited


def test_a_passage_that_two_sentences_point_to_is_quoted_for_each():
    said = "You have 25 working days [1]. It is agreed with your line manager [1]."
    assert quotes(said) == [(1, "Leave is agreed with the line manager."), (1, "You have 25 working days a year.")]


def test_two_markers_of_one_sentence_are_two_citations():
    said = "After 25 working days, give two months' notice [1][2]."
    assert quotes(said) == [(1, "You have 25 working days a year."), (2, "Give two months' notice.")]


def test_a_quote_stands_in_the_passage_where_the_citation_says():
    for found in citations("25 working days [1], or 8 weeks [2].", [LEAVE, NOTICE]):
        assert found.passage.text[found.start : found.end] == found.quote
        assert found.quote


def test_a_long_sentence_is_quoted_from_its_beginning():
    long = passage("The allowance " + "and so on " * 60 + "ends.")
    assert len(citations("The allowance ends [1].", [long])[0].quote) == 300
