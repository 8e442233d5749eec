"""Fits the figures of `backends.handbooks.search.confidence` and tells how far they can be trusted.

    python -m tests.eval.fit_confidence --handbooks DIR --questions FILE [--handbooks DIR --questions FILE ...]

Each index is left out once, and judged by a fit on the others. Beside the questions there are headings of the
handbooks, as answerable as can be, lest a few words without a question mark be refused, and questions about anything
else.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import anyio
import numpy as np
from numpy.typing import NDArray

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.ingest.ingest import ingest
from backends.handbooks.search.confidence import OFF_TOPIC, Chance, Signs, signs, standard
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.gate import Viewer
from tests.eval.measures import FALSE_REFUSALS, auroc, refused
from tests.eval.questions import corpora, read_questions

Kind: TypeAlias = Literal["answered", "heading", "near miss", "off topic"]
Array: TypeAlias = NDArray[np.float64]

HEADINGS = 40
SHARES: dict[Kind, float] = {"answered": 0.4, "heading": 0.1, "near miss": 0.2, "off topic": 0.3}
"""What each kind counts for, however many there are."""
HELPING = ("words", "covered", "lacking", "kinds")
"""Signs that must not speak against an answer: where they do, it is by the way a set of questions was made."""
RIDGE = 3.0

ELSEWHERE = """How do I bake sourdough bread without a starter?
What is the best way to train a puppy to sit?
How many players are in a volleyball team?
Which phone has the best camera this year?
Can I take aspirin together with ibuprofen?
Who is the president of Brazil?
How do I fix a leaking tap in my kitchen?
When is the next solar eclipse in Europe?
What is the price of gold today?
Is there life on Mars?
How long is the flight from Madrid to Tokyo?
Which wine goes with grilled salmon?
How do I reverse a linked list in Python?
What does the word serendipity mean?
Can I grow avocados in a pot at home?
Who invented the telephone?
How much does a house in Munich cost?
Where can I watch the new season of that detective series?
What time is it in Sydney right now?
How do I get a driving licence in Norway?
Which museums in Paris are free on Sundays?
How many calories are in a banana?
What's the best strategy to win at Monopoly?
My cactus is turning yellow, what shall I do?
Tell me a joke about penguins.
How do volcanoes erupt?
What was the score in the tennis final?
Should I buy bitcoin or shares of Tesla?
How do I remove ice from my windscreen quickly?
Which language has the most native speakers?""".splitlines()


class Case(NamedTuple):
    index: str
    kind: Kind
    signs: tuple[float, ...]

    @property
    def answered(self) -> bool:
        return self.kind in ("answered", "heading")


async def cases_of(folder: Path, questions: Path) -> list[Case]:
    """A case a question, of each folder of handbooks that they are about."""
    return [
        case
        for handbooks, asked in corpora(read_questions(questions), folder).items()
        for case in await _of_index(
            handbooks,
            [
                ("\n".join([*one.history, one.question]), one.country, "answered" if one.gold else "near miss")
                for one in asked
            ],
        )
    ]


async def _of_index(handbooks: Path, asked: Sequence[tuple[str, str | None, Kind]]) -> list[Case]:
    catalogue, tokens, synonyms = Catalogue(":memory:"), StaticTokens.bundled(), Synonyms.bundled()
    embedder, vectors = StaticEmbedder(tokens), LocalVectors(catalogue)
    await ingest(catalogue, [handbooks], embedder=embedder, vectors=vectors, tokens=tokens)
    retriever = HandbookRetriever(catalogue, vectors=vectors, embedder=embedder, tokens=tokens, synonyms=synonyms)
    lexicon = Lexicon(catalogue.vocabulary(), len(catalogue.table().rows), synonyms.words)

    async def seen(query: str, country: str | None = None) -> Signs:
        passages = await retriever.search(query, Viewer("e-1", country=country), 8)
        return signs(query, passages, lexicon, synonyms)

    headings = sorted(
        {passage.section[-1] for passage in catalogue.passages(catalogue.table().rows.tolist()) if passage.section}
    )
    chosen = random.Random(1).sample(headings, min(HEADINGS, len(headings)))
    every: list[tuple[str, str | None, Kind]] = [
        *asked,
        *((heading, None, "heading") for heading in chosen),
        *((question, None, "off topic") for question in ELSEWHERE),
    ]
    chance = Chance.of([await seen(question) for question in OFF_TOPIC])
    try:
        return [
            Case(handbooks.name, kind, astuple(standard(await seen(query, country), chance)))
            for query, country, kind in every
        ]
    finally:
        catalogue.close()


def fit(cases: Sequence[Case]) -> Array:
    """The intercept and a weight a sign, by logistic regression with a ridge on the signs' own spreads."""
    names = [field.name for field in fields(Signs)]
    values = np.array([case.signs for case in cases])
    mean, spread = values.mean(0), values.std(0) + 1e-6
    counts = {kind: sum(case.kind == kind for case in cases) for kind in SHARES}
    weights = np.array([SHARES[case.kind] / counts[case.kind] * len(cases) for case in cases])
    answered = np.array([case.answered for case in cases], float)
    used = list(range(len(names)))
    while True:
        found = _regression((values[:, used] - mean[used]) / spread[used], answered, weights)
        against = [n for n, weight in zip(used, found[1:], strict=True) if weight < 0 and names[n] in HELPING]
        if not against:
            break
        used = [n for n in used if n not in against]
    whole = np.zeros(len(names) + 1)
    whole[[n + 1 for n in used]] = found[1:] / spread[used]
    whole[0] = found[0] - (whole[1:] * mean).sum()
    return whole


def _regression(values: Array, answered: Array, weights: Array) -> Array:
    """Newton's method, the intercept not held back."""
    rows = np.column_stack([np.ones(len(values)), values])
    ridge = RIDGE * np.eye(rows.shape[1])
    ridge[0, 0] = 1e-6
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        likely = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weights * (answered - likely)) - ridge @ found
        found = found + np.linalg.solve((rows * (weights * likely * (1 - likely))[:, None]).T @ rows + ridge, slope)
    return found


def confidences(figures: Array, cases: Sequence[Case]) -> Array:
    exponents = figures[0] + np.array([case.signs for case in cases]) @ figures[1:]
    return np.asarray(1 / (1 + np.exp(-exponents)), np.float64)


def _interval(measure: Callable[[Array, Array], float], answered: Array, others: Array) -> str:
    chance = np.random.default_rng(1)
    drawn = sorted(
        measure(chance.choice(answered, len(answered)), chance.choice(others, len(others))) for _ in range(1000)
    )
    return f"{measure(answered, others):.3f} [{drawn[25]:.3f}, {drawn[974]:.3f}]"


def report(cases: Sequence[Case]) -> None:
    """How a fit on the other indexes does on each, then the figures of a fit on all of them."""
    indexes = list(dict.fromkeys(case.index for case in cases))
    scored: list[tuple[Case, float]] = []
    for index in indexes:
        figures = fit([case for case in cases if case.index != index])
        mine = [case for case in cases if case.index == index]
        pairs = list(zip(mine, confidences(figures, mine).tolist(), strict=True))
        scored += pairs
        _tell(index, pairs)
    _tell("all, left out in turn", scored)
    figures = fit(cases)
    print("INTERCEPT", round(float(figures[0]), 3))
    for field, weight in zip(fields(Signs), figures[1:], strict=True):
        print(f"  {field.name} {weight:.3f}")
    likely = confidences(figures, cases)
    answered = np.array([value for case, value in zip(cases, likely, strict=True) if case.kind == "answered"])
    threshold = float(np.sort(answered)[int(FALSE_REFUSALS * len(answered))])
    print("THRESHOLD", round(threshold, 3))
    for kind in SHARES:
        mine_ = np.array([value for case, value in zip(cases, likely, strict=True) if case.kind == kind])
        print(f"  refused of {kind}: {(mine_ < threshold).mean():.2f} of {len(mine_)}")


def _tell(name: str, scored: Sequence[tuple[Case, float]]) -> None:
    def of(kind: Kind) -> Array:
        return np.array([value for case, value in scored if case.kind == kind])

    for kind in ("near miss", "off topic"):
        if len(of(kind)):
            area, share = (_interval(measure, of("answered"), of(kind)) for measure in (auroc, refused))
            print(f"{name:24s} {kind:10s} AUROC {area}   refused at 5 % {share}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handbooks", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=Path, action="append", required=True)
    given = parser.parse_args()
    cases: list[Case] = []
    for folder, questions in zip(given.handbooks, given.questions, strict=True):
        cases += await cases_of(folder, questions)
    report(cases)


if __name__ == "__main__":
    anyio.run(main)
