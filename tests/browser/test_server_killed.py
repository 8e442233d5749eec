"""A server killed in the middle of an answer: what was on the screen is on record, and the turn ends by itself."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


def test_after_kill_9_and_a_restart_the_partial_answer_is_there_and_the_turn_has_ended(killable, sign_in):
    page = sign_in(killable.console, "e-1042")
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Please count")
    box.press("Enter")
    expect(page.get_by_text("One two three")).to_be_visible()
    address = page.url
    killable.kill()
    killable.start_again()
    page.goto(address)
    expect(page.get_by_text("One two three")).to_be_visible()
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
