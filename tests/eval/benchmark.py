"""Index time, query latency and memory at growing sizes, as ratios to SQLite FTS5 and to one dot product.

    python -m tests.eval.benchmark [--sizes 1000 10000 100000] [--questions 60]

Each size runs in a process of its own, so that its memory is its own; what it is compared with runs in the same
process, one question after the other, so that a busy machine is busy for all three. Only the ratios mean something on
another machine. The text is made up (`synthetic.py`), on average 85 words a passage.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import anyio
import numpy as np
import psutil
from anyio.to_thread import run_sync as blocking

from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.gate import Viewer
from core.retriever import Retriever

from .installation import installed
from .synthetic import Synthetic
from .tables import markdown
from .yardsticks import FOUND, FullText, nearest

SIZES = (1_000, 10_000, 100_000)
VIEWER = Viewer("benchmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one size. Times are in seconds for an index and milliseconds for a query, memory is in bytes.

    `first` is the first query, which loads what search keeps in memory, and `memory` what the process holds after it
    and did not before; `work` is a query's time on all processors, which says more than `query` where others are at
    work too; `memory_dot` is the matrix of vectors alone.
    """

    passages: int
    index: float
    index_fts: float
    first: float
    query: float
    query_95: float
    work: float
    query_fts: float
    query_dot: float
    memory: int
    memory_dot: int
    disk: int
    disk_fts: int


async def measure(passages: int, questions: int, home: Path) -> Figures:
    made = Synthetic()
    folder = home / "handbooks"
    for name, data in made.documents(passages):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    asked = made.questions(questions)
    async with installed(folder, home=home) as installation:
        retriever = installation.retriever()
        before = psutil.Process().memory_info().rss
        first = await _search(retriever, asked[0])
        memory = psutil.Process().memory_info().rss - before
        catalogue = installation.catalogue
        table = await blocking(catalogue.table)
        texts = [(" ".join((one.title, *one.section)), one.text) for one in catalogue.passages(table.rows.tolist())]
        full_text = FullText(home / "fts.db", texts)
        vectors = await StaticEmbedder(StaticTokens.bundled()).embed(asked, "query")
        times = []
        worked = process_time()
        for question in asked:
            await _search(retriever, question)
        work = (process_time() - worked) * 1000 / len(asked)
        for question, vector in zip(asked, vectors, strict=True):
            took = await _search(retriever, question)
            times.append((took, _took(full_text.search, question), _took(nearest, table.matrix, vector)))
        full_text.close()
    ours, fts, dot = np.array(times).T
    return Figures(
        passages=len(texts),
        index=installation.seconds,
        index_fts=full_text.seconds,
        first=first,
        query=float(np.median(ours)),
        query_95=float(np.percentile(ours, 95)),
        work=work,
        query_fts=float(np.median(fts)),
        query_dot=float(np.median(dot)),
        memory=memory,
        memory_dot=table.matrix.nbytes,
        disk=_size(home),
        disk_fts=full_text.bytes,
    )


async def _search(retriever: Retriever, question: str) -> float:
    """Milliseconds of a search and its judgement."""
    begun = perf_counter()
    await retriever.judge(question, await retriever.search(question, VIEWER, FOUND))
    return (perf_counter() - begun) * 1000


def _size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("catalogue*"))


def _took(work: Callable[..., object], *arguments: object) -> float:
    begun = perf_counter()
    work(*arguments)
    return (perf_counter() - begun) * 1000


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.one:
        with TemporaryDirectory() as home:
            print(json.dumps(asdict(anyio.run(measure, options.one, options.questions, Path(home)))))
        return
    figures = []
    for size in options.sizes:
        command = [
            sys.executable,
            "-m",
            "tests.eval.benchmark",
            "--one",
            str(size),
            "--questions",
            str(options.questions),
        ]
        done = run(command, check=True, capture_output=True, text=True)
        figures.append(Figures(**json.loads(done.stdout.splitlines()[-1])))
        print(f"{size} passages done", file=sys.stderr)
    print(table(figures))


def table(figures: Sequence[Figures]) -> str:
    head = [
        "passages",
        "index",
        "passages/s",
        "x FTS5",
        "query p50",
        "p95",
        "CPU",
        "x FTS5",
        "x dot",
        "memory",
        "x matrix",
        "disk",
        "x FTS5",
    ]
    return markdown(head, [_row(one) for one in figures])


def _row(of: Figures) -> list[str]:
    return [
        f"{of.passages:,}",
        f"{of.index:.1f} s",
        f"{of.passages / of.index:,.0f}",
        f"{of.index / of.index_fts:.1f}",
        f"{of.query:.1f} ms",
        f"{of.query_95:.1f} ms",
        f"{of.work:.1f} ms",
        f"{of.query / of.query_fts:.1f}",
        f"{of.query / of.query_dot:.1f}",
        f"{of.memory / 2**20:.0f} MB",
        f"{of.memory / of.memory_dot:.1f}",
        f"{of.disk / 2**20:.0f} MB",
        f"{of.disk / of.disk_fts:.1f}",
    ]


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.eval.benchmark", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="passages")
    parser.add_argument("--questions", type=int, default=60, help="asked at each size")
    parser.add_argument("--one", type=int, help="measure one size in this process, and print its figures as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
