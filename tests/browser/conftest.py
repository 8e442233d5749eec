"""Consoles to open in a real Chromium, and a server that counts what it is asked for."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest

from console.people import PEOPLE
from console.sign_in.development import COOKIE
from tests.servers import oidc
from tests.support.consoles import CATALOGUE, Console, end, launch, running, start
from tests.support.desks import PATIENCE
from tests.support.paths import CHROMIUM, ROOT
from tests.support.ports import free_port

PURPOSE = "quality sample"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ROOT / "tests" / "browser" in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # On a busy machine a page may move between the look for an element and the click at its place. A test that
            # passes only when it is repeated is named in the report, and so is one that fails twice.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module")
def offline(browser: Any, sample_catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with the offline model, on a demo store, as a newcomer has it once the samples are imported."""
    folder = tmp_path_factory.mktemp("offline")
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    with running(folder, "offline:") as console:
        yield console


@pytest.fixture(scope="module")
def company(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A company's console with the offline model and no handbooks yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "ROLLTOP_SIGN_IN_OWN", "tests.support.signing_in:any_store")
        with running(tmp_path_factory.mktemp("company"), "offline:", demo=False) as console:
            yield console


@pytest.fixture
def newcomer(browser: Any, tmp_path: Path) -> Iterator[Console]:
    """A console without any setting, as the README's first command starts it; its working folder is new."""
    port, environment = free_port(), {name: value for name, value in os.environ.items() if "ROLLTOP_" not in name}
    process = launch(tmp_path, port, str(ROOT / "console"), cwd=tmp_path, env=environment)
    try:
        yield Console(f"http://127.0.0.1:{port}", tmp_path)
    finally:
        end(process)


@dataclass(frozen=True)
class Catcher:
    """A server that images could be loaded from; `paths` are what it was asked for, `referers` from which pages."""

    url: str
    paths: list[str]
    referers: list[str | None]


@pytest.fixture(scope="module")
def catcher() -> Iterator[Catcher]:
    paths: list[str] = []
    referers: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            referers.append(self.headers["Referer"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Catcher(f"http://127.0.0.1:{server.server_port}", paths, referers)
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


@pytest.fixture(scope="module")
def scripted(
    browser: Any, catcher: Catcher, sample_catalogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """A console whose model says what these tests need; a file in its folder lets a held answer go on."""
    folder = tmp_path_factory.mktemp("scripted")
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    image = f"![answer]({catcher.url}/answer.png) \\![escaped]({catcher.url}/escaped.png) ![by reference][r]"
    links = (
        f"Open [the portal]({catcher.url}/portal), [this](javascript:alert(1)), [that](data:text/html,x), "
        f"<javascript:alert(2)>, [a page][r] or [out](/auth/logout), or https://c.example.\n\n[r]: {catcher.url}/r\n\n"
        f"| [in a table](https://a.example) |\n|---|\n| [mail](mailto:hr@b.example) |\n\nSeen."
    )
    script = {
        "questions": [
            {"contains": "which links", "steps": [[{"say": links}]]},
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
def browser(sample_catalogue: Path) -> Iterator[Any]:
    """Chromium, for one module: while it is driven, its own event loop runs in this thread, and no other can.

    So the catalogue, which is made in a loop, must be there before.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright.expect.set_options(timeout=1000 * PATIENCE)
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def provider(browser: Any) -> Iterator[oidc.Provider]:
    """A provider of sign-ins on this machine."""
    with oidc.serving() as provider:
        yield provider


@pytest.fixture(scope="module")
def profiles(browser: Any) -> dict[tuple[str, str], Any]:
    """The browser profiles of those who have signed in, by the console's address and the person."""
    return {}


@pytest.fixture
def sign_in(browser: Any, profiles: dict[tuple[str, str], Any]) -> Iterator[Any]:
    """Gives somebody's new tab at a console, in a browser profile of their own that remembers them."""
    pages = []

    def sign_in(console: Console, person: str, width: int = 1280) -> Any:
        if (console.url, person) not in profiles:
            profiles[console.url, person] = _profile(browser, console, person)
        pages.append(page := profiles[console.url, person].new_page())
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(console.url)
        page.get_by_role("textbox", name="Ask about leave").wait_for()
        return page

    yield sign_in
    for page in pages:
        for tab in page.context.pages:
            tab.close()


def _profile(browser: Any, console: Console, person: str) -> Any:
    """A browser profile with the cookie that the person's sign-in leaves: for most tests that is where they begin."""
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    (role,) = (known.roles[0] for known in PEOPLE if known.id == person)
    chosen = quote(json.dumps({"person": person, "role": role, "purpose": PURPOSE, "id": token_hex()}))
    context.add_cookies([{"name": COOKIE, "value": chosen, "url": console.url}])
    return context


class Killable:
    """A console whose server can be killed as a crash would, and started again on the same address and store."""

    def __init__(self, folder: Path, model: str, store: str | None = None) -> None:
        self._model, self._store = model, store
        self._port = free_port()
        self._process = start(folder, model, self._port, store)
        self.console = Console(f"http://127.0.0.1:{self._port}", folder)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def start_again(self) -> None:
        # A demo is marked by a command of its own, which needs the store.
        self._process = start(self.console.folder, self._model, self._port, self._store, demo=False)

    def end(self) -> None:
        if self._process.poll() is None:
            end(self._process)


@pytest.fixture
def killable(browser: Any, sample_catalogue: Path, tmp_path: Path) -> Iterator[Killable]:
    """A console to kill; its model says "One two three" and then waits for a file that never comes."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "never"}, {"say": " four"}]]
    shutil.copy(sample_catalogue, tmp_path / CATALOGUE)
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    console = Killable(tmp_path, f"scripted:{tmp_path}/script.json")
    yield console
    console.end()


@pytest.fixture
def killable_on_mongodb(
    browser: Any, mongodb_to_kill: Any, sample_catalogue: Path, tmp_path: Path
) -> Iterator[Killable]:
    """A console to kill on a server to kill; its model says "One two three", and more once `go` is in its folder."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "go"}, {"say": " four five six."}]]
    shutil.copy(sample_catalogue, tmp_path / CATALOGUE)
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    console = Killable(tmp_path, f"scripted:{tmp_path}/script.json", f"{mongodb_to_kill.uri}/desk")
    yield console
    console.end()


@pytest.fixture
def on_mongodb(browser: Any, mongodb_to_kill: Any, sample_catalogue: Path, tmp_path: Path) -> Iterator[Console]:
    """A console on a server to kill; its model counts to three, and on to six once the file `go` is in its folder."""
    steps = [[{"say": "One two three"}, {"wait_for_file": "go"}, {"say": " four five six."}]]
    shutil.copy(sample_catalogue, tmp_path / CATALOGUE)
    (tmp_path / "script.json").write_text(json.dumps({"questions": [{"contains": "count", "steps": steps}]}))
    with running(tmp_path, f"scripted:{tmp_path}/script.json", f"{mongodb_to_kill.uri}/desk") as console:
        yield console
