"""What employees find in and under an answer, in a browser: its sources, the row of actions, what to ask next."""

import json
import re
import shutil

import pytest

from tests.browser.test_accessibility import faults
from tests.browser.test_console import ended, overflow
from tests.browser.test_handbooks import ask
from tests.browser.waits import wait_until
from tests.support.consoles import CATALOGUE, running

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

REMOTE = "What is our policy on remote work?"
SCRIPT = {
    "questions": [
        {
            "contains": "slowly",
            "steps": [[{"say": "You may work from home [1]."}, {"wait_for_file": "go"}, {"say": " Ask your manager."}]],
        },
        {"contains": "was approved", "steps": [[{"say": "Your letter is on its way."}]]},
        {
            "contains": "letter",
            "steps": [
                [{"call": "salary_letter", "arguments": {"recipient": "Bank Graz"}}],
                [{"say": "An approver looks at it."}],
            ],
        },
        {"contains": "say about", "steps": [[{"say": "It says so [1]."}]]},
        {
            "contains": "carry over",
            "steps": [[{"call": "vacation_balance", "arguments": {}}], [{"say": "Five days, with 13 left [1]."}]],
        },
        {
            "contains": "remote work",
            "steps": [[{"say": "Employees whose work allows it may work from home up to three days a week [1]."}]],
        },
    ],
}


@pytest.fixture(scope="module")
def answering(browser, sample_catalogue, tmp_path_factory):
    """A console whose model cites what the search finds first."""
    folder = tmp_path_factory.mktemp("answering")
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    with running(folder, f"scripted:{folder}/script.json") as console:
        yield console


def marker(page, which=0):
    """The badge of source 1 in one of the answers, from the first."""
    return page.get_by_role("button", name="Open source 1", exact=True).nth(which)


def check_dialog(page, text):
    """The dialog with this text is open, and accessible."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(text).first).to_be_visible()
    settle(page)
    assert faults(page) == {}
    return dialog


def settle(page):
    wait_until(page, "!document.querySelector('[data-testid=stStatusWidget]')")


def close(page):
    page.get_by_role("dialog").press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    settle(page)


def test_the_source_of_an_answer_is_two_clicks_from_a_topic_by_its_marker_with_mouse_and_keys(answering, sign_in):
    page = sign_in(answering, "e-1042")
    page.get_by_role("button", name=REMOTE).click()
    marker(page).click()
    dialog = check_dialog(page, "Version 2026-07 · in force since 2026-07-01")
    expect(dialog.get_by_role("heading", name="1 · Remote work")).to_be_visible()
    expect(dialog.locator(".stMarkdownColoredBackground").first).to_contain_text("three days a week")
    close(page)
    # Two answers with the same number, after a rerun and a reload: each marker opens its own source.
    ask(page, "How many days may I carry over?")
    expect(page.get_by_text("Your record says")).to_have_count(1)
    page.reload()
    for key, which, title in (("Enter", 1, "1 · Annual leave"), ("Space", 0, "1 · Remote work")):
        marker(page, which).focus()
        page.keyboard.press(key)
        expect(page.get_by_role("dialog").get_by_role("heading", name=title)).to_be_visible()
        close(page)
    # A marker of an earlier answer while another one streams: its source opens once that has ended, and stays.
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Tell me slowly")
    box.press("Enter")
    expect(page.get_by_text("You may work from home")).to_be_visible()
    marker(page).click()
    (answering.folder / "go").touch()
    expect(page.get_by_text("Ask your manager.")).to_be_visible()
    ended(page)
    settle(page)
    expect(page.get_by_role("dialog").get_by_role("heading", name="1 · Remote work")).to_be_visible()
    close(page)


def test_the_row_below_an_answer_copies_it_tells_how_it_came_about_rates_it_and_brings_it_to_a_person(
    answering, sign_in
):
    page = sign_in(answering, "e-1077")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, REMOTE)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Employees whose work allows it may work from home up to three days a week [1].")
    assert "[1] Remote work, The policy in brief, Version 2026-07, in force since 2026-07-01" in copied

    page.get_by_role("button", name="How was this produced?").click()
    dialog = check_dialog(page, "What it took")
    expect(dialog.get_by_text("Cited: Remote work, version 2026-07, in force since 2026-07-01")).to_be_visible()
    dialog.get_by_text("in full").click()
    expect(dialog.get_by_text("Instructions", exact=True).first).to_be_visible()
    close(page)

    page.get_by_role("button", name="Talk to a person").click()
    dialog = check_dialog(page, "I agree that the People team gets my employee id")
    dialog.get_by_text("Nothing from this thread").click()
    expect(dialog.get_by_text("They may read nothing from this thread.")).to_be_visible()
    close(page)
    page.get_by_role("button", name="Talk to a person").click()
    page.get_by_role("button", name="Agree and send").click()
    expect(page.get_by_text("Attached: this question and its answer")).to_be_visible()

    page.get_by_role("radio", name="Thumbs down").click()
    page.get_by_text("It is out of date").click()
    page.get_by_label("In your words").fill("The rule of 2024")
    page.get_by_test_id("stForm").get_by_role("button", name="Send").click()
    expect(page.get_by_text("You said: It is out of date")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You said: It is out of date")).to_be_visible()
    expect(page.get_by_text("The rule of 2024")).to_be_visible()
    expect(page.get_by_role("radio", name="Thumbs down")).to_be_checked()

    page.get_by_role("button", name=re.compile("What does “Remote work” say about")).first.click()
    expect(page.get_by_text("It says so")).to_be_visible()
    ended(page)


def test_a_decision_that_comes_while_a_dialog_is_open_waits_until_its_reader_closes_it(answering, sign_in):
    page = sign_in(answering, "e-1203")
    with page.expect_websocket() as socket:
        page.reload()
    ask(page, "Please issue a letter to my bank")
    page.get_by_role("button", name="Talk to a person").click()
    page.get_by_label("Your message").fill("Half a sentence")
    approver = sign_in(answering, "e-3001")
    approver.get_by_role("link", name="Approvals").click()
    approver.get_by_role("button", name="Approve").first.click()
    expect(approver.get_by_text("No requests are waiting")).to_be_visible()
    for _ in range(3):  # looks at the thread, each of which would have closed the dialog
        socket.value.wait_for_event("framesent")
        socket.value.wait_for_event("framereceived")
    expect(page.get_by_role("dialog")).to_have_count(1)
    expect(page.get_by_label("Your message")).to_have_value("Half a sentence")
    close(page)
    expect(page.get_by_text("Your letter is on its way.")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_answer_and_its_row_are_accessible_and_fit_the_screen(answering, sign_in, width, scheme):
    page = sign_in(answering, "e-1310", width=width)
    page.emulate_media(color_scheme=scheme)
    ask(page, "How many days may I carry over?")
    page.get_by_role("radio", name="Thumbs down").click()
    expect(page.get_by_text("What was wrong with the answer?")).to_be_visible()
    expect(marker(page)).to_be_visible()
    page.set_viewport_size({"width": width, "height": 3000})
    settle(page)
    assert faults(page) == {}
    assert overflow(page) <= 0
