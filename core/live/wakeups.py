"""The feed: followers in this process get what was committed here. For what other processes commit they poll."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.log.fold import State
from core.values import Entry

KEPT = 32
"""Entries of a stream that are kept for its listeners. One that falls further behind reads them in the store."""


class _Heard:
    """A stream that has listeners, and the newest of its entries, without gaps."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.state: State | None = None

    def add(self, entries: Sequence[Entry], state: State | None) -> None:
        # Another process may have written in between: what is older than its entries does not continue.
        if self.entries and self.entries[-1].n + 1 != entries[0].n:
            self.entries.clear()
        self.entries += entries
        self.state = state
        for listener in self.listeners:
            listener.wake()


class Listener:
    """One follower's ear. Listen to a stream before reading it: then nothing committed after the read is missed."""

    # asyncio's own event and timer: with anyio's a wake-up costs three times as much, and there are 50 a second.

    def __init__(self, heard: dict[str, _Heard]) -> None:
        self._all = heard
        self._mine: dict[str, _Heard] = {}
        self._woken = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None

    def listen(self, *streams: str) -> None:
        """Listen to these streams from now on, and to no others."""
        if self._mine.keys() == set(streams):
            return
        for stream in self._mine.keys() - set(streams):
            del self._mine[stream]
            self._all[stream].listeners.discard(self)
            if not self._all[stream].listeners:
                del self._all[stream]
        for stream in streams:
            self._mine[stream] = self._all.setdefault(stream, _Heard())
            self._mine[stream].listeners.add(self)

    def after(self, stream: str, n: int) -> list[Entry] | None:
        """The entries n+1 and up that were committed in this process, [] if there are none. None: they do not begin
        at n+1, so the store must be read."""
        entries = self._mine[stream].entries
        new = entries[-1].n - n if entries else 0
        if new <= 0:
            return []
        return [entries[i] for i in range(-new, 0)] if new <= len(entries) else None

    def state(self, stream: str, n: int) -> State | None:
        """The thread as its newest writer in this process folded it, if that was up to entry n."""
        state = self._mine[stream].state
        return state if state is not None and state.n == n else None

    def wake(self) -> None:
        """End the wait: there is something to look at."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait until something is committed to the streams, for about `seconds` at most, and perhaps less."""
        if self._alarm is None:
            # It rings for the waits that follow, too: to set and stop an alarm for each would cost more than they do.
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._ring)
        await self._woken.wait()
        self._woken.clear()

    def close(self) -> None:
        """Stop listening."""
        self.listen()
        if self._alarm is not None:
            self._alarm.cancel()

    def _ring(self) -> None:
        self._alarm = None
        self.wake()


class Wakeups:
    """What is committed in this process, for its listeners."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def wake(self, stream: str, entries: Sequence[Entry], state: State | None = None) -> None:
        """These entries were committed to the stream, and the store has acknowledged them.

        `state` is what a thread's writer folded them to, with all records of the turn that is open or has just ended.
        """
        if heard := self._heard.get(stream):
            heard.add(entries, state)

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        """A listener, which listens to no stream yet."""
        listener = Listener(self._heard)
        try:
            yield listener
        finally:
            listener.close()
