"""An auditor reads a thread in a browser: a link to a turn leads to it, and its evidence is two clicks away."""

import re
from concurrent.futures import ThreadPoolExecutor

import anyio

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel
from core import Desk
from tests.browser.test_console import ask, ended, expect, overflow
from tests.browser.waits import unfold, wait_until
from tests.support import desks

REMOTE = "What is our policy on remote work?"


def ask_more(console, thread, count):
    """Ask so many more questions in the thread, by a program of the employee's."""

    async def go():
        async with (
            open_store(f"sqlite:///{console.folder}/desk.db") as store,
            Desk(store, ScriptedModel(lambda _: [Say("Yes.")])) as desk,
        ):
            for number in range(count):
                await desks.ended(desk, await desk.submit(desks.ASKER, thread, f"Question {number}"))

    with ThreadPoolExecutor(1) as worker:  # in this one Chromium's event loop runs
        worker.submit(anyio.run, go).result()


def ask_about_remote_work(console, sign_in):
    """The address of a new thread with that question, in the chat."""
    page = sign_in(console, "e-1042")
    ask(page, REMOTE)
    expect(page.get_by_text("Policy says")).to_be_visible()
    ended(page)
    expect(page).to_have_url(re.compile("thread="))
    return page.url


def test_a_link_of_an_employees_leads_to_the_thread_and_a_link_to_a_turn_leads_to_it(offline, sign_in):
    thread = ask_about_remote_work(offline, sign_in)
    ask_more(offline, thread.partition("thread=")[2], 11)
    auditor = sign_in(offline, "e-2001")
    auditor.goto(thread)
    expect(auditor).to_have_url(re.compile(r"/thread\?tr_id=\w+$"))
    newest = auditor.locator("[class*=st-key-tr_turn_]").last
    expect(newest).to_be_in_viewport()
    auditor.get_by_role("button", name="Earlier").click()
    turn = auditor.locator("[class*=st-key-tr_turn_]").filter(has_text=REMOTE)
    turn.get_by_role("button", name="Link").click()
    link = auditor.get_by_test_id("stPopoverBody").locator("code").inner_text().strip()
    assert re.fullmatch(re.escape(offline.url) + r"/thread\?tr_id=\w+&tr_turn=\w+", link)
    other = auditor.context.new_page()
    other.goto(link)
    hit = other.locator("[class*=st-key-tr_turn_]").filter(has_text=REMOTE)
    expect(hit).to_be_in_viewport()
    wait_until(other, "turn => Math.abs(turn.getBoundingClientRect().top) < 100", hit.element_handle())
    # Why it was answered: the timeline, then the step.
    unfold(hit.locator("summary", has_text="Timeline"))
    unfold(hit.locator("summary", has_text="Search"))
    expect(hit.get_by_text("Confidence", exact=True)).to_be_visible()
    expect(hit.get_by_text("Threshold", exact=True)).to_be_visible()
    assert auditor.locator("img[src^=http]").count() == 0


def test_the_timeline_of_a_turn_fits_a_phone(offline, sign_in):
    thread = ask_about_remote_work(offline, sign_in)
    auditor = sign_in(offline, "e-2001", width=390)
    auditor.goto(thread)
    unfold(auditor.locator("summary", has_text="Timeline").last)
    unfold(auditor.locator("summary", has_text="Made with").last)
    expect(auditor.get_by_text("Instructions", exact=True).first).to_be_visible()
    assert overflow(auditor) <= 0
