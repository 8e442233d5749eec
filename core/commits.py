"""One commit, repeated as it was until the store has answered."""

import logging
from collections.abc import Sequence

import anyio

from core.clock import Clock
from core.errors import Unavailable
from core.log import Entry
from core.store import Record, Store

log = logging.getLogger(__name__)

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 2.0


async def commit_surely(
    store: Store,
    clock: Clock,
    stream: str,
    after: int,
    entries: Sequence[Entry],
    records: Sequence[Record] = (),
    *,
    patience: float,
) -> None:
    """Commit, and repeat as it was while the store does not acknowledge, for `patience` seconds.

    Raises Conflict where another commit stands at its place, Unavailable when the outcome is still unknown.
    """
    id = clock.token()
    until = clock.monotonic() + patience
    delay = _FIRST_DELAY
    while True:
        try:
            await store.commit(stream, after, entries, records, id=id)
            return
        except Unavailable:
            if clock.monotonic() + delay > until:
                raise
            log.warning("commit to %s after %d not acknowledged, repeating", stream, after)
        await anyio.sleep(delay)
        delay = min(2 * delay, _LONGEST_DELAY)
