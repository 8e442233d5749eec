"""Records are written once a turn: when they may lag behind the log, what still finds them, and what may never lag."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Desk, tool
from core.clock import SystemClock
from core.live.wakeups import Wakeups
from core.log.facts import ThreadCreated, TurnOpened, thread_fact
from core.log.fold import State, fold
from core.log.record_ids import concerned
from core.log.records import record
from core.log.refold import outline, refold, write_again
from core.options import Options
from core.store import Record
from core.turn.journal import MAX_LAG, Journal
from core.values import Entry
from tests.checker.logs import Log, created, logs, stop, submit
from tests.support.commands import requested
from tests.support.desks import ASKER, ended
from tests.support.wrapped import WrappedStore

many = settings(
    phases=[Phase.generate],
    max_examples=60,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


_ASIDE = (
    *("thread.renamed", "thread.metadata", "thread.instructions", "feedback.given", "call.resolved", "late"),
    *("approval.given", "approval.denied", "deferred.closed", "branch.shown"),
)
"""What a turn's worker never appends through the journal of its turn."""


_OPENING = ("turn.claimed", "turn.released")
"""What the commit of a decision ends with if its process goes on with the turn."""


class Died(Exception):
    """The writer was killed between its entries and their records."""


class Losing(WrappedStore):
    """A store that writes entries first and records after, and may lose the records of a commit: then it is `dirty`."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.loses = False
        self.dirty = False

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        if self.loses and entries and records:
            self.loses, self.dirty = False, True
            await super().commit(stream, after, entries, (), id=id)
            raise Died
        await super().commit(stream, after, entries, records, id=id)
        if records:
            self.dirty = False


class Walk:
    """A log played again by journals: the one that goes on, and others that load the thread anew."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.store = Losing()
        self.states = [State()]
        for entry in log.entries:
            self.states.append(fold(self.states[-1], entry))
        self.journal = self._journal()

    def _journal(self) -> Journal:
        return Journal(self.store, _Replayed(self.log), Wakeups(), "t", Options(), patience=0)

    async def run(self, chances: Sequence[int]) -> None:
        done = 0
        for size, chance in zip(self.log.commits, chances, strict=False):
            entries = self.log.entries[done : done + size]
            writer, turns = self.journal, {turn for entry in entries for turn in concerned(entry)}
            if chance == 1 or entries[0].kind in _ASIDE:  # another writer: a rename, a rating, a take-over
                writer = await self._loaded(*turns)
            for turn in turns:  # as every operation does: another turn's place, or its deferred call, needs its records
                await writer.load_turn(turn)
            if chance == 2:  # somebody reads the thread
                await (await self._loaded()).repair()
            self.store.loses = chance == 3
            try:
                await writer._commit([thread_fact(entry) for entry in entries], entries[0].by, None)
            except Died:
                writer = self.journal = await self._loaded()
            self.store.loses = False
            done += size
            if any(entry.kind == "erasure.begun" for entry in entries):  # as the sweep does that put it on record
                await write_again(self.store, SystemClock(), "thread:t", 0)
            if writer is not self.journal:
                self.journal = writer if entries[-1].kind in _OPENING else self.journal
                await self.journal.catch_up()  # as after the Conflict that its next commit would meet
            await self.check(done)

    async def _loaded(self, *turns: str) -> Journal:
        journal = self._journal()
        await journal.load(*turns)
        return journal

    async def check(self, n: int) -> None:
        state, stored = self.states[n], await self.stored()
        head = stored.get(("thread", "t"))
        k = head.n if head else 0
        for item in (*self.states[k].items.values(), *([self.states[k].thread] if k else [])):
            right = record(item)
            there = stored.get((right.kind, right.id))
            assert there is not None, f"the head is at {k}, and {right.kind} {right.id} is missing"
            assert there.n >= right.n, f"the head is at {k}, and {right.kind} {right.id} at {there.n} lags"
        for there in stored.values():
            of = self.states[there.n]
            item = of.thread if there.kind == "thread" else of.items[there.id]
            assert there == record(item), f"{there.kind} {there.id} is not what the log makes it at {there.n}"
        if self.store.dirty:
            return
        open_turn = state.thread.open if state.thread else None
        if open_turn is None or open_turn.status != "running" or open_turn.released:
            assert k == n, f"nobody works on a turn, and records after {k} of {n} wait"
        else:
            found = stored.get(("turn", open_turn.turn))
            assert found, "recovery finds an open turn"
            assert found.fields["status"] in ("running", "awaiting_approval")
            assert n - k <= MAX_LAG + max(self.log.commits)

    async def stored(self) -> dict[tuple[str, str], Record]:
        return dict(self.store._store._records)


class _Replayed(SystemClock):
    """The log's own times and salts, so that the same entries come again."""

    def __init__(self, log: Log) -> None:
        object.__setattr__(self, "_log", log)

    def now(self) -> Any:
        return self._log.entries[0].at

    def token(self) -> str:
        return self._log.entries[0].salt or "0" * 32


chances = st.lists(st.integers(0, 8), min_size=80, max_size=80)


def played(log: Log, drawn: Sequence[int]) -> None:
    assume(not any(entry.erased for entry in log.entries))
    anyio.run(Walk(log).run, drawn)


def always(journal: Journal, state: State, facts: Any) -> bool:
    return True


def past_the_end(journal: Journal, state: State, facts: Any) -> bool:
    return not any(isinstance(fact, (ThreadCreated, TurnOpened)) for fact in facts)


def while_parked(journal: Journal, state: State, facts: Any) -> bool:
    return state.open_turn is not None and not isinstance(facts[0], TurnOpened)


def without_a_bound(journal: Journal, state: State, facts: Any) -> bool:
    journal._clean = state.n - 1  # what lags is taken for written
    return LAGS(journal, state, facts)


LAGS = Journal._lags


@pytest.mark.parametrize("broken", [always, past_the_end, while_parked, without_a_bound])
def test_a_rule_broken_on_purpose_is_found(broken: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "_lags", broken)
    with pytest.raises(AssertionError):
        many(given(logs(max_turns=2), chances)(lambda log, drawn: played(log, drawn)))()


@many
@given(logs(max_turns=2), chances)
def test_records_lag_only_while_a_turn_is_worked_on_and_recovery_finds_it(log: Log, drawn: list[int]) -> None:
    played(log, drawn)


@many
@given(logs(max_turns=5))
def test_a_refold_turn_by_turn_gives_the_records_of_a_whole_fold(log: Log) -> None:
    """Although an entry may change the records of several turns, and a refold forgets each as soon as it can."""
    folded = anyio.run(refolded, log)
    expected = [record(item) for item in (*log.state.items.values(), log.state.thread) if item]
    assert folded == {(one.kind, one.id): one for one in expected}


async def refolded(log: Log) -> dict[tuple[str, str], Record]:
    store, done = MemoryStore(), 0
    for size in log.commits:
        await store.commit("thread:t", done, log.entries[done : done + size], id=f"c{done}")
        done += size
    batches = [batch async for batch in refold(store, await outline(store, "t", log.state.n))]
    return {(one.kind, one.id): one for batch in batches for one in batch}


def test_records_of_a_turn_that_ended_before_a_death_are_written_with_those_of_the_next_one() -> None:
    """Two writers die between entries and records: with the end of a turn, and with the opening of the next one."""
    log = created(Options())
    for question in ("first?", "second?"):
        submit(log, question)
        assert log.open
        assert log.open.worker
        log.command(requested(log.open.worker))
        stop(log, "")
    # thread, turn, request, end; turn, request, end. The third journal goes on from what the two have left.
    assert log.commits == [1, 2, 1, 3, 2, 1, 3]
    anyio.run(Walk(log).run, [0, 0, 0, 3, 3, 0, 0])


class Interrupted(WrappedStore):
    """A store that waits for `before_head` before it gives the head of a thread."""

    before_head: Callable[[], Any] | None = None

    async def get(self, kind: str, id: str) -> Record | None:
        if kind == "thread" and self.before_head:
            before, self.before_head = self.before_head, None
            await before()
        return await super().get(kind, id)


async def test_a_call_is_found_as_it_is_now_if_its_records_are_written_while_it_is_looked_for() -> None:
    begun, release = anyio.Event(), anyio.Event()

    @tool(effect="read")
    async def book() -> str:
        """Book a day."""
        begun.set()
        await release.wait()
        return "done"

    store = MemoryStore()
    between = Interrupted(store)
    async with (
        Desk(store, ScriptedModel([[Call("book", {})], [Say("Booked.")]]), tools=[book]) as desk,
        Desk(between, ScriptedModel([]), tools=[book]) as other,
    ):
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "book")
        await begun.wait()

        async def to_its_end() -> None:
            release.set()
            await ended(desk, turn)

        between.before_head = to_its_end
        call = await other.archive.call(ASKER, f"{turn.id}-t1")
        assert between.before_head is None
        assert call.status == "succeeded"
