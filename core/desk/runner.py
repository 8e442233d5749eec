"""The Runner: one event loop in a thread of its own, for programs whose own threads come and go.

Streamlit may end a script at any moment by raising into it. So desk, store and model are made, used and closed in the
Runner's loop, and a script only calls into it.
"""

import queue
from collections.abc import AsyncGenerator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from threading import Event, Thread, current_thread
from typing import Self, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from core.arguments import checked_methods
from core.canonical import Json
from core.errors import RunnerError

T = TypeVar("T")

_CLEANUP_SECONDS = 10


@checked_methods
class Runner:
    """Runs coroutines in one event loop, from any other thread: `with Runner() as run: run(desk.start())`.

    Make one for the process. The thread of the loop is a daemon: a program that forgets to close the Runner can end.
    Close desk and store before the Runner.
    """

    def __init__(self) -> None:
        started: Future[BlockingPortal] = Future()
        # Not anyio's own way to start one: its clean-up waits for the loop when the interpreter ends, for ever.
        self._thread = Thread(target=_serve, args=(started,), name="rolltop-runner", daemon=True)
        self._thread.start()
        self._portal = started.result()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, awaitable: Coroutine[Json, Json, T]) -> T:
        """The same as `run`, for `with Runner() as run`."""
        return self.run(awaitable)

    def run(self, awaitable: Coroutine[Json, Json, T]) -> T:
        """Run the coroutine; return its result or raise its error. It goes on if the calling thread is torn away.

        Raises RunnerError if the Runner is closed, and in the Runner's own loop: await the coroutine there.
        """

        async def main() -> T:
            return await awaitable

        try:
            self._check("await the coroutine")
        except RunnerError:
            awaitable.close()  # else Python warns of a coroutine that was never awaited
            raise
        return self._portal.call(main)

    @contextmanager
    def stream(self, generator: AsyncGenerator[T, None]) -> Iterator[Iterator[T]]:
        """The generator's items, in order; leaving the block closes the generator and waits for its cleanup.

        Raises RunnerError as `run` does.
        """
        self._check("use `async for`")
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
        if self._closed or not self._thread.is_alive():
            return
        self._check("leave the closing to another thread")
        self._closed = True
        self._portal.call(self._portal.stop, True)
        self._thread.join()

    def _check(self, instead: str) -> None:
        if current_thread() is self._thread:
            raise RunnerError(f"this is the Runner's own event loop, which would wait for itself: {instead} here")
        # A process that was forked has a copy of the Runner, and not its thread.
        if self._closed or not self._thread.is_alive():
            raise RunnerError("the Runner is closed, or of another process: make one, with a desk and store of its own")


def _serve(started: Future[BlockingPortal]) -> None:
    """The Runner's thread: an event loop until the portal is stopped."""

    async def serve() -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    try:
        anyio.run(serve)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)  # the caller waits for the portal
