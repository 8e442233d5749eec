"""A restored store, and the one that it replaces: what was erased there since the backup is erased here, too."""

from functools import partial

from core.clock import Clock, iso
from core.desk.erasures import Erasures
from core.live.wakeups import Wakeups
from core.log.facts import ErasureAsked
from core.log.records import Thread, item_of
from core.options import Options
from core.store import Query, Store, every
from core.turn.commands import Note
from core.turn.journal import Journal
from core.worker.claim import DESK

_PATIENCE = 10.0


async def erase_since(replaced: Store, store: Store, clock: Clock) -> int:
    """Erase in `store` each thread that was erased in `replaced` later. Returns how many these are.

    A request that waits in `replaced`, and not in `store`, waits here until it is due there. Both are put on record
    first, so that a desk carries out what this does not get done. No turn and no deferred call may be open any more.
    """
    journal = partial(_journal, store, clock)
    erased = 0
    async for record in every(replaced, Query(kind="thread")):
        there = item_of(Thread, record)
        if not (there.erased_upto or there.erase_due) or (held := await store.get("thread", there.id)) is None:
            continue
        here = item_of(Thread, held)
        later = there.erased_upto > here.erased_upto
        due = iso(await store.now()) if later else there.erase_due
        if due and due != here.erase_due:
            thread = journal(there.id)
            await thread.load()
            await thread.append(Note(fact=ErasureAsked(due=due)), by=DESK)
            await thread.repair()
        erased += later
    await Erasures(store, clock, journal).carry_out()
    return erased


def _journal(store: Store, clock: Clock, thread: str) -> Journal:
    return Journal(store, clock, Wakeups(), thread, Options(), patience=_PATIENCE)
