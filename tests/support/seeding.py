"""Many finished threads at once: real logs, made by the real fold and committed in one go each."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import anyio

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


async def _thread(store: Store, i: int) -> None:
    id, by, turn = f"t-{i}", f"e-{i % 100}", f"q-{i}"
    content = ThreadContent(title=None, metadata={"department": f"d-{i % 7}"}, instructions="")
    call = WrittenCall(tool=TOOLS[i % 3], effect="read", approval=None, arguments={"year": 2026})
    bill = dict(cost=1000, ttft_ms=5, duration_ms=9)
    request = dict(model="offline:", window=2, request="-")
    question = f"Thread number{i} asks about leave"
    commands: Iterable[Command] = (
        Note(fact=ThreadCreated(thread=id, owner=by, content=content)),
        submitted(WORKER, turn, f"r-{i}", question, SNAPSHOT),
        requested(WORKER, step=1, **request),
        answered(WORKER, f"{turn}-m1", "Let me see.", "tool_calls", (call,), **bill),
        Start(worker=WORKER, calls=(f"{turn}-t1",)),
        finished(WORKER, f"{turn}-t1", STATUSES[i % 4], result=i, size=4),
        requested(WORKER, step=2, **request),
        answered(WORKER, f"{turn}-m2", f"You have {i} days.", **bill),
    )
    state, entries, at = State(), [], START + timedelta(minutes=i)
    for command in commands:
        facts = decide(state, command, Options())
        salts = [f"{i:030x}00"] * len(facts)
        drafts = [draft(fact) for fact in facts]
        more = chain(f"thread:{id}", state.n, state.hash, drafts, by=by, at=at, salts=salts)
        state, entries = fold_all(state, more), entries + more
    assert state.thread
    records = [record(item) for item in state.items.values()]
    await store.commit(f"thread:{id}", 0, entries, [*records, record(state.thread)], id=f"c-{i}")
