"""The Runner: one event loop in a thread of its own, for programs whose own threads come and go.

Streamlit raises into a script at any moment, so nothing that must go on may live in one. Desk, store and model are
made, used and closed in the Runner's loop; a script only calls in and may be torn away at any time.
"""

import queue
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, suppress
from threading import Event
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from core.canonical import Json

T = TypeVar("T")

_CLEANUP_SECONDS = 10


class Runner:
    """Runs coroutines of one event loop from any thread. Make one a process, and close it after what runs in it."""

    def __init__(self) -> None:
        self._context: AbstractContextManager[BlockingPortal] = start_blocking_portal()
        self._portal = self._context.__enter__()
        self._closed = False

    def run(self, awaitable: Coroutine[Json, Json, T]) -> T:
        """What the coroutine returns; what it raises is raised here. It goes on if the calling thread is torn away."""

        async def main() -> T:
            return await awaitable

        return self._portal.call(main)

    @contextmanager
    def stream(self, generator: AsyncGenerator[T, None]) -> Iterator[Iterator[T]]:
        """The generator's items, in order; leaving the block ends it and waits for its cleanup.

        It runs in one task from first to last, because stepping it from outside would lose its context between items.
        """
        items: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        finished = Event()

        async def feed() -> None:
            try:
                async with aclosing(generator):
                    async for item in generator:
                        items.put((item,))
            finally:
                items.put(None)
                finished.set()

        task = self._portal.start_task_soon(feed)

        def drain() -> Iterator[T]:
            while (item := items.get()) is not None:
                yield item[0]
            task.result()

        try:
            yield drain()
        finally:
            task.cancel()
            # A cancelled future is done at once, the generator is not: wait for its own last word.
            finished.wait(_CLEANUP_SECONDS)

    def close(self) -> None:
        """Cancel what still runs and end the loop; close the desk first. Twice is once."""
        if self._closed:
            return
        self._closed = True
        with suppress(RuntimeError):  # the portal may have stopped on its own
            self._portal.call(self._portal.stop, True)
        self._context.__exit__(None, None, None)
