"""`rolltop demo --kill`: a server is killed in the middle of an answer, and started again.

The server is a process of its own, on a store that lasts only for this command. What it showed is compared with what is
there after the kill; the tool's effect is counted outside of the store, in a file.
"""

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from backends.stores.opening import open_store
from console.demo.killed_server import ASKER, BOOKING, GO_ON, QUESTION
from console.format import counted
from core.canonical import Json
from core.clock import SystemClock
from core.desk.archive import Archive
from core.errors import NotFound
from core.maintenance.rebuild import Rebuild

KILL_AFTER = 120
"""The server is killed once so many characters of the answer were shown."""

_LONGEST_LINE = 1_000_000

Tell = Callable[[str], None]
"""Shows a piece of the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise, whether it `held`, and what was seen."""

    promise: str
    held: bool
    seen: str


class ServerFailed(OSError):
    """The server ended by itself before it was killed. Its own words are on stderr."""


@dataclass(slots=True)
class _Shown:
    """What a server has shown of its newest turn."""

    thread: str = ""
    turn: str = ""
    text: str = ""
    status: str | None = None


async def prove(tell: Tell, url: str | None = None) -> list[Promise]:
    """Kill a server in the middle of an answer, start it again, and say which promises held.

    `url` None is an SQLite store in a folder that is removed at the end. Raises ServerFailed.
    """
    with TemporaryDirectory(prefix="rolltop-") as folder:
        store, bookings = url or f"sqlite:///{folder}/desk.db", Path(folder) / "bookings.txt"
        bookings.touch()
        before = _Shown()
        tell(f"Asked:    {QUESTION}\nAnswer:   ")
        killed = await _until_killed(store, bookings, before, tell)
        tell(f" ...\n\nKilled the server (process {killed}) with SIGKILL, after {len(before.text)} characters.\n")
        after, last = await _started_again(store, bookings, before, tell)
        booked = bookings.read_text().splitlines()
        return [*_promises(before, after, last, booked), *await _on_record(store, before.thread)]


async def _until_killed(store: str, bookings: Path, shown: _Shown, tell: Tell) -> int:
    """Start a server, and kill it once it has shown enough of its answer. Returns its process id."""
    async with await _server(store, bookings) as server:
        async with aclosing(_lines(server)) as lines:
            async for line in lines:
                _take(line, shown, tell)
                if len(shown.text) >= KILL_AFTER:
                    os.kill(server.pid, signal.SIGKILL)
                    break
        if await server.wait() != -signal.SIGKILL:
            raise ServerFailed(f"the server ended by itself, with exit code {server.returncode}")
        return server.pid


async def _started_again(store: str, bookings: Path, before: _Shown, tell: Tell) -> tuple[_Shown, _Shown]:
    """Start the server again; what it shows of the same turn, and of the question after it."""
    after = _Shown(thread=before.thread, turn=before.turn)
    last = _Shown()
    now = after
    async with await _server(store, bookings, before.thread, before.turn) as server:
        tell(f"Started it again (process {server.pid}).\n\nAnswer:   ")
        async with aclosing(_lines(server)) as lines:
            async for line in lines:
                if line["kind"] == "asked":
                    now = last
                    tell(f"\n\nAsked:    {GO_ON}\nAnswer:   ")
                if line["kind"] == "gone":
                    tell("the turn is gone.")
                _take(line, now, tell)
        if await server.wait():
            raise ServerFailed(f"the server ended with exit code {server.returncode}")
    tell("\n\n")
    return after, last


def _promises(before: _Shown, after: _Shown, last: _Shown, booked: list[str]) -> list[Promise]:
    kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before.text, after.text, strict=False)))
    return [
        Promise(
            promise="Shown means stored",
            held=kept == len(before.text),
            seen=f"{len(before.text)} characters were shown before the kill, {kept} are there after it",
        ),
        Promise(
            promise="A turn always ends",
            held=after.status == "interrupted",
            seen=f"the turn that was cut ended by itself: {after.status}",
        ),
        Promise(
            promise="On record before it acts",
            held=booked == [f"{BOOKING} for {ASKER.id}"],
            seen=f"the tool has acted once: {counted(len(booked), 'booking')} in its file",
        ),
        Promise(
            promise="A thread is always sendable",
            held=last.status == "completed",
            seen=f"the same thread took the next question, which ended: {last.status}",
        ),
    ]


async def _on_record(url: str, thread: str) -> list[Promise]:
    """What the store itself says, read once no server has it open."""
    async with open_store(url) as store:
        rebuild = Rebuild(store, SystemClock(), lambda _done, _total: None, mend=False)
        findings = [finding async for finding in rebuild.findings()]
        try:
            calls = await Archive(store).model_calls(ASKER, thread)
        except NotFound:
            calls = []
    costs = [call.cost for call in calls]
    return [
        Promise(
            promise="Nothing is overwritten",
            held=bool(rebuild.checked) and not findings,
            seen=f"each of {counted(rebuild.checked, 'record')} says what its log says, and the hashes are right",
        ),
        Promise(
            promise="A cost is known or None",
            held=len(costs) == 3 and costs.count(None) == 1,
            seen=f"{counted(len(costs), 'request')} to the model on record; unknown cost, not 0: {costs.count(None)}",
        ),
    ]


async def _server(*arguments: str | Path) -> Process:
    command = [sys.executable, "-m", "console.demo.killed_server", *map(str, arguments)]
    return await anyio.open_process(command, stdin=None, stdout=PIPE, stderr=None)


async def _lines(server: Process) -> AsyncGenerator[dict[str, Json], None]:
    """The lines that the server prints, until it ends."""
    assert server.stdout is not None, "the server was started with a pipe"
    printed = BufferedByteReceiveStream(server.stdout)
    while True:
        try:
            line = await printed.receive_until(b"\n", _LONGEST_LINE)
        except (anyio.IncompleteRead, anyio.EndOfStream):
            return
        yield json.loads(line)


def _take(line: dict[str, Json], shown: _Shown, tell: Tell) -> None:
    """Add the line to what was shown, and tell it."""
    match line["kind"]:
        case "asked":
            shown.thread, shown.turn = line["thread"], line["turn"]
        case "text":
            shown.text += line["text"]
            tell(line["text"])
        case "tool":
            tell(f"[{line['tool']}: {line['status']}] ")
        case "approved":
            tell(f"[{line['tool']}: approved by {ASKER.id}] ")
        case "ended":
            shown.status = line["status"]
            tell(f" [{line['status']}]")
