"""Time and random ids, passed in from outside, so that a turn can be replayed exactly.

There are two clocks. `now` is written down, in UTC with milliseconds; `monotonic` measures waits. The `now` of one host
is never compared with that of another.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Generic, Protocol, TypeVar, cast

from core.errors import InvalidInput

T = TypeVar("T", datetime, datetime | None)


class Clock(Protocol):
    """Where the desk gets time and random ids. `SystemClock` is the real one; a test passes its own."""

    def now(self) -> datetime:
        """The time of day in UTC, cut to milliseconds, for the record; it may run backwards."""

    def monotonic(self) -> float:
        """Seconds since an unspecified moment; never runs backwards."""

    def token(self) -> str:
        """32 random hex digits: unguessable, and different at each call."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clocks and randomness."""

    def now(self) -> datetime:
        return milliseconds(datetime.now(UTC))

    def monotonic(self) -> float:
        return time.monotonic()

    def token(self) -> str:
        return secrets.token_hex(16)


def milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, cut to milliseconds."""
    utc = _utc(moment)
    # MongoDB keeps milliseconds: a finer time would come back changed from one store and unchanged from another.
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


@lru_cache(maxsize=64)  # a fold writes the time of one entry into several records
def iso(moment: datetime) -> str:
    """The moment as `2026-11-24T09:30:00.000Z`."""
    # Always of this length: stores sort these texts, and text order has to be time order.
    if moment.tzinfo is not UTC:
        moment = _utc(moment)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def _utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises InvalidInput if UTC has no such year, as for year 1 with an offset to the east."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{moment} is not in the years 1 to 9999 of UTC: give another time") from None


def moment(text: str) -> datetime:
    """The moment that `iso` wrote; raises ValueError for any other text."""
    return datetime.fromisoformat(text)


class Time(Generic[T]):
    """An attribute of a record: the time in its field `field`, an `iso` text or None, as a datetime in UTC."""

    # Not a field: what a store keeps and an export shows is the text alone.

    def __init__(self, field: str) -> None:
        self._field = field

    def __get__(self, record: object, owner: type) -> T:
        text = getattr(record, self._field)
        return cast(T, text and moment(text))
