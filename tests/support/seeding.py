"""Many finished threads at once: real logs, made by the real fold and committed in one go each."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import anyio

from core.canonical import Json
from core.log.entry import chain
from core.log.facts import Snapshot, ThreadContent, ThreadCreated, draft
from core.log.fold import State, fold_all
from core.log.records import record
from core.options import Options
from core.store import Store
from core.turn.commands import Command, Note, Start, WrittenCall
from core.turn.decide import decide
from core.values import Worker
from tests.support.commands import answered, finished, requested, submitted

SNAPSHOT = Snapshot(models=("offline:",), instructions="-", tools="-", options="-", handbooks="-")
WORKER = Worker(nonce="seed", host="seed", pid=1, start="seed")
START = datetime(2026, 1, 1, 8, tzinfo=UTC)
TOGETHER = 200
STATUSES = ("succeeded", "failed", "timed_out", "unknown")
TOOLS = ("vacation_balance", "request_leave", "salary_letter")


async def seed(store: Store, count: int) -> None:
    """Threads t-0, t-1, ... of owners e-0 to e-99, a minute apart: a question, a tool call and an answer each."""
    for first in range(0, count, TOGETHER):
        async with anyio.create_task_group() as tasks:
            for i in range(first, min(first + TOGETHER, count)):
                tasks.start_soon(_thread, store, i)


async def seed_thread(
    store: Store, id: str, by: str, turns: int, at: datetime = START, title: str | None = None
) -> None:
    """A thread of so many turns, each a question and an answer, in one commit: at most 1,000."""
    commands: list[Command] = [Note(fact=_created(id, by, title=title))]
    for i in range(turns):
        commands += (
            submitted(WORKER, f"{id}-q{i}", f"r-{i}", f"Question {i}", SNAPSHOT),
            requested(WORKER, model="offline:", window=2, request="-"),
            answered(WORKER, f"{id}-q{i}-m1", f"Answer {i}.", cost=1000, ttft_ms=5, duration_ms=9),
        )
    await _write(store, id, by, at, commands)


async def _thread(store: Store, i: int) -> None:
    id, by, turn = f"t-{i}", f"e-{i % 100}", f"q-{i}"
    call = WrittenCall(tool=TOOLS[i % 3], effect="read", approval=None, arguments={"year": 2026})
    bill = dict(cost=1000, ttft_ms=5, duration_ms=9)
    request = dict(model="offline:", window=2, request="-")
    question = f"Thread number{i} asks about leave"
    commands: Iterable[Command] = (
        Note(fact=_created(id, by, {"department": f"d-{i % 7}"})),
        submitted(WORKER, turn, f"r-{i}", question, SNAPSHOT),
        requested(WORKER, step=1, **request),
        answered(WORKER, f"{turn}-m1", "Let me see.", "tool_calls", (call,), **bill),
        Start(worker=WORKER, calls=(f"{turn}-t1",)),
        finished(WORKER, f"{turn}-t1", STATUSES[i % 4], result=i, size=4),
        requested(WORKER, step=2, **request),
        answered(WORKER, f"{turn}-m2", f"You have {i} days.", **bill),
    )
    await _write(store, id, by, START + timedelta(minutes=i), commands)


def _created(id: str, by: str, metadata: dict[str, Json] | None = None, title: str | None = None) -> ThreadCreated:
    return ThreadCreated(
        thread=id, owner=by, content=ThreadContent(title=title, metadata=metadata or {}, instructions="")
    )


async def _write(store: Store, id: str, by: str, at: datetime, commands: Iterable[Command]) -> None:
    state, entries = State(), []
    for command in commands:
        facts = decide(state, command, Options())
        salts = ["0" * 32] * len(facts)
        drafts = [draft(fact) for fact in facts]
        more = chain(f"thread:{id}", state.n, state.hash, drafts, by=by, at=at, salts=salts)
        state, entries = fold_all(state, more), entries + more
    assert state.thread
    records = [record(item) for item in state.items.values()]
    await store.commit(f"thread:{id}", 0, entries, [*records, record(state.thread)], id=f"c-{id}")
