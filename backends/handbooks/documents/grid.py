"""The grid of a table with merged cells: which cells cover each place of it, and the flat rows that say the same.

A merged cell's value is written in each row and column that it covers, and several rows of headers become one with
joined names. So every value stands under all that is said of it, wherever a table is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from backends.handbooks.documents.model import Refused

_WIDEST = 1000
"""Columns that HTML lets a cell span."""
_MOST_PLACES = 200_000
_MOST_CHARACTERS = 4_000_000
"""What a table may come to with its merged cells written out, above which it is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A cell as its file has it; `rows` 0 reaches to the end of its group of rows, `header` names rows or columns."""

    text: str
    columns: int = 1
    rows: int = 1
    header: bool = False


Row: TypeAlias = dict[int, list[Cell]]
"""By column, the cells that cover the place: more than one where a file lets them overlap."""


def placed(groups: Sequence[Sequence[Sequence[Cell]]]) -> list[Row]:
    """The rows of all groups, with each cell in the places that HTML's algorithm gives it.

    A cell begins at the first place of its row that is free, and ends with its group at the latest. Raises Refused for
    a table of far more places than a handbook has.
    """
    grid: list[Row] = []
    places = 0
    for group in groups:
        rows: list[Row] = [{} for _ in group]
        for top, cells in enumerate(group):
            column = 0
            for cell in cells:
                while column in rows[top]:
                    column += 1
                width = min(cell.columns, _WIDEST) or 1
                covered = rows[top : top + cell.rows] if cell.rows else rows[top:]
                places += width * len(covered)
                if places > _MOST_PLACES:
                    raise Refused("a table of it has merged cells over too many rows and columns: make it simpler")
                for row in covered:
                    for place in range(column, column + width):
                        row.setdefault(place, []).append(cell)
                column += width
        grid += rows
    return grid


def flat(grid: Sequence[Row], headers: int) -> list[list[str]]:
    """The rows as texts, all of one length; the first `headers` of them, but at least one, are joined to one header.

    Rows and columns in which no cell begins are left out: they repeat what stands before them.
    """
    columns = _beginnings(sorted({column for row in grid for column in row}), grid)
    rows = [row for above, row in zip([{}, *grid], grid, strict=False) if _begins(row, above)]
    headers -= sum(not _begins(row, above) for above, row in zip([{}, *grid], grid[:headers], strict=False))
    if not rows:
        return []
    texts = [[_said(row.get(column, [])) for column in columns] for row in rows]
    if sum(map(len, (text for row in texts for text in row))) > _MOST_CHARACTERS:
        raise Refused("a table of it has merged cells with too much text: make it simpler")
    deep = min(max(headers, _deep(rows, columns)), len(rows) - 1)
    return [[_name(names) for names in zip(*texts[:deep], strict=True)], *texts[deep:]] if deep > 1 else texts


def _beginnings(columns: Sequence[int], grid: Sequence[Row]) -> list[int]:
    befores = [-1, *columns]
    return [
        column
        for before, column in zip(befores, columns, strict=False)
        if any(cell not in row.get(before, []) for row in grid for cell in row.get(column, []))
    ]


def _begins(row: Row, above: Row) -> bool:
    """Whether a cell begins in the row, or it is empty."""
    return any(cell not in above.get(column, []) for column, cells in row.items() for cell in cells)


def _deep(rows: Sequence[Row], columns: Sequence[int]) -> int:
    """How many rows the first row's cells reach down, if one of them stands over several columns; else 1."""
    first = [rows[0].get(column, []) for column in columns]
    over = any(set(one) & set(other) for one, other in pairwise(first))
    if not over or len({id(cell) for cells in first for cell in cells}) < 2:
        return 1
    return max(sum(cell in row.get(column, []) for row in rows) for column, cells in zip(columns, first, strict=True) for cell in cells)


def _said(cells: Sequence[Cell]) -> str:
    return " / ".join(dict.fromkeys(cell.text for cell in cells if cell.text))


def _name(names: Sequence[str]) -> str:
    """A column's names from top to bottom, each once."""
    return " / ".join(dict.fromkeys(name for name in names if name))
