"""The console: what a rerun of each page costs the server and the browser, and how long many askers wait.

The pages are drawn in a real Chromium from a real server. The base is an empty page of the same Streamlit.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from backends import open_store
from console.demo.mark import ADMINISTRATION
from console.sign_in.development import COOKIE
from core.clock import SystemClock
from core.log.commit import begin_stream
from core.log.facts import DemoMarked
from tests.bench import stored
from tests.bench.long_threads import write_past
from tests.bench.measuring import Goal, Row, Sizes, Skipped
from tests.support import consoles
from tests.support.desks import PATIENCE
from tests.support.paths import CHROMIUM, ROOT
from tests.support.ports import free_port
from tests.support.visits import cookie

ASK_HR = Goal(most=6)
THREAD = Goal(most=12)
LISTS = Goal(most=6)
TOGETHER = Goal(most=1.5)
WAIT = Goal(most=1000, of="ours")

SETTLE = 0.3
"""Seconds after a rerun in which the server and the browser finish what it has left them."""

COUNT_RUNS = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    window.runs = 0;
    new MutationObserver(() => {
        if (app.getAttribute('data-test-script-state') === 'notRunning') window.runs += 1;
    }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""
STEADY = "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
WORD = "Certainly"


@dataclass(frozen=True, slots=True)
class Server:
    """A running console, or the empty page in its place."""

    url: str
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU time that it has had, its ended threads included."""
        # Linux numbers the clock of another process so; psutil's figures are in steps of 10 ms.
        return time.clock_gettime((~self.pid << 3) | 2)


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and what opens it. `role` is that of the viewer."""

    name: str
    path: str
    role: str = "auditor"
    goal: Goal | None = None


_VIEWERS = {
    "employee": cookie("e-1042"),
    "auditor": cookie("e-2001", "auditor", "benchmark"),
    "approver": cookie("e-3001", "approver"),
    "knowledge_owner": cookie("e-4001", "knowledge_owner"),
}


async def rows(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """Reruns of every page, and askers at once."""
    await _write_store(sizes, folder)
    (folder / "empty.py").write_text("import streamlit as st\n\nst.empty()\n")
    answer = f"{WORD}, " + " ".join(f"word{number}" for number in range(99))
    script = {"delay_ms": 10, "answers": [[{"say": answer}]], "loop": True}
    (folder / "script.json").write_text(json.dumps(script))
    with _serving(folder, "console") as console:
        if reason := _no_browser():
            yield Skipped(name="reruns of the console's pages", why=reason)
        else:
            with _serving(folder, str(folder / "empty.py")) as empty:
                async for row in _reruns(sizes, console, empty):
                    yield row
        async for row in _askers(sizes, console):
            yield row


async def _write_store(sizes: Sizes, folder: Path) -> None:
    async with open_store(f"sqlite:///{folder}/desk.db") as store:
        # A demo, because the sign-in of the visitors serves no other store.
        await begin_stream(store, SystemClock(), ADMINISTRATION, [DemoMarked()], patience=PATIENCE)
        for number, some in enumerate(stored.batches(stored.conversations(sizes.drawn_threads))):
            await store.commit("thread:bench", 0, [], some, id=f"bench-{number}")
        for messages in sizes.drawn_messages:
            if messages:
                await write_past(store, f"past-{messages}", messages)


@contextmanager
def _serving(folder: Path, script: str) -> Iterator[Server]:
    port = free_port()
    environment = {
        **os.environ,
        "ROLLTOP_STORE": f"sqlite:///{folder}/desk.db",
        "ROLLTOP_MODEL": f"scripted:{folder}/script.json",
        "ROLLTOP_HANDBOOKS": "",
    }
    process = consoles.launch(folder, port, script, cwd=ROOT, env=environment)
    try:
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        consoles.end(process)


def _no_browser() -> str | None:
    try:
        import playwright.async_api  # noqa: F401
    except ModuleNotFoundError:
        return "playwright is not installed"
    return None if CHROMIUM else "Chromium is not installed"


def _pages(sizes: Sizes) -> list[Page]:
    few = min(n for n in sizes.drawn_messages if n)
    return [
        *(
            Page(f"Ask HR, {n:,} messages", f"/?thread=past-{n}" if n else "/", "employee", ASK_HR)
            for n in sizes.drawn_messages
        ),
        Page("Thread, its newest turns", f"/thread?tr_id=past-{sizes.drawn_messages[-1]}", goal=THREAD),
        Page(f"Thread, {few:,} messages", f"/thread?tr_id=past-{few}", goal=THREAD),
        Page(f"Threads, of {sizes.drawn_threads:,}", "/threads", goal=LISTS),
        Page(f"Tool calls, of {sizes.drawn_threads:,}", "/tool-calls", goal=LISTS),
        Page("Audit log", "/audit-log", goal=LISTS),
        Page("Tool call", "/call?tc_id=q-1-t1"),
        Page("Overview", "/overview"),
        Page("Approvals", "/approvals", "approver"),
        Page("Handbooks", "/handbooks", "knowledge_owner"),
    ]


@dataclass(slots=True)
class Tab:
    """An open page: milliseconds of CPU time for one rerun, of the server and of the browser's main thread."""

    page: Any
    metrics: Any
    server: Server
    spent: float = float("inf")
    drawn: float = float("inf")

    async def rerun(self) -> None:
        """One more rerun, as the key R brings it."""
        await self.page.bring_to_front()
        before, drawn, runs = self.server.cpu(), await self._main_thread(), await self.page.evaluate("window.runs")
        await self.page.keyboard.press("r")
        await self.page.wait_for_function(f"window.runs > {runs}")
        await anyio.sleep(SETTLE)
        self.spent = min(self.spent, 1000 * (self.server.cpu() - before))
        self.drawn = min(self.drawn, 1000 * (await self._main_thread() - drawn))

    async def _main_thread(self) -> float:
        answer = await self.metrics.send("Performance.getMetrics")
        return next(metric["value"] for metric in answer["metrics"] if metric["name"] == "TaskDuration")


async def _reruns(sizes: Sizes, console: Server, empty: Server) -> AsyncIterator[Row]:
    pages = _pages(sizes)[: sizes.pages]
    async with _browser() as browser:
        nothing = await _open(browser, empty, Page("empty", "/"))
        tabs = [await _open(browser, console, page) for page in pages]
        for _ in range(sizes.reruns):
            for tab in [nothing, *tabs]:
                await tab.rerun()
    for page, tab in zip(pages, tabs, strict=True):
        yield Row(name=f"rerun, server: {page.name}", unit="ms", ours=tab.spent, bare=nothing.spent, goal=page.goal)
    for page, tab in zip(pages, tabs, strict=True):
        yield Row(name=f"rerun, browser: {page.name}", unit="ms", ours=tab.drawn, bare=nothing.drawn)


@asynccontextmanager
async def _browser() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as started:
        chromium = await started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        await chromium.close()


async def _open(browser: Any, server: Server, page: Page) -> Tab:
    # Playwright's waits evaluate texts in the page, which the console's content policy refuses.
    context = await browser.new_context(viewport={"width": 1280, "height": 844}, bypass_csp=True)
    context.set_default_timeout(1000 * PATIENCE)
    await context.add_cookies([{"name": COOKIE, "value": _VIEWERS[page.role], "url": server.url}])
    tab = await context.new_page()
    await tab.goto(server.url + page.path)
    await tab.wait_for_function(STEADY)
    await anyio.sleep(SETTLE)
    await tab.evaluate(COUNT_RUNS)
    metrics = await context.new_cdp_session(tab)
    await metrics.send("Performance.enable")
    return Tab(tab, metrics, server)


async def _askers(sizes: Sizes, console: Server) -> AsyncIterator[Row]:
    await to_thread.run_sync(_ask, console.url, 1)  # what only the server's first question pays is no usual wait
    singles: list[float] = []
    together: list[float] = []
    for _ in range(sizes.reruns):
        singles += await to_thread.run_sync(_ask, console.url, 1)
        together += await to_thread.run_sync(_ask, console.url, sizes.together)
    alone = _quantile(singles, 0.5)
    yield Row(
        name=f"{sizes.together} askers at once, first text, p95", unit="ms",
        ours=1000 * _quantile(together, 0.95), bare=1000 * alone, goal=TOGETHER,
    )  # fmt: skip
    for count in sizes.askers:
        before = console.cpu()
        waits = await to_thread.run_sync(_ask, console.url, count)
        p50, p95 = (_quantile(waits, part) for part in (0.5, 0.95))
        name = f"{count} askers at once"
        yield Row(name=f"{name}, first text over one asker's, p50", unit="ms", ours=1000 * (p50 - alone))
        yield Row(
            name=f"{name}, first text over one asker's, p95", unit="ms", ours=1000 * (p95 - alone),
            goal=WAIT if count == 50 else None,
        )  # fmt: skip
        yield Row(name=f"{name}, server", unit="ms", ours=1000 * (console.cpu() - before))


def _quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def _ask(url: str, count: int) -> list[float]:
    command = [sys.executable, "-m", "tests.bench.askers", url, str(count), WORD]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
