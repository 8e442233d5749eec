"""What is quoted of one passage: the piece that answers, what is nearly as good, and what they need to be understood.

A short passage is quoted whole. Of a longer one the best pieces are, a paragraph's with the sentences around them. A
short list or table is whole; of a long one the rows that fit are quoted below its header, and how many more there are
is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from backends.models.offline.phrases import Phrases
from backends.passages.blocks import Block, Unit, read_blocks
from core.values import Highlight, Passage

WHOLE = 8
"""Items or rows up to which a list or a table is quoted whole."""
ROOM = 120
"""Words of a quote, beyond which only a list or a table goes."""
SHORT = 60
"""Words of a passage that is quoted whole."""
NEAR = 0.7
"""The share of the best piece's score from which another is quoted too."""
OPENS = 0.5
"""The share from which the first piece of the passage is quoted before others."""
APART = 0.6
"""The share of the best row's score below which a row of a short table is left out: figures speak against it."""
NEAR_ROW = 0.9
"""The share of the best row's score from which another of a long table or list is quoted too."""
MOST_ROWS = 4
"""Rows or items of a long table or list."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A quote's text, and whether it ends in a row or in a note on rows, behind which nothing else may stand."""

    text: str
    ends_in_rows: bool


def excerpt(passage: Passage, phrases: Phrases) -> Excerpt:
    """The passage must have highlights, and a text that is more than a heading."""
    blocks = read_blocks(passage.text)
    kept = _kept(blocks, passage.highlights)
    parts: list[str] = []
    title = None
    for index, units in kept.items():
        block = blocks[index]
        if block.title is not None and block.title != title:
            parts.append(block.title.text)
        title = block.title
        parts.append("\n\n".join(_written(block, units, phrases)))
    return Excerpt("\n\n".join(parts), blocks[max(kept)].shape == "table")


Place: TypeAlias = tuple[int, int]
"""A unit: its block's place in the passage, and its own in the block."""


def _kept(blocks: Sequence[Block], highlights: Sequence[Highlight]) -> dict[int, list[int]]:
    """The units to quote, by block, in the passage's order."""
    fits: dict[Place, float] = {}
    for index, block in enumerate(blocks):
        # Another retriever may mark less than a whole unit.
        scores = [max((one.score for one in highlights if _is_in(one, unit)), default=0.0) for unit in block.units]
        # The search marks so many pieces of a passage: a row beyond them is at most as good as the others of its table.
        rest = min(filter(None, scores), default=0.0) if block.shape != "sentences" else 0.0
        fits |= {(index, place): score or rest for place, score in enumerate(scores)}
    best = max(fits, key=fits.__getitem__)
    kept: dict[int, set[int]] = {}
    room = ROOM
    for index, place in _wanted(blocks, fits, best):
        block = blocks[index]
        if block.shape == "sentences":
            units = {place}
        elif index not in kept:
            units = _rows(block, [fits[index, n] for n in range(len(block.units))])
        else:
            continue
        size = sum(_size(block, unit) for unit in units - kept.get(index, set()))
        if size <= room or not kept:
            kept.setdefault(index, set()).update(units)
            room -= size
    return {index: sorted(kept[index]) for index in sorted(kept)}


def _is_in(highlight: Highlight, unit: Unit) -> bool:
    return unit.start <= highlight.start < unit.end


def _wanted(blocks: Sequence[Block], fits: Mapping[Place, float], best: Place) -> Iterator[Place]:
    """The units to quote as far as there is room, the most wanted first; what stands below another title is not."""
    title = blocks[best[0]].title
    fits = {place: fit for place, fit in fits.items() if blocks[place[0]].title == title}
    yield best
    # A passage begins with what it is about.
    if fits[opening := min(fits)] >= OPENS * fits[best]:
        yield opening
    yield from sorted((one for one in fits if fits[one] >= NEAR * fits[best]), key=lambda one: (-fits[one], one))
    if sum(_size(blocks[index], place) for index, place in fits) <= SHORT:
        yield from (one for one in fits if blocks[one[0]].units[one[1]].answers)
    index, place = best
    yield from ((index, n) for n in range(place + 1, len(blocks[index].units)))
    yield from ((index, n) for n in range(place - 1, -1, -1))


def _rows(block: Block, scores: Sequence[float]) -> set[int]:
    """All rows or items of a short table or list, unless some are far above the others; of a long one the best."""
    ranked = sorted(range(len(scores)), key=lambda n: (-scores[n], n))
    top = scores[ranked[0]]
    apart = {n for n in ranked if scores[n] >= APART * top}
    if len(ranked) <= WHOLE:
        return apart if block.shape == "table" else set(ranked)
    return {n for n in ranked[:MOST_ROWS] if scores[n] >= NEAR_ROW * top}


def _size(block: Block, unit: int) -> int:
    return len(block.units[unit].text.split())


def _written(block: Block, units: Sequence[int], phrases: Phrases) -> Iterator[str]:
    """The lines that lead in, the units, and how many others there are."""
    if block.shape == "sentences":
        pieces: list[str] = []
        for before, unit in zip([-1, *units], units, strict=False):
            pieces += ["[...]"] * (unit > before + 1) + [block.units[unit].text]
        yield " ".join(pieces)
        return
    lead = [unit.text for unit in block.lead]
    head = lead[-2:] if block.shape == "table" else []
    yield from lead[: len(lead) - len(head)]
    yield "\n".join([*head, *(block.units[unit].text for unit in units)])
    if more := len(block.units) - len(units):
        yield (phrases.many_more if more > 1 else phrases.one_more)[block.shape].format(more=more)
