"""Pages of oversight and administration pass axe-core's rules of WCAG 2.2 A and AA: light, dark, wide and narrow."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from backends.stores.opening import open_store
from core.desk.oversight import Oversight
from core.gate import Viewer
from tests.browser.waits import wait_until

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
STREAMLITS = {"list", "listitem", "svg-img-alt"}
"""Rules that Streamlit's own menu sections and sparklines break."""


async def evidence(url):
    """The ids of a thread and of a tool call of the store."""
    async with open_store(url) as store:
        (call, *_) = (await Oversight(store).search_calls(Viewer("e-2002", {"auditor"}, purpose="test"))).items
        return call.thread, call.id


@pytest.fixture(scope="module")
def asked(offline, browser):
    """A console in which an employee has asked about their balance; the pages of oversight that show it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(offline.url)
    page.get_by_text("e-1042", exact=True).click()
    page.get_by_role("button", name="Sign in").click()
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("How many vacation days do I have left?")
    box.press("Enter")
    page.get_by_test_id("stFeedback").first.wait_for()
    context.close()
    with ThreadPoolExecutor(1) as thread:  # in this one, the browser's own loop runs
        thread_id, call_id = thread.submit(asyncio.run, evidence(f"sqlite:///{offline.folder}/desk.db")).result()
    return {
        "overview": "Care",
        "threads": "Threads",
        "tool-calls": "Tool calls",
        f"thread?tr_id={thread_id}": "How many vacation days do I have left?",
        f"call?tc_id={call_id}": "On record",
        "audit-log": "Audit log",
    }


def faults(page):
    """The rules that the page breaks, each with the elements that break it."""
    found = axe.Axe().run(page, options=RULES).response["violations"]
    return {
        rule["id"]: [f"{node['html'][-120:]} {node['failureSummary'][-200:]}" for node in rule["nodes"]]
        for rule in found
        if rule["id"] not in STREAMLITS
    }


SIZES = pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.torture)]
)


@SIZES
def test_each_page_of_oversight_is_accessible_and_fits_the_screen(offline, asked, sign_in, width, scheme):
    page = sign_in(offline, "e-2001", width=width)
    page.emulate_media(color_scheme=scheme)
    broken = {}
    for path, heading in asked.items():
        page.goto(f"{offline.url}/{path}")
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        if path.startswith("thread?"):
            page.get_by_text("Timeline", exact=False).and_(page.locator("p")).first.click()
            page.get_by_text("Judge", exact=True).click()
            page.get_by_text("Handbook search").or_(page.get_by_text("Vacation balance")).first.wait_for()
        wait_until(page, "!document.querySelector('[data-testid=stStatusWidget]')")
        broken |= {f"{path} {rule}": nodes for rule, nodes in faults(page).items()}
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert broken == {}


@SIZES
def test_the_pages_of_administration_are_accessible_and_fit_the_screen(offline, sign_in, width, scheme):
    page = sign_in(offline, "e-7001", width=width)
    page.emulate_media(color_scheme=scheme)
    broken = {}
    for path, opens in {"system": "Examine everything", "people": "Preview a role", "tools": "Tools & models"}.items():
        page.goto(f"{offline.url}/{path}")
        if path == "system":
            page.get_by_role("button", name=opens).click()
            page.get_by_text("Examined:").wait_for()
            page.get_by_text("How it is").click()
            page.get_by_text("Synchronous:").wait_for()
        else:
            page.get_by_role("heading", name=opens, exact=True).wait_for()
        wait_until(page, "!document.querySelector('[data-testid=stStatusWidget]')")
        broken |= {f"{path} {rule}": nodes for rule, nodes in faults(page).items()}
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert broken == {}
