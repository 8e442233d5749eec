"""The end of a server: at SIGTERM it is not ready any more, and goes on while turns run, for a bounded time."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

log = logging.getLogger(__name__)

_LOOKS_EVERY = 0.1
"""Seconds between two looks at whether turns run."""

_leaving = threading.Event()


def is_leaving() -> bool:
    """Whether this process has been told to end."""
    return _leaving.is_set()


@contextmanager
def draining(seconds: float, idle: Callable[[], bool]) -> Iterator[None]:
    """Within the block, SIGTERM ends the server once it is `idle`, or after this time; a second one ends it at once.

    Enter it in the main thread, in the server's event loop, after the server has taken the signal for itself.
    """
    loop, servers = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    waiting: list[asyncio.Task[None]] = []

    def end(*_: object) -> None:
        if callable(servers):
            servers(signal.SIGTERM, None)

    async def wait() -> None:
        until = monotonic() + seconds
        while not idle() and monotonic() < until:  # noqa: ASYNC110  # turns run in another loop
            await asyncio.sleep(_LOOKS_EVERY)
        end()

    def begin(number: int, frame: FrameType | None) -> None:
        if is_leaving() or seconds == 0 or idle():
            _leaving.set()
            end()
            return
        _leaving.set()
        log.info("the server ends once no turn runs, in %g s at most", seconds)
        loop.call_soon_threadsafe(lambda: waiting.append(loop.create_task(wait())))

    in_charge = callable(servers) and threading.current_thread() is threading.main_thread()
    if in_charge:
        signal.signal(signal.SIGTERM, begin)
    try:
        yield
    finally:
        if in_charge:
            signal.signal(signal.SIGTERM, servers)
        _leaving.clear()
