"""Rebuilding: every record beside what its log says, and those that lag, lack or were changed written anew.

A record is a pure function of its log up to its n, and a repair writes over a lower or the same n only: so it is
harmless beside a desk at work. What stands higher than its log, or in no log at all, a repair cannot put right, and no
record is ever removed: those are for a person to judge.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from core.canonical import canonical
from core.clock import Clock
from core.errors import Corrupt, InvalidInput
from core.log.audit import audit_head
from core.log.entry import verify
from core.log.facts import fact
from core.log.repair_commits import Repairs
from core.maintenance.refold import KINDS, Outline, outline, pages, refold
from core.store import In, Query, Range, Record, Store, every
from core.values import GENESIS

Fault: TypeAlias = Literal[
    "missing",  # the log says it, and it is not there
    "behind",  # its n is lower than the log makes it
    "changed",  # its n is right, and what it says is not
    "ahead",  # its n is higher than its log makes it
    "ghost",  # no log says it
    "broken",  # a stream that cannot be read or folded, whose records nobody can judge
]
MENDABLE: frozenset[Fault] = frozenset(("missing", "behind", "changed"))

_READ = ("administration", "audit", "thread")
"""The streams that are read whole. Records are folded from all but the first, of which only the log is verified."""

GROUP = 500
"""Entries after which the threads read so far are compared: many small ones ask a store for little more than one."""

TOGETHER = 200
"""Records that are compared at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A record, or a stream (`kind` stream), that is not as its log says. `n` is the stored one, 0 for none.

    `said` is what a person needs to judge it: names of fields and numbers, never what they hold.
    """

    fault: Fault
    kind: str
    id: str
    n: int = 0
    said: str = ""
    mended: bool = False


@dataclass(slots=True)
class _Look:
    """A thread while it is looked at: `told` are the records of its log, `broken` that it cannot be folded."""

    log: Outline
    dirty: bool
    repairs: Repairs
    findings: list[Finding] = field(default_factory=list)
    told: set[tuple[str, str]] = field(default_factory=set)
    broken: bool = False


class Rebuild:
    """One look at a store's records. `checked` counts those that logs say, so far.

    Without `mend` nothing is written. `tell` hears of progress: streams looked at, and streams in all. `patience` is
    for how many seconds a repair that is not acknowledged is repeated.
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
        """All that is not as its log says; what can be mended has been when it is given."""
        known: set[str] = set()
        queries = [Query(kind="stream", where={"id": Range(ge=f"{of}:", lt=f"{of};")}) for of in _READ]
        total = sum([group.count for query in queries for group in await self._store.tally(query, ())])
        for query, look_at in zip(queries, (self._administration, self._audits, self._threads), strict=True):
            async for heads in _groups(every(self._store, query)):
                for finding in await look_at(heads):
                    yield finding
                known.update(head.id for head in heads)
                self._tell(len(known), max(len(known), total))
        async for finding in self._strays(known):
            yield finding

    async def _threads(self, heads: Sequence[Record]) -> list[Finding]:
        """The findings of the threads whose streams' own records these are."""
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
                looks[thread] = _Look(log, bool(head.fields["dirty"]), repairs)
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
            look.told.add((record.kind, record.id))
            finding = self._compared(record, stored.get((record.kind, record.id)))
            if finding and not look.broken:
                look.findings.append(finding)
                if finding.mended:
                    await look.repairs.add(record)

    async def _find_ghosts(self, looks: dict[str, _Look]) -> None:
        for kind in KINDS:
            if kind == "thread":
                continue
            async for found in every(self._store, Query(kind=kind, where={"thread": In(tuple(looks))})):
                look = looks.get(_thread_of(found))
                if look and not look.broken and (kind, found.id) not in look.told:
                    said = f"thread {look.log.thread} does not tell of it"
                    look.findings.append(Finding(fault="ghost", kind=kind, id=found.id, n=found.n, said=said))

    async def _finished(self, look: _Look) -> list[Finding]:
        if look.broken:
            return look.findings
        self.checked += len(look.told)
        if (self._mend and look.dirty) or any(finding.mended for finding in look.findings):
            await look.repairs.finish()
        return await self._standing(f"thread:{look.log.thread}", look.log.n, look.findings)

    async def _administration(self, heads: Sequence[Record]) -> list[Finding]:
        findings: list[Finding] = []
        for head in heads:
            n, hash = 0, GENESIS
            try:
                async for entries in pages(self._store, head.id):
                    n, hash = verify(entries, after=n, prev=hash)
                    for entry in entries:
                        fact(entry)
            except Corrupt as error:
                findings.append(_broken(head.id, error))
        return findings

    async def _audits(self, heads: Sequence[Record]) -> list[Finding]:
        return [finding for head in heads for finding in await self._audit(head.id)]

    async def _audit(self, stream: str) -> list[Finding]:
        n, hash, right = 0, GENESIS, None
        try:
            async for entries in pages(self._store, stream):
                n, hash = verify(entries, after=n, prev=hash)
                right = audit_head(entries[-1])
        except Corrupt as error:
            return [_broken(stream, error)]
        if right is None:
            return []
        self.checked += 1
        finding = self._compared(right, await self._store.get(right.kind, right.id))
        if finding and finding.mended:
            repairs = Repairs(self._store, self._clock, stream, n, self._patience)
            await repairs.add(right)
            await repairs.finish()
        return await self._standing(stream, n, [finding] if finding else [])

    async def _stored(self, records: Iterable[Record]) -> dict[tuple[str, str], Record]:
        ids: dict[str, list[str]] = {}
        for record in records:
            ids.setdefault(record.kind, []).append(record.id)
        return {
            (kind, found.id): found
            for kind, of_kind in ids.items()
            async for found in every(self._store, Query(kind=kind, where={"id": In(tuple(of_kind))}))
        }

    def _compared(self, right: Record, stored: Record | None) -> Finding | None:
        fault: Fault
        if stored is None:
            fault, n, said = "missing", 0, ""
        elif stored.n != right.n:
            fault = "behind" if stored.n < right.n else "ahead"
            n, said = stored.n, f"n is {stored.n}, its log makes it {right.n}"
        elif differing := _differing(right, stored):
            fault, n, said = "changed", stored.n, ", ".join(differing)
        else:
            return None
        mended = self._mend and fault in MENDABLE
        return Finding(fault=fault, kind=right.kind, id=right.id, n=n, said=said, mended=mended)

    async def _standing(self, stream: str, n: int, findings: list[Finding]) -> list[Finding]:
        """Those that stand, although the stream may have gone on since it ended at n."""
        if not any(finding.n > n for finding in findings):
            return findings
        head = await self._store.get("stream", stream)
        return [finding for finding in findings if not n < finding.n <= (head.n if head else 0)]

    async def _strays(self, known: set[str]) -> AsyncIterator[Finding]:
        """Records that belong to no stream; `known` are streams."""
        for kind in (*KINDS, "audit"):
            async for found in every(self._store, Query(kind=kind)):
                stream = f"audit:{found.id}" if kind == "audit" else f"thread:{_thread_of(found)}"
                if stream not in known and not await self._is_stream(stream):
                    yield Finding(fault="ghost", kind=kind, id=found.id, n=found.n, said="it belongs to no log")

    async def _is_stream(self, name: str) -> bool:
        try:
            return await self._store.get("stream", name) is not None
        except InvalidInput:
            return False  # what stands where its thread's id should is no id


async def _groups(heads: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    group: list[Record] = []
    async for head in heads:
        group.append(head)
        if sum(one.n for one in group) >= GROUP:
            yield group
            group = []
    if group:
        yield group


async def _batches(folded: AsyncIterator[list[Record]]) -> AsyncIterator[list[Record]]:
    waiting: list[Record] = []
    async for records in folded:
        waiting += records
        while len(waiting) >= TOGETHER:
            yield waiting[:TOGETHER]
            del waiting[:TOGETHER]
    if waiting:
        yield waiting


def _thread_of(record: Record) -> str:
    return record.id if record.kind == "thread" else str(record.fields.get("thread"))


def _broken(stream: str, error: Corrupt) -> Finding:
    return Finding(fault="broken", kind="stream", id=stream, said=str(error))


def _differing(right: Record, stored: Record) -> list[str]:
    """The names of fields that are not alike; 1 and 1.0 are not."""
    names = {*right.fields, *stored.fields}
    return sorted(name for name in names if _said(right, name) != _said(stored, name))


def _said(record: Record, name: str) -> bytes | None:
    return canonical(record.fields[name]) if name in record.fields else None
