"""Records written without entries: as many commits as they take, of which only the last says that none lags.

Were one before it to say so, a writer that died in between would leave a stream that looks clean and is not.
"""

from core.canonical import canonical
from core.clock import Clock
from core.log.commit import commit_surely
from core.store import Record, Store

MOST = 200
MOST_BYTES = 4 * 1024 * 1024
"""Records, and bytes of them, that one commit takes; a larger one goes alone."""


class Repairs:
    """Repair commits to one stream whose log ends at `n`: `add` its records, the head last, then `finish`.

    `patience` is for how many seconds a commit that is not acknowledged is repeated.
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
        """Write it sooner or later, after those that were added before."""
        size = len(canonical(dict(record.fields)))
        if len(self._waiting) == MOST or (self._waiting and self._size + size > MOST_BYTES):
            await self._commit(0)  # clears no mark
        self._waiting.append(record)
        self._size += size

    async def finish(self) -> None:
        """Write what waits, and clear the marks."""
        await self._commit(self._n)

    async def _commit(self, upto: int) -> None:
        await commit_surely(self._store, self._clock, self._stream, upto, (), self._waiting, patience=self._patience)
        self._waiting, self._size = [], 0
