"""A store of dicts and lists: for tests, for a first look without a disk, and as the plainest form of the contract."""

# ruff: noqa: A002 - `id` is the word of the store's contract

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from json import loads

import anyio.lowlevel

from backends.stores import matching
from backends.stores.checks import check_commit, check_erase, check_kind, check_number, check_record_id
from core.clock import milliseconds
from core.errors import Conflict, InvalidInput, StoreClosed
from core.ids import check_stream
from core.store import Capabilities, Page, Query, Record, Tally
from core.values import Entry


@dataclass(slots=True)
class _Stream:
    """Entries 1 and up; `starts` holds the n that each commit begins with, `ids` the commit's id at that n."""

    entries: list[Entry] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)


class MemoryStore:
    """A `core.store.Store` that lasts as long as its process. For one event loop."""

    capabilities = Capabilities(durable_on_ack=False, multi_process=False, atomic_records=True)

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._records: dict[tuple[str, str], Record] = {}
        self._closed = False

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        await self._reach()
        # From here to the end of the method nothing awaits, so that no lock is needed.
        log = self._streams.get(stream) or _Stream()
        end = len(log.entries)
        if entries and after < end:
            if log.ids.get(after + 1) == id:
                return
            raise Conflict(stream, after)
        if after > end:
            raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
        if entries:
            log.entries += [_copied_entry(entry) for entry in entries]
            log.starts.append(after + 1)
            log.ids[after + 1] = id
            self._streams[stream] = log
        for record in records:
            stored = self._records.get((record.kind, record.id))
            if stored is None or stored.n < record.n or (stored.n == record.n and not entries):
                self._records[record.kind, record.id] = _copied(record)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)
        await self._reach()
        if (log := self._streams.get(stream)) is None:
            return []
        next_commit = bisect_left(log.starts, after + limit + 1)
        end = log.starts[next_commit] - 1 if next_commit < len(log.starts) else None
        return [_copied_entry(entry) for entry in log.entries[after:end]]

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)
        await self._reach()
        if kind == "stream":
            return _head(id, self._streams[id]) if id in self._streams else None
        record = self._records.get((kind, id))
        return record and _copied(record)

    async def find(self, query: Query) -> Page:
        await self._reach()
        page = matching.page(self._of(query), query)
        return replace(page, records=[_copied(record) for record in page.records])

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        await self._reach()
        return matching.tally(self._of(query), query, by, sums)

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        check_erase(stream, after, upto, kinds, whole)
        await self._reach()
        if (log := self._streams.get(stream)) is None:
            return 0
        affected = [
            index
            for index, entry in enumerate(log.entries[:upto])
            if index >= after and not entry.erased and (kinds is None or entry.kind in kinds)
        ]
        for index in affected:
            log.entries[index] = replace(log.entries[index], payload=None, salt=None)
        if whole:
            del self._streams[stream]
        return len(affected)

    async def now(self) -> datetime:
        await self._reach()
        return milliseconds(datetime.now(UTC))

    async def close(self) -> None:
        self._closed = True

    async def _reach(self) -> None:
        # Other stores wait for a disk here. A cancelled caller must notice it in this store, too.
        await anyio.lowlevel.checkpoint()
        if self._closed:
            raise StoreClosed("the store in memory")

    def _of(self, query: Query) -> Iterator[Record]:
        if query.kind == "stream":
            return (_head(stream, log) for stream, log in self._streams.items())
        return iter(self._records.values())


def _head(stream: str, log: _Stream) -> Record:
    return Record(kind="stream", id=stream, n=len(log.entries), fields={"dirty": False})


def _copied_entry(entry: Entry) -> Entry:
    # By way of JSON: a payload that the caller changes later must not change the log.
    return replace(
        entry,
        at=milliseconds(entry.at),
        shell=loads(entry.shell_json),
        payload=loads(entry.payload_json),
    )


def _copied(record: Record) -> Record:
    return replace(record, fields=loads(record.fields_json))
