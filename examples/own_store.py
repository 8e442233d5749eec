"""A store of one's own: one file of JSON lines, a line for each commit. With `pytest` it is judged by the suite.

    pip install 'rolltop[suite]' && pytest own_store.py

It is small, not fast: everything is in memory too, a commit writes to the disk in the event loop, and an erasure writes
the whole file anew. One process may have the file open.
"""

import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest

from backends.stores import matching
from backends.stores.checks import check_commit, check_erase, check_kind, check_number, check_record_id
from backends.stores.suite import *  # noqa: F403 # the tests of the contract
from core.clock import iso, milliseconds, moment
from core.errors import Conflict, Full, InvalidInput, StoreClosed
from core.ids import check_stream
from core.store import Capabilities, Page, Query, Record, Store, Tally
from core.values import Entry

ENTRY_FIELDS = [field.name for field in fields(Entry) if field.init]


@dataclass(frozen=True)
class Commit:
    """One line of the file."""

    stream: str
    after: int
    id: str
    entries: list[Entry]
    records: list[Record]

    def line(self) -> bytes:
        entries = [
            {name: getattr(entry, name) for name in ENTRY_FIELDS} | {"at": iso(entry.at)} for entry in self.entries
        ]
        records = [{"kind": r.kind, "id": r.id, "n": r.n, "fields": dict(r.fields)} for r in self.records]
        document = {"stream": self.stream, "after": self.after, "id": self.id, "entries": entries, "records": records}
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Commit":
        document: dict[str, Any] = json.loads(line)
        entries = [Entry(**(entry | {"at": moment(entry["at"])})) for entry in document["entries"]]
        records = [Record(**record) for record in document["records"]]
        return cls(document["stream"], document["after"], document["id"], entries, records)


class FileStore:
    """A `core.store.Store` in one file."""

    capabilities = Capabilities(durable_on_ack=True, multi_process=False, atomic_records=True)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._commits: dict[str, list[Commit]] = {}
        self._records: dict[tuple[str, str], Record] = {}
        self._file = path.open("ab+")
        self._file.seek(0)
        whole = 0
        for line in self._file.readlines():
            if not line.endswith(b"\n"):
                break  # the process was killed while it wrote: this commit was never acknowledged
            whole += len(line)
            self._apply(Commit.read(line))
        self._file.truncate(whole)

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        await self._reach()
        # From here on nothing awaits, so that two commits never mix.
        end = self._end(stream)
        if entries and after < end:
            if any(commit.after == after and commit.id == id for commit in self._commits[stream]):
                return
            raise Conflict(stream, after)
        if after > end:
            raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
        # Through JSON once: what the caller changes later must not change the log.
        line = Commit(stream, after, id, list(entries), list(records)).line()
        commit = Commit.read(line)
        size = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(size)
            raise Full(f"the file cannot be written: {error}") from error
        self._apply(commit)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)
        await self._reach()
        found: list[Entry] = []
        for commit in self._commits.get(stream, []):
            if len(found) >= limit:
                break  # between commits, never inside one
            found += [entry for entry in commit.entries if entry.n > after]
        return deepcopy(found)  # what the caller changes must not change the log

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)
        await self._reach()
        if kind == "stream":
            return self._head(id) if id in self._commits else None
        record = self._records.get((kind, id))
        return deepcopy(record)

    async def find(self, query: Query) -> Page:
        await self._reach()
        return deepcopy(matching.page(self._all(query.kind), query))

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        await self._reach()
        return matching.tally(self._all(query.kind), query, by, sums)

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
        erased = 0
        for number, commit in enumerate(commits := self._commits.get(stream, [])):
            entries = list(commit.entries)
            for index, entry in enumerate(entries):
                wanted = (
                    entry.n > after and (upto is None or entry.n <= upto) and (kinds is None or entry.kind in kinds)
                )
                if wanted and not entry.erased:
                    entries[index] = replace(entry, payload=None, salt=None)
                    erased += 1
            commits[number] = replace(commit, entries=entries)
        if whole:
            self._commits.pop(stream, None)
        if commits:
            self._rewrite()
        return erased

    async def now(self) -> datetime:
        await self._reach()
        return milliseconds(datetime.now(UTC))

    async def close(self) -> None:
        self._file.close()

    async def _reach(self) -> None:
        await anyio.lowlevel.checkpoint()  # a cancelled caller must notice it here
        if self._file.closed:
            raise StoreClosed(str(self._file.name))

    def _end(self, stream: str) -> int:
        commits = self._commits.get(stream)
        return commits[-1].after + len(commits[-1].entries) if commits else 0

    def _head(self, stream: str) -> Record:
        return Record(kind="stream", id=stream, n=self._end(stream), fields={"dirty": False})

    def _all(self, kind: str) -> list[Record]:
        return [self._head(stream) for stream in self._commits] if kind == "stream" else list(self._records.values())

    def _apply(self, commit: Commit) -> None:
        for record in commit.records:
            stored = self._records.get((record.kind, record.id))
            if stored is None or stored.n < record.n or (stored.n == record.n and not commit.entries):
                self._records[record.kind, record.id] = record
        if commit.entries:
            self._commits.setdefault(commit.stream, []).append(replace(commit, records=[]))

    def _rewrite(self) -> None:
        """Write the file anew and put it in the old one's place at once: what was erased is in neither afterwards."""
        new = self._path.with_suffix(".new")
        commits = [commit for of_stream in self._commits.values() for commit in of_stream]
        kept = Commit("installation:desk", 0, "records", [], list(self._records.values()))
        with new.open("wb") as file:
            file.writelines(commit.line() for commit in (*commits, kept))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._file.close()
        self._file = self._path.open("ab+")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store, None]:
    """An empty store, which the suite's tests get."""
    store = FileStore(tmp_path / "desk.jsonl")
    yield store
    await store.close()


@pytest.fixture  # type: ignore[no-redef] # it takes the place of the one that skips
async def reopen(store: Store, tmp_path: Path) -> AsyncGenerator[Callable[[], Awaitable[Store]], None]:
    """With this one the suite checks, too, that what was acknowledged is there after a restart."""
    async with AsyncExitStack() as opened:

        async def again() -> Store:
            await store.close()
            reopened = FileStore(tmp_path / "desk.jsonl")
            opened.push_async_callback(reopened.close)
            return reopened

        yield again
