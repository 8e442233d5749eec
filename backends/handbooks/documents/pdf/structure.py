"""Lines of a PDF as blocks: what is a heading, where a paragraph ends, what is a list.

A PDF has none of this. A line is a heading by the outline, by its size, or, where it is as large as the text, as a
short bold line with space above it. A paragraph ends where more space follows than between its lines.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from backends.handbooks.documents.markdown_tables import table
from backends.handbooks.documents.model import Block, Part
from backends.handbooks.documents.pdf.lines import Line, body_size

_LARGER = 1.08
"""How much larger than the text a line is that is a heading."""
_LONGEST_HEADING = 16
"""Words."""
_SPACE_ABOVE = 1.25
"""How many times the usual distance of two lines ends a paragraph."""
_ENOUGH = 5
"""How often lines stand as far apart as paragraphs do elsewhere, for that to be how a document's lines stand."""
_BULLET = re.compile(
    r"^(?:[\u2022\u2023\u25aa\u25ab\u25cf\u25cb\u25e6\u2043\u2219\u00b7\uf0b7\uf0a7*\-\u2013]|o(?=\s))\s+(?=\S)"
)
_NUMBER = re.compile(r"^(?:\d{1,3}[.)]|[a-z][.)]|\([a-z0-9]{1,3}\))\s+(?=\S)")
_HYPHEN = re.compile(r"(\w+)[-\u00ad\u2010]$")
_WORD = re.compile(r"\w+(?:-\w+)*")

Style: TypeAlias = tuple[float, bool]


class _Item(NamedTuple):
    x: float
    mark: str
    lines: list[Line]


def blocks(lines: Sequence[Line], outline: Mapping[tuple[int, str], int]) -> Iterator[Block]:
    """The blocks in the lines, in their order. `outline` is how deep an entry is, by its page and `key`."""
    text = _Text(lines)
    levels = _levels(lines, outline, text)
    for level, run in _runs(lines, levels, text):
        if level is None:
            yield from _below(run, text)
        else:
            yield Block(shape="heading", level=level, parts=(Part(text.joined(run), run[0].page),))


def key(title: str) -> str:
    """A heading's letters and digits, as an outline and a page are likely to agree on them."""
    return "".join(character for character in title.casefold() if character.isalnum())


class _Text:
    """What is usual in a document: the size of its letters, the distance of its lines, and its words."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.size = body_size(lines)
        steps = Counter(round(a.y - b.y, 1) for a, b in pairwise(lines) if a.page == b.page and _alike(a, b))
        single = {step: count for step, count in steps.items() if 0 < step < 2 * self.size}
        double = {step: count for step, count in steps.items() if 0 < step < 3 * self.size and count >= _ENOUGH}
        near = single or double
        self.step = max(near, key=lambda step: (near[step], -step), default=1.4 * self.size)
        self.width = max((len(line.text) for line in lines), default=0)
        self._words = Counter(word for line in lines for word in _WORD.findall(line.text.casefold()))

    def parted(self, a: Line, b: Line) -> bool:
        """Whether there is more space between two lines than within a paragraph; on another page, by their words."""
        if a.page != b.page or b.y > a.y + 1:
            return a.text[-1:] in ".!?:;" or not b.text[:1].islower()
        return a.y - b.y > _SPACE_ABOVE * max(self.step * max(a.size, b.size) / (self.size or 1), 1)

    def goes_on(self, a: Line, b: Line) -> bool:
        """Whether b is the next line of the heading a."""
        return a.page == b.page and _alike(a, b) and 0 < a.y - b.y < 1.6 * a.size

    def joined(self, lines: Sequence[Line]) -> str:
        """The lines as one; a word that is parted between two of them is whole again."""
        whole = ""
        for line in lines:
            found = _HYPHEN.search(whole)
            if found and line.text[:1].islower():
                whole = whole[:-1] + ("-" if self._keeps_hyphen(found[1], line.text) else "") + line.text
            else:
                whole += (" " if whole else "") + line.text
        return whole

    def _keeps_hyphen(self, before: str, after: str) -> bool:
        """Whether the word is written with a hyphen elsewhere, and more often so than without one."""
        rest = (_WORD.match(after) or [""])[0].split("-")[0]
        together, apart = f"{before}{rest}".casefold(), f"{before}-{rest}".casefold()
        return self._words[apart] > self._words[together]


def _alike(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) < 0.5 and a.bold == b.bold


def _levels(lines: Sequence[Line], outline: Mapping[tuple[int, str], int], text: _Text) -> dict[int, int]:
    """The level of each line that is a heading, by its id: 0 is what stands above all that the outline names."""
    entries = {id(line): depth for line in lines if (depth := _entry(line, outline)) is not None}
    headings = {
        id(line): (line.size, line.bold)
        for before, line, after in zip([None, *lines], lines, [*lines[1:], None], strict=False)
        if id(line) in entries or _is_heading(before, line, after, text)
    }
    depths: dict[Style, Counter[int]] = {}
    for id_, style in headings.items():
        if id_ in entries:
            depths.setdefault(style, Counter())[entries[id_]] += 1
    level = -1 if depths else 0
    by_style: dict[Style, int] = {}
    for style in sorted(set(headings.values()), reverse=True):
        level = depths[style].most_common(1)[0][0] if style in depths else level + 1
        by_style[style] = level
    return {id_: entries.get(id_, by_style[style]) for id_, style in headings.items()}


def _entry(line: Line, outline: Mapping[tuple[int, str], int]) -> int | None:
    return outline.get((line.page, key(line.text))) if len(line.cells) == 1 else None


def _is_heading(before: Line | None, line: Line, after: Line | None, text: _Text) -> bool:
    if len(line.cells) > 1 or len(line.text.split()) > _LONGEST_HEADING or not any(map(str.isalpha, line.text)):
        return False
    if line.size >= _LARGER * text.size:
        return True
    if not line.bold or line.size < 0.95 * text.size or line.text[-1] in ".,;:" or _BULLET.match(line.text):
        return False
    begins = before is None or before.size > _LARGER * line.size or text.parted(before, line)
    ends = after is not None and not (_alike(line, after) and not text.parted(line, after))
    return begins and ends


def _runs(
    lines: Sequence[Line], levels: Mapping[int, int], text: "_Text"
) -> Iterator[tuple[int | None, Sequence[Line]]]:
    """The lines of each heading, with its level, and with None those between headings."""
    run: list[Line] = []
    for line in lines:
        level = levels.get(id(line))
        if run and (level != levels.get(id(run[-1])) or (level is not None and not text.goes_on(run[-1], line))):
            yield levels.get(id(run[-1])), run
            run = []
        run.append(line)
    if run:
        yield levels.get(id(run[-1])), run


def _below(lines: Sequence[Line], text: _Text) -> Iterator[Block]:
    """Paragraphs, lists and tables."""
    paragraph: list[Line] = []
    items: list[_Item] = []
    for line in lines:
        if mark := _mark(line):
            yield from _paragraph(paragraph, text)
            paragraph = []
            items.append(_Item(line.x, mark, [line]))
        elif items and _continues(items[-1], line, text):
            items[-1].lines.append(line)
        else:
            yield from _list(items, text)
            items = []
            if paragraph and _begins(paragraph[-1], line, text):
                yield from _paragraph(paragraph, text)
                paragraph = []
            paragraph.append(line)
    yield from _list(items, text)
    yield from _paragraph(paragraph, text)


def _mark(line: Line) -> str:
    if len(line.cells) > 1:
        return ""
    if _BULLET.match(line.text):
        return "-"
    found = _NUMBER.match(line.text)
    return found[0].strip() if found else ""


def _continues(item: _Item, line: Line, text: _Text) -> bool:
    """Whether the line goes on with the item: indented, or as near as a paragraph's lines after one that is full."""
    before = item.lines[-1]
    if text.parted(before, line):
        return line.x > item.x + 4 and before.page == line.page and before.y - line.y < 2 * text.step
    return line.x > item.x + 4 or len(before.text) > 0.7 * text.width or line.page != before.page


def _begins(before: Line, line: Line, text: _Text) -> bool:
    """Whether the line begins a paragraph or a table; rows of a table have more space between them."""
    if len(before.cells) > 1 and len(line.cells) > 1:
        aligned = all(any(abs(x - other) < 4 for other in before.xs) for x in line.xs)
        near = before.page + 1 == line.page or (before.page == line.page and 0 < before.y - line.y < 8 * text.step)
        return not (aligned and near)
    return len(before.cells) > 1 or len(line.cells) > 1 or text.parted(before, line)


def _paragraph(lines: Sequence[Line], text: _Text) -> Iterator[Block]:
    """A paragraph; or a table, where the lines are rows of cells: its header, which comes again on each page, once."""
    if lines and len(lines[0].cells) > 1:
        header, *others = lines
        kept = [header, *(line for line in others if line.cells != header.cells)]
        if block := table([_in_columns(line, header.xs) for line in kept], header.page):
            yield block
    elif lines:
        yield Block(shape="text", parts=(Part(text.joined(lines), lines[0].page),))


def _in_columns(line: Line, columns: Sequence[float]) -> list[str]:
    """The cells, an empty one in each column where the line has none."""
    cells = [""] * len(columns)
    for x, cell in zip(line.xs, line.cells, strict=True):
        nearest = min(range(len(columns)), key=lambda n: abs(columns[n] - x))
        cells[nearest] = f"{cells[nearest]} {cell}".strip()
    return cells


def _list(items: Sequence[_Item], text: _Text) -> Iterator[Block]:
    """The items as a list: one that stands further right belongs to the item before it."""
    parts: list[Part] = []
    for item in items:
        whole = text.joined(item.lines)
        said = f"{item.mark} {(_BULLET if item.mark == '-' else _NUMBER).sub('', whole, count=1)}"
        if parts and item.x > items[0].x + 6:
            parts[-1] = parts[-1]._replace(text=f"{parts[-1].text}\n  {said}")
        else:
            parts.append(Part(said, item.lines[0].page))
    if parts:
        yield Block(shape="list", parts=tuple(parts))
