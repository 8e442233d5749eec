"""Totals that are counted once and kept for a while: a figure of a page need not be newer than a minute."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

from core.clock import Clock

KEPT_SECONDS = 60.0
"""Seconds for which a total is kept, unless its owner wants otherwise."""

MAX_KEPT = 500
"""The most totals that are kept; the one that was used longest ago goes first."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Total(Generic[T]):
    """A total, and when it was counted, in UTC. A page shows that moment."""

    value: T
    at: datetime


class KeptTotals:
    """The totals of one process. They are the same for all viewers of a role: a key names what they depend on."""

    def __init__(self, clock: Clock, seconds: float = KEPT_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: OrderedDict[Hashable, tuple[float, Total[object]]] = OrderedDict()

    def drop(self, key: Hashable) -> None:
        """Count the total under this key anew when it is wanted next."""
        self._kept.pop(key, None)

    async def get(self, key: Hashable, count: Callable[[], Awaitable[T]]) -> Total[T]:
        """The total under this key, counted now unless it was counted within the seconds for which it is kept."""
        counted_at, kept = self._kept.get(key, (0.0, None))
        if kept is None or self._clock.monotonic() - counted_at > self._seconds:
            began, at = self._clock.monotonic(), self._clock.now()
            kept = Total(await count(), at)
            self._kept[key] = (began, kept)
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return cast(Total[T], kept)
