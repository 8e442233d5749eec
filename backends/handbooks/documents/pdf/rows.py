"""Rows of a PDF's tables: lines that stand beside each other are cells of one row, even where a cell has several lines.

Programs draw a table cell by cell: after the last line of a cell comes one that is further right and not below it.
"""

from collections.abc import Iterable, Iterator, Sequence

from backends.handbooks.documents.pdf.lines import Line

_STEP = 2.2
"""Times a line's size, within which the next line of a cell stands below it."""
_TALLEST = 8
"""Times a line's size that a cell may begin above the one to its left; a page's next column begins higher."""


def rows(lines: Iterable[Line]) -> list[Line]:
    """The lines, those of a table's row as one with a cell for each column."""
    return [line for cells in _cells(lines) for line in (cells[0] if len(cells) == 1 else [_row(cells)])]


def _cells(lines: Iterable[Line]) -> Iterator[list[list[Line]]]:
    """The lines of each row's cells; what is in no row are cells of one column."""
    cells: list[list[Line]] = []
    for line in lines:
        if cells and _beside(cells, line):
            cells.append([line])
        elif cells and _under(cells[-1][-1], line):
            cells[-1].append(line)
        else:
            if cells:
                yield cells
            cells = [[line]]
    if cells:
        yield cells


def _beside(cells: Sequence[Sequence[Line]], line: Line) -> bool:
    first, last = cells[0][0], cells[-1][-1]
    right = line.xs[0] > last.xs[-1] + 1.5 * line.size
    high = last.y - 0.7 * line.size < line.y < first.y + _TALLEST * line.size
    return line.page == last.page and right and high and abs(line.size - last.size) < 0.2 * line.size


def _under(last: Line, line: Line) -> bool:
    near = 0 < last.y - line.y < _STEP * line.size
    alike = last.bold == line.bold and last.size == line.size
    return line.page == last.page and near and alike and len(line.xs) == 1 and abs(line.xs[0] - last.xs[-1]) < 3


def _row(cells: Sequence[Sequence[Line]]) -> Line:
    texts: list[str] = []
    for first, *others in cells:
        texts += first.cells
        texts[-1] = " ".join([texts[-1], *(line.text for line in others)])
    head = cells[0][0]
    xs = [x for first, *_ in cells for x in first.xs]
    return Line(page=head.page, y=cells[-1][-1].y, size=head.size, bold=head.bold, cells=texts, xs=xs)
