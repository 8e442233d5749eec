"""Programs in processes of their own, forked from one that has imported them: importing is most of their work."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import anyio

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        "tests.support.killed_program",
        "tests.support.ingesting_program",
        "tests.support.deferred_life",
        "tests.support.erasable",
        "tests.support.loaded_console",
    ]
)


class Forked:
    """A process that runs this function of a module that is imported by its name; it has the interface of a Popen."""

    def __init__(self, run: Callable[..., None], *arguments: object) -> None:
        self._process = FORKING.Process(target=run, args=arguments)
        # A fork runs the file of `__main__` first, and a page that was tested in this process has left its own there.
        mine, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            self._process.start()
        finally:
            sys.modules["__main__"] = mine

    def poll(self) -> int | None:
        """What it ended with: minus the signal that ended it, None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> None:
        """Returns once it has ended. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.is_alive():
            raise subprocess.TimeoutExpired(str(self._process), timeout)


class Told(Forked):
    """A program that runs `main` with these arguments once it gets a line.

    What it prints is read from `stdout`.
    """

    def __init__(self, main: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
        orders, ours = FORKING.Pipe(duplex=False)
        lines, told = FORKING.Pipe(duplex=False)
        super().__init__(_run, main, arguments, orders, told)
        orders.close()
        told.close()  # the program has the only one, so that its lines end with it
        self.stdin = os.fdopen(os.dup(ours.fileno()), "w")
        self.stdout = os.fdopen(os.dup(lines.fileno()))
        ours.close()
        lines.close()


def _run(
    main: Callable[..., Coroutine[Any, Any, None]], arguments: tuple[str, ...], orders: Connection, told: Connection
) -> None:
    os.dup2(told.fileno(), sys.stdout.fileno())
    told.close()
    with open(orders.fileno(), closefd=False) as stdin:
        begun = stdin.readline()
    if begun:
        anyio.run(main, *arguments)
