"""Tables and lists as Markdown, so that what came from Word or a web page reads like what came from Markdown."""

import re
from collections.abc import Sequence

from backends.handbooks.documents.model import Block, Part

_FEWEST = 2
"""Rows, and columns, of a table: less is a box around a text."""


def table(rows: Sequence[Sequence[str]], page: int | None = None) -> Block | None:
    """The rows as a table, the first as its header; as lines of text where it is one row or column; None if empty."""
    filled = [[" ".join(cell.split()) for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return None
    columns = max(len(row) for row in filled)
    if len(filled) < _FEWEST or columns < _FEWEST:
        text = "\n".join(" ".join(cell for cell in row if cell) for row in filled)
        return Block(shape="text", parts=(Part(text, page),))
    header, *lines = (_line([*row, *[""] * (columns - len(row))]) for row in filled)
    head = f"{header}\n{'|'.join(['', *['---'] * columns, ''])}"
    return Block(shape="table", head=head, parts=tuple(Part(line, page) for line in lines))


def evened(rows: Sequence[str]) -> list[str]:
    """The lines of a Markdown table, its header and the dashes first, each with as many cells as the longest.

    What a row lacks is empty; what it has beyond the header stands under an empty name.
    """
    cells = [_cells(row) for row in rows]
    widest = max(map(len, cells))
    return [
        row if len(split) == widest else _evened(split, widest, "---" if n == 1 else "")
        for n, (row, split) in enumerate(zip(rows, cells, strict=True))
    ]


def _cells(row: str) -> list[str]:
    """What stands between the bars of a line; a bar behind a backslash is text."""
    inner = row.removeprefix("|")
    inner = inner[:-1] if re.search(r"(?<!\\)\|$", inner) else inner
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", inner)]


def _evened(cells: Sequence[str], widest: int, filling: str) -> str:
    return "| " + " | ".join([*cells, *[filling] * (widest - len(cells))]) + " |"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def item(mark: str, blocks: Sequence[Block]) -> str:
    """A list's item: its mark, and all that stands in it, indented below the first line."""
    lines = "\n".join(written(block) for block in blocks).split("\n")
    indent = " " * (len(mark) + 1)
    return "\n".join([f"{mark} {lines[0]}", *(indent + line for line in lines[1:])]).rstrip()


def in_cell(blocks: Sequence[Block]) -> str:
    """What stands in a cell, on one line: of a table in it, the names and then the rows, `A / B: 1 / 2; 3 / 4`."""
    return " ".join(" ".join(_in_cell(block) for block in blocks).split())


def _in_cell(block: Block) -> str:
    if block.shape != "table":
        return written(block)
    names, *rows = (" / ".join(_cells(line)) for line in (block.head.split("\n")[0], *(p.text for p in block.parts)))
    return f"{names}: {'; '.join(rows)}"


def written(block: Block) -> str:
    """A block inside another, which is no block of its own: a heading is a line there."""
    return "\n".join([*([block.head] if block.head else []), *(part.text for part in block.parts)])
