"""Repair commits: records written without entries, in as many commits as they need."""

from core.clock import Clock
from core.log.commit import commit_surely
from core.store import Record, Store

MOST = 200
MOST_BYTES = 4 * 1024 * 1024
"""The most records in one commit, and the most bytes of them; a larger record has a commit of its own."""


class Repairs:
    """Repairs the records of one stream, whose log ends at `n`: `add` each record, the head last, then `finish`.

    `patience` is how many seconds a commit is repeated while the store does not acknowledge it.
    """

    def __init__(self, store: Store, clock: Clock, stream: str, n: int, patience: float) -> None:
        self._store = store
        self._clock = clock
        self._stream = stream
        self._n = n
        self._patience = patience
        self._waiting: list[Record] = []
        self._size = 0

    async def add(self, record: Record) -> None:
        """Take a record; it is written after the records that were added before it, at the latest by `finish`."""
        size = len(record.fields_json)
        if len(self._waiting) == MOST or (self._waiting and self._size + size > MOST_BYTES):
            # 0 leaves the stream dirty: if this writer died after clearing the mark early, the stream would look clean
            # although records still lag.
            await self._commit(0)
        self._waiting.append(record)
        self._size += size

    async def finish(self) -> None:
        """Write the remaining records, and mark the stream as clean."""
        await self._commit(self._n)

    async def _commit(self, upto: int) -> None:
        await commit_surely(self._store, self._clock, self._stream, upto, (), self._waiting, patience=self._patience)
        self._waiting, self._size = [], 0
