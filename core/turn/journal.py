"""A thread's log as one writer sees it: load, decide, append; and on `Conflict` fold and decide again.

The one place where entries are committed to a thread. Every operation starts from the head record and the few
entries after it, so that its cost does not grow with the thread.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import anyio

from core.clock import Clock
from core.errors import Conflict, Corrupt, Full, StoreRefused, TooLarge, Unavailable
from core.live.wakeups import Wakeups
from core.log.commit import commit_surely
from core.log.emptied import emptied_by
from core.log.entry import chain
from core.log.fact_events import log_facts
from core.log.facts import (
    AnyFact,
    HistorySummarized,
    HookFailed,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    ToolTold,
    TurnClaimed,
    draft,
)
from core.log.fold import State, fold, fold_all
from core.log.record_ids import OPENINGS, concerned
from core.log.records import Item, Thread, ToolCall, Turn, item, record
from core.log.repair_commits import Repairs
from core.options import Options
from core.server_log import log_event, named_by, reason_of
from core.store import Query, Record, Store, commit_size, every
from core.turn.commands import Command, Failed
from core.turn.decide import decide
from core.values import Entry

log = logging.getLogger(__name__)

_STALE_READ_DELAY = 0.05
_EMPTY_READS = 100

MANY_CONFLICTS = 5
"""The server's log says so each time a command has met so many other writers."""

MAX_LAG = 100
"""Entries of a running turn after which its records are written all the same, so that few lie behind the head."""

MAX_WAITING = 256 * 1024
"""Bytes of content after which they are written too: a record that is too large must show before its entry is there."""

_STEPS = (
    HistorySummarized,
    HookFailed,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    ToolFinished,
    ToolStarted,
    ToolTold,
)
"""What a turn's own worker appends while the turn goes on."""


class Journal:
    """One thread, as far as it was read. `load` it first.

    Each operation makes a journal of its own; a turn's worker keeps one until the turn ends. `patience` is for how many
    seconds a commit that is not acknowledged is repeated.
    """

    def __init__(
        self, store: Store, clock: Clock, wakeups: Wakeups, thread_id: str, options: Options, *, patience: float
    ) -> None:
        self.thread_id = thread_id
        self.stream = f"thread:{thread_id}"
        self.state = State()
        self._store = store
        self._clock = clock
        self._wakeups = wakeups
        self._options = options
        self.patience = patience
        self._clean = 0
        self._waiting = 0

    @property
    def thread(self) -> Thread | None:
        """The head as of the last entry folded; None if the thread does not exist."""
        return self.state.thread

    async def load(self, *turns: str) -> None:
        """Start from the head record, the open turn's records and those of `turns`, and all entries after the head."""
        head = await self._store.get("thread", self.thread_id)
        if head is not None:
            thread = item(head)
            if not isinstance(thread, Thread):
                raise Corrupt(self.stream, head.n, f"its head record is a {head.kind}")
            self.state = State(thread, {})
            self._clean = thread.n
            open_turns = (thread.open.turn,) if thread.open else ()
            for turn in {*open_turns, *turns}:
                await self.load_turn(turn)
        await self.catch_up()

    async def catch_up(self) -> bool:
        """Fold the entries that other writers have appended; whether there were any."""
        entries = await self._store.read(self.stream, self.state.n)
        caught_up = bool(entries)
        while entries:
            for entry in entries:
                await self._fold(entry)
            entries = await self._store.read(self.stream, self.state.n)
        return caught_up

    async def append(
        self, command: Command | Callable[[State], Awaitable[Command]], *, by: str
    ) -> tuple[ThreadFact, ...]:
        """Put the command on record; the facts that were appended, () if the record already says it.

        A command that depends on the state is passed as a function, which is called again after every `Conflict`.
        Raises what `decide` raises, Unavailable, Full or StoreRefused if the store did not take the facts, and TooLarge
        if they are larger than a commit may be.
        """
        conflicts = 0
        while True:
            wanted = await command(self.state) if callable(command) else command
            facts = decide(self.state, wanted, self._options)
            if not facts:
                return ()
            try:
                await self._commit(facts, by, wanted.http_status if isinstance(wanted, Failed) else None)
            except Conflict:
                conflicts += 1
                if conflicts % MANY_CONFLICTS == 0:
                    log_event("commit.contested", logging.WARNING, **named_by(self.stream), count=conflicts)
                await self._fold_the_winner()
            else:
                return facts

    async def repair(self) -> None:
        """Write the records that lag behind the entries that were loaded."""
        if records := self._touched(self.state):
            repairs = Repairs(self._store, self._clock, self.stream, self.state.n, self.patience)
            for lagging in records:
                await repairs.add(lagging)
            await repairs.finish()
            self._clean = self.state.n

    async def _commit(self, facts: Sequence[AnyFact], by: str, http_status: int | None) -> None:
        entries = chain(
            self.stream,
            self.state.n,
            self.state.hash,
            [draft(fact) for fact in facts],
            by=by,
            at=self._clock.now(),
            salts=[self._clock.token() for _ in facts],
        )
        state = fold_all(self.state, entries)
        size = self._waiting + sum(len(entry.payload_json) for entry in entries)
        waits = self._lags(state, facts) and size <= MAX_WAITING
        records = [] if waits else self._touched(state)
        together = True
        try:
            commit_size(entries, records)
        except TooLarge:
            # A large result stands in the entry and in its record: too much for one commit, not for two.
            commit_size(entries, ())
            for one in records:
                commit_size((), (one,))  # an entry whose record could never be written would lag for ever
            if self.state.thread is None and len(facts) > 1:
                # Readers find lagging records by the thread's head: it is there before the entries they come from.
                await self._commit(facts[:1], by, http_status)
                await self._commit(facts[1:], by, http_status)
                return
            together = False
        await commit_surely(
            self._store,
            self._clock,
            self.stream,
            self.state.n,
            entries,
            records if together else (),
            patience=self.patience,
        )
        self.state = state
        self._wakeups.wake(self.stream, entries, state)
        log_facts(self.thread_id, facts, state, http_status)
        self._waiting = size if waits else 0
        if records and together:
            self._clean = state.n
        elif not together:
            try:
                await self.repair()
            except (Full, StoreRefused, Unavailable) as error:
                # The entries are the fact: records that could not be written never fail the commit that made them.
                why = reason_of(error)
                log.error("%s: records after %d lag behind their log: %s", self.stream, self._clean, why)
        if self._clean == self.state.n:  # else records of a turn that is over may be among those that wait
            self.state = _without_ended_turns(self.state)

    async def _fold_the_winner(self) -> None:
        for _ in range(_EMPTY_READS):
            if await self.catch_up():
                return
            # A Conflict and nothing to read: the read was a stale one. The entry is there.
            await anyio.sleep(_STALE_READ_DELAY)
        raise Unavailable(f"{self.stream}: an entry after {self.state.n} exists but cannot be read")

    async def _fold(self, entry: Entry) -> None:
        opened = entry.shell["turn"] if entry.kind in OPENINGS else None
        for turn in concerned(entry):
            if turn != opened:
                await self.load_turn(turn)
        self.state = fold(self.state, entry)

    async def load_turn(self, turn: str) -> None:
        """Load a turn with its records, if there is one of this id and it is not loaded."""
        if turn in self.state.items:
            return
        stored = await self._store.get("turn", turn)
        if stored is None:
            return
        loaded = {turn: item(stored)}
        for kind in ("message", "tool_call", "model_call", "retrieval", "handover"):
            loaded |= await self._of_turn(kind, turn)
        if any(isinstance(one, ToolCall) and one.status == "deferred" for one in loaded.values()):
            loaded |= await self._of_turn("deferred_call", turn)
        # A sweep may not have emptied them yet. Nobody writes anew what was erased.
        erased = self.thread.erased_upto if self.thread else 0
        loaded = {one_id: emptied_by(erased, one) for one_id, one in loaded.items()}
        # The state of now, not that of before the reads: a worker may have gone on with this journal meanwhile.
        self.state = replace(self.state, items={**loaded, **self.state.items})

    async def _of_turn(self, kind: str, turn: str) -> dict[str, Item]:
        return {one.id: item(one) async for one in every(self._store, Query(kind=kind, where={"turn": turn}))}

    def _lags(self, state: State, facts: Sequence[AnyFact]) -> bool:
        """Whether the records of these facts wait: the turn goes on, and its next commits would write them anew."""
        # Its opening wrote a Turn record, by which recovery finds it, and a head, after which readers fold its entries.
        running = state.open_turn is not None and state.open_turn.status == "running" and not state.open_turn.released
        own = all(isinstance(fact, _STEPS) or _is_retry(fact) for fact in facts)
        return running and own and state.n - self._clean <= MAX_LAG

    def _touched(self, state: State) -> list[Record]:
        """The records that are newer than what the store is known to have, the head last."""
        if state.thread is None or state.n <= self._clean:
            return []
        touched = [record(item) for item in state.items.values() if item.n > self._clean]
        return [*touched, record(state.thread)]


def _is_retry(fact: AnyFact) -> bool:
    # A claim of another worker writes the records: the one before it may have died before it wrote any.
    return isinstance(fact, TurnClaimed) and fact.reason == "retried"


def _without_ended_turns(state: State) -> State:
    """The state without the records of turns that are over, so that a long-lived writer stays small."""
    open_turn = state.open_turn
    if open_turn is None:
        return state
    items = {
        item_id: item
        for item_id, item in state.items.items()
        if (item.id if isinstance(item, Turn) else getattr(item, "turn", None)) == open_turn.turn
    }
    return replace(state, items=items)
