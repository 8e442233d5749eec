"""Processes as claims name them: this one, and whether the process of another claim still lives."""

import os
import platform
from contextlib import suppress
from functools import cache

from core.clock import Clock
from core.values import Worker

_alive: set[str] = set()  # the nonces of this process's workers: one process, however many desks


def new_worker(clock: Clock) -> Worker:
    """A new worker of this process."""
    host, start = _own(os.getpid())
    return Worker(nonce=clock.token(), host=host, pid=os.getpid(), start=start)


def begin(worker: Worker) -> None:
    """The worker works from now on."""
    _alive.add(worker.nonce)


def end(worker: Worker) -> None:
    """The worker is gone."""
    _alive.discard(worker.nonce)


def is_gone(worker: Worker) -> bool:
    """Whether the worker has certainly ended. False if it is on another host, where its process cannot be seen."""
    host, start = _own(os.getpid())
    if worker.host != host:
        return False
    if worker.pid == os.getpid() and worker.start == start:
        return worker.nonce not in _alive
    # A process id comes back with another process: only id and start together name one.
    return _start(worker.pid) != worker.start


def is_here(worker: Worker) -> bool:
    """Whether the worker is one of this process, and has not ended."""
    return worker.nonce in _alive


def lives(worker: Worker) -> bool:
    """Whether the worker has certainly not ended. False if it is on another host, where its process cannot be seen."""
    return worker.host == _own(os.getpid())[0] and not is_gone(worker)


@cache  # by the process id: a forked process inherits what is kept here
def _own(pid: int) -> tuple[str, str]:
    """This process's host and start."""
    return _host(), _start(pid)


def _start(pid: int) -> str:
    """When the process started, as a text that stays the same; `gone` if it has ended, even if it is not yet reaped."""
    if os.path.exists("/proc/self/stat"):
        # Clock ticks since boot. A time of day would be computed from a boot time that moves when the clock is set,
        # and a living worker would look like another process.
        with suppress(OSError):
            with open(f"/proc/{pid}/stat") as stat:
                state, *fields = stat.read().rpartition(")")[2].split()
            return "gone" if state == "Z" else fields[18]
        return "gone"
    # Imported late: it takes a tenth of the time that importing core takes, and Linux does not need it.
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return f"{process.create_time():.2f}"
    return "gone"


def _host() -> str:
    """The host's name and, on Linux, its process namespace: in a container the same id is another process."""
    with suppress(OSError):
        return f"{platform.node()}/{os.readlink('/proc/self/ns/pid')}"
    return platform.node()
