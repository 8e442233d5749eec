"""Whether a server lives and is ready is answered without a sign-in, and says nothing of people."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse

import console.app
import console.health
from backends import open_store
from console.app import close, start
from console.health import LIVE, READY, WORDS, Health
from core.errors import Full, NewerStore, StoreBusy, StoreRefused, Unavailable
from tests.support.consoles import Console, running
from tests.support.desks import PATIENCE
from tests.support.wrapped import WrappedStore


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "handbooks").mkdir()
    monkeypatch.setenv("ROLLTOP_HANDBOOKS", str(tmp_path / "handbooks"))
    monkeypatch.setenv("ROLLTOP_STORE", "memory:")
    monkeypatch.setenv("ROLLTOP_EMBEDDER", "none:")
    monkeypatch.setattr(console.app, "AWAY_SECONDS", 3600)
    monkeypatch.setattr(console.app, "REFUSED_SECONDS", 3600)
    yield
    close()


async def asked(path: str, method: str = "GET") -> httpx.Response:
    """What the middleware answers; 418 if it passes the request on."""
    transport = httpx.ASGITransport(Health(PlainTextResponse("", 418)))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
        return await client.request(method, path)


def opening(monkeypatch: pytest.MonkeyPatch, *, error: Exception | None = None, wrapped: type | None = None) -> None:
    """Let the store be opened with this error, or within this wrapper."""

    @asynccontextmanager
    async def opened(url):
        if error:
            raise error
        async with open_store(url) as store:
            yield wrapped(store) if wrapped else store

    monkeypatch.setattr(console.app, "open_store", opened)


async def test_an_open_desk_over_a_store_that_answers_is_ready():
    start()
    ready = await asked(READY)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert ready.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("e-1042 at mongodb://me:s3cret@host"), "store_away"),
        (StoreRefused("the password s3cret is wrong"), "store_refuses"),
        (StoreBusy("process 4242 of e-1042"), "store_busy"),
        (Full("/home/e-1042 is full"), "store_full"),
        (NewerStore("/home/e-1042/desk.db"), "store_newer"),
        (RuntimeError("e-1042"), "desk_not_open"),
    ],
)
async def test_a_desk_that_cannot_be_opened_is_live_and_says_why_it_is_not_ready(monkeypatch, error, code):
    opening(monkeypatch, error=error)
    start()
    assert (await asked(LIVE)).json() == {"status": "live"}
    ready = await asked(READY)
    reason = {"code": code, "what": WORDS[code], "error": type(error).__name__}
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "reasons": [reason]})


async def test_a_store_on_a_disk_that_became_read_only_or_full_or_with_a_suspended_writer_is_not_ready(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setattr(console.health, "FRESH", 0)
    start()
    before = (tmp_path / "desk.db").stat().st_size
    told = []
    for name, answer in (("access", False), ("statvfs", SimpleNamespace(f_bavail=0, f_frsize=4096))):
        with monkeypatch.context() as patch:
            patch.setattr(f"backends.stores.sqlite.files.os.{name}", lambda *_, answer=answer, **__: answer)
            told.append((await asked(READY)).json()["reasons"][0]["code"])
    with monkeypatch.context() as patch:
        patch.setattr("backends.stores.sqlite.store.is_suspended", lambda path: True)
        told.append((await asked(READY)).json()["reasons"][0]["code"])
    assert told == ["store_refuses", "store_full", "store_busy"]
    assert (await asked(READY)).status_code == 200
    assert (tmp_path / "desk.db").stat().st_size == before


async def test_a_desk_whose_workers_have_ended_is_not_ready(monkeypatch):
    app = start()
    supervisor = app.desk._workers._supervisor

    async def end():
        supervisor.cancel()
        await asyncio.wait([supervisor])

    app.run(end())
    assert (await asked(READY)).json()["reasons"][0]["code"] == "desk_dead"
    assert (await asked(LIVE)).status_code == 200


async def test_however_many_ask_the_store_is_asked_once_in_a_while_and_nothing_is_written(monkeypatch):
    class Counting(WrappedStore):
        reads = 0

        async def read(self, stream, after=0, limit=500):
            Counting.reads += stream == "installation:desk"
            return await super().read(stream, after, limit)

        async def commit(self, *given, **named):
            raise AssertionError("asking must not write")

    opening(monkeypatch, wrapped=Counting)
    monkeypatch.setattr(console.health, "FRESH", PATIENCE)
    start()
    Counting.reads = 0
    transport = httpx.ASGITransport(Health(PlainTextResponse("", 418)))
    client = httpx.AsyncClient(transport=transport, base_url="http://desk.example")
    async with client, anyio.create_task_group() as probes:
        for _ in range(50):
            probes.start_soon(client.get, READY)
    assert Counting.reads == 1


async def test_a_store_that_goes_away_or_hangs_makes_it_unready_until_it_answers_again(monkeypatch):
    class Moody(WrappedStore):
        mood = "well"

        async def read(self, stream, after=0, limit=500):
            if self.mood == "away":
                raise Unavailable("away")
            if self.mood == "hangs":
                # The store's own thread may stop for good, with the loop in it.
                hanging.wait()
            return await super().read(stream, after, limit)

    hanging = threading.Event()
    opening(monkeypatch, wrapped=Moody)
    start()
    assert (await asked(READY)).status_code == 200
    for mood, error in (("away", "Unavailable"), ("hangs", "TimeoutError")):
        monkeypatch.setattr(console.health, "ANSWERS_WITHIN", 0.2 if mood == "hangs" else 60)
        Moody.mood = mood
        ready = await asked(READY)
        assert (ready.status_code, ready.json()["reasons"][0]["error"]) == (503, error)
    assert ready.json()["reasons"][0]["code"] == "store_away"
    Moody.mood = "well"
    hanging.set()
    monkeypatch.setattr(console.health, "ANSWERS_WITHIN", 60)
    assert (await asked(READY)).status_code == 200


async def test_a_server_that_is_closing_is_not_ready_and_opens_nothing(monkeypatch):
    opened = []
    monkeypatch.setattr(console.app, "App", lambda: opened.append(1))
    ready = await asked(READY)
    assert (ready.status_code, ready.json()["reasons"][0]["code"]) == (503, "closing")
    assert opened == []


async def test_a_head_has_no_body_other_methods_are_refused_and_other_paths_pass():
    assert (await asked(LIVE, "HEAD")).status_code == 200
    assert (await asked(READY, "POST")).status_code == 405
    for path in ("/", "/health", "/health/ready/", "/hr/health/live", "/x/health/ready"):
        assert (await asked(path)).status_code == 418


async def test_below_a_sub_path_it_is_found_there_and_at_the_root(monkeypatch):
    monkeypatch.setattr(console.health, "get_option", {"server.baseUrlPath": "/hr/"}.get)
    for path in ("/hr/health/live", "/health/live"):
        assert (await asked(path)).status_code == 200
    assert (await asked("/other/health/live")).status_code == 418


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A company's console, to which nobody has signed in; it says in its log what it found in its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLTOP_SIGN_IN_OWN", "tests.support.signing_in:any_store")
        patch.setenv("ROLLTOP_HANDBOOKS", str(tmp_path_factory.mktemp("handbooks")))
        with running(tmp_path_factory.mktemp("company"), "offline:?delay=0", demo=False) as console:
            yield console


def test_a_running_console_answers_whoever_asks_from_wherever(company):
    elsewhere = {"Host": "elsewhere", "Origin": "https://other.example"}
    for method, path in (("GET", LIVE), ("GET", READY), ("HEAD", READY)):
        answer = httpx.request(method, company.url + path, headers=elsewhere, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert "content-security-policy" in answer.headers


def test_a_running_consoles_log_has_a_line_of_json_for_each_event_and_none_twice(company):
    httpx.get(f"{company.url}{LIVE}?code=s3cret", timeout=PATIENCE)
    lines = [line for line in (company.folder / "console.log").read_text().splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in lines]
    assert [line["message"] for line in told if line["logger"] == "console.app"]
    assert len(set(lines)) == len(lines)
    text = (company.folder / "console.log").read_text()
    assert "s3cret" not in text
    assert "GET /" not in text
