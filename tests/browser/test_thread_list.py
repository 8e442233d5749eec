"""A person's day with the list of their threads, at a desktop and on a phone."""

import pytest

from tests.browser.test_accessibility import faults

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

LEFT = "How many vacation days do I have left?"
REMOTE = "What is our policy on remote work?"


def ask(page, question):
    page.get_by_role("button", name="New thread").click()
    expect(page.get_by_role("heading", name="Ask HR")).to_be_visible()  # no thread's title
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill(question)
    box.press("Enter")
    expect(page.get_by_test_id("stFeedback")).to_be_visible()


def row(page, title):
    return page.get_by_test_id("stSidebar").get_by_role("button", name=title, exact=True)


def choose(page, title, deed):
    """Open the thread, and choose in its menu."""
    row(page, title).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.get_by_role("button", name="This thread").click()
    page.get_by_role("menuitem", name=deed).click()


def test_a_day_with_the_list(offline, sign_in):
    page = sign_in(offline, "e-1042")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("Ask a question to start a thread")).to_be_visible()
    ask(page, LEFT)
    ask(page, REMOTE)
    expect(sidebar.get_by_text("Today")).to_be_visible()

    choose(page, REMOTE, "Rename")
    title = page.get_by_role("textbox", name="Title")
    title.fill("Working from Graz")
    title.press("Enter")
    expect(row(page, "Working from Graz")).to_be_visible()
    expect(row(page, REMOTE)).to_have_count(0)

    choose(page, LEFT, "Pin")
    expect(sidebar.get_by_text("Pinned")).to_be_visible()
    titles = sidebar.locator("[class*=st-key-chat_open_]")
    expect(titles).to_have_text([LEFT, "Working from Graz"])

    search = page.get_by_role("searchbox", name="Search your threads")
    search.fill("graz")
    search.press("Enter")
    expect(titles).to_have_text(["Working from Graz"])
    search.fill("vacation days")
    search.press("Enter")
    expect(titles).to_have_text([LEFT])
    expect(sidebar.locator("strong").first).to_be_visible()
    row(page, LEFT).click()
    expect(page.get_by_test_id("stChatMessage").first).to_contain_text(LEFT)
    search.fill("")
    search.press("Enter")

    choose(page, "Working from Graz", "Archive")
    expect(titles).to_have_text([LEFT])
    sidebar.get_by_text("Archived").click()
    expect(titles).to_have_text([LEFT, "Working from Graz"])

    choose(page, LEFT, "Ask for erasure")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("will be erased in 30 days")).to_be_visible()
    assert faults(page) == {}
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(sidebar.get_by_text("Will be erased")).to_have_count(0)
    choose(page, LEFT, "Ask for erasure")
    dialog.get_by_role("button", name="Ask for erasure").click()
    expect(sidebar.get_by_text("Will be erased on")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert faults(page) == {}
    choose(page, LEFT, "Take back the request for erasure")
    expect(sidebar.get_by_text("Will be erased on")).to_have_count(0)

    choose(page, "Working from Graz", "Put back")
    expect(sidebar.get_by_text("To keep a thread out of the list")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.get_by_role("button", name="This thread").click()
    page.get_by_role("menuitem", name="Rename").click()
    title.fill("A title that is longer than a list on a phone is wide, so that it is cut at its end")
    title.press("Enter")
    expect(page.get_by_role("heading", name="A title that is longer")).to_be_visible()
    page.get_by_test_id("stExpandSidebarButton").click()
    long = sidebar.locator("[class*=st-key-chat_open_]").last
    expect(long).to_have_text("A title that is longer than a list on a phone is wide, so that it is cut at its end")
    assert long.bounding_box()["height"] < 50  # one line
    assert faults(page) == {}
