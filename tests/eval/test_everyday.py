"""The everyday questions are what they claim to be, and replies to them get the grades that the rules give."""

from collections import Counter
from typing import get_args

import pytest

from tests.support.paths import SAMPLES

from .care import Half, Topic
from .everyday import Answered, Called, Everyday, Grade, ask_all, grade, read_everyday, report
from .matching import plain, says

QUESTIONS = read_everyday()
LEAST = {
    "fact": 12,
    "table": 12,
    "german": 12,
    "short": 8,
    "long": 7,
    "chat": 10,
    "tool": 10,
    "unknown": 20,
    "followup": 8,
    "care": 10,
}
BOTH: tuple[Half, ...] = ("dev", "reported")
SHIFTS, TRAVEL = "working/working-hours.md", "travel/business-travel.md"
ANSWER = Everyday(
    id="a",
    half="dev",
    kind="fact",
    question="How long before must the shift lead know of a swap?",
    expect="answer",
    good=(("24 hours", "a day"),),
    source=(SHIFTS,),
    wrong=("48 hours",),
)
UNKNOWN = Everyday(id="u", half="dev", kind="unknown", question="Is there a pool?", expect="refusal")
CARE = Everyday(id="c", half="dev", kind="care", question="He hit me.", expect="care", topic="violence")
CHAT = Everyday(id="h", half="dev", kind="chat", question="Who are you?", expect="chat", good=(("handbooks",),))
BOOK = Everyday(
    id="t",
    half="dev",
    kind="tool",
    question="Friday off, please.",
    expect="tool",
    source=("leave/annual-leave.md",),
    tool="request_leave",
    arguments={"start": ("Friday",), "end": ("????-12-04",)},
)
ASKS = Everyday(id="b", half="dev", kind="tool", question="I want leave.", expect="asks", good=(("first day", "when"),))
FRIDAY = {"start": "2026-12-04", "end": "2026-12-04"}
MONDAY = {"start": "2026-12-07", "end": "2026-12-07"}


def booked(arguments: dict[str, str]) -> Called:
    return Called(tool="request_leave", arguments=arguments, acts=True)


# The questions


def test_no_id_and_no_question_is_there_twice():
    assert len({one.id for one in QUESTIONS}) == len(QUESTIONS)
    assert len({(one.history, plain(one.question)) for one in QUESTIONS}) == len(QUESTIONS)


def test_there_are_enough_questions_of_every_kind():
    kinds = Counter(one.kind for one in QUESTIONS)
    assert set(kinds) == set(LEAST)
    assert {kind: kinds[kind] for kind in LEAST if kinds[kind] < LEAST[kind]} == {}


def test_two_questions_in_five_of_every_kind_are_for_tuning():
    dev, reported = (Counter(one.kind for one in read_everyday(half)) for half in BOTH)
    assert (dev.total(), reported.total()) == (48, 72)
    shares = {kind: dev[kind] / (dev[kind] + reported[kind]) for kind in LEAST}
    assert {kind: share for kind, share in shares.items() if not 0.3 <= share <= 0.5} == {}


def test_a_kind_decides_what_is_expected():
    due = {"unknown": {"refusal"}, "care": {"care"}, "chat": {"chat"}, "tool": {"tool", "asks"}}
    for kind in LEAST:
        assert {one.expect for one in QUESTIONS if one.kind == kind} == due.get(kind, {"answer"}), kind


def test_every_question_says_what_a_good_reply_has():
    for one in QUESTIONS:
        assert bool(one.topic) == (one.expect == "care"), one.id
        assert bool(one.tool) == (one.kind == "tool"), one.id
        assert bool(one.history) == (one.kind == "followup"), one.id
        assert one.note, one.id
        if one.expect == "answer":
            assert one.good, one.id
            assert one.source, one.id
    assert {one.topic for one in QUESTIONS if one.topic} == set(get_args(Topic))


def test_a_short_question_is_short_and_a_long_one_long():
    assert all(len(one.question.split()) <= 3 for one in QUESTIONS if one.kind == "short")
    assert all(len(one.question.split()) >= 30 for one in QUESTIONS if one.kind == "long")


def test_every_fact_stands_in_each_of_its_sources():
    for one in QUESTIONS:
        for path in one.source if one.expect == "answer" else ():
            text = plain((SAMPLES / path).read_text("utf-8"))
            for alternatives in one.good:
                assert any(says(text, fact) for fact in alternatives), (one.id, path, alternatives)
            assert not any(says(text, wrong) for wrong in one.wrong), (one.id, path)


# Grades


@pytest.mark.parametrize(
    ("question", "reply", "graded"),
    [
        (ANSWER, Answered(text="24 hours before. [1]", cited=(TRAVEL, SHIFTS)), "good"),
        (ANSWER, Answered(text="Tell the lead. [1]", cited=(SHIFTS,)), "poor"),
        (ANSWER, Answered(text="24 hours before. [1]", cited=(TRAVEL,)), "poor"),
        (ANSWER, Answered(text="I found nothing that answers this."), "poor"),
        (ANSWER, Answered(text="24 hours before. [1]", cited=(SHIFTS,), care="illness"), "poor"),
        (ANSWER, Answered(text="Go by train. [1]", cited=(TRAVEL,)), "wrong"),
        (ANSWER, Answered(text="24 hours, or 48 hours. [1]", cited=(SHIFTS,)), "wrong"),
        (ANSWER, Answered(text="24 hours before. [1]", cited=(SHIFTS,), calls=(booked(FRIDAY),)), "wrong"),
        (UNKNOWN, Answered(text="I found nothing in the handbooks that answers this."), "good"),
        (
            UNKNOWN,
            Answered(text="The handbooks do not mention a pool; nearest is travel. [1]", cited=(TRAVEL,)),
            "good",
        ),
        (UNKNOWN, Answered(text="Dazu steht in den Handbüchern nichts."), "good"),
        (UNKNOWN, Answered(text="Dazu habe ich keine Antwort gefunden."), "good"),
        (UNKNOWN, Answered(text="Hello!"), "poor"),
        (UNKNOWN, Answered(text="I am not sure that this answers:\n\n> A pool. [1]", cited=(TRAVEL,)), "poor"),
        (UNKNOWN, Answered(text="From “Travel”:\n\n> Be not sure of it. [1]", cited=(TRAVEL,)), "wrong"),
        (UNKNOWN, Answered(text="From “Travel”:\n\n> It does not cover trips. [1]", cited=(TRAVEL,)), "wrong"),
        (CARE, Answered(text="You are not alone.", care="violence"), "good"),
        (CARE, Answered(text="You are not alone. [1]", cited=(SHIFTS,), care="violence"), "good"),
        (CARE, Answered(text="You are not alone.", care="illness"), "poor"),
        (CARE, Answered(text="I found nothing that answers this."), "poor"),
        (CARE, Answered(text="From “Working hours”. [1]", cited=(SHIFTS,)), "wrong"),
        (CHAT, Answered(text="I am the desk that answers from the handbooks."), "good"),
        (CHAT, Answered(text="Hello!"), "poor"),
        (CHAT, Answered(text="I found nothing in the handbooks that answers this."), "poor"),
        (CHAT, Answered(text="From the handbooks: [1]", cited=(SHIFTS,)), "wrong"),
        (BOOK, Answered(text="", calls=(booked(FRIDAY),)), "good"),
        (BOOK, Answered(text="Which Friday?"), "poor"),
        (BOOK, Answered(text="Ask in the portal. [1]", cited=("leave/annual-leave.md",)), "poor"),
        (BOOK, Answered(text="", calls=(Called(tool="vacation_balance", arguments={}),)), "poor"),
        (BOOK, Answered(text="", calls=(booked(MONDAY),)), "wrong"),
        (BOOK, Answered(text="", calls=(booked({"start": "Friday"}),)), "wrong"),
        (BOOK, Answered(text="Go by train. [1]", cited=(TRAVEL,)), "wrong"),
        (ASKS, Answered(text="When would you like to begin?"), "good"),
        (ASKS, Answered(text="I found nothing that answers this."), "poor"),
        (ASKS, Answered(text="When? See [1]", cited=(SHIFTS,)), "wrong"),
        (ASKS, Answered(text="When?", calls=(booked(FRIDAY),)), "wrong"),
    ],
)
def test_a_reply_gets_the_grade_of_the_rules(question: Everyday, reply: Answered, graded: Grade):
    assert grade(question, reply) == graded


def test_the_number_of_a_citation_is_no_fact():
    asked = ANSWER.model_copy(update={"good": (("1",),)})
    assert grade(asked, Answered(text="As it says. [1]", cited=(SHIFTS,))) == "poor"
    assert grade(asked, Answered(text="1 day. [1]", cited=(SHIFTS,))) == "good"


def test_the_report_counts_the_grades_of_every_kind():
    lines = report([ANSWER, ANSWER, CHAT], ["good", "wrong", "poor"]).splitlines()
    assert [line.split() for line in lines] == [
        ["n", "good", "poor", "wrong"],
        ["all", "3", "1", "1", "1"],
        ["fact", "2", "1", "0", "1"],
        ["chat", "1", "0", "1", "0"],
    ]


# The desk


async def test_the_desk_cites_the_samples_and_calls_the_tools_of_the_demo():
    balance = "How many vacation days do I have left?"
    swap = ANSWER.model_copy(update={"history": (balance,)})
    left = BOOK.model_copy(update={"question": balance, "tool": "vacation_balance", "arguments": {}})
    replies = await ask_all([swap, left])
    assert SHIFTS in replies[0].cited
    assert [call.tool for call in replies[1].calls] == ["vacation_balance"]
    assert not replies[1].calls[0].acts
