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
from core.turn.commands import Answered, Ask, Finished, Note, Start, Submit, Wish, WrittenCall
from core.turn.decide import decide
from core.values import Worker

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
    answer = dict(worker=WORKER, reasoning=(), usage={}, cost=1000, ttft_ms=5, duration_ms=9)
    said = f"Thread number{i} asks about leave"
    wishes: Iterable[Wish] = (
        Note(fact=ThreadCreated(thread=id, owner=by, content=content)),
        Submit(turn=turn, request_id=f"r-{i}", text=said, snapshot=SNAPSHOT, worker=WORKER),
        Ask(worker=WORKER, step=1, attempt=1, model="offline:", with_tools=True, window=2, request="-"),
        Answered(call=f"{turn}-m1", text="Let me see.", stop_reason="tool_calls", calls=(call,), **answer),
        Start(worker=WORKER, calls=(f"{turn}-t1",)),
        Finished(worker=WORKER, call=f"{turn}-t1", status=STATUSES[i % 4], result=i, size=4),
        Ask(worker=WORKER, step=2, attempt=1, model="offline:", with_tools=True, window=2, request="-"),
        Answered(call=f"{turn}-m2", text=f"You have {i} days.", stop_reason="end", calls=(), **answer),
    )
    state, entries, at = State(), [], START + timedelta(minutes=i)
    for wish in wishes:
        facts = decide(state, wish, Options())
        salts = [f"{i:030x}00"] * len(facts)
        drafts = [draft(fact) for fact in facts]
        more = chain(f"thread:{id}", state.n, state.hash, drafts, by=by, at=at, salts=salts)
        state, entries = fold_all(state, more), entries + more
    assert state.thread
    records = [record(item) for item in state.items.values()]
    await store.commit(f"thread:{id}", 0, entries, [*records, record(state.thread)], id=f"c-{i}")
