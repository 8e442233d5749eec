"""Streams of spending, as one process reads and writes them: one writer at a time, and others by `Conflict`."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import anyio

from core.clock import Clock
from core.errors import Conflict, LimitReached
from core.log.facts import SpendingFact
from core.log.folded_log import FoldedLogs
from core.log.records import Spending
from core.log.spending import fold_spending, nothing_spent, spending_stream
from core.store import Store

DESK = "desk"
"""`Entry.by` of what limits put on record."""

MOST = 1_000
"""Ledgers that a process keeps; one that it has dropped is read again."""


class Ledger:
    """What was used on one day by one person, or by all. It knows what this process has read and written of it."""

    def __init__(self, logs: FoldedLogs[Spending], stream: str) -> None:
        self._logs = logs
        self._stream = stream
        self._lock = anyio.Lock()
        self._spent: Spending | None = None

    async def write(self, decide: Callable[[Spending], Awaitable[SpendingFact | None]]) -> None:
        """Append what `decide` makes of what is spent, unless that is None.

        A LimitReached that it raises counts only if it holds for what is on record now: another process may have given
        something back.
        """
        async with self._lock:
            newest = False
            while True:
                if self._spent is None or newest:
                    self._spent = await self._logs.read(self._stream, self._spent)
                    newest = True
                spent = self._spent or nothing_spent(self._stream)
                try:
                    fact = await decide(spent)
                    if fact is not None:
                        self._spent = await self._logs.add(self._stream, spent, fact, by=DESK)
                    return
                except LimitReached:
                    if newest:
                        raise
                except Conflict:
                    pass
                newest = True


class Ledgers:
    """The ledgers of one process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.logs = FoldedLogs(store, clock, "spending", fold_spending)
        self._open: OrderedDict[str, Ledger] = OrderedDict()

    def of(self, person: str | None, day: str) -> Ledger:
        """That of a person, None for all people together."""
        stream = spending_stream(person, day)
        ledger = self._open.pop(stream, None) or Ledger(self.logs, stream)
        self._open[stream] = ledger
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return ledger
