"""The cards on which people decide: what a call would do, changes before it is approved, and questions back."""

from datetime import date

import pytest
import streamlit

from backends.models.offline.phrases import ENGLISH, GERMAN
from console.app import app
from console.demo.records import HrRecords
from console.demo.tools import hr_words
from console.format import days
from console.tool_words import ToolWords, add_tool_words, what_it_would_do
from core.errors import Unavailable
from tests.console.test_approvals import press, reported, requested, said, thread_of
from tests.console.test_pages import APPROVER, EMPLOYEE, LETTER, ask, labels, open_as, opened, texts

__all__ = ["open_as"]  # the fixture


def rows(at):
    """The names and values of the page's tables, in their order."""
    return [[*map(str, row)] for table in at.get("table") for row in table.value.reset_index().to_numpy()]


def waiting(at):
    """The call that the page's thread waits for."""
    transcript = app().run(app().desk.archive.transcript(EMPLOYEE, thread_of(at)))
    (call,) = [call for call in transcript.turns[-1].calls if call.status == "awaiting_approval"]
    return call


def done(at, tool):
    """The newest call of this tool in the page's thread."""
    transcript = app().run(app().desk.archive.transcript(EMPLOYEE, thread_of(at)))
    return [call for call in transcript.turns[-1].calls if call.tool == tool][-1]


class Today(HrRecords):
    """The demo's records on a Monday of which the holidays are known."""

    def __init__(self):
        super().__init__(":memory:", lambda: date(2026, 11, 30))


@pytest.fixture
def preview():
    """The preview of leave on 30 November 2026: its text, and whether it is possible."""
    records = Today()
    leave = hr_words(records)["request_leave"].preview

    def preview(start, end, kind="annual", employee="e-1042", country="austria"):
        made = leave(employee, country, {"start": start, "end": end, "kind": kind})
        return made.text, made.possible

    preview.records = records
    yield preview
    records.close()


@pytest.mark.parametrize(
    ("start", "end", "kind", "text"),
    [
        ("2026-12-21", "2026-12-23", "annual", "3 working days, Mon 21 to Wed 23 Dec 2026; 10 left afterwards"),
        (
            "2026-12-07",
            "2026-12-09",
            "annual",
            "2 working days, Mon 7 to Wed 9 Dec 2026; 11 left afterwards",
        ),  # holiday
        ("2026-12-21", "2026-12-21", "annual", "1 working day, Mon 21 Dec 2026; 12 left afterwards"),
        ("2026-11-30", "2026-12-01", "annual", "2 working days, Mon 30 Nov to Tue 1 Dec 2026; 11 left afterwards"),
        ("2026-12-21", "2026-12-23", "unpaid", "3 working days, Mon 21 to Wed 23 Dec 2026"),
        ("2027-03-01", "2027-03-02", "annual", "2 working days, Mon 1 to Tue 2 Mar 2027"),
    ],
)
def test_leave_says_its_working_days_and_how_many_are_left_afterwards(preview, start, end, kind, text):
    left = preview.records.balance("e-1042", "austria")["days_left"]
    assert preview(start, end, kind) == (text, True)
    assert preview.records.balance("e-1042", "austria")["days_left"] == left
    booked = preview.records.book_leave("k", "e-1042", "austria", kind, *map(date.fromisoformat, (start, end)))
    assert text.startswith(f"{booked['working_days']} working day")
    if "left" in text:
        assert f"; {booked['days_left']:g} left" in text


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2026-11-27", "2026-12-01", "in the past"),
        ("2026-12-02", "2026-12-01", "before the first"),
        ("2026-12-05", "2026-12-06", "include no working day"),
        ("2026-12-01", "2026-12-23", "but only 13 are left"),
    ],
)
def test_leave_that_would_be_refused_says_why(preview, start, end, why):
    text, possible = preview(start, end)
    assert why in text
    assert not possible


def test_leave_over_days_that_are_booked_says_so(preview):
    preview.records.book_leave("k", "e-1042", "austria", "annual", date(2026, 12, 1), date(2026, 12, 2))
    assert preview("2026-12-02", "2026-12-03") == ("These dates overlap leave that is already booked.", False)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((2026, 12, 21), (2026, 12, 23), "Mon 21 to Wed 23 Dec 2026"),
        ((2026, 11, 30), (2026, 12, 1), "Mon 30 Nov to Tue 1 Dec 2026"),
        ((2026, 12, 31), (2027, 1, 1), "Thu 31 Dec 2026 to Fri 1 Jan 2027"),
        ((2026, 12, 21), (2027, 12, 21), "Mon 21 Dec 2026 to Tue 21 Dec 2027"),
        ((2026, 12, 21), (2026, 12, 21), "Mon 21 Dec 2026"),
    ],
)
def test_two_days_are_named_without_what_they_share(first, last, words):
    assert days(date(*first), date(*last)) == words


def test_a_preview_that_fails_or_is_missing_is_left_out(caplog):
    def fails(*_):
        raise OSError("the HR system of e-1042 is away")

    add_tool_words({"away": ToolWords("Booking", "Away", "Book it.", fails)})
    assert what_it_would_do("away", "e-1042", None, {}) is None
    assert "no preview of a call of away: OSError" in caplog.text
    assert "e-1042" not in caplog.text
    assert what_it_would_do("salary_letters", "e-1042", None, {}) is None


def test_a_card_says_what_leave_would_take_and_lists_its_arguments_in_the_order_of_the_tool(open_as):
    at = ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-06")
    assert "**3 working days, Mon 4 to Wed 6 Mar 2030** :small[(as of now)]" in said(at)
    assert rows(at) == [
        ["First day", "Monday 4 March 2030"],
        ["Last day", "Wednesday 6 March 2030"],
        ["Kind", "annual"],
    ]
    assert at.button(key=f"card_approve_{waiting(at).id}")


def test_a_card_of_leave_that_would_be_refused_says_so_before_it_is_approved(open_as):
    at = ask(open_as(EMPLOYEE), "Request annual leave from 2026-01-05 to 2026-01-06")
    assert [(box.title, box.value) for box in at.warning if box.title] == [
        ("This would be refused now", "The first day is in the past\\.")
    ]
    assert "Approve" in labels(at)


def test_a_card_whose_preview_fails_has_its_plain_sentence(open_as, monkeypatch):
    def fails(*_):
        raise OSError("away")

    monkeypatch.setattr(HrRecords, "preview_leave", fails)
    at = ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-05")
    assert "Book annual leave from Monday 4 March 2030 to Tuesday 5 March 2030" in texts(at)
    assert "as of now" not in texts(at)


def test_arguments_are_changed_before_they_are_approved_and_both_versions_are_shown(open_as):
    at = press(ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-05"), "Edit")
    assert [widget.label for widget in at.date_input] == ["First day", "Last day"]
    assert rows(at) == []
    at.date_input[1].set_value(date(2030, 3, 6))
    at.selectbox[0].set_value("unpaid")
    press(at, "Approve with changes")
    call = done(at, "request_leave")
    assert (call.status, call.decision.outcome) == ("succeeded", "given")
    assert call.planned == {"start": "2030-03-04", "end": "2030-03-05", "kind": "annual"}
    assert call.arguments == {"start": "2030-03-04", "end": "2030-03-06", "kind": "unpaid"}
    assert "Working days: 3" in texts(at)
    at = open_as(EMPLOYEE, thread=at.query_params["thread"])
    assert ("Leave request · Approved with changes", ":material/check:") in [(b.label, b.icon) for b in at.expander]
    opened(at, f"step_{call.id}")
    changed = [table.value for table in at.get("table") if "Ran" in table.value.columns]
    assert changed[0].to_numpy().tolist() == [
        ["Last day", "Tuesday 5 March 2030", "Wednesday 6 March 2030"],
        ["Kind", "annual", "unpaid"],
    ]
    assert "Approved with changes by e\\-1042" in texts(at)


def test_a_form_that_is_left_as_it_was_approves_what_was_asked_for(open_as):
    at = press(ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-05"), "Edit")
    press(at, "Approve with changes")
    call = done(at, "request_leave")
    assert (call.status, call.arguments) == ("succeeded", call.planned)
    assert "Leave request" in [box.label for box in at.expander]


def test_changing_can_be_given_up_without_a_decision(open_as):
    at = press(ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-05"), "Edit")
    assert {"Approve", "Deny"}.isdisjoint(labels(at))
    at.date_input[0].set_value(date(2030, 1, 1))
    press(at, "Cancel")
    assert {"Approve", "Edit", "Deny"} <= {*labels(at)}
    assert waiting(at).decision is None
    assert press(at, "Edit").date_input[0].value == date(2030, 3, 4)


def test_an_approver_changes_a_request_and_the_asker_sees_both_versions(open_as):
    thread, call = requested(open_as)
    at = open_as(APPROVER, "approvals")
    at.text_input(key=f"card_reason_{call.call}").set_value("The bank moved").run()
    press(at, "Edit")
    assert at.text_input(key=f"card_reason_{call.call}").value == "The bank moved"
    at.text_input(key=f"card_form_{call.call}_recipient").set_value("B")
    press(at, "Approve with changes")
    assert "recipient: String should have at least 2 characters" in said(at)
    assert at.text_input(key=f"card_form_{call.call}_recipient").value == "B"
    assert at.text_input(key=f"card_reason_{call.call}").value == "The bank moved"
    assert app().run(app().desk.archive.deferred_call(EMPLOYEE, call.call)).decision is None
    at.text_input(key=f"card_form_{call.call}_recipient").set_value("Bank Linz")
    press(at, "Approve with changes")
    assert "Approved with changes. The request runs" in said(at)
    reported(thread, call.call)
    seen = open_as(APPROVER, "call", tc_id=call.call)
    assert ["Recipient", "Bank Graz", "Bank Linz"] in [
        row for table in seen.get("table") if "Ran" in table.value.columns for row in table.value.to_numpy().tolist()
    ]
    asker = open_as(EMPLOYEE, thread=thread)
    assert "was approved with changes by e\\-3001" in texts(asker)
    assert "Reason: The bank moved" in texts(asker)
    assert ["Recipient", "Bank Graz", "Bank Linz"] in [
        row for table in asker.get("table") if "Ran" in table.value.columns for row in table.value.to_numpy().tolist()
    ]


def test_a_call_of_a_tool_that_is_gone_has_no_form_and_its_arguments_in_alphabetical_order(open_as, monkeypatch):
    at = ask(open_as(EMPLOYEE), "Request annual leave from 2030-03-04 to 2030-03-05")
    monkeypatch.setattr("console.tool_words._parameters", {})
    at.run()
    assert [name for name, _ in rows(at)] == ["End", "Kind", "Start"]
    assert "Edit" not in labels(at)
    assert {"Approve", "Deny"} <= {*labels(at)}


def question(at):
    return [line for line in texts(at).splitlines() if ":material/contact_support:" in line]


@pytest.mark.parametrize(
    ("asked", "fields", "phrases"),
    [
        ("I want to request leave", ["First day", "Last day"], ENGLISH),
        ("Ich möchte Urlaub nehmen", ["Erster Tag", "Letzter Tag"], GERMAN),
    ],
)
def test_what_a_request_lacks_is_filled_in_on_a_form_and_the_request_goes_on(open_as, asked, fields, phrases):
    at = ask(open_as(EMPLOYEE), asked)
    assert phrases.still_needed.format(tool="Request leave").rstrip(":") in said(at)
    assert "needs approval" not in texts(at)
    assert [widget.label for widget in at.date_input] == fields
    at = open_as(EMPLOYEE, thread=at.query_params["thread"])
    press(at, "Send answer")
    assert f"{fields[0]} is missing" in said(at)
    at.date_input[0].set_value(date(2030, 3, 4))
    at.date_input[1].set_value(date(2030, 3, 5))
    press(at, "Send answer")
    assert "Leave request: needs approval" in texts(at)
    assert ("Question to you", ":material/check:") in [(box.label, box.icon) for box in at.expander]
    press(at, "Approve")
    assert done(at, "request_leave").arguments["end"] == "2030-03-05"
    answered = done(at, "ask_back")
    opened(at, f"step_{answered.id}")
    assert [fields[1], "Tuesday 5 March 2030"] in rows(at)


def test_a_skipped_question_books_nothing_and_says_so(open_as):
    at = press(ask(open_as(EMPLOYEE), "I want to request leave"), "Skip")
    assert "I have not done anything." in texts(at)
    assert ("Question to you · Skipped", ":material/skip_next:") in [(box.label, box.icon) for box in at.expander]
    assert not at.date_input


def test_the_menu_tells_an_approver_how_many_requests_of_others_wait(open_as, monkeypatch):
    seen = []
    real = streamlit.navigation
    monkeypatch.setattr("streamlit.navigation", lambda pages, **more: seen.append(pages) or real(pages, **more))

    def menu(viewer, page):
        at = open_as(viewer, page)
        assert not at.exception
        return [page for of in seen[-1].values() for page in of] if isinstance(seen[-1], dict) else seen[-1], at

    requested(open_as)
    ask(open_as(APPROVER), LETTER)
    pages, at = menu(APPROVER, "approvals")
    assert [(page.title, page.url_path) for page in pages if page.url_path == "approvals"] == [
        ("Approvals :red-badge[1]", "approvals")
    ]
    assert [title.value for title in at.title] == ["Approvals"]
    press(at, "Deny")
    titles = [page.title for of in seen[-1].values() for page in of]
    assert "Approvals" in titles
    pages, _ = menu(EMPLOYEE, "chat")
    assert "Approvals" not in "".join(page.title for page in pages)


def test_a_menu_whose_number_cannot_be_counted_is_drawn_without_it(open_as, monkeypatch):
    async def away(*_):
        raise Unavailable("away")

    open_as(APPROVER)
    monkeypatch.setattr(app().desk.oversight, "count_waiting", away)
    at = open_as(APPROVER, "approvals")
    assert not at.exception
    assert [title.value for title in at.title] == ["Approvals"]
