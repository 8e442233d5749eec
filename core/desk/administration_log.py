"""The log of what people decide for the installation: a process goes for a second by what it has read of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio

from core.clock import Clock
from core.errors import RolltopError
from core.log.administration import ADMINISTRATION, fold_administration, nothing_decided
from core.log.facts import AdministrationFact
from core.log.folded_log import FoldedLogs
from core.log.records import AdministrationRecord
from core.store import Store

FRESH_SECONDS = 1.0
"""Seconds for which a process goes by what it has read of the log."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of the log at `read_at`, a moment of the monotonic clock, when it was `now` for the store."""

    record: AdministrationRecord
    now: datetime
    read_at: float


@dataclass(slots=True)
class _Reading:
    """A reading of the log that others wait for; it has neither `known` nor `error` if it was cancelled."""

    ended: anyio.Event
    known: Known | None = None
    error: RolltopError | None = None


class AdministrationLog:
    """Reads `administration:desk` for one process, and appends to it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._logs = FoldedLogs(store, clock, "administration", fold_administration, nothing_decided())
        self._known: Known | None = None
        self._reading: _Reading | None = None

    async def newest(self) -> Known:
        """What is on record, as of a second ago at most."""
        known = self._known
        if known is None or self._clock.monotonic() - known.read_at >= FRESH_SECONDS:
            known = await self._read_once()
        return known

    async def now(self) -> datetime:
        """The time by the store's clock, as it was read a second ago at most."""
        known = await self.newest()
        return known.now + timedelta(seconds=self._clock.monotonic() - known.read_at)

    async def read(self) -> Known:
        """What is on record now."""
        began, known = self._clock.monotonic(), self._known
        record = await self._logs.read(ADMINISTRATION, known.record if known else None)
        known = Known(record or nothing_decided(), await self._store.now(), began)
        # A decision of this process, made while this was read, is not forgotten again.
        if self._known is None or self._known.record.n <= known.record.n:
            self._known = known
        return known

    async def append(
        self, decided: AdministrationFact, by: str, repeats: Callable[[AdministrationRecord], bool]
    ) -> AdministrationRecord:
        """Append the fact, as `FoldedLogs.append` does."""
        folded = self._known.record if self._known else None
        record = await self._logs.append(ADMINISTRATION, decided, by=by, repeats=repeats, folded=folded)
        if self._known and self._known.record.n < record.n:
            self._known = replace(self._known, record=record)
        return record

    async def repair(self) -> None:
        """Write the record if it lags behind its log."""
        await self._logs.repair()

    async def _read_once(self) -> Known:
        """What is on record now, read by the first of those callers that want it at the same time."""
        if (reading := self._reading) is None:
            self._reading = reading = _Reading(anyio.Event())
            try:
                reading.known = await self.read()
            except RolltopError as error:
                reading.error = error
            finally:
                self._reading = None
                reading.ended.set()
        else:
            await reading.ended.wait()
        if reading.error:
            # Many callers raise it: each would leave its traceback there.
            raise reading.error.with_traceback(None)
        return reading.known or await self._read_once()  # None if the reader was cancelled
