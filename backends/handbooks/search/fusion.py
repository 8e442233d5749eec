"""Several ways of searching made into one order: scores, scaled for each question, in a weighted sum.

Sums of ranks, which need no scale, are worse than embeddings alone: they forget by how much the best one is the best.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest

from core.values import Leg, Passage

MATCHED = 100
"""How many passages are matched token by token, the best by words and vectors; 30 and 200 give the same figures."""
SPECIFIC = 0.1
"""What a passage for the asker's own country or company has before one for everybody, if its title is about what was
asked: enough to go first of two that fit alike, not enough to come up where it does not fit."""
FREE = 3
"""Passages of one document that stand where their score puts them."""
CODED = 2.0
"""What a passage with all codes of the question has before one without: more than the ways of searching come to."""
CROWDING = 0.05
"""What each passage of a document is set back by after those, each by more. It costs no R@5 where it was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a way of searching counts for, its scores scaled to 0..1."""

    words: float
    vectors: float
    tokens: float


BY_WORDS = Weights(words=1.0, vectors=0.0, tokens=0.6)
BY_STATIC = Weights(words=0.45, vectors=0.55, tokens=0.5)
BY_MODEL = Weights(words=0.25, vectors=0.75, tokens=0.2)
"""Tuned on two handbooks of others and the sample handbooks together, of the former with random halves of the synonyms,
as their writer had read those questions. A tenth more or less of any moves the mean R@5 by a point at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A passage's row, its sum, and how each way of searching that found it saw it."""

    row: int
    score: float
    legs: tuple[Leg, ...]


def joined(
    words: Mapping[int, float], vectors: Mapping[int, float], coded: Mapping[int, float], weights: Weights
) -> dict[int, float]:
    """The MATCHED best by the weighted sum of both, before them those that have codes of the question.

    A sum of words begins at 0; vectors' scores begin anywhere, so theirs do at the lowest that was found. `coded` is
    the share of the question's codes that a passage has.
    """
    by_words, by_vectors = _scaled(words, 0.0), _scaled(vectors, min(vectors.values(), default=0.0))
    sums = {
        row: weights.words * by_words.get(row, 0.0)
        + weights.vectors * by_vectors.get(row, 0.0)
        + CODED * coded.get(row, 0.0)
        for row in {**words, **vectors, **coded}
    }
    return dict(nlargest(MATCHED, sums.items(), key=_best_first))


def with_tokens(sums: Mapping[int, float], tokens: Mapping[int, float], weights: Weights) -> dict[int, float]:
    """The sums with the token matching's part; `tokens` is {} or has a score for each of them."""
    scaled = _scaled(tokens, min(tokens.values(), default=0.0))
    return {row: total + weights.tokens * scaled.get(row, 0.0) for row, total in sums.items()}


def ordered(sums: Mapping[int, float], legs: Mapping[str, Mapping[int, float]], limit: int) -> list[Ranked]:
    """Best first; of equal ones the older row. `legs` are the scores of each way of searching, by its name."""
    ranks = {
        name: {row: rank for rank, (row, _) in enumerate(sorted(scores.items(), key=_worst_last), 1)}
        for name, scores in legs.items()
    }
    return [
        Ranked(
            row=row,
            score=score,
            legs=tuple(
                Leg(name=name, rank=ranks[name][row], score=scores[row])
                for name, scores in legs.items()
                if row in scores
            ),
        )
        for row, score in sorted(sums.items(), key=_worst_last)[:limit]
    ]


def spread(scored: Iterable[tuple[float, Passage]], is_about: Callable[[Passage], bool]) -> list[tuple[float, Passage]]:
    """Best first, with a lead for what is for the asker's country, and the later passages of a document set back.

    A country's handbook that `is_about` something else gets no lead.
    """
    led = [(score + SPECIFIC * (is_specific(passage) and is_about(passage)), passage) for score, passage in scored]
    seen = Counter[str]()
    placed: list[tuple[float, Passage]] = []
    for score, passage in sorted(led, key=_by_score):
        placed.append((score - CROWDING * max(0, seen[passage.document] - FREE + 1), passage))
        seen[passage.document] += 1
    return sorted(placed, key=_by_score)


def is_specific(passage: Passage) -> bool:
    """Whether it holds for a country or a company, and not for everybody."""
    return bool(passage.audience.countries or passage.audience.entities)


def _scaled(scores: Mapping[int, float], lowest: float) -> dict[int, float]:
    """From 0 at the lowest to 1 at the highest; all 1 where they are equal."""
    highest = max(scores.values(), default=lowest)
    if highest <= lowest:
        return dict.fromkeys(scores, 1.0)
    return {row: (score - lowest) / (highest - lowest) for row, score in scores.items()}


def _best_first(item: tuple[int, float]) -> tuple[float, int]:
    return item[1], -item[0]


def _worst_last(item: tuple[int, float]) -> tuple[float, int]:
    return -item[1], item[0]


def _by_score(item: tuple[float, Passage]) -> float:
    return -item[0]
