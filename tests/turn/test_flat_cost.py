"""Cost per turn is flat: a late turn of a long thread asks of its store what an early one asked."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import anyio
import pytest

import core.desk.administration_log
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Desk, Options, tool
from core.canonical import digest
from core.log.entry import chain
from core.log.facts import Snapshot, ThreadContent, ThreadCreated, draft
from core.log.fold import State, fold_all
from core.log.records import Turn, record
from core.turn.commands import Note, Start, WrittenCall
from core.turn.decide import decide
from core.turn.deferred import report_turn
from core.values import Worker
from tests.support.commands import answered, finished, requested, submitted
from tests.support.desks import APPROVER, ASKER, until
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


@pytest.fixture(autouse=True)
def one_look(monkeypatch):
    """What is switched off is read once a second, and not by the turn: here it is read once."""
    monkeypatch.setattr(core.desk.administration_log, "FRESH_SECONDS", 3_600.0)


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
    async with Desk(counting, ScriptedModel(script), tools=[look], options=OPTIONS, flush_seconds=0) as desk:
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


class Counted(CountingStore):
    """Counts all but live text, whose commits depend on when the text comes."""

    async def _call(self, operation, *given, **named):
        if operation == "commit" and given[0].startswith("live:"):
            return await getattr(self._store, operation)(*given, **named)
        return await super()._call(operation, *given, **named)


async def cost(counting, desk, act):
    """The store's calls and bytes of an act, and of the turn that it opens if it returns one."""
    counting.reset()
    opened = await act
    if isinstance(opened, Turn):
        await until(lambda: ended(counting._store, opened.id))
        await until(lambda: idle(desk))
    return dict(counting.calls), counting.bytes


async def test_questions_that_were_asked_again_cost_later_turns_and_pages_nothing(store):
    model, counting = ScriptedModel([[Say(ANSWER)]], loop=True), Counted(store)
    threads = {}
    async with Desk(store, model, options=OPTIONS) as desk:
        # Each place of a thread has a number of versions; a page of the thread takes the newest ten turns.
        for name, places in {"warm": [2] * 12, "early": [2] * 12, "often": [2] * 11 + [40], "late": [2] * 48}.items():
            thread = threads[name] = (await desk.create_thread(ASKER)).id
            for versions in places:
                turn = await desk.submit(ASKER, thread, QUESTION)
                for _ in range(versions - 1):
                    await until(lambda id=turn.id: ended(store, id))
                    turn = await desk.submit(ASKER, thread, QUESTION, replaces=turn.id)
                await until(lambda id=turn.id: ended(store, id))
            await until(lambda: idle(desk))
            assert len((await desk.archive.thread(ASKER, thread)).hidden) == len(places)
    costs = {name: {} for name in threads}
    # Another desk: it has not seen the threads, and reads all that it needs.
    async with Desk(counting, model, options=OPTIONS) as desk:
        await desk.recover()
        for name in ("warm", "early", "often", "late"):
            for act in ("below", "again", "show", "transcript", "messages"):
                thread = threads[name]
                newest = await desk.archive.turn(ASKER, (await desk.archive.thread(ASKER, thread)).last)
                match act:
                    case "below":
                        doing = desk.submit(ASKER, thread, QUESTION)
                    case "again":
                        doing = desk.submit(ASKER, thread, QUESTION, replaces=newest.id)
                    case "show":
                        doing = desk.show(ASKER, newest.replaces)
                    case "transcript":
                        doing = desk.archive.transcript(ASKER, thread, last=10)
                    case "messages":
                        doing = desk.archive.messages(ASKER, thread, last=20)
                costs[name][act] = await cost(counting, desk, doing)
    for name in ("often", "late"):
        for act, (calls, moved) in costs[name].items():
            assert calls == costs["early"][act][0], act
            assert moved < costs["early"][act][1] * 2, act
    assert costs["late"]["below"][0]["find"] <= OPTIONS.window_messages
    assert costs["late"]["transcript"][0]["find"] <= 20


async def test_a_decision_and_its_report_cost_the_same_in_a_long_thread(store):
    @tool(effect="unsafe", approval="approver")
    def pay(amount: int) -> None:
        """Pay."""

    def script(request):
        last = request.messages[-1]
        asked = last.role == "user" and last.report is None and last.text == "Pay"
        return [Call("pay", {"amount": 1})] if asked else [Say(ANSWER)]

    counting, costs = Counted(store), {}
    for thread, earlier in (("warm", 9), ("early", 9), ("late", 999)):
        await seeded(store, thread, earlier)
    async with Desk(counting, ScriptedModel(script), tools=[pay], options=OPTIONS) as desk:
        await desk.recover()
        for thread in ("warm", "early", "late"):
            turn = await desk.submit(ASKER, thread, "Pay")
            await until(lambda id=turn.id: ended(store, id))
            await until(lambda: idle(desk))
            (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
            counting.reset()
            await desk.decide(APPROVER, call.id, "approve", call.digest)
            report, _ = report_turn(thread, call.id)
            await until(lambda id=report: ended(store, id))
            await until(lambda: idle(desk))
            costs[thread] = (dict(counting.calls), counting.bytes)
    # What it reads of its call afterwards grows with what the report has on record by then.
    reads = {thread: calls.pop("read") for thread, (calls, _) in costs.items()}
    assert abs(reads["late"] - reads["early"]) <= 2
    assert costs["late"][0] == costs["early"][0]
    assert costs["late"][1] < costs["early"][1] * 1.1
