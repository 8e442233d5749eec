"""Erasures: what owners have asked for is carried out once it is due.

`erasure.begun` comes first. After it the request cannot be taken back, and the records follow from the log without what
was written, whether its payloads are gone or not. So each step may be repeated, by any number of desks, from wherever
a sweep died; `thread.erased` says that all of it is done.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from core.clock import Clock, iso
from core.desk.reviews import erase_reviews
from core.errors import RolltopError
from core.log.refold import write_again
from core.server_log import reason_of
from core.store import Filter, Query, Range, Store, every, streams_of
from core.turn.commands import BeginErasure, EndErasure
from core.turn.journal import Journal
from core.worker.claim import DESK

log = logging.getLogger(__name__)

_PATIENCE = 3.0


class Erasures:
    """Erases the content of threads whose owners ask for it."""

    def __init__(self, store: Store, clock: Clock, journal: Callable[[str], Journal]) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal

    async def carry_out(self) -> None:
        """Erase every thread that is due. One with an open turn or an undecided call waits for a later sweep."""
        before = iso(await self._store.now() + timedelta(milliseconds=1))  # what is due at this moment is due
        due = Query(kind="thread", where={"erase_due": Range(lt=before)})
        for thread_id in [one.id async for one in every(self._store, due)]:
            try:
                await self._erase(thread_id, before)
            except RolltopError as error:  # a broken thread must not keep the others from being erased
                log.error("thread %s is not erased yet; the next sweep tries again: %s", thread_id, reason_of(error))

    async def _erase(self, thread_id: str, before: str) -> None:
        journal = self._journal(thread_id)
        await journal.load()
        await journal.append(BeginErasure(before=before), by=DESK)
        # The head first: by it those who judge an answer just now see that they have to erase their words themselves.
        await journal.repair()
        if journal.thread is None or not journal.thread.erasing:
            return
        upto = journal.thread.erased_upto
        # Payloads last: erasing them makes a store drop what the records have left in its files, too.
        await write_again(self._store, self._clock, journal.stream, _PATIENCE)
        where: dict[str, Filter] = {"thread": thread_id, "first_n": Range(lt=upto)}
        turns = {turn.id async for turn in every(self._store, Query(kind="turn", where=where))}
        await erase_reviews(self._store, self._clock, sorted(turns))
        await self._erase_live_text(turns)
        await self._store.erase(journal.stream, upto=upto)
        await journal.append(EndErasure(upto=upto), by=DESK)

    async def _erase_live_text(self, turns: set[str]) -> None:
        for stream in [stream.id async for stream in every(self._store, streams_of("live"))]:
            if stream.split(":")[1] in turns:
                await self._store.erase(stream, whole=True)
