"""Cost per turn is flat: a late turn of a long thread asks of its store what an early one asked."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Desk, Options, tool
from core.canonical import digest
from core.log.entry import chain
from core.log.facts import Snapshot, ThreadContent, ThreadCreated, draft
from core.log.fold import State, fold_all
from core.log.records import record
from core.turn.commands import Note, Start, WrittenCall
from core.turn.decide import decide
from core.values import Worker
from tests.support.commands import answered, finished, requested, submitted
from tests.support.desks import ASKER, until
from tests.support.wrapped import CountingStore

OPTIONS = Options(window_messages=16)
"""A window that is full at turn 10."""

D = "0" * 64
SNAPSHOT = Snapshot(models=("scripted:",), instructions=D, tools=D, options=D, handbooks=D)
WORKER = Worker(nonce="0" * 32, host="seed", pid=1, start="seed")
AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
QUESTION, LOOKING, ANSWER = "How many days are left of them?", "Let me look.", "There are twelve days left."
TURNS = pytest.mark.parametrize("turns", [1_000, pytest.param(10_000, marks=pytest.mark.torture)])


def brief_turn(thread, request):
    """A question, and its answer."""
    submit, ask, _, _, _, _, answer = turn_of(thread, request)
    fact = answer.answered.model_copy(update={"call": f"{submit.opened.turn}-m1"})
    return [submit, ask, replace(answer, answered=fact)]


async def seeded(store, thread, turns, of=None, together=1):
    """Such a thread, in this store."""
    for after, entries, records in commits_of(thread, turns, of or turn_of, together):
        await store.commit(f"thread:{thread}", after, entries, records, id=f"{thread}-{after}")


@cache  # the folding takes longest, and is the same for every store
def commits_of(thread, turns, of, together):
    """The commits of a thread with so many turns, each as `of` makes it, and so many of them a commit."""
    state, commits = State(), []
    commands = [
        Note(
            fact=ThreadCreated(
                thread=thread, owner="e-1042", content=ThreadContent(title=None, metadata={}, instructions="")
            )
        )
    ]
    for n in range(turns):
        commands += of(thread, f"{n:032}")
        if (n + 1) % together and n + 1 < turns:
            continue
        entries, touched, after = [], {}, state.n
        for command in commands:
            facts = decide(state, command, OPTIONS)
            more = chain(
                f"thread:{thread}",
                state.n,
                state.hash,
                [draft(fact) for fact in facts],
                by="e-1042",
                at=AT,
                salts=["0" * 32] * len(facts),
            )
            state = fold_all(state, more)
            entries += more
            if state.thread.open is None:
                touched |= state.items
                state = State(state.thread, {})
        records = [record(item) for item in touched.values()]
        commits.append((after, entries, [*records, record(state.thread)]))
        commands = []
    return commits


def turn_of(thread, request_id):
    turn = digest([thread, request_id])[:24]
    call = WrittenCall(tool="look", effect="read", approval=None, arguments={})
    request = dict(model="scripted:", window=2, request=D)
    return [
        submitted(WORKER, turn, request_id, QUESTION, SNAPSHOT),
        requested(WORKER, step=1, **request),
        answered(WORKER, f"{turn}-m1", LOOKING, "tool_calls", (call,), ttft_ms=1),
        Start(worker=WORKER, calls=(f"{turn}-t1",)),
        finished(WORKER, f"{turn}-t1", result=12, size=2, digest=D, duration_ms=1),
        requested(WORKER, step=2, **request),
        answered(WORKER, f"{turn}-m2", ANSWER, ttft_ms=1),
    ]


class Watched(CountingStore):
    """Counts, and says when a text was committed."""

    live = anyio.Event()

    async def commit(self, stream, after, entries, records=(), *, id):
        await super().commit(stream, after, entries, records, id=id)
        if stream.startswith("live:"):
            self.live.set()


@TURNS
async def test_a_late_turn_makes_the_store_calls_of_an_early_one_and_moves_its_bytes(store, turns):
    @tool(effect="read")
    def look() -> int:
        """Look."""
        return 12

    counting = Watched(store)

    def script(request):
        shown = Wait(lambda: counting.live.wait())  # so that each text makes one live commit
        counting.live = anyio.Event()
        return [Say(LOOKING, 1), shown, Call("look", {})] if len(request.messages) % 4 == 1 else [Say(ANSWER, 1), shown]

    for thread, earlier in (("warm", 9), ("early", 9), ("late", turns - 1)):
        await seeded(store, thread, earlier)
    costs = {}
    async with Desk(counting, ScriptedModel(script), tools=[look], options=OPTIONS, window=0) as desk:
        for thread in ("warm", "early", "late"):
            counting.reset()
            turn = await desk.submit(ASKER, thread, QUESTION)
            found = await until(lambda id=turn.id: ended(store, id))
            await until(lambda: idle(desk))
            costs[thread] = (counting.calls, counting.bytes)
            assert (found.fields["status"], found.fields["text"]) == ("completed", f"{LOOKING}\n\n{ANSWER}")
    assert costs["early"][0] == costs["late"][0]
    assert costs["late"][1] < costs["early"][1] * 1.1
    assert (await store.get("thread", "late")).fields["turns"] == turns


async def ended(store, turn):
    found = await store.get("turn", turn)
    return found if found and found.fields["ended_at"] else None


async def idle(desk):
    return desk._workers.idle


@pytest.mark.parametrize("messages", [10_000])
async def test_the_last_messages_of_a_long_thread_cost_a_page(store, messages):
    await seeded(store, "short", 10, brief_turn)
    await seeded(store, "long", messages // 2, brief_turn, together=100)
    counting = CountingStore(store)
    desk = Desk(counting, ScriptedModel([]))
    costs = {}
    for thread in ("short", "long"):
        counting.reset()
        found = await desk.archive.messages(ASKER, thread, last=20)
        assert [message.text for message in found] == [QUESTION, ANSWER] * 10
        before = await desk.archive.messages(ASKER, thread, last=20, before=found[10].at_n)
        assert len(before) == (20 if thread == "long" else 10)
        counting.reset()
        await desk.archive.messages(ASKER, thread, last=20)
        costs[thread] = (counting.calls, counting.bytes)
    assert costs["long"][0] == costs["short"][0] == {"get": 1, "read": 1, "find": 1}
    assert costs["long"][1] < costs["short"][1] * 1.1
