"""The Overview in a browser: a figure leads to as many rows as it says."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from backends.stores.opening import open_store
from tests.support.hand_made import Asked, fill

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


async def put(url):
    """Calls of seven people, three of which failed, and one in a sealed thread that failed too."""
    at = datetime.now(UTC) - timedelta(hours=1)
    async with open_store(url) as store:
        await fill(
            store,
            [
                Asked(
                    thread=f"made-{i}",
                    owner=f"e-{i}",
                    at=at,
                    outcome="failed" if i < 4 else "sourced",
                    tools=[("vacation_balance", "timed_out" if i < 4 else "succeeded")],
                    seals=i == 0,
                )
                for i in range(8)
            ],
        )


@pytest.mark.parametrize("width", [1280, 390])
def test_a_figure_opens_the_list_with_as_many_rows(offline, sign_in, width):
    with ThreadPoolExecutor(1) as thread:  # in this one, the browser's own loop runs
        thread.submit(asyncio.run, put(f"sqlite:///{offline.folder}/desk.db")).result()
    page = sign_in(offline, "e-2001", width=width)
    page.goto(f"{offline.url}/overview")
    expect(page.get_by_role("heading", name="Care")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Open 3 threads").click()
    expect(page).to_have_url(re.compile("th_time=30d&th_outcome=failed"))
    expect(page.get_by_text("3 threads · counted")).to_be_visible()
    page.goto(f"{offline.url}/overview")
    page.get_by_role("link", name="Open 3 calls").click()
    expect(page.get_by_text("3 calls · counted")).to_be_visible()
