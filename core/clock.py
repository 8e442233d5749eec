"""Time, ids and chance, handed in from outside: the turn itself knows none of them.

Two clocks, never mixed: `now` is what is written down, UTC in milliseconds; `monotonic` is what waits are
measured by. One host's `now` is never compared with another's.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the desk asks of its surroundings; `SystemClock` answers truly, a test as it likes."""

    def now(self) -> datetime:
        """The time of day in UTC, cut to milliseconds, for the record; it may run backwards."""

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""

    def token(self) -> str:
        """32 hex digits that nobody can guess and no other call returns."""


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
    """The moment in UTC, cut (not rounded) to milliseconds: the finest that every store keeps."""
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """`2026-11-24T09:30:00.000Z`: of equal length for every moment, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The moment that `iso` wrote. Raises ValueError for anything else."""
    return datetime.fromisoformat(text)
