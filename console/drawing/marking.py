"""Quoted words marked inside a passage, which is Markdown that others wrote.

A mark is Streamlit's own `:orange-background[...]`. It cannot cross a line or a table's cell, and would cut a pair of
`**` in two, so a quote is marked piece by piece, and a piece that cannot stand alone grows to its whole line or cell.
The text is made harmless first: every mark in it is one of ours.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, takewhile

from console.drawing.text import markdown

_WORD = re.compile(r"\S+")
_LINE = re.compile(r"[^\n]+")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)]|#{1,6})[ \t]+)*")
_CELL = re.compile(r"(?:\\.|[^|\\])+")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)")
_SIGNS = re.compile(r"\\.|\*\*|[*_`\[\]]")

Span = tuple[int, int]


def marked(text: str, quotes: Sequence[str]) -> tuple[str, list[str]]:
    """The text as harmless Markdown with the quotes marked, and the quotes that could not be marked."""
    harmless = markdown(text)
    cells, spaced = list(_cells(harmless)), _Spaced(harmless)
    marks: set[Span] = set()
    left = []
    for quote in dict.fromkeys(quote for quote in quotes if quote.strip()):
        span = spaced.find(markdown(quote))
        pieces = list(_pieces(harmless, cells, span)) if span else []
        marks.update(pieces)
        if not pieces:
            left.append(quote)
    return _with_marks(harmless, marks), left


class _Spaced:
    """A text in which a quote is found however the words of both are spaced."""

    def __init__(self, text: str) -> None:
        self._words = [word.span() for word in _WORD.finditer(text)]
        self._text = " ".join(text[start:end] for start, end in self._words)
        lengths = (end - start + 1 for start, end in self._words)
        self._places = list(accumulate(lengths, initial=0))

    def find(self, quote: str) -> Span | None:
        """The place of the first such quote in the text, None if there is none."""
        words = " ".join(quote.split())
        found = self._text.find(words)
        return (self._place(found), self._place(found + len(words) - 1) + 1) if words and found >= 0 else None

    def _place(self, place: int) -> int:
        word = bisect_right(self._places, place) - 1
        return self._words[word][0] + place - self._places[word]


def _cells(text: str) -> Iterator[Span]:
    """What a mark may stand in, in order: the lines without the signs that they begin with, and a table's cells."""
    # Inside a code block a mark would be shown as text.
    fenced = False
    for line in _LINE.finditer(text):
        fenced ^= (fence := _FENCE.match(line[0])) is not None
        if fenced or fence:
            continue
        lead = _LEAD.match(line[0])
        for cell in _CELL.finditer(text, line.start() + (lead.end() if lead else 0), line.end()):
            yield cell.span()


def _pieces(text: str, cells: Sequence[Span], quote: Span) -> Iterator[Span]:
    start, end = quote
    first = bisect_right(cells, start, key=lambda cell: cell[1])
    for cell in takewhile(lambda cell: cell[0] < end, islice(cells, first, None)):
        piece = _trimmed(text, max(cell[0], start), min(cell[1], end))
        if any(char.isalnum() for char in text[slice(*piece)]):
            # The whole is looked at only if it is needed: it may be long, and hold many pieces.
            if _stands_alone(text[slice(*piece)]):
                yield piece
            elif _stands_alone(text[slice(*(whole := _trimmed(text, *cell)))]):
                yield whole


def _trimmed(text: str, start: int, end: int) -> Span:
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), max(start, end - len(inner) + len(inner.rstrip()))


def _stands_alone(piece: str) -> bool:
    """Whether every pair of signs that begins in the piece ends in it."""
    signs = [sign for sign in _SIGNS.findall(piece) if not sign.startswith("\\")]
    depth = 0
    for sign in signs:
        depth += (sign == "[") - (sign == "]")
        if depth < 0:
            return False
    pairs = all(signs.count(sign) % 2 == 0 for sign in ("**", "*", "_", "`"))
    return depth == 0 and pairs and not re.search(r"(?<!\\)(?:\\\\)*\\$", piece)


def _with_marks(text: str, marks: set[Span]) -> str:
    written, end = [], 0
    for start, stop in sorted(marks, key=lambda span: (span[0], -span[1])):
        if start < end:
            continue
        before = text[end:start]
        # A colon right before it would make it something else, a brace right behind it would be its attributes.
        written.append(before[:-1] + "&#58;" if before.endswith(":") else before)
        written.append(f":orange-background[{text[start:stop]}]" + ("\\" if text[stop : stop + 1] == "{" else ""))
        end = stop
    return "".join(written) + text[end:]
