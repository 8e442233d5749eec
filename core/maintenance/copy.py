"""A whole store copied to another: the logs as they are, the records folded anew from the copies.

The first pass appends what the target lacks; the second reads both logs entry by entry and writes the records. Nothing
but the target itself tells how far a copy has come, so that one that was cut off anywhere goes on when it is run again.
No desk may work on the target before the copy is done.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio

from core.canonical import canonical
from core.clock import Clock
from core.errors import InvalidInput, RolltopError
from core.log.audit import audit_head
from core.log.commit import commit_surely
from core.log.entry import verify
from core.log.repair_commits import Repairs
from core.maintenance.refold import Outline, heard_of, pages, refold
from core.store import In, Query, Record, Store, every
from core.values import GENESIS, Entry

COMMIT_ENTRIES = 500
COMMIT_SIZE = 4 * 1024 * 1024
"""Entries, and bytes of them, that one commit takes; a larger entry goes alone."""

AT_ONCE = 8
"""Streams that are worked on at the same time: a store that syncs for each commit syncs for several at once."""

Phase: TypeAlias = Literal["copying", "checking"]
Tell: TypeAlias = Callable[[Phase, int, int], None]
"""Told of progress after each few streams: the pass, how many streams it is through with, and of how many."""


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
    somebody else writes to the target; Unavailable when a store stays away, the target for `patience` seconds;
    StoreRefused if a store's operator must act first.
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
        """Take the step for every stream of the source, some at a time."""
        total, done = await _streams_of(self._source), 0
        together: list[Record] = []
        async for head in every(self._source, Query(kind="stream")):
            together.append(head)
            if len(together) == AT_ONCE:
                await _all(step, together)
                done, together = done + AT_ONCE, []
                tell(phase, done, max(done, total))
        await _all(step, together)
        tell(phase, done + len(together), max(done + len(together), total))

    async def append(self, head: Record) -> None:
        """Give the target what it lacks of the stream."""
        there = await self._target.get("stream", head.id)
        end = there.n if there else 0
        if end:
            await self._check_end(head.id, end)
        async for entries in pages(self._source, head.id, end, end=head.n):
            for batch in _commits(entries):
                after = batch[0].n - 1
                await commit_surely(self._target, self._clock, head.id, after, batch, patience=self._patience)
                self.appended += len(batch)

    async def check(self, head: Record) -> None:
        """Hold the target's stream against the source's, erase what was erased there, and write its records."""
        n, hash, last, erased = 0, GENESIS, dict[str, int](), False
        async for copies in pages(self._target, head.id, end=head.n):
            originals = await self._source.read(head.id, n, len(copies))
            if len(originals) < len(copies):
                break
            for copy, original in zip(copies, originals, strict=False):
                if copy.hash != original.hash:
                    raise _differs(head.id, copy.n)
                if original.erased and not copy.erased:
                    gone = await self._target.erase(head.id, after=copy.n - 1, upto=copy.n)
                    self.erased += gone
                erased = erased or original.erased
            n, hash = verify(copies, after=n, prev=hash)
            last |= heard_of(copies)
        self.entries += n
        self.streams += n > 0
        if n != head.n:
            self.changed.append(head.id)
        kind, _, id = head.id.partition(":")
        if n and kind in ("audit", "thread") and (erased or not await self._has_head(kind, id, n)):
            await self._write_records(kind, Outline(thread=id, n=n, last=last))

    async def _check_end(self, stream: str, n: int) -> None:
        """Entry n, the target's last, stands in the source as well; the chain speaks for those before it."""
        last, *_ = await self._target.read(stream, n - 1, 1)
        original = await self._source.read(stream, n - 1, 1)
        if not original or original[0].hash != last.hash:
            raise _differs(stream, n)

    async def _has_head(self, kind: str, id: str, n: int) -> bool:
        """Whether every record up to n is written: the head goes last."""
        head = await self._target.get(kind, id)
        return head is not None and head.n == n

    async def _write_records(self, kind: str, log: Outline) -> None:
        repairs = Repairs(self._target, self._clock, f"{kind}:{log.thread}", log.n, self._patience)
        async for records in self._folded(kind, log):
            for record in records:
                await repairs.add(record)
            self.records += len(records)
        await repairs.finish()

    async def _folded(self, kind: str, log: Outline) -> AsyncIterator[list[Record]]:
        """The records that the target's own log makes, the head last."""
        if kind == "audit":
            last, *_ = await self._target.read(f"audit:{log.thread}", log.n - 1, 1)
            yield [audit_head(last)]
            return
        async for records in refold(self._target, log):
            yield records


async def _all(step: Callable[[Record], Awaitable[None]], heads: Sequence[Record]) -> None:
    """Take the step for all of these at once; raises what went wrong first, when the others have come to an end."""
    failed: list[RolltopError] = []

    async def attempt(head: Record) -> None:
        try:
            await step(head)
        except RolltopError as error:
            failed.append(error)

    async with anyio.create_task_group() as tasks:
        for head in heads:
            tasks.start_soon(attempt, head)
    if failed:
        raise failed[0]


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
