"""Commits that are repeated until a store acknowledges them, and blobs, which are stored once."""

import logging
from collections.abc import Sequence

import anyio

from core import server_log
from core.canonical import Json
from core.clock import Clock
from core.errors import Conflict, Corrupt, Full, StoreBusy, StoreClosed, StoreRefused, Unavailable
from core.log.entry import chain
from core.log.facts import AnyFact, BlobContent, draft, fact
from core.server_log import elapsed_ms, listens, log_event, named_by, without_people
from core.store import Record, Store
from core.values import GENESIS, Entry

log = logging.getLogger(__name__)

FOR_A_PERSON = 5.0
"""A caller with less patience, in seconds, answers a person, who is told soon that the store is busy."""

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
    """Commit, and repeat the commit for up to `patience` seconds while the store does not acknowledge it.

    Raises Conflict if another commit stands at its place, Full or StoreRefused if it was certainly not applied, and
    Unavailable if the outcome is still unknown. A closed store is not asked again, and a busy one, which has waited
    itself, only by a caller with a patience of `FOR_A_PERSON` or more.
    """
    # One id for all repeats: it lets the store recognise its own commit. It is random, because two writers that
    # derived theirs from the same turn would both take the one that was applied for their own.
    commit_id = clock.token()
    began = clock.monotonic()
    until = began + patience
    delay = _FIRST_DELAY
    unknown = False
    attempt = 1
    while True:
        try:
            await store.commit(stream, after, entries, records, id=commit_id)
            _tell_time(stream, len(entries), elapsed_ms(began, clock.monotonic()))
            return
        except (Full, StoreRefused) as error:
            took = elapsed_ms(began, clock.monotonic())
            log_event("commit.refused", logging.ERROR, **named_by(stream), error=type(error).__name__, duration_ms=took)
            log.error("commit to %s after %d refused: %s", without_people(stream), after, without_people(str(error)))
            if unknown:
                # The refusal speaks of this attempt alone: an earlier one may have been applied.
                raise Unavailable(f"commit to {stream} after {after} not acknowledged, then: {error}") from error
            raise
        except StoreClosed:
            raise
        except Unavailable as error:
            busy = isinstance(error, StoreBusy)
            unknown = unknown or not busy
            if clock.monotonic() + delay > until or (busy and patience < FOR_A_PERSON):
                raise
            attempt += 1
            took = elapsed_ms(began, clock.monotonic())
            log_event("commit.repeated", logging.WARNING, **named_by(stream), attempt=attempt, duration_ms=took)
        await anyio.sleep(delay)
        delay = min(2 * delay, _LONGEST_DELAY)


def _tell_time(stream: str, count: int, took: int) -> None:
    slow = took >= server_log.slow_commit_ms
    if listens(level := logging.WARNING if slow else logging.DEBUG):
        log_event("commit.slow" if slow else "commit.made", level, **named_by(stream), count=count, duration_ms=took)


async def begin_stream(store: Store, clock: Clock, stream: str, facts: Sequence[AnyFact], *, patience: float) -> None:
    """Commit a stream's first entries. If another writer has begun the stream, that writer's entries stay instead."""
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
    """The value that a turn names by this digest. Raises Corrupt if it is missing or erased."""
    stored = await store.read(f"blob:{digest}")
    content = getattr(fact(stored[0]), "content", None) if stored else None
    if not isinstance(content, BlobContent):
        raise Corrupt(f"blob:{digest}", 1, f"{'was erased' if stored else 'is missing'}, and a turn names it")
    return content.value
