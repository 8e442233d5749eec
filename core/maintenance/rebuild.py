"""Rebuilding: comparing every record with its log, and writing again those that are missing, behind or changed.

A desk may work on the store meanwhile: a record is a pure function of its log up to its n, and a repair writes over a
lower or the same n only. Records are never removed: one that is ahead of its log or has lost it is reported, for an
operator to judge.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from core.canonical import Json, canonical
from core.clock import Clock
from core.errors import Corrupt, InvalidInput
from core.ids import KINDS_OF_STREAM, name_of_user, user_named
from core.log.entry import verify
from core.log.refold import FOLDINGS, KINDS, Folding, Outline, outline, pages, refold
from core.log.repair_commits import Repairs
from core.store import In, Query, Record, Store, every, streams_of
from core.values import GENESIS, Entry

Fault: TypeAlias = Literal[
    "missing",  # the log makes it, and the store lacks it
    "behind",  # its n is lower than its log makes it
    "changed",  # its n is right, and its fields differ
    "ahead",  # its n is higher than its log makes it
    "ghost",  # its log does not make it
    "broken",  # a stream that cannot be read or folded, so its records cannot be compared
]
MENDABLE: frozenset[Fault] = frozenset(("missing", "behind", "changed"))

# In groups: many small threads then need hardly more queries than one.
ENTRIES_AT_ONCE = 500
"""How many entries of threads are read before their records are compared."""

RECORDS_AT_ONCE = 200
"""How many records are compared with one query for each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A record, or a stream (`kind` is stream), that differs from its log. `n` is the stored n, 0 if it is missing.

    `said` explains the fault in names of fields and numbers, never in their content. `mended`: it was written again.
    """

    fault: Fault
    kind: str
    id: str
    n: int = 0
    said: str = ""
    mended: bool = False


@dataclass(slots=True)
class _Look:
    """A thread during the comparison: `expected` are the records of its log; a `broken` one cannot be folded.

    `head_n` is the n of the stored head. `unwritten` are records of later entries: they lag by right while a worker
    holds the turn, and are written when it ends.
    """

    log: Outline
    dirty: bool
    repairs: Repairs
    head_n: int
    findings: list[Finding] = field(default_factory=list)
    expected: set[tuple[str, str]] = field(default_factory=set)
    broken: bool = False
    unwritten: list[Finding] = field(default_factory=list)
    worked_on: bool = False


class Rebuild:
    """One comparison of a store's records with its logs. `checked` counts the records compared so far.

    The store is changed only with `mend`. `tell` is called with the number of finished streams and the number of all.
    `patience` is how many seconds a repair is repeated while the store does not acknowledge it.
    """

    def __init__(
        self, store: Store, clock: Clock, tell: Callable[[int, int], None], *, mend: bool, patience: float = 10.0
    ) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._mend = mend
        self._patience = patience
        self.checked = 0

    async def findings(self) -> AsyncIterator[Finding]:
        """All differences. With `mend`, a fault of MENDABLE has been repaired by the time it is given."""
        streams: set[str] = set()
        queries = {kind: streams_of(kind) for kind, of in KINDS_OF_STREAM.items() if of.rebuild != "left"}
        total = sum([group.count for query in queries.values() for group in await self._store.tally(query, ())])
        for kind, query in queries.items():
            async for heads in _groups(every(self._store, query)):
                for finding in await (self._threads(heads) if kind == "thread" else self._streams(kind, heads)):
                    yield finding
                streams.update(head.id for head in heads)
                self._tell(len(streams), max(len(streams), total))
        async for finding in self._strays(streams):
            yield finding

    async def _threads(self, heads: Sequence[Record]) -> list[Finding]:
        """The findings of these threads; `heads` are the records of their streams."""
        findings: list[Finding] = []
        looks: dict[str, _Look] = {}
        for head in heads:
            thread = head.id.removeprefix("thread:")
            try:
                log = await outline(self._store, thread, head.n)
            except Corrupt as error:
                findings.append(_broken(head.id, error))
            else:
                repairs = Repairs(self._store, self._clock, head.id, log.n, self._patience)
                stored = await self._store.get("thread", thread)
                looks[thread] = _Look(log, bool(head.fields["dirty"]), repairs, stored.n if stored else 0)
        async for records in _batches(self._folded(looks)):
            await self._compare(looks, records)
        await self._find_ghosts(looks)
        for look in looks.values():
            findings += await self._finished(look)
        return findings

    async def _folded(self, looks: dict[str, _Look]) -> AsyncIterator[list[Record]]:
        for thread, look in looks.items():
            try:
                async for records in refold(self._store, look.log):
                    yield records
            except Corrupt as error:
                look.broken = True
                look.findings = [_broken(f"thread:{thread}", error)]

    async def _compare(self, looks: dict[str, _Look], records: Sequence[Record]) -> None:
        stored = await self._stored(records)
        for record in records:
            look = looks[_thread_of(record)]
            look.expected.add((record.kind, record.id))
            there = stored.get((record.kind, record.id))
            if record.kind == "thread":
                look.worked_on = _is_worked_on(record.fields["open"], since=look.head_n)
            finding = self._compared(record, there)
            if finding and not look.broken:
                later = finding.fault in ("missing", "behind") and record.n > look.head_n
                (look.unwritten if later else look.findings).append(finding)
                if finding.mended:
                    await look.repairs.add(record)

    async def _find_ghosts(self, looks: dict[str, _Look]) -> None:
        for kind in KINDS:
            if kind == "thread":
                continue
            async for record in every(self._store, Query(kind=kind, where={"thread": In(tuple(looks))})):
                look = looks.get(_thread_of(record))
                if look and not look.broken and (kind, record.id) not in look.expected:
                    look.findings.append(_ghost(record, f"the log of thread {look.log.thread} does not make it"))

    async def _finished(self, look: _Look) -> list[Finding]:
        if look.broken:
            return look.findings
        self.checked += len(look.expected)
        if not look.worked_on:
            look.findings += look.unwritten
        if (self._mend and look.dirty) or any(finding.mended for finding in look.findings):
            await look.repairs.finish()
        return await self._standing(f"thread:{look.log.thread}", look.log.n, look.findings)

    async def _streams(self, kind: str, heads: Sequence[Record]) -> list[Finding]:
        return [finding for head in heads for finding in await self._stream(kind, FOLDINGS[kind], head)]

    async def _stream(self, kind: str, folding: Folding, head: Record) -> list[Finding]:
        """The findings of a stream that is no thread; `head` is the record of the stream."""
        findings: list[Finding] = []
        expected: set[tuple[str, str]] = set()
        repairs = Repairs(self._store, self._clock, head.id, head.n, self._patience)
        try:
            async for records in folding.fold(self._verified(head)):
                stored = await self._stored(records)
                for record in records:
                    expected.add((record.kind, record.id))
                    if finding := self._compared(record, stored.get((record.kind, record.id))):
                        findings.append(finding)
                        if finding.mended:
                            await repairs.add(record)
        except Corrupt as error:
            return [_broken(head.id, error)]
        self.checked += len(expected)
        if any(finding.mended for finding in findings):
            await repairs.finish()
        name = head.id.removeprefix(f"{kind}:")
        for of, path in folding.records.items():
            told = name if path == "id" else user_named(name)
            async for record in every(self._store, Query(kind=of, where={path: told})):
                if (of, record.id) not in expected:
                    findings.append(_ghost(record, f"{head.id} does not make it"))
        return await self._standing(head.id, head.n, findings)

    async def _verified(self, head: Record) -> AsyncIterator[list[Entry]]:
        """The stream's entries up to its end as it was when it was listed. Raises Corrupt if its chain is broken."""
        n, last_hash = 0, GENESIS
        async for entries in pages(self._store, head.id, end=head.n):
            n, last_hash = verify(entries, after=n, prev=last_hash)
            yield [entry for entry in entries if entry.n <= head.n]

    async def _stored(self, records: Iterable[Record]) -> dict[tuple[str, str], Record]:
        ids: dict[str, list[str]] = {}
        for record in records:
            ids.setdefault(record.kind, []).append(record.id)
        return {
            (kind, record.id): record
            for kind, of_kind in ids.items()
            async for record in every(self._store, Query(kind=kind, where={"id": In(tuple(of_kind))}))
        }

    def _compared(self, right: Record, stored: Record | None) -> Finding | None:
        fault: Fault
        if stored is None:
            fault, n, detail = "missing", 0, ""
        elif stored.n != right.n:
            fault = "behind" if stored.n < right.n else "ahead"
            n, detail = stored.n, f"n is {stored.n}, its log makes it {right.n}"
        elif differing := _differing(right, stored):
            fault, n, detail = "changed", stored.n, ", ".join(differing)
        else:
            return None
        mended = self._mend and fault in MENDABLE
        return Finding(fault=fault, kind=right.kind, id=right.id, n=n, said=detail, mended=mended)

    async def _standing(self, stream: str, n: int, findings: list[Finding]) -> list[Finding]:
        """The findings that still hold: a record ahead of n is right if the stream has grown past it since."""
        if not any(finding.n > n for finding in findings):
            return findings
        head = await self._store.get("stream", stream)
        return [finding for finding in findings if not n < finding.n <= (head.n if head else 0)]

    async def _strays(self, streams: set[str]) -> AsyncIterator[Finding]:
        """Records without a stream; `streams` are names of streams that exist."""
        named = {kind: ("thread", "id" if kind == "thread" else "thread") for kind in KINDS}
        for of, folding in FOLDINGS.items():
            named |= {kind: (of, path) for kind, path in folding.records.items()}
        for kind, (of, path) in named.items():
            async for record in every(self._store, Query(kind=kind)):
                name = record.id if path == "id" else name_of_user(str(record.fields.get(path)))
                stream = f"{of}:{name}"
                if stream not in streams and not await self._is_stream(stream):
                    yield _ghost(record, "its log does not exist")

    async def _is_stream(self, name: str) -> bool:
        try:
            return await self._store.get("stream", name) is not None
        except InvalidInput:
            return False  # what the record names is not an id


async def _groups(heads: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    group: list[Record] = []
    async for head in heads:
        group.append(head)
        if sum(member.n for member in group) >= ENTRIES_AT_ONCE:
            yield group
            group = []
    if group:
        yield group


async def _batches(folded: AsyncIterator[list[Record]]) -> AsyncIterator[list[Record]]:
    waiting: list[Record] = []
    async for records in folded:
        waiting += records
        while len(waiting) >= RECORDS_AT_ONCE:
            yield waiting[:RECORDS_AT_ONCE]
            del waiting[:RECORDS_AT_ONCE]
    if waiting:
        yield waiting


def _is_worked_on(open_turn: Json, *, since: int) -> bool:
    """Whether a head's open turn has a worker, and was opened by entry `since`."""
    return bool(
        open_turn and open_turn["status"] == "running" and not open_turn["released"] and open_turn["first_n"] <= since
    )


def _thread_of(record: Record) -> str:
    return record.id if record.kind == "thread" else str(record.fields.get("thread"))


def _ghost(record: Record, detail: str) -> Finding:
    return Finding(fault="ghost", kind=record.kind, id=record.id, n=record.n, said=detail)


def _broken(stream: str, error: Corrupt) -> Finding:
    return Finding(fault="broken", kind="stream", id=stream, said=str(error))


def _differing(right: Record, stored: Record) -> list[str]:
    """The names of the fields that differ; 1 and 1.0 differ too, because the encoding of a record must be exact."""
    names = {*right.fields, *stored.fields}
    return sorted(name for name in names if _encoded(right, name) != _encoded(stored, name))


def _encoded(record: Record, name: str) -> bytes | None:
    return canonical(record.fields[name]) if name in record.fields else None
