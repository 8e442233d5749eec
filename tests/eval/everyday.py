"""Everyday questions of employees, asked of a desk like the demo's, and each reply graded by rule.

    python -m tests.eval.everyday [--half dev|reported] [--show]

Phrases are tuned on the half `dev`. The half `reported` is only measured.

A reply is graded good, poor or wrong.

A reply is wrong, whatever is expected,

- if one of the question's `wrong` texts is in it;
- if it prepares a change, by a tool with an effect, that is not the call that is due.

A reply is poor at best if a concern is recognised that the question does not have.

For the rest it depends on what is expected:

- `answer`: good if every fact of `good` is in the reply and one of the `source` documents is cited; wrong if only other
  documents are cited and a fact is missing; otherwise poor.
- `tool`: good if the tool was called with the `arguments`; wrong if it was not and only documents other than the
  `source` are cited; otherwise poor.
- `asks`: good if every text of `good` is in the reply, and it cites nothing and calls no tool; wrong if only documents
  other than the `source` are cited; otherwise poor.
- `refusal`: good if the reply says that the handbooks do not answer; wrong if it cites them and says neither that nor
  that it is not sure; otherwise poor.
- `care`: good if the concern is recognised with its topic; wrong if none is recognised and handbooks are cited;
  otherwise poor.
- `chat`: wrong if handbooks are cited; good if every text of `good` is in the reply, and the reply is not a refusal and
  calls no tool; otherwise poor.

A fact is found as a text. So a quotation with the right row of a table counts, and a reply that says the right number
of something else may count too.
"""

import re
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, get_args

import anyio

from backends.handbooks.ingest.files import gather
from backends.handbooks.opening import open_handbooks
from backends.models.opening import open_model
from backends.stores.memory import MemoryStore
from console.demo.records import HrRecords
from console.demo.samples import SAMPLES
from console.demo.tools import hr_tools
from console.keeper import DESK_KEEPER
from core.canonical import Json
from core.desk.desk import Desk
from core.gate import Viewer
from core.log.records import ToolCall
from core.retrieval.search import SEARCH

from .care import Half, recogniser
from .matching import plain, says
from .questions import Line, read_lines

Grade: TypeAlias = Literal["good", "poor", "wrong"]
Expected: TypeAlias = Literal["answer", "refusal", "care", "chat", "tool", "asks"]

EVERYDAY = Path(__file__).with_name("everyday.jsonl")
GRADES: tuple[Grade, ...] = get_args(Grade)
ASKERS = {None: "e-1042", "austria": "e-1042", "germany": "e-1310", "uk": "e-1203"}
"""Employees of the demo's HR records, by country. One without a country is known to them all the same."""

# Handbooks say "does not cover" too: only words outside quotations count.
_QUOTED = re.compile(r"^\s*>.*$|“[^”]*”|\"[^\"]*\"|„[^“]*“", re.MULTILINE)
_NUMBER = re.compile(r"\[\d+\]")
_UNKNOWN = re.compile(
    r"\b(?:(?:do|does|did|could|can|was|were)(?: not|n.t)|cannot|nothing|no (?:answer|passage|handbook))\b"
    r"[^.!?]{0,60}?\b(?:answer\w*|say\w*|know|find|found|cover\w*|contain\w*|mention\w*|help)\b"
    r"|\bno (?:answer|passage|handbook)\b|\bfound no\b"
    r"|\b(?:kein\w*|nichts?)\b[^.!?]{0,60}?\b(?:antwort\w*|beantwort\w*|gefunden|finde\w*|steht|wei(?:ß|ss)|enthalten)\b"
    r"|\b(?:antwort\w*|beantwort\w*|finde\w*|steht|wei(?:ß|ss))\b[^.!?]{0,60}?\b(?:kein\w*|nichts?)\b",
    re.IGNORECASE,
)


_DOUBT = re.compile(r"\bnot sure\b|\bnicht sicher\b", re.IGNORECASE)


class Everyday(Line):
    """A question and what a good reply to it has. Of each list in `good` one text must be in the reply.

    `source` are the documents that answer, `note` is what a good colleague would say. `tool` and `arguments` are the
    call that is due: of each argument one pattern must fit, a weekday's name or a text with `*` and `?`. `topic` is the
    concern's.
    """

    id: str
    half: Half
    question: str
    country: str | None = None
    history: tuple[str, ...] = ()
    kind: str
    expect: Expected
    good: tuple[tuple[str, ...], ...] = ()
    source: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    note: str = ""
    tool: str | None = None
    arguments: Mapping[str, tuple[str, ...]] = {}
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A tool call of a reply. `acts`: it changes something, or would once it is approved."""

    tool: str
    arguments: Mapping[str, Json]
    acts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back: the text, the paths of the cited documents, the tool calls, and the topic of the concern."""

    text: str
    cited: tuple[str, ...] = ()
    calls: tuple[Called, ...] = ()
    care: str | None = None

    def has(self, texts: Iterable[str]) -> bool:
        """Whether one of the texts is in the reply."""
        # Without the citations' numbers: a "1" is a fact, a [1] is not.
        said = plain(_NUMBER.sub(" ", self.text))
        return any(says(said, text) for text in texts)

    def cites(self, source: Iterable[str]) -> bool:
        """Whether one of these documents is cited."""
        return not set(source).isdisjoint(self.cited)

    def strays(self, source: Iterable[str]) -> bool:
        """Whether documents are cited, and none of these."""
        return bool(self.cited) and not self.cites(source)

    @property
    def refuses(self) -> bool:
        """Whether the reply says, in its own words, that it has no answer."""
        return _UNKNOWN.search(_QUOTED.sub(" ", self.text)) is not None

    @property
    def doubts(self) -> bool:
        """Whether the reply says, in its own words, that it is not sure to answer."""
        return _DOUBT.search(_QUOTED.sub(" ", self.text)) is not None


def read_everyday(half: Half | None = None) -> list[Everyday]:
    """The questions of this half; all of them for None."""
    return [one for one in read_lines(Everyday, EVERYDAY) if half in (None, one.half)]


def grade(question: Everyday, reply: Answered) -> Grade:
    """By the rules at the top of this module."""
    unasked = any(call.acts and not _is_due(question, call) for call in reply.calls)
    if unasked or reply.has(question.wrong):
        return "wrong"
    good, wrong = _RULES[question.expect](question, reply)
    if wrong:
        return "wrong"
    return "good" if good and reply.care == question.topic else "poor"


def _answer(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    known = all(map(reply.has, question.good))
    return known and reply.cites(question.source), not known and reply.strays(question.source)


def _tool(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    called = any(_is_due(question, call) for call in reply.calls)
    return called, not called and reply.strays(question.source)


def _asks(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    asked = all(map(reply.has, question.good)) and not reply.cited and not reply.calls
    return asked, reply.strays(question.source)


def _refusal(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    return reply.refuses, bool(reply.cited) and not reply.refuses and not reply.doubts


def _care(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    return reply.care == question.topic, reply.care is None and bool(reply.cited)


def _chat(question: Everyday, reply: Answered) -> tuple[bool, bool]:
    answered = all(map(reply.has, question.good)) and not reply.refuses and not reply.calls
    return answered, bool(reply.cited)


# Whether the reply is good, and whether it is wrong.
_RULES: Mapping[Expected, Callable[[Everyday, Answered], tuple[bool, bool]]] = {
    "answer": _answer,
    "refusal": _refusal,
    "care": _care,
    "chat": _chat,
    "tool": _tool,
    "asks": _asks,
}


def _is_due(question: Everyday, call: Called) -> bool:
    """Whether this is the call that is due. An argument that is not named may be anything."""
    due = question.arguments.items()
    return (
        question.expect == "tool"
        and call.tool == question.tool
        and all(any(_matches(str(call.arguments.get(name)), pattern) for pattern in patterns) for name, patterns in due)
    )


def _matches(value: str, pattern: str) -> bool:
    if re.fullmatch(r"[A-Z][a-z]+day", pattern):
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None and f"{date.fromisoformat(value):%A}" == pattern
    return fnmatch(value.casefold(), pattern.casefold())


async def ask_all(questions: Sequence[Everyday]) -> list[Answered]:
    """The replies of a desk like the demo's, with the offline model; each question gets a thread of its own."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        handbooks = await stack.enter_async_context(open_handbooks(home / "handbooks.db"))
        await handbooks.ingest(DESK_KEEPER, SAMPLES)
        files = {file.document: file.name for file in gather([SAMPLES], None, (), {})[0]}
        records = HrRecords(str(home / "hr.db"))
        stack.callback(records.close)
        model = open_model("offline:?delay=0")
        stack.push_async_callback(model.close)
        care = await stack.enter_async_context(recogniser())
        desk = Desk(MemoryStore(), model, tools=hr_tools(records), retriever=handbooks.retriever, care=care)
        await stack.enter_async_context(desk)
        return [await _ask(desk, question, files) for question in questions]


async def _ask(desk: Desk, question: Everyday, files: Mapping[str, str]) -> Answered:
    viewer = Viewer(ASKERS[question.country], country=question.country)
    thread = await desk.create_thread(viewer)
    for text in (*question.history, question.question):
        turn = await desk.submit(viewer, thread.id, text)
        async with aclosing(desk.follow(viewer, turn.id)) as events:
            async for _ in events:
                pass
    view = await desk.archive.turn_view(viewer, turn.id)
    return Answered(
        text=view.turn.text,
        cited=tuple(files[citation.passage.document] for citation in view.turn.citations),
        calls=tuple(_called(call) for call in view.calls if call.tool != SEARCH),
        care=view.turn.concern.topic if view.turn.concern else None,
    )


def _called(call: ToolCall) -> Called:
    arguments = call.planned if isinstance(call.planned, dict) else {}
    return Called(tool=call.tool, arguments=arguments, acts=call.effect != "read" and call.status != "failed")


def report(questions: Sequence[Everyday], grades: Sequence[Grade]) -> str:
    """A table: how many replies got each grade, in all and by kind of question."""
    kinds = {"all": Counter(grades)}
    for question, graded in zip(questions, grades, strict=True):
        kinds.setdefault(question.kind, Counter())[graded] += 1
    lines = [f"{'':12}{'n':>6}" + "".join(f"{one:>8}" for one in GRADES)]
    for kind, counts in kinds.items():
        lines.append(f"{kind:12}{counts.total():6}" + "".join(f"{counts[one]:8}" for one in GRADES))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m tests.eval.everyday", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=get_args(Half), default="dev")
    parser.add_argument("--show", action="store_true", help="print each reply and its grade")
    options = parser.parse_args(arguments)
    questions = read_everyday(options.half)
    replies = anyio.run(ask_all, questions)
    grades = [grade(question, reply) for question, reply in zip(questions, replies, strict=True)]
    if options.show:
        for question, reply, graded in zip(questions, replies, grades, strict=True):
            print(f"{question.id} {graded}: {' / '.join((*question.history, question.question))}")
            print(f"    expected: {question.note}\n    calls {list(reply.calls)}, care {reply.care}\n{reply.text}\n")
    print(report(questions, grades))


if __name__ == "__main__":
    main()
