"""What a store holds, in numbers, and whether all of it is sound."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.clock import Clock
from core.errors import Corrupt
from core.ids import KINDS_OF_STREAM
from core.log.entry import verify
from core.log.refold import FOLDINGS, KINDS, pages
from core.maintenance.rebuild import Rebuild
from core.store import Query, Store, every, streams_of
from core.values import GENESIS

RECORDED = (*KINDS, *(kind for folding in FOLDINGS.values() for kind in folding.records))
"""Every kind of record that a log makes."""

CheckPhase: TypeAlias = Literal["reading", "comparing"]
CheckProgress: TypeAlias = Callable[[CheckPhase, int, int], None]
"""Called with the pass, and the numbers of finished streams and of all streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """How many streams, entries and records a store holds; streams and entries by the kind of stream, too."""

    streams: Mapping[str, int]
    entries: Mapping[str, int]
    records: int


async def count_contents(store: Store) -> Contents:
    """Count what the store holds. It reads the ends of all streams alone."""
    streams, entries = dict.fromkeys(KINDS_OF_STREAM, 0), dict.fromkeys(KINDS_OF_STREAM, 0)
    async for head in every(store, Query(kind="stream")):
        kind = head.id.partition(":")[0]
        streams[kind] += 1
        entries[kind] += head.n
    records = sum([group.count for kind in RECORDED for group in await store.tally(Query(kind=kind), ())])
    return Contents(streams=streams, entries=entries, records=records)


async def find_faults(store: Store, clock: Clock, tell: CheckProgress, *, refold: bool = False) -> list[str]:
    """All that is wrong in a store at rest, in words; [] if it is sound.

    Each chain of hashes is verified, and each record compared with its log. `refold` writes records again that differ
    from their logs, as an older version made them, and does not call them faults.
    """
    faults: list[str] = []
    total, done = sum([group.count for group in await store.tally(Query(kind="stream"), ())]), 0
    for kind in KINDS_OF_STREAM:
        async for head in every(store, streams_of(kind)):
            n, last_hash = 0, GENESIS
            try:
                async for entries in pages(store, head.id, end=head.n):
                    n, last_hash = verify(entries, after=n, prev=last_hash)
                if n != head.n:
                    faults.append(f"{head.id} ends at entry {n}, and should end at {head.n}")
            except Corrupt as error:
                faults.append(str(error))
            done += 1
            tell("reading", done, max(done, total))
    comparison = Rebuild(store, clock, lambda of, all_: tell("comparing", of, all_), mend=refold)
    async for finding in comparison.findings():
        if not finding.mended and finding.fault != "broken":  # a broken stream was named above
            faults.append(f"{finding.kind} {finding.id} is {finding.fault}" + (finding.said and f": {finding.said}"))
    return faults
