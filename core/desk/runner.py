"""The Runner: one event loop in a thread of its own, for programs whose own threads come and go.

Streamlit may end a script at any moment by raising into it. So desk, store and model are made, used and closed in the
Runner's loop, and a script only calls into it.
"""

import queue
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, suppress
from threading import Event
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from core.arguments import checked_methods
from core.canonical import Json

T = TypeVar("T")

_CLEANUP_SECONDS = 10


@checked_methods
class Runner:
    """Runs coroutines in one event loop, from any thread. Make one for the process; close desk and store before it."""

    def __init__(self) -> None:
        self._context: AbstractContextManager[BlockingPortal] = start_blocking_portal()
        self._portal = self._context.__enter__()
        self._closed = False

    def run(self, awaitable: Coroutine[Json, Json, T]) -> T:
        """Run the coroutine; return its result or raise its error. It goes on if the calling thread is torn away."""

        async def main() -> T:
            return await awaitable

        return self._portal.call(main)

    @contextmanager
    def stream(self, generator: AsyncGenerator[T, None]) -> Iterator[Iterator[T]]:
        """The generator's items, in order; leaving the block closes the generator and waits for its cleanup."""
        items: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        finished = Event()

        # One task runs the whole generator: stepping it from outside would lose its context variables between items.
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
            # A cancelled future is done at once, but the generator is not: wait until its cleanup has finished.
            finished.wait(_CLEANUP_SECONDS)

    def close(self) -> None:
        """Cancel the coroutines that still run, and end the loop. Close the desk first. May be called twice."""
        if self._closed:
            return
        self._closed = True
        with suppress(RuntimeError):  # the portal may have stopped on its own
            self._portal.call(self._portal.stop, True)
        self._context.__exit__(None, None, None)
