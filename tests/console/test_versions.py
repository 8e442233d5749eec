"""What an auditor sees of a question that was asked again, and of a request to an approver, on the pages of both."""

import itertools

import pytest

from console.app import app
from console.drawing.branches import seen_words
from core.log.records import Seen
from core.turn.deferred import report_turn
from tests.console.test_approvals import links, press, reported, requested, said, thread_of
from tests.console.test_lists import choose, pills, rows
from tests.console.test_pages import (
    APPROVER,
    AUDITOR,
    EMPLOYEE,
    LETTER,
    all_opened,
    ask,
    labels,
    open_as,
    opened,
)
from tests.support.desks import ended

__all__ = ["open_as"]  # the fixture

LEFT = "How many vacation days do I have left?"
AGAIN = "How many days of vacation are left?"


@pytest.fixture
def asked_again(open_as):
    """A thread whose first question was asked again and shown as it was, and then asked again once more: the turns."""
    thread = thread_of(ask(open_as(EMPLOYEE), LEFT))
    run, desk = app().run, app().desk
    (view,) = run(desk.archive.transcript(EMPLOYEE, thread)).turns
    second = run(ended(desk, run(desk.submit(EMPLOYEE, thread, AGAIN, replaces=view.turn.id)), EMPLOYEE))
    run(desk.show(EMPLOYEE, view.turn.id))
    third = run(ended(desk, run(desk.submit(EMPLOYEE, thread, AGAIN, replaces=view.turn.id)), EMPLOYEE))
    return thread, [view.turn.id, second.id, third.id]


def titles(at):
    return [box.label.replace("\\", "") for box in at.expander]


def test_an_auditor_sees_every_version_when_it_was_shown_and_which_one_is_now(open_as, asked_again):
    thread, turns = asked_again
    at = open_as(AUDITOR, "thread", tr_id=thread)
    captions = [caption.value for caption in at.caption if caption.value.startswith("Version")]
    assert [caption.split(";")[0] for caption in captions] == [f"Version {n} of 3 of this question" for n in (1, 2, 3)]
    assert [caption.count(" to ") for caption in captions] == [2, 1, 0]
    assert [" since " in caption for caption in captions] == [False, False, True]
    hidden = [one.value for one in at.markdown if "Not on the branch that is shown now" in one.value]
    assert len(hidden) == 2
    for n in (1, 2, 3):
        press(at, f"Version {n}")
        assert at.query_params["tr_turn"] == turns[n - 1]


def test_a_turn_that_was_asked_once_has_no_versions(open_as):
    thread = thread_of(ask(open_as(EMPLOYEE), LEFT))
    at = open_as(AUDITOR, "thread", tr_id=thread)
    assert "Version" not in said(at)
    assert "Not on the branch" not in said(at)


def test_times_are_short_within_a_day_and_only_the_newest_are_listed():
    times = [f"2026-11-{day:02}T10:0{n}:00.000Z" for day in (23, 24) for n in range(4)]
    seen = [Seen(n=n, since=since, until=until) for n, (since, until) in enumerate(itertools.pairwise(times))]
    assert seen_words(seen[:1]) == "shown 23 Nov 2026, 10:00 to 10:01 UTC"
    assert seen_words(seen[3:4]) == "shown 23 Nov 2026, 10:03 UTC to 24 Nov 2026, 10:00 UTC"
    newest = [*seen[:3], Seen(n=9, since=times[7])]
    assert seen_words(newest).startswith("shown 1 earlier time, and 23 Nov 2026, 10:01 to 10:02 UTC, and ")
    assert seen_words(newest).endswith(", and since 24 Nov 2026, 10:03 UTC")


def test_the_timeline_tells_of_a_request_from_its_asking_to_its_report(open_as):
    thread, call = requested(open_as)
    app().run(app().desk.decide(APPROVER, call.call, "approve", call.digest, reason="Known bank"))
    reported(thread, call.call)
    at = open_as(AUDITOR, "thread", tr_id=thread)
    asked = all_opened(opened(at, f"tr_timeline_{call.turn}"), "tl_")
    steps = [title.split(" ", 1)[1] for title in titles(asked) if "Salary letter ·" in title]
    assert steps[0].startswith("Salary letter · :material/approval_delegation: Passed to an approver")
    assert steps[1] == "Salary letter · passed to an approver"
    assert steps[2] == "Salary letter · approved by e-3001"
    assert [title for title in titles(asked) if title.endswith("Salary letter · decided and reported")]
    assert "Known bank" in " ".join(str(table.value) for table in asked.get("table"))
    assert links(asked)["Reports the decision on a request: open it"] == f"tc_id={call.call}"
    assert links(asked)["Open the call that carries it out"] == f"tc_id={report_turn(thread, call.call)[0]}-t1"
    press(asked, "Open the turn that reports it")
    assert at.query_params["tr_turn"] == report_turn(thread, call.call)[0]


def test_a_request_that_was_taken_back_says_so_on_its_page_with_its_entries(open_as):
    thread, call = requested(open_as)
    app().run(app().desk.withdraw(EMPLOYEE, call.call))
    at = open_as(AUDITOR, "call", tc_id=call.call)
    tables = [table.value for table in at.get("table")]
    [history] = [table for table in tables if "What" in table.columns]
    assert history["What"].tolist() == ["Planned by the model", "Passed to an approver", "Closed without being run"]
    assert "Closed: the person who asked took it back" in " ".join(str(table) for table in tables).replace("\\", "")
    assert "Open the call that carries it out" not in labels(at)
    assert links(at)["Open its thread"] == f"tr_id={thread}&tr_turn={call.turn}"


def test_a_carried_out_request_and_the_call_that_did_it_lead_to_each_other(open_as):
    thread, call = requested(open_as)
    app().run(app().desk.decide(APPROVER, call.call, "approve", call.digest))
    reported(thread, call.call)
    at = open_as(AUDITOR, "call", tc_id=call.call)
    [history] = [table.value for table in at.get("table") if "What" in table.value.columns]
    assert history["What"].tolist()[2:] == ["Approved", "Reported in a turn of its own"]
    press(at, "Open the call that carries it out")
    [history] = [table.value for table in at.get("table") if "What" in table.value.columns]
    assert history["What"].tolist() == [
        "Planned, as an approver allowed it",
        "Started, attempt 1",
        "Finished: succeeded",
    ]
    press(at, "Open the request that it carries out")
    assert at.query_params["tc_id"] == call.call


def test_calls_that_wait_are_a_figure_that_opens_their_list_and_the_thread_says_so(open_as):
    _thread, call = requested(open_as)
    ask(open_as(EMPLOYEE), "Please book vacation from 4 March 2030 to 5 March 2030")
    at = open_as(AUDITOR, "overview")
    (waiting,) = [metric.value for metric in at.metric if metric.label == "Waiting for approval"]
    assert (waiting, links(at)["Open 2 calls"]) == ("2", "tc_time=all&tc_only=waiting")
    at = open_as(AUDITOR, "tool_calls", tc_only="waiting", tc_time="all")
    assert {row["Approval"] for row in rows(at)} == {"Waits for the asker", "Waits for an approver"}
    assert [row["waiting"] for row in rows(at, 0)] == ["1", "1"]
    choose(at, "tc_status", "deferred")
    assert [row["Approval"] for row in rows(at)] == ["Waits for an approver"]
    assert "Passed to an approver · 1" in pills(at, "tc_status")
    (tools,) = [list(row["Tools"]) for row in rows(open_as(AUDITOR, "threads")) if row["Question"] == LETTER[:60]]
    assert tools == ["Salary letter: waits for an approver"]
    app().run(app().desk.withdraw(EMPLOYEE, call.call))
    at = open_as(AUDITOR, "tool_calls", tc_only="waiting", tc_time="all")
    assert [row["Approval"] for row in rows(at)] == ["Waits for the asker"]
    at = open_as(AUDITOR, "tool_calls", tc_status="deferred", tc_time="all")
    assert [row["Approval"] for row in rows(at)] == ["Not decided by an approver"]
    (tools,) = [list(row["Tools"]) for row in rows(open_as(AUDITOR, "threads")) if row["Question"] == LETTER[:60]]
    assert tools == ["Salary letter"]
