"""My data: what each person sees of their own, what they can ask for, and what they learn of others' looks."""

import re
from typing import get_args

import pytest

from console.app import app
from console.drawing.looks import done_at_own
from console.drawing.my_data import ROLES
from core import Account, Archive, Viewer
from core.clock import SystemClock
from core.desk.own_data import OwnLook
from core.errors import Unavailable
from core.gate import Role
from core.log.audit import AuditLog
from core.log.facts import ThreadErased
from tests.console.test_pages import (
    APPROVER,
    AUDITOR,
    COLLEAGUE,
    EMPLOYEE,
    HANDLER,
    KEEPER,
    LETTER,
    OFFICER,
    ask,
    labels,
    open_as,
    texts,
)

__all__ = ["open_as"]  # the fixture

BALANCE = "How many vacation days do I have left?"


def said(at):
    return texts(at).replace("\\", "")


def thread_of(at):
    thread = at.query_params["thread"]
    return thread if isinstance(thread, str) else thread[0]


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def test_every_role_of_an_employee_has_the_page_and_an_empty_one_says_what_it_is_for(open_as):
    for viewer in (EMPLOYEE, AUDITOR, APPROVER, KEEPER, HANDLER, OFFICER):
        at = open_as(viewer, "my_data")
        assert not at.exception
        assert not at.error
        assert "0 threads" in said(at)
        assert "You have not asked anything yet." in said(at)
        assert "No looks are on record." in said(at)
        assert "the HR records of this demo" in said(at)
        assert not at.get("popover")
    with pytest.raises(ValueError, match="my_data"):
        open_as(Viewer("e-2001", {"auditor"}, purpose="quality sample"), "my_data")


def test_the_page_counts_what_is_kept_and_tells_of_looks_with_role_and_purpose_and_without_ids(open_as):
    mine = thread_of(ask(open_as(EMPLOYEE), LETTER))
    ask(open_as(COLLEAGUE), BALANCE)
    run, desk = app().run, app().desk
    run(desk.acknowledge(EMPLOYEE, "2"))
    command = AuditLog(desk._store, SystemClock(), Account(user="ops", host="hr-1"))
    run(Archive(desk._store, audit=command).transcript(AUDITOR, mine))
    (call,) = run(desk.archive.tool_calls(EMPLOYEE, mine))
    run(desk.archive.deferred_call(APPROVER, call.id))
    at = open_as(EMPLOYEE, "my_data")
    text = said(at).replace("**", "")
    assert "1 thread, 1 question and the answers, since" in text
    assert "1 tool call:" in text
    assert "That you have read the notice 2" in text
    assert {link.proto.query_string for link in at.get("page_link")} == {f"thread={mine}"}
    assert "Opened the thread Please issue a salary letter" in text
    assert "Opened a tool call in Please issue a salary letter" in text
    assert re.search("HR auditor · .* · With a command · Purpose: quality sample", text)
    assert re.search("Approver · [^·]* · Purpose: not stated", text)
    for name in (AUDITOR.id, "ops", "hr-1"):
        assert name not in text
    assert APPROVER.id not in text
    assert "quality sample" not in said(open_as(COLLEAGUE, "my_data"))


def test_looks_are_shown_after_the_days_of_the_setting_and_the_page_says_so(open_as, monkeypatch):
    monkeypatch.setenv("ROLLTOP_LOOKS_SHOWN_AFTER_DAYS", "30")
    thread = thread_of(ask(open_as(EMPLOYEE), BALANCE))
    app().run(app().desk.archive.transcript(AUDITOR, thread))
    at = open_as(EMPLOYEE, "my_data")
    assert "Looks are shown after 30 days." in said(at)
    assert "quality sample" not in said(at)
    assert "No looks are on record from before that." in said(at)


def test_erasure_is_asked_for_after_a_dialog_that_says_what_stays_and_is_taken_back(open_as, monkeypatch):
    thread = thread_of(ask(open_as(EMPLOYEE), BALANCE))
    at = press(open_as(EMPLOYEE, "my_data"), "Ask for erasure")
    for words in ("will be erased in 30 days, on", "who has looked at it", "such as tickets and booked leave"):
        assert words in said(at)
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).erase_due is None
    at.button(key="erasure_ask").click().run()
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).erase_due
    assert "Will be erased on" in said(at)
    assert "asked on" in said(at)
    at = press(at, "Take back")
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).erase_due is None
    assert "asked on" not in said(at)
    assert "Take back" not in labels(at)

    async def away(*_):
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(app().desk, "ask_erasure", away)
        at = press(at, "Ask for erasure")
        at.button(key="erasure_ask").click().run()
        assert "Erasure not asked for: the store does not answer." in said(at)


def test_threads_are_marked_as_sealed_archived_and_erased(open_as):
    ask(open_as(EMPLOYEE), "I feel harassed by my manager")
    archived, erased = (thread_of(ask(open_as(EMPLOYEE), BALANCE)) for _ in range(2))
    run, desk = app().run, app().desk
    run(desk.shelve(EMPLOYEE, archived, "archived"))
    run(desk.ask_erasure(EMPLOYEE, erased))
    run(desk._notes._noted(EMPLOYEE, erased, ThreadErased(upto=3)))
    at = open_as(EMPLOYEE, "my_data")
    marks = [one.value.rpartition(" · ")[2] for one in at.caption if one.value.startswith("Last activity")]
    assert marks == [
        ":material/ink_eraser: Erased",
        ":material/archive: Archived",
        ":material/lock: Closed to HR auditors",
    ]
    assert "carried out on" in said(at)
    assert labels(at).count("Ask for erasure") == 2


def test_each_role_has_words():
    assert {*ROLES} == {*get_args(Role)}


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (dict(action="thread.read", object="thread"), "Opened the thread"),
        (dict(action="thread.read", object="turn"), "Opened an answer in"),
        (dict(action="answer.judge", object="turn"), "Judged an answer in"),
        (dict(action="call.resolve", object="call"), "Said what came of a tool call in"),
        (dict(action="seal.lift", object="thread"), "Lifted the seal of the thread"),
        (dict(action="person.search", object="person", thread=None), "Searched for your threads"),
        (dict(action="person.search", object="person", thread=None, calls=True), "Searched for your tool calls"),
        (dict(action="export", object=None), "Exported the thread"),
        (dict(action="export", object=None, thread=None), "Exported your threads"),
        (dict(action="export", object="person", thread=None, calls=True), "Exported your tool calls"),
        (dict(action="audit.list", object="person", thread=None), "Listed the looks at what is yours"),
        (dict(action="call.read", object="call"), "Opened a tool call in"),
        (
            dict(action="call.read", object=None, thread=None),
            "Listed a tool call of yours that waits for an approver",
        ),
    ],
)
def test_a_look_is_told_in_the_words_of_the_person_looked_at(look, words):
    plain = dict(
        at="2026-11-24T09:30:00.000Z", calls=False, roles=[], purpose="", thread="t1", title="Title", command=False
    )
    assert done_at_own(OwnLook(**{**plain, **look})) == words
