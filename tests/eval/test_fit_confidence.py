"""The threshold is that of the other handbooks, and wordings keep what is asked for."""

from dataclasses import replace

import pytest

from .fit_confidence import Case, left_out, threshold, wordings
from .questions import Question
from .wordings import MOST, POLITE, UNSEEN, polite, short

CASE = Case(handbooks="a", embedder="none", kind="answered", wording="as asked", words=5, confidence=0.5)


def cases(handbooks: str, *confidences: float) -> list[Case]:
    return [replace(CASE, handbooks=handbooks, confidence=one) for one in confidences]


def test_one_in_twenty_of_the_answered_is_below_the_threshold():
    answered = cases("a", *(n / 50 for n in range(1, 51)))
    near = [replace(CASE, kind="near miss", confidence=0.0)] * 50
    assert threshold([*answered, *near]) == 0.06


def test_each_folder_of_handbooks_counts_the_same():
    few, many = cases("a", 0.1, 0.1), cases("b", *[0.9] * 98)
    assert threshold([*few, *many]) == 0.1


def test_a_folder_is_judged_by_the_threshold_of_the_others():
    judged = left_out([*cases("a", 0.3, 0.5), *cases("b", 0.4, 0.6)])
    assert [case.passes for case in judged] == [False, True, True, True]


def test_a_question_is_asked_in_other_words_too():
    question = Question(id="q", question="What does parking cost?")
    found = dict(wordings(question))
    assert found["as asked"] == question.question
    assert found["short"] == "parking cost"
    assert question.question in found["polite"]
    assert found["polite"] != found["polite, unseen"]
    assert [wording for wording, _ in wordings(question.model_copy(update={"kind": "short"}))] == ["short"]
    assert "short" not in dict(wordings(question.model_copy(update={"history": ("Is there a car park?",)})))


def test_polite_sentences_are_long_and_end_the_question():
    for wrapping in (*POLITE, *UNSEEN):
        assert 20 <= len(wrapping.split()) <= 45
    assert "parking cost." in polite("parking cost")
    assert polite("a?") == polite("a?")


@pytest.mark.parametrize("question", ["Why?", "parking parking", "red, green, blue, yellow and white"])
def test_too_few_or_too_many_words_are_no_short_question(question):
    assert MOST == 4
    assert short(question) is None
