"""Ask every question of a file over a folder of handbooks, write down what was found, and print what it measures.

    python -m tests.eval.run --handbooks DIR --questions FILE --out run.jsonl
        [--embedder URL] [--without words|vectors|tokens|synonyms|spelling ...] [--country NAME] [--as-of DAY]
        [--originals DIR] [--misses]

Any folder with Markdown, PDF, DOCX, HTML and text in it will do, and any file of questions in the format of
`questions.jsonl` beside this file. A file that cannot be read is named, and the others are searched. Questions that
name a `corpus` are asked of the folder of that name.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import numpy as np

from .asking import ask
from .installation import PARTS, STATIC, Part, installed
from .matching import Sections
from .questions import Question, Run, corpora, read_questions, write_run
from .scoring import Score, score
from .tables import by_kind, measured


@dataclass(slots=True, kw_only=True)
class Asked:
    """Runs and their scores, in the order in which the questions were asked.

    `seconds` is how long it took to take the handbooks in, `refused` what could not be, with the reason. `leaks` are
    questions for which a document came up that must `never` come up for them, with its path.
    """

    runs: list[Run] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    passages: int = 0
    seconds: float = 0.0
    refused: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def add(self, questions: Sequence[Question], runs: Sequence[Run], sections: Sections) -> None:
        """What came of the questions that were asked of one folder."""
        for question, run in zip(questions, runs, strict=True):
            self.runs.append(run)
            self.scores.append(score(question, run, sections))
            found = {result.path for result in run.results}
            self.leaks.extend(f"{question.id}: {path}" for path in question.never if path in found)


async def ask_all(
    handbooks: Path,
    questions: Sequence[Question],
    *,
    embedder: str = STATIC,
    withouts: Sequence[Collection[Part]] = ((),),
    country: str | None = None,
    as_of: date | None = None,
    originals: Path | None = None,
) -> list[Asked]:
    """All questions, once without each of these sets of parts.

    Each folder that the questions name is taken into a catalogue of its own, which is gone afterwards. `originals` is
    a folder like `handbooks` with the Markdown that they are copies of: without, a section of a copy goes by its
    heading.
    """
    asked = [Asked() for _ in withouts]
    for folder, mine in corpora(questions, handbooks).items():
        sections = Sections(originals / folder.relative_to(handbooks) if originals else folder)
        with TemporaryDirectory() as home:
            async with installed(folder, home=Path(home), embedder=embedder) as installation:
                for each, without in zip(asked, withouts, strict=True):
                    retriever, files = installation.retriever(without), installation.files
                    runs = [await ask(retriever, one, files=files, country=country, as_of=as_of) for one in mine]
                    each.add(mine, runs, sections)
                    each.passages += installation.passages
                    each.seconds += installation.seconds
                    each.refused += installation.refused
    return asked


def report(asked: Asked) -> str:
    """The table by kind, and after it the times, the files that were refused and what came up that must not."""
    times = [run.milliseconds or 0.0 for run in asked.runs]
    middle, high = np.percentile(times, (50, 95)) if times else (0.0, 0.0)
    lines = [
        measured(by_kind(asked.scores)),
        f"{asked.passages} passages taken in in {asked.seconds:.1f} s; a question took {middle:.1f} ms, "
        f"one in twenty over {high:.1f} ms",
        *(f"refused: {reason}" for reason in asked.refused),
        *(f"must not come up: {leak}" for leak in asked.leaks),
    ]
    return "\n".join(lines)


def misses(questions: Sequence[Question], scores: Sequence[Score]) -> str:
    """The questions that were not found whole among the first five, with their ranks."""
    by_id = {question.id: question for question in questions}
    return "\n".join(
        f"{one.question} {list(one.ranks)} {by_id[one.question].question} -> {by_id[one.question].gold[0].path}"
        f" # {by_id[one.question].gold[0].heading}"
        for one in scores
        if one.answerable and one.recall(5) < 1
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    questions = read_questions(options.questions)
    asked = anyio.run(_asked, options, questions)
    write_run(options.out, asked.runs)
    print(report(asked))
    if options.misses:
        print(misses(questions, asked.scores))


async def _asked(options: Namespace, questions: Sequence[Question]) -> Asked:
    [asked] = await ask_all(
        options.handbooks,
        questions,
        embedder=options.embedder,
        withouts=[options.without],
        country=options.country,
        as_of=options.as_of,
        originals=options.originals,
    )
    return asked


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.eval.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--handbooks", type=Path, required=True, metavar="DIR")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where the run is written, as JSON Lines"
    )
    parser.add_argument("--embedder", default=STATIC, metavar="URL", help="static: (the default), none:, folder:/path")
    parser.add_argument("--without", choices=PARTS, nargs="+", default=(), help="parts of search to leave out")
    parser.add_argument("--country", help="of who asks, where a question does not say")
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="today, if not given")
    parser.add_argument("--originals", type=Path, metavar="DIR", help="the Markdown that the handbooks are copies of")
    parser.add_argument("--misses", action="store_true", help="list what was not among the first five")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
