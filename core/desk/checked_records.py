"""One record by its id, checked by the gate and as new as its log."""

import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.clock import Clock
from core.desk.unreadable import Unreadable, read_entries, unreadable
from core.errors import Corrupt, Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.gate import Action, Owned, Viewer, authorize
from core.ids import check_id
from core.live.wakeups import Wakeups
from core.log.audit import AuditLog
from core.log.fold import State
from core.log.record_ids import turn_of_call
from core.log.records import Thread, ToolCall, Turn, item_of, record_kind
from core.options import Options
from core.server_log import reason_of
from core.store import Record, Store
from core.turn.journal import Journal

log = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds spent on repairing lagging records; the read goes on without it."""

T = TypeVar("T", Thread, Turn, ToolCall)


@dataclass(frozen=True, slots=True)
class Passed(Generic[T]):
    """A record that the gate let through. `named`: the viewer may learn whose it is; else they see a pseudonym.

    `unreadable`: an entry after the thread's head cannot be folded. The record is then as of the head.
    """

    item: T
    named: bool
    unreadable: Unreadable | None


@dataclass(frozen=True, slots=True)
class _Newest(Generic[T]):
    """A record as its log has it now; `sealed` is its thread. `item` is None if the record does not exist.

    `waits`: it is a deferred call without a decision.
    """

    item: T | None = None
    sealed: bool = False
    waits: bool = False
    unreadable: Unreadable | None = None


class CheckedRecords:
    """Reads one record for a viewer and an action. A foreign object and a missing one raise the same NotFound.

    If the viewer is not the owner, the look is on record before the method returns, and so is a denial before it is
    raised. With `record` False neither is: the caller puts it on record, before it shows the content.
    """

    def __init__(self, store: Store, clock: Clock, audit: AuditLog) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    async def thread(
        self, viewer: Viewer | None, action: Action, thread_id: str, *, record: bool = True
    ) -> Passed[Thread]:
        newest = await self._newest(Thread, thread_id)
        owner = newest.item.owner if newest.item else None
        owned = Owned(kind="thread", id=str(thread_id), owner=owner, sealed=newest.sealed)
        return await self._passed(viewer, action, owned, newest, record=record)

    async def write(self, viewer: Viewer | None, journal: Journal, *turns: str) -> None:
        """Load a thread's journal, with those of `turns` that exist, for a viewer who may write to the thread."""
        try:
            check_id(journal.thread_id)
            await journal.load(*turns)
        except (InvalidInput, Corrupt):
            await self.thread(viewer, "thread.write", journal.thread_id)  # a stranger is not told what is wrong with it
            raise
        thread = journal.thread
        owned = Owned(
            kind="thread",
            id=journal.thread_id,
            owner=thread.owner if thread else None,
            sealed=thread is not None and thread.sealed is True,
        )
        await self._audit.authorize(viewer, "thread.write", owned)
        if viewer is None or thread is None:
            raise NotFound(owned.kind, owned.id)

    async def turn(
        self, viewer: Viewer | None, action: Action, turn_id: str, *, known: State | None = None
    ) -> Passed[Turn]:
        """`known` is the turn's thread as this process has just committed it, None to read it."""
        turn = known.items.get(turn_id) if known else None
        if known and known.thread and isinstance(turn, Turn):
            newest = _Newest(turn, sealed=known.thread.sealed is True)
        else:
            newest = await self._newest(Turn, turn_id)
        owner = newest.item.owner if newest.item else None
        owned = Owned(kind="turn", id=str(turn_id), owner=owner, sealed=newest.sealed)
        return await self._passed(viewer, action, owned, newest)

    async def call(
        self, viewer: Viewer | None, action: Action, call_id: str, *, record: bool = True
    ) -> Passed[ToolCall]:
        newest = await self._newest(ToolCall, call_id)
        call = newest.item
        # An approver may also open a call that they have decided themselves, after it has stopped waiting.
        waits = call is not None and (newest.waits or call.status == "awaiting_approval" or action == "call.decide")
        decided = call is not None and call.decision is not None and viewer and call.decision.by == viewer.id
        owned = Owned(
            kind="call",
            id=str(call_id),
            owner=call.owner if call else None,
            decider=call.approval if call and (waits or decided) else None,
            sealed=newest.sealed,
        )
        return await self._passed(viewer, action, owned, newest, record=record)

    async def _passed(
        self, viewer: Viewer | None, action: Action, owned: Owned, newest: _Newest[T], *, record: bool = True
    ) -> Passed[T]:
        """The item, after the gate has allowed the action and a look is on record."""
        access = await self._audit.authorize(viewer, action, owned) if record else authorize(viewer, action, owned)
        if viewer is None or newest.item is None:
            raise NotFound(owned.kind, owned.id)
        if access != "own" and record:
            await self._audit.record(viewer, action, owned)
        return Passed(newest.item, access != "look", newest.unreadable)

    async def _newest(self, item_type: type[T], item_id: object) -> _Newest[T]:
        """The record as its log has it now. Its item is None also for a malformed id.

        Raises Corrupt if the record itself, or its thread's head, cannot be read.
        """
        kind = record_kind(item_type)
        try:
            stored = known = await self._store.get(kind, check_id(item_id))
            if stored is None and kind == "tool_call":
                # The record of a call is written when its turn parks or ends, and a follower has seen the call before.
                known = await self._store.get("turn", turn_of_call(str(item_id)))
        except InvalidInput:
            # The same answer as for an unknown id: a caller that tries ids learns nothing of their form.
            return _Newest()
        if known is None:
            return _Newest()
        head = known if kind == "thread" else await self._store.get("thread", known.fields["thread"])
        if head is None:
            return _Newest(item_of(item_type, stored) if stored else None, sealed=True)
        try:
            state, broken, sealed = await self._caught_up(head), None, False
        except Corrupt as error:
            log.error("thread %s: shown as of entry %d: %s", head.id, head.n, error)
            state, broken, sealed = State(), unreadable(error), await self._is_sealed_after(head)
        thread = state.thread or item_of(Thread, head)
        newest = thread if kind == "thread" else state.items.get(str(item_id))
        if newest is None:
            # Read again: only what is read after the head is as new as the head.
            stored = await self._store.get(kind, str(item_id))
            newest = item_of(item_type, stored) if stored else None
        deferred = thread.waiting_for(str(item_id))
        return _Newest(
            newest if isinstance(newest, item_type) else None,
            sealed=sealed or thread.sealed is True,
            waits=deferred is not None and deferred.decision is None,
            unreadable=broken,
        )

    async def _is_sealed_after(self, head: Record) -> bool:
        """Whether an entry after the head seals the thread: it counts, although the entries cannot be folded."""
        entries, _ = await read_entries(self._store, f"thread:{head.id}", head.n)
        return any(entry.shell.get("sealed") is True for entry in entries)

    async def _caught_up(self, head: Record) -> State:
        """The thread folded to the end of its log, with lagging records repaired; empty if the head is up to date.

        Raises Corrupt if an entry after the head, or a record that it changes, cannot be read.
        """
        # The records may lag: another process may not have written them yet, or may have died before. A follower may
        # have seen the entries already, so a read must not show an older state.
        if not await self._store.read(f"thread:{head.id}", head.n):
            return State()
        journal = Journal(self._store, self._clock, Wakeups(), head.id, Options(), patience=_PATIENCE)
        await journal.load()
        try:
            await journal.repair()
        except (Full, StoreRefused, Unavailable) as error:
            # A full disk or a read-only account must not fail a read: only the repair is skipped.
            log.error("thread %s: its records lag behind its log: %s", head.id, reason_of(error))
        return journal.state
