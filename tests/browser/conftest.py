"""A real console in a process of its own, a real Chromium, and a server that counts what it is asked for."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
PURPOSE = "quality sample"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ROOT / "tests" / "browser" in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Console:
    """A running console; `folder` holds its store, and its script if it has one."""

    url: str
    folder: Path


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def start(folder: Path, model: str, port: int, store: str | None = None) -> "subprocess.Popen[bytes]":
    """A console as a newcomer starts it, from the root; its store is in its folder, or the one that this URL names.

    Returns once it answers.
    """
    store = store or f"sqlite:///{folder}/desk.db"
    environment = {**os.environ, "ROLLTOP_STORE": store, "ROLLTOP_MODEL": model}
    command = [sys.executable, "-m", "streamlit", "run", "console", "--server.headless=true", f"--server.port={port}"]
    with (folder / "console.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    _wait_until_healthy(process, f"http://127.0.0.1:{port}/_stcore/health", folder / "console.log")
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the console to end, and kill it by its pid if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@contextmanager
def running(folder: Path, model: str, store: str | None = None) -> Iterator[Console]:
    """A console for as long as the block lasts."""
    port = free_port()
    process = start(folder, model, port, store)
    try:
        yield Console(f"http://127.0.0.1:{port}", folder)
    finally:
        end(process)


def _wait_until_healthy(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the console ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the console does not answer: {log.read_text()}")


@pytest.fixture(scope="module")
def offline(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with the offline model, as a newcomer has it."""
    with running(tmp_path_factory.mktemp("offline"), "offline:") as console:
        yield console


@dataclass(frozen=True)
class Catcher:
    """A server that images could be loaded from; `paths` are what it was asked for."""

    url: str
    paths: list[str]


@pytest.fixture(scope="module")
def catcher() -> Iterator[Catcher]:
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Catcher(f"http://127.0.0.1:{server.server_port}", paths)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def scripted(browser: Any, catcher: Catcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose model says what these tests need; a file in its folder lets a held answer go on."""
    folder = tmp_path_factory.mktemp("scripted")
    image = f"![answer]({catcher.url}/answer.png) \\![escaped]({catcher.url}/escaped.png) ![by reference][r]"
    script = {
        "questions": [
            {
                "contains": "slowly",
                "steps": [[{"say": "One two three"}, {"wait_for_file": "go"}, {"say": " four five six seven."}]],
            },
            {"contains": "forever", "steps": [[{"say": "It begins"}, {"wait_for_file": "never"}]]},
            {
                "contains": "picture",
                "steps": [[{"say": f"Look: {image}\n\n[r]: {catcher.url}/reference.png\n\nSeen."}]],
            },
            {
                "contains": "then fails",
                "steps": [
                    [
                        {"call": "vacation_balance", "arguments": {}},
                        {"bill": {"input": 90, "output": 7}, "cost": 1_200_000},
                    ],
                    [{"fail": "auth", "message": "the key was refused"}],
                ],
            },
            {"contains": "broken", "steps": [[{"say": "As far as"}, {"cut": True}]]},
        ]
    }
    (folder / "script.json").write_text(json.dumps(script))
    with running(folder, f"scripted:{folder}/script.json") as console:
        yield console


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for one module: while it is driven, its own event loop runs in this thread, and no other can."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def sign_in(browser: Any) -> Iterator[Any]:
    """Signs somebody in at a console, in a browser profile of their own, and gives their tab."""
    contexts = []

    def sign_in(console: Console, person: str, width: int = 1280) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 844})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(console.url)
        page.get_by_text(person, exact=True).click()
        if person == "e-2001":
            page.get_by_label("Purpose").fill(PURPOSE)
            page.get_by_label("Purpose").press("Enter")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_function("document.cookie.includes('rolltop_development_sign_in=%7B')")
        page.get_by_role("textbox", name="Ask about leave").wait_for()
        return page

    yield sign_in
    for context in contexts:
        context.close()


class Killable:
    """A console whose server can be killed as a crash would, and started again on the same address and store."""

    def __init__(self, folder: Path, model: str, store: str | None = None) -> None:
        self._model, self._store = model, store
        self._port = free_port()
        self._process = start(folder, model, self._port, store)
        self.console = Console(f"http://127.0.0.1:{self._port}", folder)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        self._process = start(self.console.folder, self._model, self._port, self._store)

    def end(self) -> None:
        if self._process.poll() is None:
            end(self._process)


@pytest.fixture
def killable(browser: Any, tmp_path: Path) -> Iterator[Killable]:
    """A console to kill; its model says "One two three" and then waits for a file that never comes."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "never"}, {"say": " four"}]]
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    console = Killable(tmp_path, f"scripted:{tmp_path}/script.json")
    yield console
    console.end()


@pytest.fixture
def killable_on_mongodb(browser: Any, mongodb_to_kill: Any, tmp_path: Path) -> Iterator[Killable]:
    """A console to kill on a server to kill; its model says "One two three", and more once `go` is in its folder."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "go"}, {"say": " four five six."}]]
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    console = Killable(tmp_path, f"scripted:{tmp_path}/script.json", f"{mongodb_to_kill.uri}/desk")
    yield console
    console.end()


@pytest.fixture
def on_mongodb(browser: Any, mongodb_to_kill: Any, tmp_path: Path) -> Iterator[Console]:
    """A console on a server to kill; its model counts to three, and on to six once the file `go` is in its folder."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "go"}, {"say": " four five six."}]]
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    with running(tmp_path, f"scripted:{tmp_path}/script.json", f"{mongodb_to_kill.uri}/desk") as console:
        yield console
