"""The cutter: a document's blocks as one text, and the text in pieces that can be read by themselves.

A piece stays below one heading and knows the trail to it; a table that is cut repeats its header, and table and list
the line that leads in to them. A piece's span in the text begins at the headings that it is the first to stand below,
so that spans follow one another and leave out nothing but space.

The size was measured on two handbooks of others with 100 questions, as R@5 and nDCG@10 of words and vectors together.
From 120 words on R@5 does not move: with the bundled vectors .59 at 80 words, .67 at 120, .66 at 160, .68 at 200 and
at 240, .66 at 300, .67 at 350; with MiniLM .81 at 160, .78 at 240, .80 at 350. nDCG@10 grows with the size: bundled .52
at 120, .57 at 240, .59 at 350; MiniLM .68 at 160, .70 at 240, .71 at 350. So 240: more gains little, and a model of
MiniLM's class reads only the first 200 words or so of a text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

from backends.handbooks.documents.model import Block, Piece, Shape

LONGEST = 240
"""Words in a piece, above which a section is cut: between blocks and list items, else sentences, else words."""
LONGEST_TABLE = 350
"""Words in a table, header and lead-in included, above which it is cut between its rows."""
LONGEST_HEAD = 100
"""Words in a header or lead-in, above which it is not repeated: it would drown what it stands above."""

_LETTERS = 12
"""Characters that count as a word at least: a language without spaces, or a line of nothing but an address, has few."""
_BREAK = re.compile(r"\n+|(?<=[.!?…])[\"'\u201d\u2019)\]]*\s+")


class _Span(NamedTuple):
    """A text and where it stands; of a chunk, where its own part of the text stands: not what it repeats."""

    text: str
    start: int
    end: int
    page: int | None


class _Placed(NamedTuple):
    """A block where it stands in the text."""

    shape: Shape
    level: int
    head: _Span | None
    parts: tuple[_Span, ...]


class _Section(NamedTuple):
    """What stands below one heading, the trail to it, and where the first heading starts that is new in the trail."""

    trail: tuple[str, ...]
    start: int
    blocks: tuple[_Placed, ...]


def indexed_text(title: str, section: Sequence[str], text: str) -> str:
    """A piece as it is indexed and embedded: with its whole trail above it, which is worth 3 to 4 points of R@5."""
    return f"{' > '.join([title, *section])}\n{text}"


def cut(blocks: Iterable[Block], title: str, longest: int = LONGEST) -> tuple[str, tuple[Piece, ...]]:
    """The blocks as one text, a blank line between them, and its pieces, in order. Without blocks: "" and ().

    A heading that nothing stands below is the text of a piece of its own.
    """
    text, placed = _placed(blocks)
    pieces: list[Piece] = []
    for section in _sections(placed):
        trail = section.trail[1:] if section.trail[:1] == (title,) else section.trail
        start = section.start
        for chunk in _packed(_chunks(section.blocks, longest), longest):
            pieces.append(Piece(section=trail, text=chunk.text, page=chunk.page, start=start, end=chunk.end))
            start = chunk.end
    return text, tuple(pieces)


def _placed(blocks: Iterable[Block]) -> tuple[str, list[_Placed]]:
    texts: list[str] = []
    length = 0

    def place(text: str, gap: str, page: int | None) -> _Span:
        nonlocal length
        gap = gap if texts else ""
        texts.append(gap + text)
        length += len(gap) + len(text)
        return _Span(text, length - len(text), length, page)

    placed: list[_Placed] = []
    for block in blocks:
        head = place(block.head, "\n\n", block.parts[0].page) if block.head else None
        parts: list[_Span] = []
        for part in block.parts:
            mark = "#" * min(max(block.level, 1), 6) + " " if block.shape == "heading" else ""
            span = place(mark + part.text, "\n" if parts or head else "\n\n", part.page)
            parts.append(span._replace(text=part.text))
        placed.append(_Placed(block.shape, block.level, head, tuple(parts)))
    return "".join(texts), placed


def _sections(placed: Iterable[_Placed]) -> Iterator[_Section]:
    trail: dict[int, str] = {}
    start: int | None = None
    newest: list[_Placed] = []
    for block in placed:
        if block.shape != "heading":
            start = (block.head or block.parts[0]).start if start is None else start
            newest.append(block)
            continue
        if newest and (newest[-1].shape != "heading" or newest[-1].level >= block.level):
            yield _section(trail, start or 0, newest)
            start, newest = None, []
        start = block.parts[0].start if start is None else start
        above = {level: name for level, name in trail.items() if level < block.level}
        trail = above | {block.level: block.parts[0].text}
        newest.append(block)
    if newest:
        yield _section(trail, start or 0, newest)


def _section(trail: dict[int, str], start: int, newest: Sequence[_Placed]) -> _Section:
    below = tuple(block for block in newest if block.shape != "heading")
    return _Section(tuple(trail.values()), start, below or (newest[-1]._replace(shape="text"),))


def _packed(chunks: Iterable[_Span], longest: int) -> Iterator[_Span]:
    """As many chunks together as `longest` words allow."""
    for together in _groups(chunks, longest):
        text = "\n\n".join(chunk.text for chunk in together)
        yield _Span(text, together[0].start, together[-1].end, together[0].page)


def _chunks(blocks: Sequence[_Placed], longest: int) -> Iterator[_Span]:
    """Texts that may stand alone: a line that ends with a colon stays with the list or table after it."""
    lead: _Span | None = None
    for block, following in zip_longest(blocks, blocks[1:]):
        if block.shape == "text" and following and following.shape != "text" and _leads_in(block.parts[0].text):
            lead = block.parts[0]
            continue
        above = [span for span in (lead, block.head) if span]
        lead = None
        yield from _divided(block, above, longest)


def _leads_in(text: str) -> bool:
    return text.rstrip("*_ ").endswith(":")


def _divided(block: _Placed, above: Sequence[_Span], longest: int) -> Iterator[_Span]:
    """The block, in parts where it is too long, `above` repeated over each."""
    if above and _size("\n".join(span.text for span in above)) > LONGEST_HEAD:
        yield from (run for span in above for run in _runs(span, longest))
        above = []
    head = "".join(span.text + ("\n" if span is block.head else "\n\n") for span in above)
    whole = sum(_size(part.text) for part in block.parts) + _size(head)
    room = (LONGEST_TABLE if block.shape == "table" and whole <= LONGEST_TABLE else longest) - _size(head)
    start = above[0].start if above else None
    for rows in _groups((run for part in block.parts for run in _runs(part, room)), room):
        text = head + "\n".join(row.text for row in rows)
        yield _Span(text, rows[0].start if start is None else start, rows[-1].end, rows[0].page)
        start = None


def _groups(spans: Iterable[_Span], room: int) -> Iterator[list[_Span]]:
    group: list[_Span] = []
    taken = 0
    for span in spans:
        size = _size(span.text)
        if group and taken + size > room:
            yield group
            group, taken = [], 0
        group.append(span)
        taken += size
    if group:
        yield group


def _runs(span: _Span, room: int) -> Iterator[_Span]:
    """The span itself, or the longest runs of its lines and sentences, or else of its words, that have room."""
    if _size(span.text) <= room:
        yield span
        return
    start = taken = 0
    for begins, ends in _sentences(span.text, room):
        size = _size(span.text[begins:ends])
        if begins > start and taken + size > room:
            yield _part(span, start, begins)
            start, taken = begins, 0
        taken += size
    yield _part(span, start, len(span.text))


def _sentences(text: str, room: int) -> Iterator[tuple[int, int]]:
    edges = [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]
    for start, end in pairwise(edges):
        if _size(text[start:end]) <= room:
            yield start, end
            continue
        longest_word = room * _LETTERS
        for word in re.finditer(rf"\S{{1,{longest_word}}}\s*", text[start:end]):
            yield start + word.start(), start + word.end()


def _part(span: _Span, start: int, end: int) -> _Span:
    return _Span(span.text[start:end].rstrip(), span.start + start, span.start + end, span.page)


def _size(text: str) -> int:
    return max(len(text.split()), len(text) // _LETTERS)
