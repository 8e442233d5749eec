"""Question files and run files: JSON Lines, read leniently, because other people's files hold fields of their own."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, model_validator


class Line(BaseModel):
    """One object a line. Numbers where texts are due are read as texts, and null as a field that is not there."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: object) -> object:
        return {k: v for k, v in fields.items() if v is not None} if isinstance(fields, dict) else fields


class Gold(Line):
    """A section that answers; `evidence` is a phrase in it. One of each `group` is due, whichever it is."""

    path: str
    heading: str = ""
    group: int = 0
    evidence: str = ""


class Question(Line):
    """`gold` [] says that the handbooks do not answer. `history` holds the questions before it, oldest first.

    `country` is the asker's, `corpus` the folder below the handbooks that is asked, None the whole of it. Nothing of
    the documents `never` may come up at all: another country's, or an edition that is no longer in force.
    """

    id: str
    question: str
    kind: str = "question"
    gold: tuple[Gold, ...] = ()
    answer_contains: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    country: str | None = None
    corpus: str | None = None
    never: tuple[str, ...] = ()


class Result(Line):
    """A passage that was found. `heading` is the trail of headings, outermost first, or one text joined by " > "."""

    path: str = ""
    heading: tuple[str, ...] | str = ""
    text: str = ""
    score: float = 0.0


class Run(Line):
    """What a system found for a question, best first. `confidence` grows with how sure it is that they answer it.

    None is not said: then the first result's score stands for it, and for `abstained` nothing does.
    """

    id: str
    results: tuple[Result, ...] = ()
    confidence: float | None = None
    abstained: bool | None = None
    milliseconds: float | None = None


L = TypeVar("L", bound=Line)


def read_questions(path: Path) -> list[Question]:
    return read_lines(Question, path)


def read_run(path: Path) -> dict[str, Run]:
    """By the questions' ids."""
    return {run.id: run for run in read_lines(Run, path)}


def write_run(path: Path, runs: Iterable[Run]) -> None:
    lines = (json.dumps(run.model_dump(mode="json", exclude_none=True), ensure_ascii=False) for run in runs)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def corpora(questions: Sequence[Question], handbooks: Path) -> dict[Path, list[Question]]:
    """The folders to index and what is asked of each: `handbooks` itself, or the folder below it that a question names.

    Where `handbooks` is itself the folder that some questions name, the others are about another one and left out.
    """
    mine = [question for question in questions if question.corpus == handbooks.resolve().name]
    folders: dict[Path, list[Question]] = {}
    for question in mine or questions:
        below = handbooks / question.corpus if question.corpus else handbooks
        folders.setdefault(below if below.is_dir() else handbooks, []).append(question)
    return folders


def read_lines(kind: type[L], path: Path) -> list[L]:
    """The objects of a file. Raises ValueError, naming file and line, for a line that is not such an object."""
    read = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            read.append(kind.model_validate_json(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    return read
