"""One record by its id, through the gate, as its log has it now.

The record in the store may lag: another process, or one that died, may not have written it yet. What is on record
counts, and a follower may have seen it already.
"""

import logging
from typing import TypeVar

from core.clock import Clock
from core.errors import Full, InvalidInput, StoreRefused, Unavailable
from core.gate import Action, Owned, Viewer, authorize
from core.ids import check_id
from core.live.wakeups import Wakeups
from core.log.audit import record_look
from core.log.fold import State
from core.log.records import Item, Message, ModelCall, Retrieval, Summary, Thread, ToolCall, Turn, item
from core.options import Options
from core.store import Record, Store
from core.turn.journal import Journal

log = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds for which lagging records are written; the read does not need them."""

T = TypeVar("T", Thread, Turn, Message, ToolCall, ModelCall, Retrieval, Summary)


class CheckedRecords:
    """Reads for one viewer and one action. A foreign object and a missing one raise the same NotFound.

    A look by another role than the owner's is on record before the method returns.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def thread(self, viewer: Viewer | None, action: Action, id: str) -> Thread:
        thread = await self._newest("thread", Thread, id)
        await self._pass(viewer, action, Owned(kind="thread", id=str(id), owner=thread.owner if thread else None))
        assert thread
        return thread

    async def turn(self, viewer: Viewer | None, action: Action, id: str) -> Turn:
        turn = await self._newest("turn", Turn, id)
        await self._pass(viewer, action, Owned(kind="turn", id=str(id), owner=turn.owner if turn else None))
        assert turn
        return turn

    async def call(self, viewer: Viewer | None, action: Action, id: str) -> ToolCall:
        call = await self._newest("tool_call", ToolCall, id)
        waits = call is not None and (call.status == "awaiting_approval" or action == "call.decide")
        decided = call is not None and call.decision is not None and viewer and call.decision.by == viewer.id
        owned = Owned(
            kind="call",
            id=str(id),
            owner=call.owner if call else None,
            decider=call.approval if call and (waits or decided) else None,
        )
        await self._pass(viewer, action, owned)
        assert call
        return call

    async def _pass(self, viewer: Viewer | None, action: Action, object: Owned) -> None:
        """Through the gate, with the look on record where one is due."""
        if authorize(viewer, action, object) == "look":
            assert viewer
            await record_look(self._store, self._clock, viewer, action, object)

    async def _newest(self, kind: str, type: type[T], id: object) -> T | None:
        """The record; None for an id that is no id too, so that a probing caller learns nothing from its form."""
        try:
            found = await self._store.get(kind, check_id(id))
        except InvalidInput:
            return None
        if found is None:
            return None
        head = found if kind == "thread" else await self._store.get("thread", found.fields["thread"])
        state = await self._caught_up(head) if head else State()
        newest = state.thread if kind == "thread" else state.items.get(found.id)
        return of_type(type, newest or item(found))

    async def _caught_up(self, head: Record) -> State:
        """The thread as its log has it past its head, and nothing where nothing is; records that lag are written.

        What is on record counts, and a follower may have seen it already: another process, or one that died since, may
        not have come to the records yet.
        """
        if not await self._store.read(f"thread:{head.id}", head.n, limit=1):
            return State()
        journal = Journal(self._store, self._clock, Wakeups(), head.id, Options(), patience=_PATIENCE)
        await journal.load()
        try:
            await journal.repair()
        except (Full, StoreRefused, Unavailable):
            # A full disk, or a right to read alone, must not fail a read.
            log.exception("thread %s: its records lag behind its log", head.id)
        return journal.state


def of_type(type: type[T], read: Item) -> T:
    assert isinstance(read, type)
    return read
