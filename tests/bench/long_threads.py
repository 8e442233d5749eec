"""Threads that have gone on for long, and the turn that is measured on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backends.models.scripted.model import Answer, Call, Say
from core import Options, Viewer, tool
from core.canonical import digest
from core.log.entry import chain
from core.log.facts import Snapshot, ThreadContent, ThreadCreated, draft
from core.log.fold import State, fold_all
from core.log.records import record
from core.model import ModelRequest
from core.store import Record, Store
from core.turn.commands import Command, Note, Start, WrittenCall
from core.turn.decide import decide
from core.values import Entry, Worker
from tests.support.commands import answered, finished, requested, submitted

ASKER = Viewer("e-1042")
OPTIONS = Options(window_messages=20, turns_at_once=128)
QUESTION = "How many days of vacation do I have left this year, and when do they expire?"
LOOKING = "Let me look up your balance of this year."
ANSWER = "You have twelve days of vacation left this year, and five of them expire at the end of March."
TOGETHER = 50
"""Turns in one commit of a thread's past."""

_DIGEST = "0" * 64
_SNAPSHOT = Snapshot(models=("scripted:",), instructions=_DIGEST, tools=_DIGEST, options=_DIGEST, handbooks=_DIGEST)
_WORKER = Worker(nonce="0" * 32, host="bench", pid=1, start="bench")
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)


@tool(effect="read")
def vacation_balance(year: int) -> dict[str, int]:
    """The days of vacation that are left of a year."""
    return {"year": year, "days": 12}


def answers(request: ModelRequest) -> Answer:
    """A text and a call of the tool; once its result is there, the answer."""
    if request.messages[-1].role == "tool":
        return [Say(ANSWER)]
    return [Say(LOOKING), Call("vacation_balance", {"year": 2026})]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a thread's past."""

    after: int
    entries: Sequence[Entry]
    records: Sequence[Record]


async def write_past(store: Store, thread: str, messages: int) -> None:
    """A thread of the asker's with so many messages, half of them questions."""
    for n, commit in enumerate(_commits(thread, messages // 2)):
        await store.commit(f"thread:{thread}", commit.after, commit.entries, commit.records, id=f"past-{n}")


def _commits(thread: str, turns: int) -> Iterator[Commit]:
    content = ThreadContent(title="Vacation", metadata={"department": "sales"}, instructions="")
    commands: list[Command] = [Note(fact=ThreadCreated(thread=thread, owner=ASKER.id, content=content))]
    state = State()
    for first in range(0, turns, TOGETHER):
        after, entries, items = state.n, [], {}
        for number in range(first, min(first + TOGETHER, turns)):
            at = _START + timedelta(minutes=number)
            for command in [*commands, *_turn(thread, number)]:
                facts = decide(state, command, OPTIONS)
                more = chain(
                    f"thread:{thread}",
                    state.n,
                    state.hash,
                    [draft(fact) for fact in facts],
                    by=ASKER.id,
                    at=at,
                    salts=["0" * 32] * len(facts),
                )
                state = fold_all(state, more)
                entries += more
            items |= state.items
            commands, state = [], State(state.thread, {})
        assert state.thread
        records = [record(item) for item in items.values()]
        yield Commit(after, entries, [*records, record(state.thread)])


def _turn(thread: str, number: int) -> list[Command]:
    request_id = f"r-{number}"
    turn = digest([thread, request_id])[:24]
    call = WrittenCall(tool="vacation_balance", effect="read", approval=None, arguments={"year": 2026})
    request = dict(model="scripted:", window=2, request=_DIGEST)
    result = {"year": 2026, "days": 12}
    return [
        submitted(_WORKER, turn, request_id, QUESTION, _SNAPSHOT),
        requested(_WORKER, step=1, **request),
        answered(_WORKER, f"{turn}-m1", LOOKING, "tool_calls", (call,), ttft_ms=1),
        Start(worker=_WORKER, calls=(f"{turn}-t1",)),
        finished(_WORKER, f"{turn}-t1", result=result, size=23, digest=_DIGEST, duration_ms=1),
        requested(_WORKER, step=2, **request),
        answered(_WORKER, f"{turn}-m2", ANSWER, ttft_ms=1),
    ]
