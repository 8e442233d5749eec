"""The grid of a table with merged cells: which cells cover each place of it, and the flat rows that say the same.

A merged cell's value is written in each row and column that it covers, and several rows of headers become one with
joined names. So every value stands under all that is said of it, wherever a table is cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import TypeAlias

from backends.handbooks.documents.model import Refused

_WIDEST = 1000
"""Columns that HTML lets a cell span."""
_DEEP = 2
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
    """The rows as texts, all of one length; the first `headers` of them, if they are several, joined to one.

    Rows and columns in which no cell begins are left out: they repeat what stands before them. Raises Refused for too
    much text.
    """
    kept = [(n, row) for n, (above, row) in enumerate(zip([{}, *grid], grid, strict=False)) if _begins(row, above)]
    rows = [row for _, row in kept]
    columns = _columns(rows)
    texts = [[_said(row.get(column, [])) for column in columns] for row in rows]
    if sum(len(text) for row in texts for text in row) > _MOST_CHARACTERS:
        raise Refused("a table of it has merged cells with too much text: make it simpler")
    # A cell over the whole table is its title: the row below it names the columns.
    titles = len(list(takewhile(lambda row: len(set(chain(*row.values()))) == 1, rows)))
    named = max(sum(n < headers for n, _ in kept), titles + 1)
    deep = min(max(named, _DEEP) if _names_parts(rows, columns) else named, len(rows) - 1)
    if deep < _DEEP:
        return texts
    return [[_once(names) for names in zip(*texts[:deep], strict=True)], *texts[deep:]]


def _begins(row: Row, above: Row) -> bool:
    """Whether a cell begins in the row."""
    return any(cell not in above.get(column, []) for column, cells in row.items() for cell in cells)


def _columns(rows: Sequence[Row]) -> list[int]:
    """The columns in which a cell begins."""
    every = sorted({column for row in rows for column in row})
    return [
        column
        for before, column in zip([-1, *every], every, strict=False)
        if any(cell not in row.get(before, []) for row in rows for cell in row.get(column, []))
    ]


def _names_parts(rows: Sequence[Row], columns: Sequence[int]) -> bool:
    """Whether the second row names parts of what the first one names, whatever their author marked as a header.

    Then a cell of the first row stands over several columns, and below the others is nothing new: a cell that reaches
    down from the first row and ends in the second, or empty ones beside words without figures.
    """
    first, second, third = ([row.get(column, []) for column in columns] for row in [*rows, {}, {}, {}][:3])
    over = [
        any(cell in other for cell in cells for other in first[max(n - 1, 0) : n] + first[n + 1 : n + 2])
        for n, cells in enumerate(first)
    ]
    beside = [n for n, is_over in enumerate(over) if not is_over]
    ends = any(cell in second[n] and cell not in third[n] for n in beside for cell in first[n])
    said = [_said(cells) for cells in second]
    empty = beside and all(bool(text) == is_over for text, is_over in zip(said, over, strict=True))
    return any(over) and bool(ends or (empty and not any(map(str.isdecimal, chain(*said)))))


def _said(cells: Sequence[Cell]) -> str:
    return _once([cell.text for cell in cells])


def _once(texts: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(text for text in texts if text))
