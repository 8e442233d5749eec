"""A person in need, as they meet the desk: help first, a person one click away, and no auditor at the door."""

import re

import pytest

from tests.browser.tables import cell, open_row
from tests.browser.test_handbooks import ask

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

IN_NEED = "I can't sleep any more and I want to kill myself"


@pytest.mark.parametrize("width", [1280, 390])
def test_help_stands_above_the_answer_and_a_person_is_one_click_away(offline, sign_in, width):
    page = sign_in(offline, "e-1042", width)
    ask(page, IN_NEED)
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.get_by_text("142", exact=True)).to_be_visible()
    assert answer.inner_text().index("142") < len(answer.inner_text()) / 2
    expect(page.get_by_text("Closed to HR auditors")).to_be_visible()
    for beside in ("Public holidays", "Termination", "Pregnancy"):
        expect(answer.get_by_text(beside)).to_have_count(0)

    page.get_by_role("button", name="Talk to a person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your message").fill("Please call me")
    expect(dialog.get_by_text("I agree that the People team gets my employee id")).to_be_visible()
    dialog.get_by_role("button", name="Agree and send").click()
    expect(page.get_by_text(re.compile("Sent to a person, reference"))).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("Sent to a person, reference"))).to_be_visible()
    expect(page.get_by_text("142", exact=True)).to_be_visible()


def test_the_card_opens_the_handbooks_own_section(offline, sign_in):
    page = sign_in(offline, "e-1203")
    ask(page, IN_NEED)
    expect(page.get_by_text("116 123", exact=True)).to_be_visible()  # of the asker's country
    page.get_by_text("What the handbook says").click()
    expect(page.get_by_text("Mental-health support").first).to_be_visible()


def test_an_auditor_sees_that_a_thread_is_sealed_and_a_handler_reads_it_and_lifts_the_seal(offline, sign_in):
    page = sign_in(offline, "e-1077")
    ask(page, IN_NEED)
    auditor = sign_in(offline, "e-2001")
    auditor.get_by_role("link", name="Threads").click()
    expect(cell(auditor, "Sealed ·")).to_be_attached()
    expect(auditor.get_by_text("kill myself")).to_have_count(0)

    handler = sign_in(offline, "e-5001")
    handler.get_by_role("link", name="Threads").click()
    open_row(handler, "sleep any more")
    expect(handler.get_by_text("Closed to HR auditors.", exact=False).first).to_be_visible()
    expect(handler.get_by_text("142", exact=True)).to_be_visible()
    url = handler.url
    handler.get_by_role("button", name="Lift the seal").click()
    handler.get_by_label("Reason").fill("a line from a play")
    handler.get_by_label("Reason").press("Enter")
    handler.get_by_role("button", name="Lift the seal").last.click()
    expect(handler.get_by_text("The seal is lifted")).to_be_visible()
    auditor.goto(url)
    expect(auditor.get_by_text("kill myself").first).to_be_visible()


def test_what_the_handbooks_do_not_answer_offers_a_person(offline, sign_in):
    page = sign_in(offline, "e-1310")
    ask(page, "How do I boil an egg so that the yolk stays soft?")
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
