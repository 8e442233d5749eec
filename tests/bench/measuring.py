"""Rows of the benchmark, and how their figures are taken.

A figure is CPU time of the whole process, so that the threads of a store count, and another program's load does not.
What is compared takes turns within one run, and the minimum of the rounds counts.
"""

import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import anyio
import apsw

from core.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The most that a row's ratio, or its own figure, should be."""

    most: float
    of: Literal["ratio", "ours"] = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure of Rolltop's, and that of the bare operation. `bare` None: it is not compared."""

    name: str
    unit: str
    ours: float
    bare: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.bare is None else self.ours / self.bare

    @property
    def met(self) -> bool | None:
        """Whether the row reaches its goal; None without a goal."""
        if self.goal is None:
            return None
        value = self.ratio if self.goal.of == "ratio" else self.ours
        return value is not None and value <= self.goal.most

    def as_json(self) -> dict[str, Json]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that could not be measured here, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is stored and repeated. The defaults are what the goals are about; TINY only shows that parts run."""

    messages: tuple[int, ...] = (12, 100, 10_000)
    turns: int = 4
    rounds: int = 7
    budget: float = 0.03
    streams: tuple[int, ...] = (1, 10, 30, 100)
    tokens: int = 300
    stream_rounds: int = 2
    person_threads: int = 2_000
    threads: int = 10_000
    calls: int = 100_000
    searched: int = 100_000
    oversight: tuple[int, ...] = (2_000, 50_000)
    imports: int = 5
    drawn_messages: tuple[int, ...] = (0, 20, 200, 1_000)
    drawn_threads: int = 2_000
    pages: int = 100
    reruns: int = 5
    together: int = 10
    askers: tuple[int, ...] = (5, 20, 50, 100)


TINY = Sizes(
    messages=(2, 4),
    turns=1,
    rounds=1,
    budget=0.001,
    streams=(1, 2),
    tokens=5,
    stream_rounds=1,
    person_threads=20,
    threads=60,
    calls=60,
    searched=60,
    oversight=(60,),
    imports=1,
    drawn_messages=(0, 4),
    drawn_threads=30,
    pages=3,
    reruns=1,
    together=2,
    askers=(3,),
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to do something once. `times` is how often a sample repeats it; None: for the budget of CPU time.

    A sample ends `settle` seconds after the last repeat, so that work left to threads counts.
    """

    run: Callable[[], Awaitable[object]]
    times: int | None = None
    settle: float = 0.0


async def interleaved(ways: Mapping[str, Way], sizes: Sizes) -> dict[str, float]:
    """Milliseconds of CPU time for one run of each way: the minimum over rounds in which each way has its turn."""
    least = dict.fromkeys(ways, float("inf"))
    for way in ways.values():
        await way.run()  # what only the first run pays: connections, compiled statements, caches
    for _ in range(sizes.rounds):
        for name, way in ways.items():
            least[name] = min(least[name], await _sample(way, sizes.budget))
    return least


async def _sample(way: Way, budget: float) -> float:
    count, start = 0, time.process_time()
    while count < way.times if way.times else time.process_time() - start < budget:
        await way.run()
        count += 1
    if way.settle:
        await anyio.sleep(way.settle)
    return 1000 * (time.process_time() - start) / count


def bytes_written() -> int:
    """The bytes that this process has handed to write()."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def bare(path: Path) -> apsw.Connection:
    """A plain SQLite file that syncs every commit, as the store's file does."""
    connection = apsw.Connection(str(path))
    for setting in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def size_of(path: Path) -> int:
    """The bytes of an SQLite file in use, once its WAL is in it."""
    with_wal = apsw.Connection(str(path))
    with_wal.set_busy_timeout(10_000)
    with_wal.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    pages, free, size = (with_wal.pragma(name) for name in ("page_count", "freelist_count", "page_size"))
    with_wal.close()
    return (int(str(pages)) - int(str(free))) * int(str(size))


def hardware(folder: Path) -> dict[str, Json]:
    """What the figures were taken on. `commit_full_ms` is the time on the clock of a bare commit that is synced.

    `load` is how many processes wanted a core in the last minute: above the cores, figures on the clock say little.
    """
    file = bare(folder / "hardware.db")
    file.execute("CREATE TABLE one (n INTEGER)")
    waits = []
    for n in range(20):
        start = time.monotonic()
        file.execute("INSERT INTO one VALUES (?)", (n,))
        waits.append(1000 * (time.monotonic() - start))
    file.close()
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "commit_full_ms": round(sorted(waits)[len(waits) // 2], 3),
    }
