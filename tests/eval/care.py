"""How well people in need are recognised: sentences as employees write them, and what of them is found.

    python -m tests.eval.care [--half dev|reported|fresh] [--show]

Phrases are written with the half `dev`. The half `reported` is only measured. The sentences `fresh` are only measured,
too: their writer had not read the phrases or the sentences of the two halves.

A sentence in need has the topic of its writer's need, or of a colleague's whom the writer speaks of:

- `self_harm`: self-harm, thoughts of suicide, burn-out with despair.
- `harassment`: sexual harassment, bullying, discrimination.
- `violence`: violence, threats and stalking, at work and at home.
- `whistleblowing`: knowledge of fraud, bribery, a cover-up or a breach of safety, and fear of retaliation.
- `illness`: the writer's own serious illness, such as cancer, a stroke or a depression under treatment.

Other sentences have no topic. A question about a policy has none if nothing has happened to anyone. A cold has none,
and so has a relative's illness, however grave: the answer to it is the leave for carers.
"""

from argparse import ArgumentParser
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import anyio

from backends.care.opening import open_care
from core.care import Care
from core.gate import Viewer

from .questions import Line, read_lines
from .tables import figure

Half: TypeAlias = Literal["dev", "reported", "fresh"]
Topic: TypeAlias = Literal["self_harm", "harassment", "violence", "whistleblowing", "illness"]
Recognise: TypeAlias = Callable[[str], Awaitable[str | None]]
"""The topic of a sentence, None if it has none."""

SENTENCES = [Path(__file__).with_name(name) for name in ("care.jsonl", "care_fresh.jsonl")]
READER = Viewer("e-1042", country="austria")


class Sentence(Line):
    """What an employee wrote. `topic` is None if nobody in it is in need."""

    id: str
    text: str
    topic: Topic | None = None
    language: Literal["en", "de"]
    kind: Literal["direct", "indirect", "misspelt", "slang", "near_miss", "ordinary"]
    half: Half


def read_sentences(half: Half | None = None) -> list[Sentence]:
    """The sentences of this half; all of them for None."""
    return [one for path in SENTENCES for one in read_lines(Sentence, path) if half in (None, one.half)]


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence, and the topic that was recognised in it."""

    sentence: Sentence
    topic: str | None

    @property
    def right(self) -> bool:
        """Whether the topic is the sentence's own, or there is none in both."""
        return self.topic == self.sentence.topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Counts over some sentences: in need, recognised with their topic, recognised with any topic; the rest, and how
    many of the rest were given a topic."""

    in_need: int
    recognised: int
    noticed: int
    rest: int
    alarms: int

    @property
    def recall(self) -> float:
        """The share of the sentences in need that were recognised with their topic; nan without such sentences."""
        return _share(self.recognised, self.in_need)

    @property
    def any_topic(self) -> float:
        """The share of the sentences in need that were recognised with any topic; nan without such sentences."""
        return _share(self.noticed, self.in_need)

    @property
    def false_topics(self) -> float:
        """The share of the other sentences that were given a topic; nan without such sentences."""
        return _share(self.alarms, self.rest)


async def recognise_all(recognise: Recognise, sentences: Sequence[Sentence]) -> list[Found]:
    """What is recognised in each sentence, in their order."""
    return [Found(sentence, await recognise(sentence.text)) for sentence in sentences]


def measures(found: Sequence[Found]) -> Measures:
    """The counts over these sentences."""
    need = [one for one in found if one.sentence.topic]
    rest = [one for one in found if not one.sentence.topic]
    return Measures(
        in_need=len(need),
        recognised=sum(one.right for one in need),
        noticed=sum(one.topic is not None for one in need),
        rest=len(rest),
        alarms=sum(not one.right for one in rest),
    )


def report(found: Sequence[Found]) -> str:
    """A table: the measures of all sentences, and of each topic, kind and language."""
    parts: dict[str, list[Found]] = {"all": list(found)}
    for field in ("topic", "kind", "language"):
        for one in found:
            if value := getattr(one.sentence, field):
                parts.setdefault(value, []).append(one)
    lines = [f"{'':16}{'in need':>9}{'topic':>9}{'any':>9}{'rest':>9}{'false':>9}"]
    for name, part in parts.items():
        of = measures(part)
        shares = figure(of.recall), figure(of.any_topic), figure(of.false_topics)
        lines.append(f"{name:16}{of.in_need:9}{shares[0]:>9}{shares[1]:>9}{of.rest:9}{shares[2]:>9}")
    return "\n".join(lines)


def _share(some: int, of: int) -> float:
    return some / of if of else nan


@asynccontextmanager
async def recogniser() -> AsyncIterator[Care]:
    """The product's recogniser."""
    yield open_care(None)


async def _run(half: Half, show: bool) -> None:
    async with recogniser() as care:

        async def recognise(text: str) -> str | None:
            concern = await care.recognise(text, READER)
            return concern.topic if concern else None

        found = await recognise_all(recognise, read_sentences(half))
    print(report(found))
    for one in found if show else ():
        if not one.right:
            print(f"{one.sentence.id} {one.sentence.topic} was taken for {one.topic}: {one.sentence.text}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m tests.eval.care", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=get_args(Half), default="dev")
    parser.add_argument("--show", action="store_true", help="list the sentences that were taken wrongly")
    options = parser.parse_args(arguments)
    anyio.run(_run, options.half, options.show)


if __name__ == "__main__":
    main()
