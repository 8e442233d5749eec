"""Upgrading: records that an older fold made are folded again from their logs, so that lists find them by new fields.

A desk may work on the store meanwhile, and several processes may upgrade it at once: a record is a pure function of its
log up to its n, and is written over a lower or the same n only.
"""

import logging
from collections.abc import Callable

from core.clock import Clock
from core.errors import Corrupt
from core.log.records import OUTDATED
from core.log.refold import write_again
from core.server_log import without_people
from core.store import Store, every

log = logging.getLogger(__name__)

_PATIENCE = 10.0


async def upgrade(store: Store, clock: Clock, tell: Callable[[int, int], None]) -> int:
    """Fold outdated threads and audit logs again, and return how many were. `tell` gets the number done and of all.

    One whose log cannot be read keeps its records, and is named in the server log. Raises Unavailable or StoreRefused
    if the store does not take a repair; the next call goes on with those that are left.
    """
    total = sum([group.count for query in OUTDATED.values() for group in await store.tally(query, ())])
    done = 0
    for query in OUTDATED.values():
        async for head in every(store, query):
            try:
                await write_again(store, clock, f"{head.kind}:{head.id}", _PATIENCE)
            except Corrupt as error:
                log.error("%s: its records stay as an older Rolltop made them", without_people(str(error)))
            done += 1
            tell(done, max(done, total))
    return done
