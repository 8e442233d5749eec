"""Copying a whole store to another: the logs as they are, the records folded again from the copied logs.

The first pass appends the missing entries. The second compares both logs entry by entry and writes the records. Desks
may work on the target only after the copy has finished.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio

from core.clock import Clock
from core.errors import InvalidInput, RolltopError
from core.ids import KINDS_OF_STREAM
from core.log.commit import commit_surely
from core.log.entry import verify
from core.log.refold import Outline, last_erasure, last_mentions, pages, refold_stream
from core.log.repair_commits import Repairs
from core.store import In, Query, Record, Store, every
from core.values import GENESIS, OPEN_TURN, Entry

COMMIT_ENTRIES = 500
COMMIT_SIZE = 4 * 1024 * 1024
"""The most entries in one commit, and the most bytes of them; a larger entry has a commit of its own."""

# Several, because a store that syncs to disk for each commit syncs once for all that wait.
STREAMS_AT_ONCE = 8
"""How many streams are copied at the same time."""

_ALL = Query(kind="stream")

Phase: TypeAlias = Literal["copying", "checking"]
CopyProgress: TypeAlias = Callable[[Phase, int, int], None]
"""Called after every few streams with the pass, the number of finished streams, and the number of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The result of a copy.

    `streams` and `entries` count those that source and target now share. `appended`, `erased` and `records` count what
    this run wrote to the target: entries, erasures repeated from the source, and records. `open_turns` are the ids of
    turns that have not ended. `changed` are streams that grew or disappeared in the source meanwhile: copy again to
    catch up. `alone` counts streams that exist in the target only.
    """

    streams: int
    entries: int
    appended: int
    erased: int
    records: int
    open_turns: list[str]
    changed: list[str]
    alone: int


async def copy(
    source: Store,
    target: Store,
    clock: Clock,
    tell: CopyProgress,
    *,
    streams: Query = _ALL,
    patience: float = 10.0,
) -> Copied:
    """Copy all `streams` of the source to the target. Entries of the target are never overwritten.

    Raises InvalidInput, naming stream and n, if the logs differ; Corrupt if a log is broken; Conflict if another
    program writes to the target; Unavailable if a store does not answer, the target for `patience` seconds;
    StoreRefused if a store's operator must change something first.
    """
    # Progress is stored in the target alone, as the end of each stream: an interrupted copy goes on when it runs again.
    copying = _Copying(source, target, clock, streams, patience)
    await copying.each_stream("copying", copying.append, tell)
    await copying.each_stream("checking", copying.check, tell)
    unfinished = Query(kind="turn", where={"status": In(OPEN_TURN)})
    return Copied(
        streams=copying.streams,
        entries=copying.entries,
        appended=copying.appended,
        erased=copying.erased,
        records=copying.records,
        open_turns=[turn.id async for turn in every(target, unfinished)],
        changed=copying.changed,
        alone=await _count(target, streams) - copying.streams,
    )


class _Copying:
    """One run, with its counts so far."""

    def __init__(self, source: Store, target: Store, clock: Clock, streams: Query, patience: float) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._all = streams
        self._patience = patience
        self.streams = self.entries = self.appended = self.erased = self.records = 0
        self.changed: list[str] = []

    async def each_stream(self, phase: Phase, step: Callable[[Record], Awaitable[None]], tell: CopyProgress) -> None:
        """Run the step for every stream of the source, STREAMS_AT_ONCE at a time."""
        total, done = await _count(self._source, self._all), 0
        together: list[Record] = []
        async for head in every(self._source, self._all):
            together.append(head)
            if len(together) == STREAMS_AT_ONCE:
                await _all(step, together)
                done, together = done + STREAMS_AT_ONCE, []
                tell(phase, done, max(done, total))
        await _all(step, together)
        tell(phase, done + len(together), max(done + len(together), total))

    async def append(self, head: Record) -> None:
        """Append the entries of the stream that the target lacks."""
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
        """Compare the stream in both stores, repeat the source's erasures, and write the records of the target."""
        n, last_hash, last, begun, erased = 0, GENESIS, dict[str, int](), 0, False
        async for copies in pages(self._target, head.id, end=head.n):
            originals = await self._source.read(head.id, n, len(copies))
            if len(originals) < len(copies):
                break
            for copy, original in zip(copies, originals, strict=False):
                if copy.hash != original.hash:
                    raise _differs(head.id, copy.n)
                if original.erased and not copy.erased:
                    self.erased += await self._target.erase(head.id, after=copy.n - 1, upto=copy.n)
                erased = erased or original.erased
            n, last_hash = verify(copies, after=n, prev=last_hash)
            last |= last_mentions(copies)
            begun = last_erasure(copies) or begun
        self.entries += n
        self.streams += n > 0
        if n != head.n:
            self.changed.append(head.id)
        kind, _, name = head.id.partition(":")
        recorded = KINDS_OF_STREAM[kind].rebuild == "records"
        # An erasure may have emptied records that were written before it, so they are folded again.
        if n and recorded and (erased or not await self._has_head(kind, name, n)):
            await self._write_records(kind, Outline(thread=name, n=n, last=last, erased=begun))

    async def _check_end(self, stream: str, n: int) -> None:
        """Raise InvalidInput unless entry n, the target's last, is the same in the source."""
        # The last entry is enough: its hash covers all entries before it.
        last, *_ = await self._target.read(stream, n - 1, 1)
        original = await self._source.read(stream, n - 1, 1)
        if not original or original[0].hash != last.hash:
            raise _differs(stream, n)

    async def _has_head(self, kind: str, name: str, n: int) -> bool:
        """Whether every record up to n is written: the head is written last."""
        head = await self._target.get(kind, name)
        return head is not None and head.n == n

    async def _write_records(self, kind: str, log: Outline) -> None:
        """Write the records folded from the target's own log."""
        repairs = Repairs(self._target, self._clock, f"{kind}:{log.thread}", log.n, self._patience)
        async for records in refold_stream(self._target, kind, log):
            for record in records:
                await repairs.add(record)
            self.records += len(records)
        await repairs.finish()


async def _all(step: Callable[[Record], Awaitable[None]], heads: Sequence[Record]) -> None:
    """Run the step for all heads at once. The first error is raised after the other steps have finished."""
    # Caught here: an error that left the task group would cancel the other streams in the middle of a commit.
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


async def _count(store: Store, streams: Query) -> int:
    return sum(group.count for group in await store.tally(streams, ()))


def _commits(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in portions, one for each commit."""
    portion: list[Entry] = []
    size = 0
    for entry in entries:
        more = len(entry.shell_json) + len(entry.payload_json)
        if len(portion) == COMMIT_ENTRIES or (portion and size + more > COMMIT_SIZE):
            yield portion
            portion, size = [], 0
        portion.append(entry)
        size += more
    if portion:
        yield portion


def _differs(stream: str, n: int) -> InvalidInput:
    return InvalidInput(f"{stream} entry {n} of the target differs from the source: copy to another store")
