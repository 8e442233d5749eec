"""Passages that say different figures about the same thing, so that a reader sees both and which goes first.

Two sentences of different documents contradict each other when they share most of their telling words, and each has a
figure of the same unit that the other has not. Careful rather than complete: a false alarm costs trust in the
true ones.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from backends.handbooks.search.fusion import is_specific
from backends.stems import STOP_WORDS, stemmed
from core.values import Passage
from core.words import words

ALIKE = 0.5
"""The share of two sentences' stems, figures and units aside, that must be common."""
FEWEST = 3
"""Common stems, below which a likeness is chance: "up to 5 days" is like any other."""

_UNITS = {
    "day": "day",
    "days": "day",
    "week": "week",
    "weeks": "week",
    "month": "month",
    "months": "month",
    "year": "year",
    "years": "year",
    "hour": "hour",
    "hours": "hour",
    "minute": "minute",
    "minutes": "minute",
    "percent": "%",
    "per cent": "%",
    "%": "%",
    "€": "€",
    "eur": "€",
    "euro": "€",
    "euros": "€",
    "£": "£",
    "gbp": "£",
    "pounds": "£",
    "$": "$",
    "usd": "$",
    "dollars": "$",
    "km": "km",
    "miles": "mile",
}  # fmt: skip - a table of pairs, not forty lines
_NUMBERS = {
    name: str(number)
    for number, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()  # noqa: SIM905 - counted by its order
    )
}
_DIGITS = r"\d[\d,.]{0,20}\d|\d"
_KINDS = r"(?:(?:full|calendar|working|business|paid|unpaid|consecutive|additional|extra)\s+)*"
_FIGURE = re.compile(
    rf"(?P<before>[€£$])\s?(?P<amount>{_DIGITS})"
    rf"|\b(?P<number>{_DIGITS}|{'|'.join(_NUMBERS)})[\s-]*{_KINDS}"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})(?![a-z])",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")


class _Said(NamedTuple):
    stems: frozenset[str]
    figures: dict[str, set[str]]


def with_conflicts(passages: Sequence[Passage]) -> list[Passage]:
    """The passages with each other's ids in `conflicts`; of two that contradict each other the better one first.

    Better is the more specific, for a country or a company, then the one in force since later, then as they stood.
    """
    said = [list(_figured(passage)) for passage in passages]
    against: dict[int, list[int]] = {n: [] for n in range(len(passages))}
    for one, other in combinations(range(len(passages)), 2):
        if passages[one].document != passages[other].document and _differ(said[one], said[other]):
            against[one].append(other)
            against[other].append(one)
    order = list(range(len(passages)))
    for one, others in against.items():
        for other in others:
            if one < other and _standing(passages[other]) > _standing(passages[one]):
                _before(order, other, one)
    return [passages[n].model_copy(update={"conflicts": [passages[m].id for m in against[n]]}) for n in order]


def _before(order: list[int], moved: int, mark: int) -> None:
    """Put one right before the other, if it is not before it yet."""
    if order.index(moved) > order.index(mark):
        order.remove(moved)
        order.insert(order.index(mark), moved)


def _standing(passage: Passage) -> tuple[bool, str]:
    return is_specific(passage), passage.effective or ""


def _figured(passage: Passage) -> Iterator[_Said]:
    """The sentences that have a figure with a unit, each with the heading it stands under."""
    heading = passage.section[-1] if passage.section else passage.title
    for sentence in _SENTENCE.split(passage.text):
        figures: dict[str, set[str]] = {}
        for match in _FIGURE.finditer(sentence):
            figures.setdefault(_unit(match), set()).add(_number(match))
        if figures:
            rest = [word for word in words(_FIGURE.sub(" ", sentence)) if word not in STOP_WORDS]
            yield _Said(frozenset(stemmed(" ".join(rest)).split()) | _stems_of(heading, sentence), figures)


def _stems_of(heading: str, sentence: str) -> frozenset[str]:
    """A line of a table or a list says little without its heading; a whole sentence speaks for itself."""
    if len(words(sentence)) > 12:
        return frozenset()
    return frozenset(stemmed(" ".join(word for word in words(heading) if word not in STOP_WORDS)).split())


def _differ(one: Sequence[_Said], other: Sequence[_Said]) -> bool:
    return any(_against(a, b) for a in one for b in other)


def _against(a: _Said, b: _Said) -> bool:
    common = len(a.stems & b.stems)
    if common < FEWEST or common < ALIKE * len(a.stems | b.stems):
        return False
    shared = a.figures.keys() & b.figures.keys()
    return any(a.figures[unit] - b.figures[unit] and b.figures[unit] - a.figures[unit] for unit in shared) and not any(
        a.figures[unit] & b.figures[unit] for unit in shared
    )


def _unit(match: re.Match[str]) -> str:
    return _UNITS[(match["before"] or match["unit"]).casefold()]


def _number(match: re.Match[str]) -> str:
    written = (match["amount"] or match["number"]).casefold().replace(",", "")
    return _NUMBERS.get(written, written.removesuffix(".0").removesuffix(".00"))
