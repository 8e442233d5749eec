"""Passages that say the same, of which the first stands for all.

Two that differ in a figure do not say the same, however alike: it may be the one thing in which the handbooks of two
countries differ.
"""

from collections.abc import Iterable, Iterator

from core.values import Passage
from core.words import words

SAME = 0.8
"""The share of common runs of three words from which two passages say the same."""


def distinct(passages: Iterable[Passage]) -> Iterator[Passage]:
    """The passages in their order, without those that say what one before them says."""
    kept: list[tuple[set[tuple[str, ...]], set[str]]] = []
    for passage in passages:
        said = words(passage.text)
        runs = {tuple(said[n : n + 3]) for n in range(max(1, len(said) - 2))}
        figures = {word for word in said if any(character.isdigit() for character in word)}
        if not any(figures == others and _same(runs, other) for other, others in kept):
            kept.append((runs, figures))
            yield passage


def _same(runs: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> bool:
    return len(runs & other) >= SAME * len(runs | other)
