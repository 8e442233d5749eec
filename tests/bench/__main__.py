"""`python -m tests.bench [PART...] [--json FILE]` measures and prints a table; `--list` and `--table` print only."""

import argparse
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import anyio

from tests.bench import console, imports, queries, streams, tables, turns
from tests.bench.measuring import Row, Sizes, Skipped, hardware

Part = Callable[[Sizes, Path], AsyncIterator[Row | Skipped]]

PARTS: Mapping[str, Part] = {
    "turn": turns.rows,
    "commands": turns.commands,
    "streams": streams.rows,
    "queries": queries.rows,
    "import": imports.rows,
    "console": console.rows,
}
"""By name what can be measured; a part may use the folder that it is given for its files."""


async def measure(names: list[str], sizes: Sizes, found: dict[str, list[Row | Skipped]]) -> None:
    """Put the rows of these parts in `found`, by part, as they come, and print them."""
    for name in names:
        found[name] = []
        print(f"\n{name}\n{tables.HEAD}", flush=True)
        with tempfile.TemporaryDirectory(prefix="rolltop-bench-") as folder:
            async for row in PARTS[name](sizes, Path(folder)):
                found[name].append(row)
                print(tables.line(row), flush=True)


def figures(found: Mapping[str, list[Row | Skipped]]) -> dict:
    """The rows as JSON, with the hardware they were measured on."""
    with tempfile.TemporaryDirectory(prefix="rolltop-bench-") as folder:
        machine = hardware(Path(folder))
    return {
        "hardware": machine,
        "rows": [
            {"part": name, **row.as_json()} for name, rows in found.items() for row in rows if isinstance(row, Row)
        ],
        "skipped": {row.name: row.why for rows in found.values() for row in rows if isinstance(row, Skipped)},
    }


def main(*arguments: str) -> int:
    """Run what the command line asks for. A missed goal is in the table and is not an error."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)}; all if left out"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, after each part")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument(
        "--table", nargs="+", type=Path, metavar="FILE", help="one file of figures, or two, in Markdown"
    )
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"{', '.join(unknown)} cannot be measured; the parts are {', '.join(PARTS)}")
    if given.table and len(given.table) > 2:
        parser.error("a table compares two files at most")
    if given.list:
        print("\n".join(PARTS))
    elif given.table:
        print(tables.markdown(*(json.loads(path.read_text()) for path in given.table)))
    else:
        _run(given.parts or list(PARTS), given.json)
    return 0


def _run(names: list[str], path: Path | None) -> None:
    found: dict[str, list[Row | Skipped]] = {}
    for name in names:
        anyio.run(measure, [name], Sizes(), found)
        if path:  # after each part, so that an interrupted run leaves what it has
            path.write_text(json.dumps(figures(found), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
