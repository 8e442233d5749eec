"""A console that starts while its store is away, or refuses: it says so, and opens by itself."""

import os
import time
from pathlib import Path

import pymongo
import pytest

from tests.support.consoles import Console, running

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=20_000)

AWAY = "Nothing can be read or saved right now"
PATIENCE = 60_000  # milliseconds; an attempt to reach the store takes up to five seconds


def sign_in_only(browser, console: Console):
    """A tab of somebody who has signed in, where the page behind it may be missing."""
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.goto(console.url)
    page.get_by_text("e-1042", exact=True).click()
    page.get_by_role("button", name="Sign in").click()
    return page


def statuses(uri: str) -> list[str]:
    with pymongo.MongoClient(uri) as client:
        return [turn["fields"]["status"] for turn in client["desk"]["record.turn"].find()]


def wait_for_statuses(uri: str, wanted: list[str]) -> None:
    until = time.monotonic() + 60
    while statuses(uri) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    assert statuses(uri) == wanted


def test_a_console_started_without_its_store_says_so_and_opens_once_the_store_is_there(
    browser, killable_on_mongodb, mongodb_to_kill
):
    killable_on_mongodb.kill()
    mongodb_to_kill.kill()
    killable_on_mongodb.start_again()
    page = sign_in_only(browser, killable_on_mongodb.console)
    expect(page.get_by_text(AWAY)).to_be_visible()
    expect(page.get_by_text("127.0.0.1")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Ask about leave")).to_have_count(0)
    mongodb_to_kill.start()
    box = page.get_by_role("textbox", name="Ask about leave")
    expect(box).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(AWAY)).to_have_count(0)
    box.fill("Please count")
    box.press("Enter")
    expect(page.get_by_text("One two three")).to_be_visible()
    page.close()


def test_a_turn_left_open_is_recovered_without_a_visitor_once_the_store_comes(
    killable_on_mongodb, mongodb_to_kill, sign_in
):
    page = sign_in(killable_on_mongodb.console, "e-1042")
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Please count")
    box.press("Enter")
    expect(page.get_by_text("One two three")).to_be_visible()
    page.close()
    killable_on_mongodb.kill()
    assert statuses(mongodb_to_kill.uri) == ["running"]
    (killable_on_mongodb.console.folder / "go").touch()
    mongodb_to_kill.kill()
    killable_on_mongodb.start_again()
    mongodb_to_kill.start()
    wait_for_statuses(mongodb_to_kill.uri, ["interrupted"])


def test_a_console_that_its_store_refuses_says_what_its_operator_must_do_and_no_password(
    browser, mongodb_to_kill, tmp_path: Path
):
    store = mongodb_to_kill.uri.replace("//", "//desk:pa55word@") + "/desk"  # this server knows no sign-in
    with running(tmp_path, "offline:", store, demo=False) as console:
        page = sign_in_only(browser, console)
        expect(page.get_by_text("The desk cannot be opened")).to_be_visible()
        expect(page.get_by_text("the server lacks what the store needs")).to_be_visible()
        expect(page.get_by_text("pa55word")).to_have_count(0)
        page.close()
    log = (tmp_path / "console.log").read_text()
    assert "the desk cannot be opened yet: desk: MongoDB refuses saslStart" in log
    assert "pa55word" not in log


def test_a_console_with_a_setting_that_is_unknown_says_which(browser, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(os.environ, "ROLLTOP_STROE", "memory:")
    with running(tmp_path, "offline:", demo=False) as console:
        page = sign_in_only(browser, console)
        expect(page.get_by_text("ROLLTOP_STROE: unknown setting")).to_be_visible()
        page.close()
    assert "ROLLTOP_STROE: unknown setting" in (tmp_path / "console.log").read_text()
