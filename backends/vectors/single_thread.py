"""Numpy's products on one thread while a search runs.

Its BLAS shares each product among all cores. A search's are so small that the sharing costs more than it saves: on two
cores a search takes 2.4 times the CPU. The setting is one for the whole process, so it is given back as soon as the
last search is over, and the application's own products are slower only while a search runs beside them.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # a module without types

_lock = Lock()
_running = 0
_limit: AbstractContextManager[object] | None = None


@contextmanager
def single_thread() -> Iterator[None]:
    """Takes some 20 microseconds. May be entered from several threads and tasks at once."""
    global _running, _limit
    with _lock:
        # Only the first in and the last out change the setting: if each kept what it found, one would give back a 1.
        if not _running:
            _limit = _libraries().limit(limits=1, user_api="blas")
            _limit.__enter__()
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running and _limit is not None:
                _limit.__exit__(None, None, None)


@cache
def _libraries() -> ThreadpoolController:
    """The libraries loaded by now: numpy's, as a search imports it before."""
    return ThreadpoolController()
