"""Tells which threshold the judgement should have, and how far it can be trusted on handbooks that had no say in it.

    python -m tests.eval.fit_confidence --handbooks DIR --questions FILE [--handbooks DIR --questions FILE ...]
        [--embedder URL ...]

Each question is asked as it stands, as the few words of a search box and between polite sentences. Questions without
gold are near misses; `unrelated.jsonl` is asked of every folder of handbooks. Each folder is judged by the threshold
that the others give, so none is judged by its own.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, get_args

import anyio
import numpy as np
from numpy.typing import NDArray

from tests.eval.asking import ask
from tests.eval.installation import STATIC, installed
from tests.eval.measures import FALSE_REFUSALS, SEED, auroc
from tests.eval.questions import Question, corpora, read_questions
from tests.eval.tables import markdown
from tests.eval.wordings import UNSEEN, polite, short

Kind: TypeAlias = Literal["answered", "near miss", "unrelated"]
Wording: TypeAlias = Literal["as asked", "short", "polite", "polite, unseen"]
Numbers: TypeAlias = NDArray[np.float64]

UNRELATED = Path(__file__).with_name("unrelated.jsonl")
FITTED: tuple[Wording, ...] = ("as asked", "short", "polite")
LENGTHS = ((2, 4), (5, 8), (9, 15), (16, 25), (26, 40), (41, 80))
ROUNDS = 1000
HEAD = ("", "questions", "AUROC, all", "near misses", "unrelated", "refused", "near misses passed", "unrelated passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question as it was put, and how sure the product was. `passes` is by the threshold of the other handbooks."""

    handbooks: str
    embedder: str
    kind: Kind
    wording: Wording
    words: int
    confidence: float
    passes: bool = True


async def cases_of(folder: Path, questions: Sequence[Question], embedder: str) -> list[Case]:
    """A case for each wording of the questions, over the handbooks of one folder."""
    with TemporaryDirectory() as home:
        async with installed(folder, home=Path(home), embedder=embedder) as installation:
            retriever, cases = installation.retriever(), list[Case]()
            for question in [*questions, *read_questions(UNRELATED)]:
                for wording, text in wordings(question):
                    put = question.model_copy(update={"question": text})
                    run = await ask(retriever, put, files=installation.files, country=None, as_of=None)
                    assert run.confidence is not None
                    cases.append(
                        Case(
                            handbooks=folder.name,
                            embedder=embedder.partition(":")[0],
                            kind=kind_of(question),
                            wording=wording,
                            words=len(text.split()),
                            confidence=run.confidence,
                        )
                    )
    return cases


def kind_of(question: Question) -> Kind:
    if question.kind == "unrelated":
        return "unrelated"
    return "answered" if question.gold else "near miss"


def wordings(question: Question) -> Iterator[tuple[Wording, str]]:
    """A question of the kind `short` is one already; a follow-up is not cut down, as that is left of little."""
    text = question.question
    if question.kind == "short":
        yield "short", text
        return
    yield "as asked", text
    if (few := short(text)) and not question.history:
        yield "short", few
    yield "polite", polite(text)
    yield "polite, unseen", polite(text, UNSEEN)


def threshold(cases: Sequence[Case]) -> float:
    """Below it are FALSE_REFUSALS of the answered: each wording, with each embedder and handbook, counts the same."""
    answered = [case for case in cases if case.kind == "answered" and case.wording in FITTED]
    groups = [(case.handbooks, case.embedder, case.wording) for case in answered]
    weights = np.array([1 / groups.count(group) for group in groups])
    order = np.argsort([case.confidence for case in answered])
    below = np.cumsum(weights[order]) / weights.sum()
    return answered[int(order[np.searchsorted(below, FALSE_REFUSALS, side="right")])].confidence


def left_out(cases: Sequence[Case]) -> list[Case]:
    """The cases, each of which passes or does not by the threshold of the other folders of handbooks."""
    judged = []
    for name in dict.fromkeys(case.handbooks for case in cases):
        limit = threshold([case for case in cases if case.handbooks != name])
        judged += [_judged(case, limit) for case in cases if case.handbooks == name]
    return judged


def line(name: str, cases: Sequence[Case]) -> tuple[str, ...]:
    """A row of the table, with intervals of 95 % over the questions."""
    sure, passed = (
        {kind: np.array([float(of(case)) for case in cases if case.kind == kind]) for kind in get_args(Kind)}
        for of in (lambda case: case.confidence, lambda case: case.passes)
    )
    some, near, far = sure.values()
    yes, close, off = passed.values()
    none = np.concatenate([near, far])
    return (
        name,
        f"{some.size} + {near.size} + {far.size}",
        *(_bounds(auroc, some, others) for others in (none, near, far)),
        _bounds(lambda values: 1 - _mean(values), yes),
        _bounds(_mean, close),
        _bounds(_mean, off),
    )


def report(cases: Sequence[Case]) -> str:
    judged = left_out(cases)
    rows = [
        line(f"{of}, as asked", _only(judged, embedder=of, wording="as asked")) for of in _every(judged, "embedder")
    ]
    for embedder in _every(judged, "embedder"):
        rows += [
            line(f"{embedder}, {of}", _only(judged, embedder=embedder, wording=of)) for of in get_args(Wording)[1:]
        ]
        rows += [
            line(f"{embedder}, {of}, as asked", _only(judged, embedder=embedder, handbooks=of, wording="as asked"))
            for of in _every(judged, "handbooks")
        ]
        for low, high in LENGTHS:
            some = [case for case in _only(judged, embedder=embedder) if low <= case.words <= high]
            rows.append(line(f"{embedder}, {low} to {high} words", some))
    return f"{markdown(HEAD, rows)}\n\nthreshold by all of them: {threshold(cases):.3f}"


def _judged(case: Case, limit: float) -> Case:
    return replace(case, passes=case.confidence >= limit)


def _only(cases: Sequence[Case], **fields: str) -> list[Case]:
    return [case for case in cases if all(getattr(case, name) == value for name, value in fields.items())]


def _every(cases: Sequence[Case], field: str) -> list[str]:
    return list(dict.fromkeys(getattr(case, field) for case in cases))


def _mean(values: Numbers) -> float:
    return float(values.mean()) if values.size else nan


def _bounds(measure: Callable[..., float], *samples: Numbers) -> str:
    value = measure(*samples)
    if isnan(value):
        return "-"
    draw = np.random.default_rng(SEED)
    drawn = [measure(*(draw.choice(sample, sample.size) for sample in samples)) for _ in range(ROUNDS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


async def main(handbooks: Sequence[Path], questions: Sequence[Path], embedders: Sequence[str]) -> None:
    asked: dict[Path, list[Question]] = {}
    for folder, file in zip(handbooks, questions, strict=True):
        for below, some in corpora(read_questions(file), folder).items():
            asked.setdefault(below, []).extend(some)
    if len(asked) < 2:
        raise SystemExit("give two folders of handbooks or more: each is judged by the threshold of the others")
    print(
        report(
            [case for url in embedders for below, some in asked.items() for case in await cases_of(below, some, url)]
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--handbooks", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--questions", type=Path, action="append", required=True, metavar="FILE")
    parser.add_argument("--embedder", action="append", metavar="URL", help="static: (the default), none:, folder:/path")
    given = parser.parse_args()
    anyio.run(main, given.handbooks, given.questions, given.embedder or [STATIC])
