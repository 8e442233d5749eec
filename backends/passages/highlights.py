"""What of a passage answers a question: its sentences, items and rows, each with how well it fits.

How well words fit is for whoever has an index or vectors to say (`Likeness`). What no likeness can tell is a rule here:
a row whose figures take in the figure asked for, a question or a link that says nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple, TypeAlias

from backends.passages.blocks import Block, above, read_blocks
from backends.passages.quantities import fitting
from backends.stems import question_words, rarity, stem, terms
from core.values import Highlight, Passage

FITS = 0.2
"""What a row is above the best of its passage if its figures take in the one asked for."""
UNFIT = 0.5
"""What is left of the score of the rows beside the one whose figures take in the figure asked for."""
NEAR = 0.75
"""The share of the best piece's score that such a row must have to go first: its table may be about something else."""
SILENT = 0.25
"""What is left of a question's score, or of a link's: it says nothing, but stands where the answer does."""
MOST = 12
"""Highlights of a passage."""
ABOVE = 0.9
"""What a word counts for that stands above a unit or right before it."""


TOPIC = 0.5
"""What a word counts for once more if it stands above: a heading is what its author says a text is about."""


class Said(NamedTuple):
    """A unit's words, those right before it, and those that stand above it: headings, title, header or lead-in."""

    text: str
    before: str
    above: str


Likeness: TypeAlias = Callable[[Sequence[Said]], Sequence[float]]
"""How well each of these units answers the question, 0 or more."""


def with_highlights(question: str, passages: Sequence[Passage], likeness: Likeness | None = None) -> list[Passage]:
    """The passages, each with its best units in `highlights`. `likeness` None compares words.

    The question's last line is the question itself; the lines above it are those that it depends on.
    """
    blocks = [read_blocks(passage.text) for passage in passages]
    said = [
        Said(unit.text, before.text if before else "", f"{heading(passage)} {above(block)}")
        for passage, of_passage in zip(passages, blocks, strict=True)
        for block in of_passage
        for before, unit in pairwise((None, *block.units))
        if unit
    ]
    scores = iter((likeness or by_words(question))(said))
    asked = question.rpartition("\n")[2]
    return [
        passage.model_copy(update={"highlights": _best(asked, of_passage, scores)})
        for passage, of_passage in zip(passages, blocks, strict=True)
    ]


def by_words(question: str) -> Likeness:
    """The share of the question's words that a unit has, the rare ones of these units counting for more."""
    asked = {stem(word) for word in question_words(question)}

    def likeness(said: Sequence[Said]) -> list[float]:
        own = [set(terms(one.text)) for one in said]
        before = [set(terms(one.before)) for one in said]
        above = [set(terms(one.above)) for one in said]
        weights = rarity(map(set.union, own, before, above))
        whole = sum(weights.get(term, max(weights.values(), default=1.0)) for term in asked) or 1.0
        return [
            sum(
                weights[term] * ((1.0 if term in text else ABOVE) + TOPIC * (term in head))
                for term in asked & (text | prior | head)
            )
            / whole
            for text, prior, head in zip(own, before, above, strict=True)
        ]

    return likeness


def heading(passage: Passage) -> str:
    """The passage's title and the headings above it."""
    return " ".join((passage.title, *passage.section))


def _best(asked: str, blocks: Sequence[Block], scores: Iterator[float]) -> list[Highlight]:
    found: list[Highlight] = []
    fit: set[int] = set()
    for block in blocks:
        rows = fitting(asked, [unit.text for unit in block.units], "\n".join(unit.text for unit in block.lead))
        for place, (unit, score) in enumerate(zip(block.units, islice(scores, len(block.units)), strict=True)):
            if place in rows:
                fit.add(unit.start)
            elif rows:
                score *= UNFIT
            found.append(Highlight(start=unit.start, end=unit.end, score=score if unit.answers else SILENT * score))
    top = max((one.score for one in found), default=0.0)
    raised = [
        one.model_copy(
            update={"score": round(top + FITS if one.start in fit and one.score >= NEAR * top else one.score, 4)}
        )
        for one in found
    ]
    return sorted(raised, key=lambda one: (-one.score, one.start))[:MOST]
