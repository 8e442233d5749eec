"""Upgrading: records that an older fold made are folded again from their logs, so that lists find them by new fields.

A desk may work on the store meanwhile, and several processes may upgrade it at once: a record is a pure function of its
log up to its n, and is written over a lower or the same n only.
"""

import logging
from collections.abc import Callable

from core.clock import Clock
from core.errors import Corrupt
from core.log.records import OUTDATED
from core.log.repair_commits import Repairs
from core.maintenance.refold import outline, refold
from core.store import Store, every

log = logging.getLogger(__name__)

_PATIENCE = 10.0


async def upgrade(store: Store, clock: Clock, tell: Callable[[int, int], None]) -> int:
    """Fold the outdated threads again, and return how many were. `tell` is called with the number done and of all.

    A thread whose log cannot be read keeps its records, and is named in the server log. Raises Unavailable or
    StoreRefused if the store does not take a repair; the next call goes on with the threads that are left.
    """
    total = sum(group.count for group in await store.tally(OUTDATED, ()))
    done = 0
    async for head in every(store, OUTDATED):
        try:
            await _fold_again(store, clock, head.id)
        except Corrupt as error:
            log.error("%s: its records stay as an older Rolltop made them", error)
        done += 1
        tell(done, max(done, total))
    return done


async def _fold_again(store: Store, clock: Clock, thread: str) -> None:
    stream = await store.get("stream", f"thread:{thread}")
    folded = await outline(store, thread, stream.n if stream else 0)
    repairs = Repairs(store, clock, f"thread:{thread}", folded.n, _PATIENCE)
    async for records in refold(store, folded):
        for one in records:
            await repairs.add(one)
    await repairs.finish()
