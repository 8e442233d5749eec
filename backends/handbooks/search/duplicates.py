"""Passages that say the same, of which the first is shown.

Two passages with different figures do not say the same, however alike they are: the figure may be what differs between
the handbooks of two countries.
"""

from collections.abc import Iterable, Iterator

from core.values import Passage
from core.words import words

SAME = 0.8
"""The share of common runs of three words from which two passages say the same."""


def distinct(passages: Iterable[Passage]) -> Iterator[Passage]:
    """The passages in their order, without those that say what one before them says."""
    seen: list[tuple[set[tuple[str, ...]], set[str]]] = []
    for passage in passages:
        text = words(passage.text)
        runs = {tuple(text[n : n + 3]) for n in range(max(1, len(text) - 2))}
        figures = {word for word in text if any(character.isdigit() for character in word)}
        if not any(figures == others and _same(runs, other) for other, others in seen):
            seen.append((runs, figures))
            yield passage


def _same(runs: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> bool:
    return len(runs & other) >= SAME * len(runs | other)
