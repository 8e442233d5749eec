"""Ask every question of the model that needs no key, and print how many of its replies hold the fact asked for.

    python -m tests.eval.replies --handbooks DIR --questions FILE
        [--embedder URL] [--country NAME] [--as-of DAY] [--misses]

Each question is searched as the desk searches it, with the questions before it if it depends on them. A fact is what
the question file has in `answer_contains`; a bare yes or no counts if the section that answers is quoted.
"""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import numpy as np

from backends.models.offline.phrases import ENGLISH
from backends.models.opening import open_model
from core.gate import Viewer
from core.model import AssistantMessage, ModelRequest, SentMessage, UserMessage
from core.options import Options
from core.retrieval.citations import citations
from core.retrieval.followup import depends, with_context
from core.retrieval.search import find_answer
from core.retriever import Retriever

from .installation import STATIC, installed
from .matching import Sections, plain, says
from .measures import ROUNDS, SEED, Interval
from .questions import Question, Result, corpora, read_questions
from .tables import bounds

_QUOTED = re.compile(r"(?:^>.*\n?)+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was said to a question, and whether all of it, or its first quote alone, `holds` the fact asked for."""

    question: Question
    text: str
    holds: bool
    first_holds: bool
    quotes: int

    @property
    def refused(self) -> bool:
        return self.text.startswith(ENGLISH.nothing_found)

    @property
    def doubtful(self) -> bool:
        return self.text.startswith(ENGLISH.not_sure)


async def reply_to(
    question: Question,
    retriever: Retriever,
    sections: Sections,
    files: Mapping[str, str],
    country: str | None,
) -> Reply:
    """The offline model's reply, as the desk would get it."""
    asker = Viewer("evaluation", country=question.country or country)
    joined = with_context(question.history, question.question)
    alone = [] if question.history and depends(question.question) else [question.question]
    found = await find_answer(retriever, list(dict.fromkeys([*alone, joined])), asker, Options().passages)
    earlier: list[SentMessage] = []
    for before in question.history:
        earlier += [UserMessage(text=before), AssistantMessage(text="(answered)")]
    asked = UserMessage(text=question.question, passages=found.passages, judgement=found.judgement)
    request = ModelRequest(instructions="", messages=(*earlier, asked))
    stream = open_model("offline:?delay=0").stream(request)
    text = "".join([event.text async for event in stream if event.kind == "text"])
    results = [
        Result(
            path=files.get(passage.document, passage.document),
            heading=(passage.title, *passage.section),
            text=passage.text,
        )
        for passage in found.passages
    ]

    def holds(said: str) -> bool:
        cited = [results[number - 1] for number in {one.number for one in citations(said, found.passages)}]
        return bool(question.answer_contains) and all(
            _holds(plain(said), fact, any(sections.holds(result, gold) for result in cited for gold in question.gold))
            for fact in question.answer_contains
        )

    quoted = _QUOTED.findall(text)
    answered = not text.startswith(ENGLISH.nothing_found)
    return Reply(
        question=question,
        text=text,
        holds=answered and holds("\n".join(quoted)),
        first_holds=answered and bool(quoted) and holds(quoted[0]),
        quotes=len(quoted),
    )


async def replies_to(
    handbooks: Path,
    questions: Sequence[Question],
    *,
    embedder: str = STATIC,
    country: str | None = None,
    as_of: date | None = None,
) -> list[Reply]:
    """The replies to all questions; each folder that they name is taken into a catalogue of its own."""
    replies: list[Reply] = []
    for folder, mine in corpora(questions, handbooks).items():
        sections = Sections(folder)
        with TemporaryDirectory() as home:
            async with installed(folder, home=Path(home), embedder=embedder) as installation:
                retriever = installation.retriever(today=as_of)
                replies += [await reply_to(one, retriever, sections, installation.files, country) for one in mine]
    return replies


def _holds(said: str, fact: str, quotes_gold: bool) -> bool:
    """Whether a `plain` text has one of the ways `a||b` to write the fact."""
    ways = [way.strip() for way in fact.split("||")]
    return any(quotes_gold if plain(way) in ("yes", "no") else says(said, way) for way in ways)


def report(replies: Sequence[Reply]) -> str:
    """A line a corpus, and one for all: the shares and their 95 % intervals."""
    parts = {"all": list(replies)}
    for reply in replies:
        if reply.question.corpus:
            parts.setdefault(reply.question.corpus, []).append(reply)
    return "\n".join(f"{name}: {_measured(part)}" for name, part in parts.items())


def _measured(replies: Sequence[Reply]) -> str:
    some = [reply for reply in replies if reply.question.gold]
    none = [reply for reply in replies if not reply.question.gold]
    return (
        "; ".join(
            f"{name} {bounds(share(marks))} of {len(marks)}"
            for name, marks in (
                ("fact in the reply", [reply.holds for reply in some]),
                ("in the first quote", [reply.first_holds for reply in some]),
                ("wrongly refused", [reply.refused for reply in some]),
                ("told with doubt", [reply.doubtful for reply in some]),
                ("unanswerable answered as known", [not reply.refused and not reply.doubtful for reply in none]),
            )
        )
        + f"; quotes {np.mean([reply.quotes for reply in some if not reply.refused]):.2f}"
    )


def share(marks: Sequence[bool]) -> Interval:
    """The share that is true, with its 95 % bootstrap interval."""
    of = np.array(marks, np.float64)
    draw = np.random.default_rng(SEED)
    drawn = [of[draw.integers(0, len(of), len(of))].mean() for _ in range(ROUNDS)] if len(of) else [nan]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(value=float(of.mean()) if len(of) else nan, low=float(low), high=float(high))


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    questions = read_questions(options.questions)
    replies = anyio.run(_replies, options, questions)
    print(report(replies))
    if options.misses:
        for reply in replies:
            if reply.question.gold and not reply.holds:
                print(f"\n{reply.question.id} {reply.question.question} {reply.question.answer_contains}\n{reply.text}")


async def _replies(options: Namespace, questions: Sequence[Question]) -> list[Reply]:
    return await replies_to(
        options.handbooks, questions, embedder=options.embedder, country=options.country, as_of=options.as_of
    )


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.eval.replies", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--handbooks", type=Path, required=True, metavar="DIR")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    parser.add_argument("--embedder", default=STATIC, metavar="URL", help="static: (the default), none:, folder:/path")
    parser.add_argument("--country", help="of who asks, where a question does not say")
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="today, if not given")
    parser.add_argument("--misses", action="store_true", help="show the replies without the fact")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
