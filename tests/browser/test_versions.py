"""Versions and requests in a browser: an auditor walks between them, and the pages are accessible and fit."""

import re
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, tool
from core.turn.deferred import report_turn
from tests.browser.test_accessibility import faults
from tests.browser.test_console import expect, overflow
from tests.browser.waits import drawn, unfold, wait_until
from tests.support.desks import APPROVER, ASKER, ended

QUESTION = "How many days of leave have I left?"


@tool(effect="unsafe", approval="approver")
def salary_letter(recipient: str) -> str:
    """Issue a letter."""
    return f"letter to {recipient}"


def script(request):
    asked = request.messages[-1].text if request.messages[-1].role == "user" else ""
    if asked.startswith("A letter to "):
        return [Call("salary_letter", {"recipient": asked.removeprefix("A letter to ")})]
    return [Say("You have 13 days.")]


async def fill(url):
    """A thread with a question of three versions, a request that was approved, and one that waits; their ids."""
    async with open_store(url) as store, Desk(store, ScriptedModel(script), tools=[salary_letter]) as desk:

        async def ask(text, **more):
            return await ended(desk, await desk.submit(ASKER, thread, text, **more))

        thread = (await desk.create_thread(ASKER, title="Leave and letters")).id
        first = await ask(QUESTION)
        for number in (2, 3):
            await ask(f"{QUESTION} ({number})", replaces=first.id)
            if number == 2:
                await desk.show(ASKER, first.id)
        calls = []
        for recipient in ("Bank Graz", "Bank Wien"):
            turn = await ask(f"A letter to {recipient}")
            calls += [call.id for call in (await desk.archive.turn_view(ASKER, turn.id)).calls]
        done = await desk.archive.call(ASKER, calls[0])
        await desk.decide(APPROVER, done.id, "approve", done.digest, reason="A known bank")
        await ended(desk, report_turn(thread, done.id)[0])
        return thread, first.id, calls


@pytest.fixture(scope="module")
def filled(offline, browser):
    with ThreadPoolExecutor(1) as worker:  # in this one Chromium's event loop runs
        return worker.submit(anyio.run, fill, f"sqlite:///{offline.folder}/desk.db").result()


def turn_of(page, text):
    return page.locator("[class*=st-key-tr_turn_]").filter(has_text=text)


def test_an_auditor_walks_between_versions_and_from_a_request_to_the_call_that_carried_it_out(offline, filled, sign_in):
    thread, first, _ = filled
    page = sign_in(offline, "e-2001")
    page.goto(f"{offline.url}/thread?tr_id={thread}&tr_turn={first}")
    shown = turn_of(page, "Version 3 of 3 of this question; shown since")
    expect(shown).to_be_visible()
    expect(page.get_by_text("Not on the branch that is shown now")).to_have_count(2)
    shown.get_by_role("button", name="Version 2").click()
    expect(page).to_have_url(re.compile(rf"tr_id={thread}&tr_turn=(?!{first})\w+$"))
    expect(turn_of(page, "Version 2 of 3 of this question")).to_be_in_viewport()
    letter = turn_of(page, "A letter to Bank Graz").first
    unfold(letter.locator("summary", has_text="Timeline"))
    unfold(letter.locator("summary", has_text="approved by e-3001"))
    expect(letter.get_by_text("A known bank")).to_be_visible()
    drawn(page)
    letter.get_by_role("link", name="Open the call that carries it out").click()
    expect(page).to_have_url(re.compile(r"/call\?tc_id=\w+-t1$"))
    expect(page.get_by_text("Planned, as an approver allowed it")).to_be_visible()
    page.get_by_role("button", name="Open the request that it carries out").click()
    expect(page.get_by_text("Decided and reported")).to_be_visible()
    expect(page.get_by_text("Reported in a turn of its own")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (390, "dark"),
        *(pytest.param(*one, marks=pytest.mark.torture) for one in ((1280, "dark"), (390, "light"))),
    ],
)
def test_versions_requests_and_their_cards_are_accessible_and_fit_the_screen(offline, filled, sign_in, width, scheme):
    thread, first, calls = filled
    broken = {}

    def check(page, name):
        wait_until(page, "!document.querySelector('[data-testid=stStatusWidget]')")
        # All of the page at once: what the header covers while it scrolls would be too small a target.
        page.set_viewport_size({"width": width, "height": 6000})
        broken.update({f"{name} {rule}": nodes for rule, nodes in faults(page).items()})
        assert overflow(page) <= 0

    auditor = sign_in(offline, "e-2001", width=width)
    auditor.emulate_media(color_scheme=scheme)
    auditor.goto(f"{offline.url}/thread?tr_id={thread}&tr_turn={first}")
    letter = turn_of(auditor, "A letter to Bank Graz").first
    unfold(letter.locator("summary", has_text="Timeline"))
    unfold(letter.locator("summary", has_text="approved by e-3001"))
    expect(letter.get_by_role("link", name="Open the call that carries it out")).to_be_visible()
    check(auditor, "thread")
    auditor.goto(f"{offline.url}/call?tc_id={calls[0]}")
    expect(auditor.get_by_text("Reported in a turn of its own")).to_be_visible()
    check(auditor, "call")
    approver = sign_in(offline, "e-3001", width=width)
    approver.emulate_media(color_scheme=scheme)
    approver.goto(f"{offline.url}/approvals")
    expect(approver.get_by_text("Bank Wien").first).to_be_visible()
    check(approver, "approvals")
    approver.get_by_role("link", name="Open this call").click()
    expect(approver.get_by_text("Waits for an approver")).to_be_visible()
    check(approver, "call of an approver")
    assert broken == {}
