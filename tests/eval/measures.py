"""Measures over the scores of many questions, with bootstrap intervals; two runs are compared question by question.

Every question counts the same. Intervals say what other questions of the same sorts could have shown; what other
handbooks would show, no interval over one handbook can say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from .scoring import Score

FALSE_REFUSALS = 0.05
"""The share of answerable questions that may be refused where the share of the others that are is measured."""
ROUNDS = 2000
SEED = 2026

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Scores as arrays: of the answerable questions a row of recalls and ranks' worth each, and their confidences.

    Refusals are 0 or 1, nan where the system did not say.
    """

    found: Numbers
    sure: Numbers
    sure_of_none: Numbers
    refusals: Numbers
    refusals_of_none: Numbers

    def sample(self, draw: np.random.Generator) -> "Columns":
        """As many questions of either sort, drawn with replacement; which ones, their numbers alone decide."""
        some = draw.integers(0, max(1, len(self.sure)), len(self.sure))
        none = draw.integers(0, max(1, len(self.sure_of_none)), len(self.sure_of_none))
        return Columns(
            found=self.found[some],
            sure=self.sure[some],
            sure_of_none=self.sure_of_none[none],
            refusals=self.refusals[some],
            refusals_of_none=self.refusals_of_none[none],
        )


def columns(scores: Sequence[Score]) -> Columns:
    some = [score for score in scores if score.answerable]
    none = [score for score in scores if not score.answerable]
    found = [[*(score.recall(depth) for depth in (1, 5, 10)), score.reciprocal(), score.gain()] for score in some]
    return Columns(
        found=np.array(found, np.float64).reshape(len(some), 5),
        sure=np.array([score.confidence for score in some]),
        sure_of_none=np.array([score.confidence for score in none]),
        refusals=np.array([nan if score.abstained is None else score.abstained for score in some], np.float64),
        refusals_of_none=np.array([nan if score.abstained is None else score.abstained for score in none], np.float64),
    )


def auroc(some: Numbers, none: Numbers) -> float:
    """How often an answerable question has the higher confidence of a pair; equal ones are half. nan without pairs."""
    if not some.size or not none.size:
        return nan
    return float(np.mean(some[:, None] > none) + np.mean(some[:, None] == none) / 2)


def refused(some: Numbers, none: Numbers, false_refusals: float = FALSE_REFUSALS) -> float:
    """The share of the others below the highest threshold that has at most this share of the answerable below it.

    It is chosen on these very questions: what a threshold chosen beforehand refuses, `refusals` say.
    """
    if not some.size or not none.size:
        return nan
    return float(np.mean(none < np.sort(some)[int(false_refusals * some.size)]))


def _mean(values: Numbers) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else nan


Measure = Callable[[Columns], float]
MEASURES: Mapping[str, Measure] = {
    "R@1": lambda of: _mean(of.found[:, 0]),
    "R@5": lambda of: _mean(of.found[:, 1]),
    "R@10": lambda of: _mean(of.found[:, 2]),
    "MRR@10": lambda of: _mean(of.found[:, 3]),
    "nDCG@10": lambda of: _mean(of.found[:, 4]),
    "AUROC": lambda of: auroc(of.sure, of.sure_of_none),
    "Ref@5%": lambda of: refused(of.sure, of.sure_of_none),
    "refused": lambda of: _mean(of.refusals_of_none),
    "wrongly": lambda of: _mean(of.refusals),
}
"""By the name of their column. `refused` and `wrongly` are what the system itself refused, of the unanswerable and of
the answerable; the two before them judge its confidence alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What was measured, and within which bounds 95 of 100 samples have it; nan where there is nothing to measure."""

    value: float
    low: float
    high: float


def interval(scores: Sequence[Score], measure: str, rounds: int = ROUNDS) -> Interval:
    of, take = columns(scores), MEASURES[measure]
    draw = np.random.default_rng(SEED)
    return _interval(take(of), [take(of.sample(draw)) for _ in range(rounds)])


def difference(before: Sequence[Score], after: Sequence[Score], measure: str, rounds: int = ROUNDS) -> Interval:
    """By how much `after` measures more than `before`, on the same questions, which every sample has from both.

    Raises ValueError where the two are not about the same questions in the same order.
    """
    if [score.question for score in before] != [score.question for score in after]:
        raise ValueError("runs of different questions cannot be compared")
    first, second, take = columns(before), columns(after), MEASURES[measure]
    one, other = np.random.default_rng(SEED), np.random.default_rng(SEED)
    drawn = [take(second.sample(one)) - take(first.sample(other)) for _ in range(rounds)]
    return _interval(take(second) - take(first), drawn)


def _interval(value: float, drawn: Sequence[float]) -> Interval:
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (nan, nan)
    return Interval(value=value, low=float(low), high=float(high))
