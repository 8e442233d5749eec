"""The application's sync code, each call in a thread of its own that does not keep the process from ending.

anyio's worker threads are joined when the interpreter exits: one function that never returns would hold it for ever.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Generic, Literal, TypeVar

import anyio
import anyio.lowlevel

# anyio has no public way to make a thread of one's own one of its workers.
from anyio._core._eventloop import set_current_async_library, threadlocals

from core.server_log import log_event, place_of_thread

T = TypeVar("T")


async def run_sync_code(  # type: ignore[return]  # this scope is never cancelled itself, so it swallows nothing
    part: Literal["tool", "schema"], function: Callable[[], T]
) -> T:
    """What the function returns, or raises. `part` is what it belongs to, for the server's log.

    It has the caller's context variables, and `anyio.from_thread` works in it. A cancelled caller does not wait for it:
    it runs on, its result is dropped, and the log is told.
    """
    await anyio.lowlevel.checkpoint()
    with anyio.CancelScope() as scope:
        call = _Call(function, scope)
        call.start()
        try:
            return await call.result
        finally:
            if call.result.cancelled():
                call.left = True
                at = place_of_thread(call.ident)
                log_event("sync.left", logging.WARNING, part=part, at=at, count=left_running())


def left_running() -> int:
    """How many threads of this process run sync code whose caller does not wait for it any more."""
    return sum(isinstance(thread, _Call) and thread.left for thread in threading.enumerate())


class _Call(threading.Thread, Generic[T]):
    """A call of a function. `result` is set in the event loop that made it, unless that is closed by then."""

    def __init__(self, function: Callable[[], T], scope: anyio.CancelScope) -> None:
        super().__init__(name="rolltop-sync-code", daemon=True)
        self.left = False
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self._loop.create_future()
        self._function = function
        self._scope, self._token = scope, anyio.lowlevel.current_token()
        # Not `_context`: from Python 3.14 a thread keeps one of its own by that name, and has entered it when it runs.
        self._variables = copy_context()
        # Otherwise a function that runs an event loop of its own is refused, as in the caller's.
        self._variables.run(set_current_async_library, None)

    def run(self) -> None:
        threadlocals.current_token, threadlocals.current_cancel_scope = self._token, self._scope
        try:
            finish = partial(self._finish, self._variables.run(self._function), None)
        except StopIteration as error:  # which a future does not take
            fault = RuntimeError("coroutine raised StopIteration")
            fault.__cause__ = error
            finish = partial(self._finish, None, fault)
        except BaseException as error:  # whatever it raises is for the caller to judge, sys.exit included
            finish = partial(self._finish, None, error)
        with suppress(RuntimeError):  # the loop is closed, and the caller with it
            self._loop.call_soon_threadsafe(finish)

    def _finish(self, value: T | None, error: BaseException | None) -> None:
        if self.result.cancelled():
            return
        if error is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(value)  # type: ignore[arg-type]  # None only if the function has returned it
