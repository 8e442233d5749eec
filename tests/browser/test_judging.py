"""Answers judged in a real browser, by the keyboard."""

import re
from concurrent.futures import ThreadPoolExecutor

import anyio

from backends import open_store
from tests.browser.tables import open_row
from tests.browser.test_console import ask, ended, expect, overflow
from tests.browser.waits import press

LEFT, REMOTE = "How many vacation days do I have left?", "What is our policy on remote work?"


def looks(console) -> int:
    """How many looks of the auditor are on record."""

    async def count() -> int:
        async with open_store(f"sqlite:///{console.folder}/desk.db") as store:
            return len(await store.read("audit:e-2001"))

    with ThreadPoolExecutor(1) as thread:  # in this one Chromium's event loop runs
        return thread.submit(anyio.run, count).result()


def test_answers_are_judged_by_the_keyboard_alone(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, LEFT)
    expect(page.get_by_text("Days left: 1").first).to_be_visible()
    ended(page)
    ask(page, REMOTE)
    expect(page.get_by_text("Policy says")).to_be_visible()
    ended(page)

    auditor = sign_in(offline, "e-2001")
    auditor.get_by_role("link", name="Threads").click()
    open_row(auditor, "How many vacation")
    first, second = (auditor.locator(".stExpander", has_text="Judge").nth(place) for place in (0, 1))
    expect(second).to_be_visible()
    press(auditor, "n")
    note = first.get_by_label("Note")
    expect(note).to_be_visible()
    before = looks(offline)
    press(auditor, "2")
    expect(first.get_by_text("Why is it wrong?")).to_be_visible()
    assert looks(offline) == before  # choosing is not another look
    first.get_by_role("radio", name="Misread").or_(first.get_by_role("button", name="Misread")).click()
    note.click()
    auditor.keyboard.type("In 3 lines: 1 is wrong, next")  # its digits and letters choose nothing
    expect(note).to_have_value("In 3 lines: 1 is wrong, next")
    press(auditor, "Control+Enter")
    expect(second.get_by_label("Note")).to_be_visible()
    expect(second).to_be_in_viewport()
    expect(note).to_have_count(0)
    expect(first.get_by_text("1 verdict")).to_be_visible()

    press(auditor, "3")
    expect(second.get_by_role("button", name="radio_button_checked icon Cannot tell")).to_be_visible()
    press(auditor, "1")
    expect(second.get_by_role("button", name="radio_button_checked icon Right")).to_be_visible()
    press(auditor, "Control+Enter")
    expect(second.get_by_text("e-2001")).to_be_visible()
    expect(second.get_by_text("The list ends here.")).to_be_visible()
    press(auditor, "p")
    expect(first.get_by_text("In 3 lines: 1 is wrong, next").first).to_be_visible()
    expect(first.get_by_text(re.compile("Wrong.*Misread.*e-2001"))).to_be_visible()
    second.get_by_text("Judge").click()
    expect(second.get_by_label("Note")).to_be_visible()
    expect(note).to_have_count(0)  # one panel is open at a time, and the keys are its keys
    auditor.set_viewport_size({"width": 390, "height": 844})
    expect(second.get_by_role("button", name="Save and next")).to_be_visible()
    assert overflow(auditor) <= 0
