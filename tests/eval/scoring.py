"""What one question of a run scores: at which ranks its sections were found, and how sure the system was.

A question that needs two sections has both only where both are found, so recall@1 of many questions ends below 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, log2

from .matching import Sections
from .questions import Question, Run

LOOKED_AT = 10
"""Results of a question that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`ranks` has, for each group of gold sections, the rank of its first, from 1, inf where none was found.

    An unanswerable question has no groups. `abstained` None: the system did not say.
    """

    question: str
    kind: str
    ranks: tuple[float, ...]
    confidence: float
    abstained: bool | None = None

    @property
    def answerable(self) -> bool:
        return bool(self.ranks)

    def recall(self, depth: int) -> float:
        return sum(rank <= depth for rank in self.ranks) / len(self.ranks)

    def reciprocal(self) -> float:
        return 1 / min(self.ranks)

    def gain(self) -> float:
        """nDCG: what the ranks are worth, of what the best possible ones would be."""
        best = sum(1 / log2(rank + 1) for rank in range(1, len(self.ranks) + 1))
        return sum(1 / log2(rank + 1) for rank in self.ranks) / best


def score(question: Question, run: Run | None, sections: Sections) -> Score:
    """A question that the run leaves out scores as one without results, of the least confidence."""
    results = run.results if run else ()
    ranks = {gold.group: inf for gold in question.gold}
    for rank, result in enumerate(results[:LOOKED_AT], 1):
        for gold in question.gold:
            if ranks[gold.group] == inf and sections.holds(result, gold):
                ranks[gold.group] = rank
    said = run.confidence if run else None
    return Score(
        question=question.id,
        kind=question.kind,
        ranks=tuple(ranks.values()),
        confidence=said if said is not None else results[0].score if results else -inf,
        abstained=run.abstained if run else None,
    )


def score_all(questions: Iterable[Question], runs: Mapping[str, Run], sections: Sections) -> list[Score]:
    return [score(question, runs.get(question.id), sections) for question in questions]
