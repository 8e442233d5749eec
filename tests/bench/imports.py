"""What a program pays before it does anything: the import of core with SQLite, over Python's own start."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from tests.bench.measuring import Goal, Row, Sizes, Skipped
from tests.support.paths import ROOT

IMPORT = Goal(most=200, of="ours")

CORE = "import core, backends.stores.opening, backends.stores.sqlite.store"


@dataclass(frozen=True, slots=True)
class Start:
    """What a child process took: milliseconds of CPU time and on the clock, and its most memory in MB."""

    cpu: float
    wall: float
    memory: float


async def rows(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """The import in a process of its own, beside an empty one."""
    ours, bare = [], []
    await to_thread.run_sync(_start, CORE)  # it compiles what changed
    for _ in range(sizes.imports):
        ours.append(await to_thread.run_sync(_start, CORE))
        bare.append(await to_thread.run_sync(_start, "pass"))
    cpu, nothing = min(one.cpu for one in ours), min(one.cpu for one in bare)
    name = "import of core with SQLite"
    yield Row(name=f"{name}, over an empty program", unit="ms", ours=cpu - nothing, goal=IMPORT)
    yield Row(name=name, unit="ms", ours=cpu, bare=nothing)
    yield Row(name=f"{name}, on the clock", unit="ms", ours=min(one.wall for one in ours),
              bare=min(one.wall for one in bare))  # fmt: skip
    yield Row(name=f"{name}, memory", unit="MB", ours=min(one.memory for one in ours),
              bare=min(one.memory for one in bare))  # fmt: skip


def _start(program: str) -> Start:
    began = time.monotonic()
    # Its own word on its memory: what wait4 reports begins with the size of the process that it was forked from.
    command = [sys.executable, "-c", f"{program}\nprint(open('/proc/self/status').read())"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it is gone: Popen must not wait for it again
    wall = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{program!r} ended with {process.returncode}")
    memory = next(int(line.split()[1]) for line in said.splitlines() if line.startswith("VmHWM:"))
    return Start(1000 * (usage.ru_utime + usage.ru_stime), 1000 * wall, memory / 1000)
