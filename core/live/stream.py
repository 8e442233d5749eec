"""Live streams: what a running turn shows, committed before it is shown.

Text gathers per stream, and all streams are flushed together, at most once in a window of `WINDOW` seconds. The first
text after a quiet window leaves at once. So a hundred talking turns stay cheap, and a lone one is quick.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import anyio

from core.clock import Clock
from core.errors import Conflict, Full, InvalidInput, StoreClosed, StoreRefused, Superseded, Unavailable
from core.live.wakeups import Wakeups
from core.log.commit import commit_surely
from core.log.entry import Draft, chain
from core.log.facts import (
    Beat,
    LiveProgress,
    LiveProgressContent,
    LiveReasoning,
    LiveText,
    Sealed,
    draft,
    fact,
)
from core.server_log import reason_of
from core.store import Store
from core.values import GENESIS, Entry

log = logging.getLogger(__name__)

WINDOW = 0.02
"""Seconds for which text may gather. 100 streams of 100 tokens a second make 42-48 commits a second (SQLite, FULL)."""

MAX_WAITING = 64 * 1024
"""Characters that may wait to be committed on one stream; its writer then waits for the store."""

_PATIENCE = 10.0


def live_stream(turn: str, fence: int) -> str:
    """The name of the live stream of a turn under a fence."""
    return f"live:{turn}:{fence}"


@dataclass(slots=True)
class _Text:
    """Text of one model call, or its thinking, that waits to be committed, piece by piece."""

    kind: Literal["live.text", "live.reasoning"]
    call: str
    pieces: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a live stream shows of one model call."""

    text: str = ""
    reasoning: str = ""


class LiveStream:
    """One fence's stream, open for writing. It is `lost` once it is sealed: its worker has been superseded.

    `on_lost` is called then, if it is set.
    """

    def __init__(self, name: str, writer: "LiveWriter") -> None:
        self.name = name
        self.lost = False
        self.on_lost: Callable[[], None] | None = None
        # asyncio's own event, because it is set and waited for in each window.
        self.due = asyncio.Event()
        self._writer = writer
        self._n = 0
        self._hash = GENESIS
        self._waiting: list[_Text | LiveProgress | Beat] = []
        self._size = 0
        self._moved: anyio.Event | None = None

    def lose(self) -> None:
        """Nothing is committed to the stream from now on."""
        if not self.lost:
            self.lost = True
            if self.on_lost:
                self.on_lost()

    @property
    def waits(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        """Whether more than MAX_WAITING characters wait: call `room` before adding text."""
        return self._size > MAX_WAITING

    async def room(self) -> None:
        """Wait until the store has taken what waits, or the stream is sealed."""
        while self.full and not self.lost:
            self._moved = self._moved or anyio.Event()
            await self._moved.wait()

    def text(self, call: str, text: str) -> None:
        """Add text of a model call, to be committed with the next window. Raises Superseded if the stream is sealed."""
        self._add("live.text", call, text)

    def reasoning(self, call: str, text: str) -> None:
        """As `text`, for the thinking of a model call."""
        self._add("live.reasoning", call, text)

    def _add(self, kind: Literal["live.text", "live.reasoning"], call: str, text: str) -> None:
        if self.lost:
            raise Superseded(self.name)
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, _Text) and (last.kind, last.call) == (kind, call):
            last.pieces.append(text)
            self._size += len(text)
        else:
            self._put(_Text(kind, call, [text]), len(text))

    def beat(self) -> None:
        """A sign of life, by which recovery in other processes sees that the turn has a worker.

        Raises Superseded if the stream is sealed.
        """
        if self.lost:
            raise Superseded(self.name)
        # What waits already will be a sign of life itself.
        if not self._waiting:
            self._put(Beat(), 1)

    def progress(self, call: str, message: str, done: float | None, total: float | None) -> None:
        """How far a tool is. Dropped while more than MAX_WAITING characters wait."""
        # It is news, not a fact: the next report says more, and a tool must never wait for the store.
        if not self.full and not self.lost:
            content = LiveProgressContent(message=message)
            self._put(LiveProgress(call=call, done=done, total=total, content=content), len(message))

    def _put(self, waiting: _Text | LiveProgress | Beat, size: int) -> None:
        self._waiting.append(waiting)
        self._size += size
        if len(self._waiting) == 1:
            self._writer.wake(self)

    async def flush(self, store: Store, clock: Clock) -> list[Entry]:
        """Commit what waits, however long the store is away. [] if the stream is sealed or refused."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        entries = chain(
            self.name,
            self._n,
            self._hash,
            [_text_draft(one) if isinstance(one, _Text) else draft(one) for one in waiting],
            by="desk",
            at=clock.now(),
            salts=[clock.token() for _ in waiting],
        )
        committed: list[Entry] = []
        while not committed and not self.lost:
            try:
                await commit_surely(store, clock, self.name, self._n, entries, patience=_PATIENCE)
            except (Conflict, Full, InvalidInput, StoreClosed, StoreRefused):
                # Sealed, refused, a full disk, or removed long after its turn: what cannot be stored is not shown.
                self.lose()
            except Unavailable:
                continue  # the store may come back; the worker's deadlines, or its closing of the stream, end the wait
            else:
                committed = entries
                self._n, self._hash = entries[-1].n, entries[-1].hash
        if self._moved:
            self._moved.set()
            self._moved = None
        return committed


class LiveWriter:
    """Commits the live streams of this process. `run` must run as long as any turn does."""

    def __init__(self, store: Store, clock: Clock, wakeups: Wakeups, window: float) -> None:
        self._store = store
        self._clock = clock
        self._wakeups = wakeups
        self._window = window
        self._open: set[LiveStream] = set()
        self._due: list[LiveStream] = []
        self._woken = anyio.Event()

    def open(self, turn: str, fence: int) -> LiveStream:
        """The stream of a fence that this process has just claimed. It is empty: a fence has one writer."""
        return LiveStream(live_stream(turn, fence), self)

    def close(self, stream: LiveStream) -> None:
        """Stop writing."""
        # Text that still waits is on the thread's log by now, or its worker is superseded: it may be dropped.
        stream.lose()
        stream.due.set()

    def wake(self, stream: LiveStream) -> None:
        """Something waits to be committed to the stream."""
        self._due.append(stream)
        self._woken.set()

    async def run(self) -> None:
        """Flush until cancelled."""
        left = self._clock.monotonic() - self._window
        async with anyio.create_task_group() as tasks:
            while True:
                await self._woken.wait()
                await anyio.sleep(max(0.0, left + self._window - self._clock.monotonic()))
                left = self._clock.monotonic()
                self._woken = anyio.Event()
                due, self._due = self._due, []
                for stream in due:
                    # A task for the whole life of a stream: one for each flush would cost half of a flush.
                    if stream not in self._open:
                        self._open.add(stream)
                        tasks.start_soon(self._write, stream)
                    stream.due.set()

    async def _write(self, stream: LiveStream) -> None:
        try:
            while not stream.lost:
                await stream.due.wait()
                stream.due.clear()
                if stream.waits and (entries := await stream.flush(self._store, self._clock)):
                    self._wakeups.wake(stream.name, entries)
        except Exception as error:  # the boundary of a live stream: what breaks one must not stop the others
            log.error("%s: cannot be written; its worker stops: %s", stream.name, reason_of(error))
            stream.lose()
        finally:
            self._open.discard(stream)


def _text_draft(waiting: _Text) -> Draft:
    """What `draft` makes of a LiveText or LiveReasoning, without the checks of a fact, which cost most of all."""
    v = LiveText.V if waiting.kind == "live.text" else LiveReasoning.V
    return Draft(kind=waiting.kind, v=v, shell={"call": waiting.call}, payload={"text": "".join(waiting.pieces)})


async def seal(store: Store, clock: Clock, stream: str, call: str, *, patience: float) -> Shown:
    """End a live stream and return what it shows of a model call. It may be sealed already.

    What it shows is final: what the worker commits from now on meets Conflict, and is not shown. Raises Unavailable if
    the store does not take the seal within `patience` seconds.
    """
    n, last_hash, text, reasoning = 0, GENESIS, "", ""
    while True:
        while entries := await store.read(stream, n):
            for entry in entries:
                n, last_hash = entry.n, entry.hash
                shown = fact(entry)
                if isinstance(shown, Sealed):
                    return Shown(text, reasoning)
                if isinstance(shown, LiveText) and shown.call == call:
                    text += shown.text
                if isinstance(shown, LiveReasoning) and shown.call == call:
                    reasoning += shown.text
        end = chain(stream, n, last_hash, [draft(Sealed())], by="desk", at=clock.now(), salts=[clock.token()])
        try:
            await commit_surely(store, clock, stream, n, end, patience=patience)
        except Conflict:
            continue
        return Shown(text, reasoning)
