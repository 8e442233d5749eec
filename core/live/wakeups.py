"""Wake-ups: followers in this process learn of a commit at once. Followers in other processes poll."""

from collections import defaultdict

import anyio


class Wakeups:
    """Events of streams that change. Call `expect` before reading: a commit after the read then sets the event."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[anyio.Event]] = defaultdict(set)

    def wake(self, stream: str) -> None:
        """Something was committed to the stream, or removed from it."""
        for event in self._waiting.pop(stream, ()):
            event.set()

    def expect(self, *streams: str) -> anyio.Event:
        """An event that the next change of any of these streams sets."""
        event = anyio.Event()
        for stream in streams:
            self._waiting[stream].add(event)
        return event

    def forget(self, event: anyio.Event) -> None:
        """Drop an event from `expect` that is not waited for any longer."""
        for stream in [stream for stream, events in self._waiting.items() if event in events]:
            self._waiting[stream].discard(event)
            if not self._waiting[stream]:
                del self._waiting[stream]
