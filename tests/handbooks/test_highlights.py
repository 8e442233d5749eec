"""What a search marks in its passages: the sentence, item or row that answers, by its words and by its meaning."""

import pytest

from backends.handbooks.opening import open_handbooks
from backends.handbooks.search.likeness import likeness
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.passages.highlights import MOST, with_highlights
from core.gate import Viewer
from core.values import Passage
from tests.handbooks.test_offline_handbooks import DAY

WORDS = Lexicon({"parking": 3, "lamp": 2, "dog": 2, "dogs": 1, "length": 5, "rest": 4, "ahead": 3, "wage": 3}, 40)


def passage(text, title="Handbook"):
    return Passage(id=title, document=title, title=title, section=[], version="1", text=text, score=1.0)


def best(question, text, synonyms=()):
    [found] = with_highlights(question, [passage(text)], likeness(question, WORDS, Synonyms(synonyms), None))
    return text[found.highlights[0].start : found.highlights[0].end]


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("What about a lamp?", "Parking is free. A lamp is paid. Dogs may come.", "A lamp is paid."),
        ("What about my hound?", "Parking is free. Dogs may come.", "Dogs may come."),
        ("How much is parking?", "Parking is for staff. Parking costs €30 a month.", "Parking costs €30 a month."),
        (
            "How long is a rest?",
            "A rest is a right.\n\n| What | Value |\n|---|---|\n| Length of a rest | 11 hours |",
            "| Length of a rest | 11 hours |",
        ),
        ("Do you pay a lamp?\nAnd parking?", "A lamp is paid. Parking is not.", "Parking is not."),
        ("How much is a lamp?\nAnd for a dog?", "A dog is a pet. A dog costs €9.", "A dog costs €9."),
        ("How much time is a rest?", "A rest costs €5 each. A rest has 11 hours.", "A rest has 11 hours."),
        ("How long before a rest?", "A rest is of a length. A rest is asked for ahead.", "A rest is asked for ahead."),
        ("What is the last date for a lamp?", "A lamp costs €5 each. A lamp comes in May.", "A lamp comes in May."),
        ("Is my wage due?", "A wage is a right. The pay date is on the board.", "The pay date is on the board."),
    ],
)  # fmt: skip - a question, a text and its answer a line
def test_what_answers_is_told_by_words_synonyms_the_kind_of_answer_and_its_label(question, text, answer):
    assert best(question, text, ["hound > dog", "wage due > pay date"]) == answer


def test_no_more_than_some_are_marked_and_they_are_the_best_in_order():
    text = "\n".join(f"- lamp number {n}" for n in range(30))
    [found] = with_highlights("lamp 7", [passage(text)])
    scores = [one.score for one in found.highlights]
    assert len(scores) == MOST
    assert scores == sorted(scores, reverse=True)


def test_a_passage_without_anything_to_quote_has_no_highlights():
    assert [found.highlights for found in with_highlights("x", [passage(""), passage("## A heading")])] == [[], []]


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("how long is my notice period after 6 years?", "joining-and-leaving/probation-and-notice", "| 5 years |"),
        ("Is the day after Christmas free?", "leave/public-holidays", "| 26 December |"),
        ("How long is my probation?", "joining-and-leaving/probation-and-notice", "| Length of probation |"),
    ],
)
async def test_a_search_marks_the_row_that_answers(sample_catalogue, question, document, words):
    async with open_handbooks(sample_catalogue) as handbooks:
        found = await handbooks.retriever.search(question, Viewer("e-1042", country="austria"), 6, as_of=DAY)
    marked = [
        one.text[one.highlights[0].start : one.highlights[0].end]
        for one in found
        if one.document == document and one.highlights
    ]
    assert any(row.startswith(words) for row in marked)


async def test_a_countrys_handbook_about_something_else_does_not_go_first(sample_catalogue):
    async with open_handbooks(sample_catalogue) as handbooks:
        viewer = Viewer("e-1042", country="austria")
        found = await handbooks.retriever.search("When is salary paid?", viewer, 6, as_of=DAY)
    assert found[0].document != "health/sick-leave-austria"
