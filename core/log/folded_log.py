"""Small logs, each folded into one record: what people say, what they decide for all, what they use of their limits.

The first writer wins. The other folds on and decides again, so that both entries stay.
"""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from core.clock import Clock
from core.errors import Conflict, RolltopError
from core.log.commit import commit_surely
from core.log.entry import chain
from core.log.facts import AnyFact, draft
from core.log.records import AdministrationRecord, Person, Review, Spending, record
from core.log.repair_commits import Repairs
from core.server_log import reason_of, without_people
from core.store import Store, every, streams_of
from core.values import GENESIS, Entry

log = logging.getLogger(__name__)

_PATIENCE = 3.0

R = TypeVar("R", bound=Review | Person | AdministrationRecord | Spending)


class FoldedLogs(Generic[R]):
    """The logs of one kind of stream. `fold` gives the record after an entry, from None before the first.

    `empty` is what stands for a log without entries, if that is more than None.
    """

    def __init__(
        self, store: Store, clock: Clock, kind: str, fold: Callable[[R | None, Entry], R], empty: R | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._kind = kind
        self._fold = fold
        self._empty = empty

    async def append(
        self, stream: str, fact: AnyFact, *, by: str, repeats: Callable[[R], bool], folded: R | None = None
    ) -> R:
        """The record with the fact, folded on from `folded`. One that `repeats` finds there already stays as it is.

        `repeats` may raise, if the fact does not go with the record: then nothing is written.
        """
        while True:
            folded = await self.read(stream, folded)
            if folded and repeats(folded):
                return folded
            try:
                return await self.add(stream, folded, fact, by=by)
            except Conflict:  # another person, or another tab of the same one
                continue

    async def add(self, stream: str, folded: R | None, fact: AnyFact, *, by: str) -> R:
        """The record with the fact as the entry after `folded`. Raises Conflict if there is such an entry already."""
        n, prev = (folded.n, folded.hash) if folded else (0, GENESIS)
        salts = [self._clock.token()]
        (entry,) = chain(stream, n, prev, [draft(fact)], by=by, at=self._clock.now(), salts=salts)
        after = self._fold(folded, entry)
        await commit_surely(self._store, self._clock, stream, n, [entry], [record(after)], patience=_PATIENCE)
        return after

    async def read(self, stream: str, folded: R | None = None) -> R | None:
        """The record at the end of the log, folded on from `folded`; `empty` without an entry."""
        folded = folded or self._empty
        while entries := await self._store.read(stream, folded.n if folded else 0):
            for entry in entries:
                folded = self._fold(folded, entry)
        return folded

    async def repair(self) -> None:
        """Write the records that lag behind their logs, because their writer died after the entry."""
        async for stream in every(self._store, streams_of(self._kind, dirty=True)):
            try:
                if folded := await self.read(stream.id):
                    repairs = Repairs(self._store, self._clock, stream.id, folded.n, _PATIENCE)
                    await repairs.add(record(folded))
                    await repairs.finish()
            except RolltopError as error:  # a broken log must not keep the others from being repaired
                log.error("%s cannot be repaired: %s", without_people(stream.id), reason_of(error))
