"""The page around the conversation on Ask HR: what a browser keeps of it, what keys do, and what a phone shows."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from backends.stores.opening import open_store
from console.drawing.ai_notice import NOTICE
from core import Archive
from core.gate import Viewer
from tests.browser.test_accessibility import faults
from tests.browser.test_console import ask, ended, expect, overflow
from tests.browser.waits import press, wait_until
from tests.support.consoles import CATALOGUE, running

PHONE = 390


def held(name):
    """A question whose answer goes on once the file `name` is in the console's folder."""
    steps = [[{"say": "One two three"}, {"wait_for_file": name}, {"say": " four five six seven."}]]
    return {"contains": name, "steps": steps}


@pytest.fixture(scope="module")
def desk(browser, sample_catalogue, tmp_path_factory):
    """A console whose model answers at once, or once a file lets it, or asks to book leave."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    leave = {"call": "request_leave", "arguments": {"start": "2030-03-04", "end": "2030-03-05"}}
    lines = "\n\n".join(f"Line {n}" for n in range(60))
    script = {
        "questions": [
            *map(held, ("slowly", "patiently", "calmly", "gently", "softly", "quietly")),
            {"contains": "book leave", "steps": [[leave], [{"say": "It is booked."}]]},
            {
                "contains": "at length",
                "steps": [[{"say": lines}, {"wait_for_file": "length"}, {"say": "\n\nThe end."}]],
            },
            {"contains": "", "steps": [[{"say": "Certainly."}]]},
        ]
    }
    (folder / "script.json").write_text(json.dumps(script))
    with running(folder, f"scripted:{folder}/script.json") as console:
        yield console


@pytest.fixture
def sign_in_anew(browser, desk):
    """Signs in at the console as a person does, in a browser profile of their own."""
    contexts = []

    def sign_in(person):
        contexts.append(context := browser.new_context())
        page = context.new_page()
        page.goto(desk.url)
        choose(page, person)
        return page

    yield sign_in
    for context in contexts:
        context.close()


def choose(page, person):
    page.get_by_text(person, exact=True).click()
    page.get_by_role("button", name="Sign in").click()
    box(page).wait_for()


def box(page):
    return page.get_by_role("textbox", name="Ask about leave")


def new_thread(page):
    page.locator(".st-key-chat_new button").click()


def sidebar(page):
    return page.get_by_test_id("stSidebar")


def listed(page, title):
    """The thread in the list."""
    return page.locator("[class*=st-key-chat_open_]").get_by_role("button", name=title)


def chip(page, text):
    return page.locator("[class*=st-key-chat_chip_0], [class*=st-key-chat_chip_1]").filter(has_text=text).first


def said(page):
    return page.locator("[class*=st-key-scripts_spoken]").get_by_role("status")


def on_record(desk, work):
    """What `work` gives, which is called with the store of the console."""

    async def read():
        async with open_store(f"sqlite:///{desk.folder}/desk.db") as store:
            return await work(store)

    with ThreadPoolExecutor(1) as thread:  # in this one, the browser's own loop runs
        return thread.submit(asyncio.run, read()).result()


def questions(desk, page):
    """The questions of the thread on the page, as they are on record."""
    thread_id = page.url.rpartition("thread=")[2]
    person = sidebar(page).locator("strong").first.inner_text()
    transcript = on_record(desk, lambda store: Archive(store).transcript(Viewer(person), thread_id))
    return [view.turn.question for view in transcript.turns]


def test_a_draft_survives_a_reload_and_other_threads_and_goes_when_it_is_sent(desk, sign_in):
    page = sign_in(desk, "e-1042")
    ask(page, "First thread")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    box(page).fill("A draft in the first thread")
    page.reload()
    expect(box(page)).to_have_value("A draft in the first thread")
    new_thread(page)
    expect(box(page)).to_have_value("")
    box(page).fill("A draft of a new thread")
    listed(page, "First thread").click()
    expect(box(page)).to_have_value("A draft in the first thread")
    new_thread(page)
    expect(box(page)).to_have_value("A draft of a new thread")
    box(page).press("Enter")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(box(page)).to_have_value("")
    page.reload()
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(box(page)).to_have_value("")
    new_thread(page)
    expect(page.get_by_role("heading", name="Ask HR", exact=True)).to_be_visible()
    expect(box(page)).to_have_value("")


def test_signing_out_ends_every_tab_and_the_next_person_sees_neither_the_thread_nor_the_draft(desk, sign_in_anew):
    page = sign_in_anew("e-1203")
    ask(page, "Something private")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    wait_until(page, "document.cookie.includes('e-1203')")
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_text("Certainly.")).to_be_visible()
    box(second).fill("A private draft")
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, second):
        expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
        expect(tab.get_by_text("Certainly.")).to_have_count(0)
        expect(tab).to_have_url(f"{desk.url}/")
    choose(page, "e-1310")
    expect(sidebar(second).get_by_text("e-1310")).to_be_visible()
    for tab in (page, second):
        expect(box(tab)).to_have_value("")
        assert "private" not in tab.evaluate("JSON.stringify(localStorage)")


def test_a_tab_of_another_person_follows_a_new_sign_in(desk, sign_in_anew):
    first = sign_in_anew("e-1042")
    wait_until(first, "document.cookie.includes('e-1042')")
    page = first.context.new_page()
    page.goto(desk.url)
    box(page).wait_for()
    # As a tab that was asleep meanwhile: it gets no message, and finds the other cookie when it is looked at.
    first.evaluate("document.cookie = document.cookie.replace('e-1042', 'e-1077') + '; path=/'")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(sidebar(page).get_by_text("e-1077")).to_be_visible()


def test_the_notice_stays_until_it_is_acknowledged_and_then_never_comes_in_any_browser(desk, sign_in_anew):
    page = sign_in_anew("e-1077")
    understand = page.get_by_role("button", name="I understand")
    expect(page.get_by_text("You are talking to an AI.")).to_be_visible()
    assert faults(page) == {}
    ask(page, "Does this block me?")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    page.reload()
    understand.click()
    expect(understand).to_have_count(0)
    other = sign_in_anew("e-1077")
    expect(other.get_by_role("button", name="Who can see this?")).to_be_visible()
    expect(other.get_by_text("Ask about policies").first).to_be_visible()
    expect(other.get_by_role("button", name="I understand")).to_have_count(0)
    person = on_record(desk, lambda store: Archive(store).person(Viewer("e-1077")))
    assert person.notice == NOTICE
    other.get_by_role("button", name="Who can see this?").click()
    expect(other.get_by_text("Your manager cannot.")).to_be_visible()


def test_a_question_during_a_turn_waits_is_edited_removed_kept_over_a_reload_and_asked_once(desk, sign_in):
    page = sign_in(desk, "e-1042")
    ask(page, "Go slowly")
    expect(page.get_by_text("One two three")).to_be_visible()
    ask(page, "Second")
    expect(chip(page, "Second")).to_be_visible()
    ask(page, "Third, patiently")
    expect(chip(page, "Third")).to_be_visible()
    assert faults(page) == {}
    box(page).fill("typed meanwhile")
    chip(page, "Second").get_by_role("button", name="Edit").click()
    expect(box(page)).to_have_value("Second\ntyped meanwhile")
    expect(chip(page, "Second")).to_have_count(0)
    ask(page, "Fourth")
    chip(page, "Fourth").get_by_role("button", name="Remove").click()
    expect(chip(page, "Fourth")).to_have_count(0)
    page.reload()
    expect(chip(page, "Third")).to_be_visible()
    (desk.folder / "slowly").touch()
    expect(page.get_by_text("One two three four five six seven.", exact=True)).to_be_visible()
    expect(page.get_by_text("One two three ▍")).to_be_visible()
    expect(chip(page, "Third")).to_have_count(0)
    page.reload()
    (desk.folder / "patiently").touch()
    expect(page.get_by_text("One two three four five six seven.", exact=True)).to_have_count(2)
    ended(page)
    assert questions(desk, page) == ["Go slowly", "Third, patiently"]


def test_a_waiting_question_stays_while_the_turn_waits_for_its_askers_approval(desk, sign_in):
    page = sign_in(desk, "e-1042")
    ask(page, "Please book leave")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    ask(page, "And then?")
    expect(chip(page, "And then?")).to_be_visible()
    expect(page.get_by_text("once you have approved or denied")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("It is booked.")).to_be_visible()
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(chip(page, "And then?")).to_have_count(0)
    assert questions(desk, page) == ["Please book leave", "And then?"]


def test_keys_lead_to_the_box_the_search_a_new_thread_and_their_list(desk, sign_in):
    page = sign_in(desk, "e-1042")
    ask(page, "Keys and threads")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    page.get_by_role("heading", name="Keys and threads").click()
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.type("1/2?")
    expect(box(page)).to_have_value("1/2?")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Search your threads")).to_be_focused()
    page.get_by_role("heading", name="Keys and threads").click()
    page.keyboard.press("Shift+?")
    expect(page.get_by_text("Search your threads").and_(page.locator("li"))).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "Control+Shift+o")
    expect(page.get_by_role("heading", name="Ask HR", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{desk.url}/")


def test_the_end_of_a_followed_turn_is_said_once_and_not_of_an_old_one(desk, sign_in):
    page = sign_in(desk, "e-1042")
    expect(said(page)).to_have_text("")
    ask(page, "Go calmly")
    expect(page.get_by_text("One two three")).to_be_visible()
    expect(said(page)).to_have_text("")
    (desk.folder / "calmly").touch()
    expect(said(page)).to_have_text("Answer complete")
    ask(page, "Go gently")
    expect(page.get_by_text("One two three ▍")).to_be_visible()
    press(page, "Escape")
    expect(said(page)).to_have_text("Answer stopped")
    ask(page, "Please book leave")
    expect(said(page)).to_have_text("Waiting for your approval")
    page.reload()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    expect(said(page)).to_have_text("")


def test_a_thread_of_yesterday_is_two_taps_away_on_a_phone_and_the_keyboard_leaves_the_box_in_view(desk, sign_in):
    page = sign_in(desk, "e-1310", width=PHONE)
    expect(page.get_by_text("You are talking to an AI.")).to_be_in_viewport()
    expect(page.get_by_role("button", name="How many vacation days")).to_be_in_viewport()
    ask(page, "Yesterday's thread")
    expect(page.get_by_text("Certainly.")).to_be_visible()
    question = page.get_by_test_id("stChatMessage").first
    page.get_by_role("button", name="I understand").click()
    expect(page.get_by_role("button", name="I understand")).to_have_count(0)
    assert question.bounding_box()["y"] < 844 / 3
    page.goto(desk.url)
    page.get_by_test_id("stExpandSidebarButton").click()
    thread = listed(page, "Yesterday's thread")
    expect(thread).to_be_visible()
    assert faults(page) == {}
    thread.click()
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(sidebar(page)).to_have_attribute("data-collapsed", "true")
    assert overflow(page) <= 0
    assert "interactive-widget=resizes-content" in page.locator("meta[name=viewport]").get_attribute("content")
    page.set_viewport_size({"width": PHONE, "height": 844 - 400})  # what that makes of an open keyboard
    assert box(page).bounding_box()["y"] + box(page).bounding_box()["height"] < 844 - 400


def test_a_growing_answer_is_followed_only_while_its_reader_is_at_the_end(desk, sign_in):
    page = sign_in(desk, "e-1203", width=PHONE)
    ask(page, "Answer at length")
    expect(page.get_by_text("Line 59", exact=False)).to_be_in_viewport()
    # Streamlit moves there smoothly, and only once it rests is it the reader who leaves the end.
    wait_until(
        page,
        "window.rested === (window.rested = document.querySelector("
        "'[data-testid=stAppScrollToBottomContainer]').scrollTop)",
        pause=300,
    )
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -4000)
    expect(page.get_by_text("Line 1", exact=True)).to_be_in_viewport()
    (desk.folder / "length").touch()
    expect(page.get_by_text("The end.")).to_be_attached()
    ended(page)
    expect(page.get_by_text("The end.")).not_to_be_in_viewport()
