"""Requests in plain words: leave in two clicks, changed before it is approved, asked back by a form, and approvers."""

from datetime import date, timedelta
from typing import Any

import pytest

from console.demo.records import working_days
from console.format import days

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

FIRST = next(
    day
    for day in (date(date.today().year + 1, 1, 7) + timedelta(days=n) for n in range(100))
    if day.weekday() == 0 and len(working_days(day, day + timedelta(days=4), "uk")) == 5
)
"""The Monday of a week without a holiday in the next year, for which the demo's people have no leave yet."""


def button(place: Any, name: str) -> Any:
    return place.get_by_role("button", name=name, exact=True)


def ask(page: Any, question: str) -> None:
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill(question)
    box.press("Enter")


def fill_day(page: Any, name: str, day: date) -> None:
    """Type a day into its field, part by part, as Streamlit's date input takes it."""
    for part, text in (("day", f"{day:%d}"), ("month", f"{day:%m}"), ("year", f"{day:%Y}")):
        page.get_by_role("spinbutton", name=f"{part}, {name}", exact=True).press_sequentially(text)
    page.keyboard.press("Escape")  # closes the calendar, and stops no turn


def test_leave_in_words_takes_two_clicks_and_may_be_changed_or_asked_back_by_a_form(offline, sign_in):
    page, last = sign_in(offline, "e-1203"), FIRST + timedelta(days=1)
    ask(page, f"Request unpaid leave from {FIRST} to {last}")
    expect(page.get_by_text(f"2 working days, {days(FIRST, last)}", exact=True)).to_be_visible()
    button(page, "Approve").click()
    expect(page.get_by_text("Working days: 2")).to_be_visible()

    # The same days again: the card says what would happen, and another day is chosen.
    ask(page, f"Request unpaid leave from {FIRST} to {last}")
    expect(page.get_by_text("These dates overlap leave that is already booked.")).to_be_visible()
    button(page.get_by_test_id("stVerticalBlock").filter(has_text="would be refused").last, "Edit").click()
    fill_day(page, "First day", FIRST + timedelta(days=2))
    fill_day(page, "Last day", FIRST + timedelta(days=2))
    button(page, "Approve with changes").click()
    expect(page.get_by_text("Leave request · Approved with changes")).to_be_visible()
    expect(page.get_by_text("Working days: 1")).to_be_visible()

    # What the request lacks is asked for; half an answer is not sent, and what was typed stays.
    ask(page, "I want to request unpaid leave")
    fill_day(page, "First day", FIRST + timedelta(days=3))
    button(page, "Send answer").click()
    expect(page.get_by_text("Last day is missing")).to_be_visible()
    fill_day(page, "Last day", FIRST + timedelta(days=4))
    button(page, "Send answer").click()
    expect(page.get_by_text("Question to you", exact=True)).to_be_visible()
    button(page, "Deny").click()
    step = page.get_by_text("Leave request · Denied")
    expect(step).to_be_visible()
    expect(
        page.locator("details, [data-testid=stExpander]").filter(has=step).get_by_text("check", exact=True)
    ).to_have_count(0)


def test_an_approver_sees_the_count_changes_a_request_and_the_askers_page_follows(offline, sign_in):
    asker = sign_in(offline, "e-1042")
    ask(asker, 'Please issue a salary letter to "Bank Graz"')
    expect(asker.get_by_text("Waits for an approver until")).to_be_visible()
    approver = sign_in(offline, "e-3001")
    menu = approver.get_by_test_id("stSidebarNav").get_by_role("link", name="Approvals")
    expect(menu).to_have_text("approvalApprovals 1")
    menu.click()
    expect(approver).to_have_url(f"{offline.url}/approvals")
    expect(approver).to_have_title("Approvals")
    expect(approver.get_by_role("heading", name="Approvals", exact=True)).to_be_visible()
    button(approver, "Edit").click()
    approver.get_by_role("textbox", name="Recipient").fill("B")
    button(approver, "Approve with changes").click()
    expect(approver.get_by_text("at least 2 characters")).to_be_visible()
    expect(approver.get_by_role("textbox", name="Recipient")).to_have_value("B")
    approver.get_by_role("textbox", name="Recipient").fill("Bank Linz")
    approver.get_by_role("textbox", name="Reason").fill("The bank moved")
    button(approver, "Approve with changes").click()
    expect(approver.get_by_text("Approved with changes.")).to_be_visible()
    expect(menu).not_to_contain_text("1")
    expect(asker.get_by_text("was approved with changes by e-3001")).to_be_visible()
    expect(asker.get_by_text("Recipient: Bank Linz")).to_be_visible()
