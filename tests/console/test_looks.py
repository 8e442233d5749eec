"""The audit log's entries in words."""

from typing import get_args

import pytest

from console.drawing.looks import ACTION_WORDS, DEED_WORDS, about_whom, actions_of, what, why
from core.gate import Action
from core.log.records import Look


def look(action, **fields):
    plain = dict(object=None, owners=[], denied=False, more=0, filters={}, manifest=None, purpose="sample", words="")
    at = "2026-11-24T09:30:00.000Z"
    return Look(id="1", n=1, by="e-2001", at=at, action=action, **{**plain, **fields})


def test_every_action_of_the_gate_has_words_and_a_kind():
    assert {*ACTION_WORDS} == {*get_args(Action)}
    assert {words.deed for words in ACTION_WORDS.values()} == {*DEED_WORDS}


def test_kinds_stand_for_all_actions_once():
    actions = [action for deed in DEED_WORDS for action in actions_of([deed])]
    assert sorted(actions) == sorted(get_args(Action))
    assert actions_of([]) == ()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (look("thread.read", object="thread:0123456789abcdef"), "Opened thread 01234567"),
        (look("thread.read", object="turn:0123456789abcdef"), "Opened answer 01234567"),
        (look("call.read", object="call:0123456789abcdef"), "Opened tool call 01234567"),
        (look("call.read"), "Listed the calls that wait for an approver"),
        (look("audit.search"), "Searched threads"),
        (look("audit.search", words="sick leave"), "Searched threads: “sick leave”"),
        (
            look("audit.search", filters={"list": "calls", "statuses": ["failed", "timed_out"], "about_other": True}),
            "Searched tool calls: statuses failed or timed out, about another person",
        ),
        (
            look("audit.search", filters={"since": "2026-11-24T00:00:00.000Z"}),
            "Searched threads: from 24 Nov 2026, 00:00 UTC",
        ),
        (look("person.search", object="person:EMP-1F"), "Searched threads of EMP-1F"),
        (
            look("export", filters={"list": "calls", "format": "csv", "tools": ["book"]}),
            "Exported tool calls: format csv, tools book",
        ),
        (
            look("export", object="person:EMP-1", filters={"list": "threads", "format": "html"}),
            "Exported threads of EMP-1: format html",
        ),
        (look("thread.read", object="thread:malformed", denied=True), "Denied: open thread, with an invalid id"),
        (look("audit.search", denied=True), "Denied: search threads or tool calls"),
        (look("call.read", denied=True), "Denied: list the calls that wait"),
        (look("thread.read", denied=True, more=10), "Denied: 10 more requests"),
        (look("time.travel", object="clock:1"), "time.travel of clock 1"),
    ],
)
def test_an_entry_is_told_in_one_line(entry, words):
    assert what(entry) == words


def test_people_go_by_their_pseudonyms_and_many_are_counted():
    assert about_whom(look("audit.search")) == "-"
    assert about_whom(look("export", owners=["EMP-1", "EMP-2"])) == "EMP-1, EMP-2"
    assert about_whom(look("export", owners=[f"EMP-{i}" for i in range(12)])) == "12 people"


def test_a_purpose_that_was_erased_is_told_from_one_that_was_never_given():
    assert why(look("thread.read")) == "sample"
    assert why(look("thread.read", purpose="")) == "-"
    assert why(look("thread.read", purpose=None, words=None)) == "Erased"
    assert why(look("thread.read", purpose=None, words=None, denied=True)) == "-"
