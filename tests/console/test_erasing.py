"""An erased thread on the pages: each says in words what was erased; and the setting that says when."""

from datetime import timedelta

import pytest

from console.app import app, close
from console.settings import read_settings
from core.clock import moment
from core.desk.desk import ERASE_AFTER
from core.errors import InvalidInput
from tests.console.test_pages import AUDITOR, EMPLOYEE, all_opened, ask, open_as, texts

__all__ = ["open_as"]  # the fixture

CANARY = "zqxcanary"
REMOTE = "What is our policy on remote work?"


def test_each_page_says_that_a_thread_was_erased(open_as, monkeypatch):
    monkeypatch.setenv("ROLLTOP_ERASE_AFTER_DAYS", "0")
    at = ask(open_as(EMPLOYEE), f"How many vacation days do I have left, {CANARY}?")
    thread = at.query_params["thread"]
    desk, run = app().desk, app().run
    (call,) = run(desk.archive.tool_calls(EMPLOYEE, thread))
    assert CANARY in texts(open_as(AUDITOR, "thread", tr_id=thread))
    run(desk.ask_erasure(EMPLOYEE, thread))
    run(desk.recover())
    said = texts(all_opened(open_as(EMPLOYEE, thread=thread)))
    assert "The question has been erased." in said
    assert "The answer has been erased." in said
    assert CANARY not in said
    read = all_opened(open_as(AUDITOR, "thread", tr_id=thread))
    assert not read.exception
    assert read.title[0].value == "Erased"
    for words in ("The question has been erased.", "The answer has been erased.", "The arguments have been erased."):
        assert words in texts(read)
    assert CANARY not in texts(read)
    called = all_opened(open_as(AUDITOR, "call", tc_id=call.id))
    assert not called.exception
    assert "The arguments have been erased." in texts(called)
    listed = open_as(AUDITOR, "threads")
    assert not listed.exception
    assert "Erased" in str([table.value for table in listed.dataframe])
    # The employee goes on asking there.
    assert REMOTE in texts(ask(open_as(EMPLOYEE, thread=thread), REMOTE))


def test_the_setting_says_when_a_thread_is_erased(monkeypatch):
    for name, value in (("STORE", "memory:"), ("HANDBOOKS", ""), ("EMBEDDER", "none:"), ("ERASE_AFTER_DAYS", "2")):
        monkeypatch.setenv(f"ROLLTOP_{name}", value)
    desk, run = app().desk, app().run
    thread = run(desk.create_thread(EMPLOYEE))
    due = run(desk.ask_erasure(EMPLOYEE, thread.id)).erase_due
    asked = run(desk.archive.thread(EMPLOYEE, thread.id)).updated_at
    assert abs(moment(due) - moment(asked) - timedelta(days=2)) < timedelta(minutes=1)
    close()


def test_it_is_30_days_and_at_most_a_year(monkeypatch):
    assert timedelta(days=read_settings().erase_after_days) == ERASE_AFTER == timedelta(days=30)
    for days in ("-1", "366", "soon"):
        monkeypatch.setenv("ROLLTOP_ERASE_AFTER_DAYS", days)
        with pytest.raises(InvalidInput, match="ROLLTOP_ERASE_AFTER_DAYS"):
            read_settings()
    for days in (0, 365):
        monkeypatch.setenv("ROLLTOP_ERASE_AFTER_DAYS", str(days))
        assert read_settings().erase_after_days == days
