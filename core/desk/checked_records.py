"""One record by its id, checked by the gate and as new as its log."""

import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.clock import Clock
from core.errors import Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.gate import Action, Owned, Viewer, authorize
from core.ids import check_id
from core.live.wakeups import Wakeups
from core.log.audit import AuditLog
from core.log.fold import State
from core.log.records import Thread, ToolCall, Turn, item_of, record_kind
from core.options import Options
from core.store import Record, Store
from core.turn.journal import Journal

log = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds spent on repairing lagging records; the read goes on without it."""

T = TypeVar("T", Thread, Turn, ToolCall)


@dataclass(frozen=True, slots=True)
class Passed(Generic[T]):
    """A record that the gate let through. `named`: the viewer may learn whose it is; else they see a pseudonym."""

    item: T
    named: bool


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
        thread, sealed = await self._newest(Thread, thread_id)
        owned = Owned(kind="thread", id=str(thread_id), owner=thread.owner if thread else None, sealed=sealed)
        return await self._passed(viewer, action, owned, thread, record=record)

    async def turn(self, viewer: Viewer | None, action: Action, turn_id: str) -> Passed[Turn]:
        turn, sealed = await self._newest(Turn, turn_id)
        owned = Owned(kind="turn", id=str(turn_id), owner=turn.owner if turn else None, sealed=sealed)
        return await self._passed(viewer, action, owned, turn)

    async def call(
        self, viewer: Viewer | None, action: Action, call_id: str, *, record: bool = True
    ) -> Passed[ToolCall]:
        call, sealed = await self._newest(ToolCall, call_id)
        # An approver may also open a call that they have decided themselves, after it has stopped waiting.
        waits = call is not None and (call.status == "awaiting_approval" or action == "call.decide")
        decided = call is not None and call.decision is not None and viewer and call.decision.by == viewer.id
        owned = Owned(
            kind="call",
            id=str(call_id),
            owner=call.owner if call else None,
            decider=call.approval if call and (waits or decided) else None,
            sealed=sealed,
        )
        return await self._passed(viewer, action, owned, call, record=record)

    async def _passed(
        self, viewer: Viewer | None, action: Action, owned: Owned, item: T | None, *, record: bool = True
    ) -> Passed[T]:
        """The item, after the gate has allowed the action and a look is on record."""
        access = await self._audit.authorize(viewer, action, owned) if record else authorize(viewer, action, owned)
        if viewer is None or item is None:
            raise NotFound(owned.kind, owned.id)
        if access != "own" and record:
            await self._audit.record(viewer, action, owned)
        return Passed(item, named=access != "look")

    async def _newest(self, item_type: type[T], item_id: object) -> tuple[T | None, bool]:
        """The record as its log has it now, and whether its thread is sealed.

        None if the record does not exist or the id is malformed.
        """
        kind = record_kind(item_type)
        try:
            stored = await self._store.get(kind, check_id(item_id))
        except InvalidInput:
            # The same answer as for an unknown id: a caller that tries ids learns nothing of their form.
            return None, False
        if stored is None:
            return None, False
        head = stored if kind == "thread" else await self._store.get("thread", stored.fields["thread"])
        state = await self._caught_up(head) if head else State()
        thread = state.thread or (item_of(Thread, head) if head else None)
        newest = thread if kind == "thread" else state.items.get(stored.id)
        return (
            newest if isinstance(newest, item_type) else item_of(item_type, stored),
            thread is None or thread.sealed is True,
        )

    async def _caught_up(self, head: Record) -> State:
        """The thread folded to the end of its log, with lagging records repaired; empty if the head is up to date."""
        # The records may lag: another process may not have written them yet, or may have died before. A follower may
        # have seen the entries already, so a read must not show an older state.
        if not await self._store.read(f"thread:{head.id}", head.n, limit=1):
            return State()
        journal = Journal(self._store, self._clock, Wakeups(), head.id, Options(), patience=_PATIENCE)
        await journal.load()
        try:
            await journal.repair()
        except (Full, StoreRefused, Unavailable):
            # A full disk or a read-only account must not fail a read: only the repair is skipped.
            log.exception("thread %s: its records lag behind its log", head.id)
        return journal.state
