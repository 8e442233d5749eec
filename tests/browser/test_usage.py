"""Usage in a browser: an administrator reads what the desk took, on a wide and a narrow screen, by keyboard too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from backends.stores.opening import open_store
from tests.browser.waits import wait_until
from tests.support.hand_made import Asked, fill

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
accessibility = pytest.importorskip("tests.browser.test_accessibility", reason="axe-playwright-python is not installed")

LONG = "anthropic:a-model-whose-name-is-as-long-as-that-of-any-other-model-20261130"


async def put(url):
    """Questions of two weeks: of 14 people in Austria and of 24 in Germany each day, of 4 in the UK on one day."""
    now = datetime.now(UTC)
    people = [(14, "acme austria", "openai:small"), (24, "acme germany", "anthropic:large")]
    asked = [
        Asked(
            thread=f"{entity.split()[1]}-{day}-{i}",
            owner=f"{entity.split()[1]}-{i}",
            at=now - timedelta(days=day),
            entity=entity,
            model=model,
            costs=(300_000 * (1 + (day * 7 + i) % 5),),
        )
        for count, entity, model in people
        for day in range(14)
        for i in range(count)
    ]
    asked += [  # of some of them it is unknown what they cost and took, which takes most room
        Asked(thread=f"more-{i}", owner=f"germany-{i}", at=now, entity="acme germany", model=LONG, costs=(None,) * 3)
        for i in range(24)
    ]
    asked += [Asked(thread=f"uk-{i}", owner=f"uk-{i}", at=now, entity="acme uk", costs=(None,)) for i in range(4)]
    async with open_store(url) as store:
        await fill(store, asked)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_administrator_reads_the_usage_of_groups(offline, sign_in, width, scheme):
    with ThreadPoolExecutor(1) as thread:  # in this one, the browser's own loop runs
        thread.submit(asyncio.run, put(f"sqlite:///{offline.folder}/desk.db")).result()
    page = sign_in(offline, "e-7001", width=width)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{offline.url}/usage")
    expect(page.get_by_role("heading", name="Questions per day")).to_be_visible()
    page.get_by_role("tab", name="Entity").press("Enter")
    table = page.get_by_role("tabpanel").filter(visible=True)
    expect(table.get_by_text("acme germany")).to_be_visible()
    expect(table.get_by_text("fewer than 10 people")).to_be_visible()
    for by, named in {"Entity": "acme germany", "Model": LONG, "Day": "2026-"}.items():
        page.get_by_role("tab", name=by).press("Enter")
        expect(table.get_by_text(named).first).to_be_visible()
        wait_until(page, "!document.querySelector('[data-testid=stStatusWidget]')")
        assert accessibility.faults(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "uk-" not in page.content()
    page.goto(f"{offline.url}/my-data")
    expect(page.get_by_role("heading", name="What you have used")).to_be_visible()
    expect(page.get_by_text("no answer yet").first).to_be_visible()
