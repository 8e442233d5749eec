"""Commits that get through: repeated as they were until a store acknowledges them; and blobs, stored once."""

import logging
from collections.abc import Sequence

import anyio

from core.canonical import Json
from core.clock import Clock
from core.errors import Conflict, Corrupt, Full, StoreRefused, Unavailable
from core.log.entry import chain
from core.log.facts import AnyFact, BlobContent, draft, fact
from core.store import Record, Store
from core.values import GENESIS, Entry

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

    Raises Conflict if another commit stands at its place, Full or StoreRefused if nothing was written, and Unavailable
    if the outcome is still unknown.
    """
    id = clock.token()
    until = clock.monotonic() + patience
    delay = _FIRST_DELAY
    unknown = False
    while True:
        try:
            await store.commit(stream, after, entries, records, id=id)
            return
        except (Full, StoreRefused) as error:
            log.error("commit to %s after %d refused: %s", stream, after, error)
            if unknown:
                # The refusal speaks of this attempt alone: an earlier one may have been applied.
                raise Unavailable(f"commit to {stream} after {after} not acknowledged, then: {error}") from error
            raise
        except Unavailable:
            unknown = True
            if clock.monotonic() + delay > until:
                raise
            log.warning("commit to %s after %d not acknowledged, repeating", stream, after)
        await anyio.sleep(delay)
        delay = min(2 * delay, _LONGEST_DELAY)


async def begin_stream(store: Store, clock: Clock, stream: str, facts: Sequence[AnyFact], *, patience: float) -> None:
    """Commit a stream's first entries. If another writer has begun it, that writer's entries stand, and not these."""
    entries = chain(
        stream,
        0,
        GENESIS,
        [draft(fact) for fact in facts],
        by="desk",
        at=clock.now(),
        salts=[clock.token() for _ in facts],
    )
    try:
        await commit_surely(store, clock, stream, 0, entries, patience=patience)
    except Conflict:
        return


async def read_blob(store: Store, digest: str) -> Json:
    """The value stored under its digest. Raises Corrupt where a record names it and it is not there."""
    stored = await store.read(f"blob:{digest}")
    content = getattr(fact(stored[0]), "content", None) if stored else None
    if not isinstance(content, BlobContent):
        raise Corrupt(f"blob:{digest}", 1, "is missing, and a turn names it")
    return content.value
