"""What all people together may use, shared out in slices: a process takes a part of it, and spends that from memory.

Without slices a thousand askers would meet on one stream. Each slice is a tenth of what is left, so that a process has
few entries to write, and holds little when the limit is near.
"""

import logging
from collections.abc import Mapping

import anyio

from core.errors import RolltopError
from core.limits import Limits
from core.log.facts import SliceReturned, SliceTaken
from core.log.records import Spending
from core.spending.amounts import Moment, caps, reached, used
from core.spending.ledger import Ledgers

log = logging.getLogger(__name__)

PART = 10
"""A slice is one of so many parts of what is left."""

CLOSE_SECONDS = 5.0
"""Seconds that `close` waits for the store."""


class Slices:
    """The slices of one desk, `holder`. What is unspent belongs to the desk until it is closed, or the day is over.

    Amounts are by the fields of a Spending; those without a limit are ignored.
    """

    def __init__(self, ledgers: Ledgers, limits: Limits, holder: str) -> None:
        self._ledgers = ledgers
        self._limits = limits
        self._holder = holder
        self._caps = caps(limits, "desk")
        self._lock = anyio.Lock()
        self._held = dict.fromkeys(self._caps, 0)
        self._day = self._minute = ""

    async def spend(self, at: Moment, amounts: Mapping[str, int]) -> None:
        """Spend all of it. Raises LimitReached, and then the slice stays as it was."""
        amounts = {counted: amount for counted, amount in amounts.items() if counted in self._caps}
        if not amounts:
            return
        self._begin(at)
        if self._lacking(amounts):
            async with self._lock:
                while lacking := self._lacking(amounts):
                    await self._take(at, lacking)
        for counted, amount in amounts.items():
            self._held[counted] -= amount

    def give_back(self, at: Moment, amounts: Mapping[str, int]) -> None:
        """So much of what was spent at that moment was not needed; below 0, more was."""
        for counted, amount in amounts.items():
            if (
                counted in self._caps
                and at.day == self._day
                and (counted != "minute_turns" or at.minute == self._minute)
            ):
                self._held[counted] += amount

    async def close(self) -> None:
        """Return what was not spent. If the store does not take it, it stays spent for the day."""
        back = {counted: amount for counted, amount in self._held.items() if amount and counted != "minute_turns"}
        self._held = dict.fromkeys(self._caps, 0)
        if not back:
            return

        async def returned(_: Spending) -> SliceReturned:
            return SliceReturned(holder=self._holder, **back)

        try:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._ledgers.of(None, self._day).write(returned)
        except RolltopError:
            log.exception("what was left of the day's limits could not be returned: it counts as spent")

    def _begin(self, at: Moment) -> None:
        """Let what was left of an earlier day or minute go."""
        if at.day > self._day:
            self._day, self._held = at.day, dict.fromkeys(self._caps, 0)
        if at.minute > self._minute:
            self._minute = at.minute
            if "minute_turns" in self._held:
                self._held["minute_turns"] = 0

    def _lacking(self, amounts: Mapping[str, int]) -> dict[str, int]:
        short = {counted: amount - self._held[counted] for counted, amount in amounts.items()}
        return {counted: amount for counted, amount in short.items() if amount > 0}

    async def _take(self, at: Moment, lacking: Mapping[str, int]) -> None:
        """Take a slice that holds at least what is lacking."""
        day, minute, taken = self._day, self._minute, dict[str, int]()

        async def slice_taken(spent: Spending) -> SliceTaken:
            for counted, amount in lacking.items():
                limit, most = self._caps[counted]
                left = most - used(spent, counted, minute)
                if left < amount:
                    raise reached(limit, self._limits, at)
                taken[counted] = min(left, max(amount, left // PART))
            return SliceTaken(holder=self._holder, minute=max(minute, spent.minute), **taken)

        await self._ledgers.of(None, day).write(slice_taken)
        if day == self._day:
            for counted, amount in taken.items():
                if counted != "minute_turns" or minute == self._minute:
                    self._held[counted] += amount
