"""A whole store copied to another: the logs as they are, the records folded anew from the copies.

The first pass appends what the target lacks; the second reads both logs entry by entry and writes the records. Nothing
but the target itself tells how far a copy has come, so that one that was cut off anywhere goes on when it is run again.
No desk may work on the target before the copy is done.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.audit import audit_head
from core.canonical import canonical
from core.clock import Clock
from core.errors import InvalidInput
from core.journal import commit_surely
from core.log import GENESIS, Entry, verify
from core.rebuild import Repairs
from core.refold import outline, pages, refold
from core.store import In, Query, Record, Store, every

COMMIT_ENTRIES = 500
COMMIT_SIZE = 4 * 1024 * 1024
"""Entries, and bytes of them, that one commit takes; a larger entry goes alone."""

Phase: TypeAlias = Literal["copying", "checking"]
Tell: TypeAlias = Callable[[Phase, int, int], None]
"""Told of progress after each stream: the pass, how many streams it is through with, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy came to.

    `streams` and `entries` are those that source and target now share; `appended`, `erased` (in the target, as they
    were in the source) and `records` what was written for it. `open_turns` are ids of turns that have not ended.
    `changed` are streams that went on in the source, or away, meanwhile: run it again to catch up. `alone` counts
    streams that only the target has.
    """

    streams: int
    entries: int
    appended: int
    erased: int
    records: int
    open_turns: list[str]
    changed: list[str]
    alone: int


async def copy(source: Store, target: Store, clock: Clock, tell: Tell, *, patience: float = 10.0) -> Copied:
    """Make the target hold all that the source holds. Nothing that stands in its logs is overwritten.

    Raises InvalidInput, naming stream and n, where the target differs; Corrupt where a log is broken; Conflict where
    somebody else writes to the target; Unavailable when a store stays away, the target for `patience` seconds.
    """
    copying = _Copying(source, target, clock, patience)
    await copying.each_stream("copying", copying.append, tell)
    await copying.each_stream("checking", copying.check, tell)
    unfinished = Query(kind="turn", where={"status": In(("running", "awaiting_approval"))})
    return Copied(
        streams=copying.streams,
        entries=copying.entries,
        appended=copying.appended,
        erased=copying.erased,
        records=copying.records,
        open_turns=[turn.id async for turn in every(target, unfinished)],
        changed=copying.changed,
        alone=await _streams_of(target) - copying.streams,
    )


class _Copying:
    """One run, and what it has done so far."""

    def __init__(self, source: Store, target: Store, clock: Clock, patience: float) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._patience = patience
        self.streams = self.entries = self.appended = self.erased = self.records = 0
        self.changed: list[str] = []

    async def each_stream(self, phase: Phase, step: Callable[[Record], Awaitable[None]], tell: Tell) -> None:
        total, done = await _streams_of(self._source), 0
        async for head in every(self._source, Query(kind="stream")):
            await step(head)
            done += 1
            tell(phase, done, max(done, total))

    async def append(self, head: Record) -> None:
        """Give the target what it lacks of the stream."""
        there = await self._target.get("stream", head.id)
        end = there.n if there else 0
        if end:
            await self._check_end(head.id, end)
        async for entries in pages(self._source, head.id, end):
            for batch in _commits(entries):
                after = batch[0].n - 1
                await commit_surely(self._target, self._clock, head.id, after, batch, patience=self._patience)
                self.appended += len(batch)

    async def check(self, head: Record) -> None:
        """Hold the target's stream against the source's, erase what was erased there, and write its records."""
        n, hash, erased = 0, GENESIS, False
        async for copies in pages(self._target, head.id):
            originals = await self._source.read(head.id, n, len(copies))
            for copy, original in zip(copies, originals, strict=False):
                if copy.hash != original.hash:
                    raise _differs(head.id, copy.n)
                if original.erased and not copy.erased:
                    self.erased += await self._target.erase(head.id, after=copy.n - 1, upto=copy.n)
                erased = erased or original.erased
            if len(originals) < len(copies):
                break
            n, hash = verify(copies, after=n, prev=hash)
        self.entries += n
        self.streams += n > 0
        if n != head.n:
            self.changed.append(head.id)
        await self._write_records(head.id, n, anew=erased)

    async def _check_end(self, stream: str, n: int) -> None:
        """Entry n, the target's last, stands in the source as well; the chain speaks for those before it."""
        last, *_ = await self._target.read(stream, n - 1, 1)
        original = await self._source.read(stream, n - 1, 1)
        if not original or original[0].hash != last.hash:
            raise _differs(stream, n)

    async def _write_records(self, stream: str, n: int, *, anew: bool) -> None:
        """Fold the stream's records, unless its head stands at n already: it is written last."""
        kind, _, id = stream.partition(":")
        if kind not in ("audit", "thread"):
            return
        head = await self._target.get(kind, id)
        if head and head.n == n and not anew:
            return
        repairs = Repairs(self._target, self._clock, stream, n, self._patience)
        async for records in self._folded(kind, id, n):
            for record in records:
                await repairs.add(record)
            self.records += len(records)
        await repairs.finish()

    async def _folded(self, kind: str, id: str, n: int) -> AsyncIterator[list[Record]]:
        if kind == "audit":
            yield [audit_head(entry) for entry in (await self._target.read(f"audit:{id}", n - 1, 1))[:1]]
            return
        async for records in refold(self._target, await outline(self._target, id)):
            yield records


async def _streams_of(store: Store) -> int:
    return sum(group.count for group in await store.tally(Query(kind="stream"), ()))


def _commits(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in portions that one commit takes."""
    portion: list[Entry] = []
    size = 0
    for entry in entries:
        more = len(canonical(entry.shell)) + len(canonical(entry.payload))
        if len(portion) == COMMIT_ENTRIES or (portion and size + more > COMMIT_SIZE):
            yield portion
            portion, size = [], 0
        portion.append(entry)
        size += more
    if portion:
        yield portion


def _differs(stream: str, n: int) -> InvalidInput:
    return InvalidInput(f"{stream} entry {n} of the target is not the source's: nothing of it is overwritten")
