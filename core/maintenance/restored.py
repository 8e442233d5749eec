"""A store that was made from a backup: what was open in the backup is closed before a desk works on it.

What happened after the backup is not on record: a request that waits in it may have been approved and carried out
since. If it stayed open, a second approval would do it a second time. So all that was open is closed; a call that may
have acted is `unknown`, and a person has to look.
"""

from dataclasses import dataclass

from core.clock import Clock
from core.errors import Corrupt
from core.live.wakeups import Wakeups
from core.log.records import DeferredCall, record_kind
from core.options import Options
from core.store import In, Query, Store, every, streams_of
from core.turn.commands import CloseDeferred
from core.turn.journal import Journal
from core.values import OPEN_TURN
from core.worker.claim import DESK
from core.worker.close_turn import close_turn

_PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedByRestore:
    """How many open turns and deferred calls were closed. `unreadable` are threads that cannot be read, left as is."""

    turns: int
    calls: int
    unreadable: list[str]


async def close_what_is_open(store: Store, clock: Clock) -> ClosedByRestore:
    """Close every open turn and every deferred call of a restored store, before a desk works on it.

    Turns become `failed` (restored). Of their calls those that read are `cancelled`, the others `unknown`. Run again,
    it goes on. Raises Unavailable or StoreRefused if the store does not take an entry.
    """
    turns = calls = 0
    unreadable: list[str] = []
    for thread in await _unfinished(store):
        journal = Journal(store, clock, Wakeups(), thread, Options(), patience=_PATIENCE)
        try:
            await journal.load()
            if open_turn := journal.state.open_turn:
                await close_turn(
                    store,
                    clock,
                    journal,
                    open_turn.turn,
                    "restored",
                    "failed",
                    "restored",
                    by=DESK,
                    patience=_PATIENCE,
                )
                turns += 1
            for one in journal.thread.deferred if journal.thread else ():
                await journal.load_turn(one.turn)
                calls += bool(await journal.append(CloseDeferred(call=one.call, reason="restored"), by=DESK))
            await journal.repair()
        except Corrupt:
            unreadable.append(thread)
    return ClosedByRestore(turns=turns, calls=calls, unreadable=unreadable)


async def _unfinished(store: Store) -> list[str]:
    """The threads with an open turn, a deferred call or records that are older than their log."""
    deferred = record_kind(DeferredCall)
    queries = (
        Query(kind="turn", where={"status": In(OPEN_TURN)}),
        Query(kind=deferred, where={"status": In(("waiting", "decided"))}),
        streams_of("thread", dirty=True),
    )
    threads: dict[str, None] = {}
    for query in queries:
        async for record in every(store, query):
            of_stream = record.kind == "stream"
            threads[record.id.partition(":")[2] if of_stream else str(record.fields["thread"])] = None
    return list(threads)
