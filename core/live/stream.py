"""Live streams: what a running turn shows, committed before it is shown.

Text gathers per stream, and all streams are flushed together, at most once in a window of `WINDOW` seconds. The first
text after a quiet window leaves at once. So a hundred talking turns stay cheap, and a lone one is quick.
"""

import logging
from collections.abc import Iterable

import anyio
from anyio.abc import TaskGroup

from core.clock import Clock
from core.errors import Conflict, Full, InvalidInput, StoreRefused, Superseded, Unavailable
from core.live.wakeups import Wakeups
from core.log.commit import commit_surely
from core.log.entry import chain
from core.log.facts import (
    Beat,
    LiveFact,
    LiveProgress,
    LiveProgressContent,
    LiveText,
    LiveTextContent,
    Sealed,
    draft,
    fact,
)
from core.store import Store
from core.values import GENESIS

log = logging.getLogger(__name__)

WINDOW = 0.02
"""Seconds for which text may gather. 100 streams of 100 tokens a second make 42-48 commits a second (SQLite, FULL)."""

MAX_WAITING = 64 * 1024
"""Characters that may wait to be committed on one stream; its writer then waits for the store."""

_PATIENCE = 10.0


def live_stream(turn: str, fence: int) -> str:
    """The name of the live stream of a turn under a fence."""
    return f"live:{turn}:{fence}"


class LiveStream:
    """One fence's stream, open for writing. `lost` is set once it is sealed: its worker has been superseded."""

    def __init__(self, name: str, writer: "LiveWriter") -> None:
        self.name = name
        self.lost = anyio.Event()
        self._writer = writer
        self._n = 0
        self._hash = GENESIS
        self._waiting: list[LiveFact] = []
        self._size = 0
        self._moved = anyio.Event()
        self.flushing = False

    @property
    def waits(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._waiting)

    async def text(self, call: str, text: str) -> None:
        """Add text of a model call. Returns once it is queued. Raises Superseded if the stream is sealed."""
        await self._write(LiveText(call=call, content=LiveTextContent(text=text)), len(text))

    async def beat(self) -> None:
        """A sign of life, by which recovery in other processes sees that the turn has a worker."""
        await self._write(Beat(), 1)

    def progress(self, call: str, message: str, done: float | None, total: float | None) -> None:
        """How far a tool is. Dropped while more than MAX_WAITING characters wait."""
        # It is news, not a fact: the next report says more, and a tool must never wait for the store.
        if self._size <= MAX_WAITING:
            content = LiveProgressContent(message=message)
            self._put(LiveProgress(call=call, done=done, total=total, content=content), len(message))

    async def _write(self, fact: LiveFact, size: int) -> None:
        while self._size > MAX_WAITING and not self.lost.is_set():
            await self._moved.wait()
        if self.lost.is_set():
            raise Superseded(self.name)
        self._put(fact, size)

    def _put(self, fact: LiveFact, size: int) -> None:
        self._waiting.append(fact)
        self._size += size
        self._writer.wake()

    async def flush(self, store: Store, clock: Clock) -> bool:
        """Commit what waits, however long the store is away. False if the stream is sealed or refused."""
        facts, self._waiting, self._size = _merged(self._waiting), [], 0
        entries = chain(
            self.name,
            self._n,
            self._hash,
            [draft(fact) for fact in facts],
            by="desk",
            at=clock.now(),
            salts=[clock.token() for _ in facts],
        )
        committed = False
        while not committed and not self.lost.is_set():
            try:
                await commit_surely(store, clock, self.name, self._n, entries, patience=_PATIENCE)
            except Unavailable:
                continue  # the store may come back; the worker's deadlines, or its closing of the stream, end the wait
            except (Conflict, Full, InvalidInput, StoreRefused):
                # Sealed, refused, a full disk, or removed long after its turn: what cannot be stored is not shown.
                self.lost.set()
            else:
                self._n, self._hash = entries[-1].n, entries[-1].hash
                committed = True
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
        return committed


class LiveWriter:
    """Commits the live streams of this process. `run` must run as long as any turn does."""

    def __init__(self, store: Store, clock: Clock, wakeups: Wakeups, window: float) -> None:
        self._store = store
        self._clock = clock
        self._wakeups = wakeups
        self._window = window
        self._streams: dict[str, LiveStream] = {}
        self._woken = anyio.Event()

    def open(self, turn: str, fence: int) -> LiveStream:
        """The stream of a fence that this process has just claimed. It is empty: a fence has one writer."""
        stream = LiveStream(live_stream(turn, fence), self)
        self._streams[stream.name] = stream
        return stream

    def close(self, stream: LiveStream) -> None:
        """Stop writing."""
        # Text that still waits is on the thread's log by now, or its worker is superseded: it may be dropped.
        stream.lost.set()
        self._streams.pop(stream.name, None)

    def wake(self) -> None:
        """Tell `run` that something waits to be committed."""
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
                self._flush_all(tasks)

    def _flush_all(self, tasks: TaskGroup) -> None:
        for stream in list(self._streams.values()):
            if stream.waits and not stream.flushing:
                stream.flushing = True
                tasks.start_soon(self._flush, stream)

    async def _flush(self, stream: LiveStream) -> None:
        try:
            if await stream.flush(self._store, self._clock):
                self._wakeups.wake(stream.name)
        except Exception:  # the boundary of a live stream: what breaks one must not stop the others
            log.exception("%s: cannot be written; its worker stops", stream.name)
            stream.lost.set()
        finally:
            stream.flushing = False
        if stream.waits:
            self.wake()


def _merged(facts: Iterable[LiveFact]) -> list[LiveFact]:
    """The same facts with neighbouring texts of one call put together."""
    merged: list[LiveFact] = []
    for following in facts:
        last = merged[-1] if merged else None
        if isinstance(following, LiveText) and isinstance(last, LiveText) and following.call == last.call:
            merged[-1] = LiveText(call=last.call, content=LiveTextContent(text=last.text + following.text))
        else:
            merged.append(following)
    return merged


async def seal(store: Store, clock: Clock, stream: str, call: str, *, patience: float) -> str:
    """End a live stream and return the text that it shows of a model call. It may be sealed already.

    The text is final: what the worker commits from now on meets Conflict, and is not shown. Raises Unavailable if the
    store does not take the seal within `patience` seconds.
    """
    n, last_hash, text = 0, GENESIS, ""
    while True:
        while entries := await store.read(stream, n):
            for entry in entries:
                n, last_hash = entry.n, entry.hash
                shown = fact(entry)
                if isinstance(shown, Sealed):
                    return text
                if isinstance(shown, LiveText) and shown.call == call:
                    text += shown.text
        end = chain(stream, n, last_hash, [draft(Sealed())], by="desk", at=clock.now(), salts=[clock.token()])
        try:
            await commit_surely(store, clock, stream, n, end, patience=patience)
        except Conflict:
            continue
        return text
