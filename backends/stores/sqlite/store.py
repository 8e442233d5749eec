"""A store in one SQLite file, by way of apsw, whose SQLite is new enough to keep every commit of its WAL.

One thread writes. It runs all waiting commits as one transaction and answers each by itself: a hundred streams cost one
sync, and a commit is finished although its caller was cancelled. Only this thread checkpoints. Reads use read-only
connections in other threads, `find` and `tally` two of their own, so that an auditor's query does not delay a token.
Several processes may share the file, each with such a writer.
"""

# ruff: noqa: A002 - `id` is the word of the store's contract
import logging
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import anyio
import anyio.to_thread
import apsw

from backends.stores import matching
from backends.stores.checks import check_commit, check_erase, check_kind, check_number, check_record_id
from backends.stores.sqlite import query as sqlite_query
from backends.stores.sqlite import rows as sqlite_rows
from backends.stores.sqlite.errors import translated
from backends.stores.sqlite.files import Place, check_disk
from backends.stores.sqlite.lock_holder import is_suspended, lock_holder
from backends.stores.sqlite.mounts import network_file_system
from backends.stores.sqlite.threads import Readers, Writer
from core.canonical import canonical
from core.clock import milliseconds
from core.errors import Conflict, Corrupt, InvalidInput, StoreBusy, StoreClosed
from core.ids import check_stream
from core.store import Capabilities, Page, Query, Record, Tally
from core.values import Entry

log = logging.getLogger(__name__)

_END = """
SELECT num, ifnull(last, (SELECT max(n) FROM live_entry WHERE stream = num)) FROM stream WHERE name = ?
"""
"""The stream's number in the file, and its end."""


ONE_HOST = "only processes of this host may use it: move it onto a local disk, or use MongoDB"
"""What to do about a file on a network file system."""


def path_of(rest: str) -> str:
    """The path in what follows `sqlite:` in a URL. Raises InvalidInput if it is not the path of a file."""
    path = rest.removeprefix("///")
    if path == rest or not path or path.startswith(":") or "\0" in path:
        raise InvalidInput("write sqlite:///relative.db or sqlite:////absolute.db; for a store without a file, memory:")
    return path


class SqliteStore:
    """A `core.store.Store`. For one event loop of asyncio; opening it blocks for the time a file takes.

    Raises InvalidInput if another program or a newer Rolltop wrote the file, StoreRefused if the file cannot be used as
    it is, Full if it has to be rewritten and there is no room, and Unavailable if another process keeps it busy.
    """

    capabilities = Capabilities(durable_on_ack=True, multi_process=True, atomic_records=True)

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._closed = False
        self._ended = threading.Event()
        place = Place(self._path)
        self._logs, self._lists = Readers(self._path, 2, place), Readers(self._path, 2, place)
        try:
            self._writer = Writer(self._path, place)
        except (apsw.Error, MemoryError) as error:
            raise translated(error, self._path) from error
        if lies_on := network_file_system(self._path):
            log.warning("the store is on a network file system (%s): %s", lies_on, ONE_HOST)

    def check_writable(self) -> None:
        """Raises what a commit would now, as far as a look at the disk and at the lock's holder tells. Blocks shortly.

        Full, StoreRefused for a disk that is read-only, and StoreBusy if a suspended process holds the lock.
        """
        check_disk(self._path)
        if is_suspended(self._path):
            raise StoreBusy(f"{self._path} is busy: its lock is held by {lock_holder(self._path)}")

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        rows = [sqlite_rows.entry_row(entry) for entry in entries]
        ready = [sqlite_rows.written(record) for record in records]
        commit_id, table = sqlite_rows.packed(id), sqlite_rows.entries_of(stream)

        def run(connection: apsw.Connection) -> int:
            num, end = connection.execute(_END, (stream,)).fetchone() or (None, 0)
            if rows and after < end:
                first = f"SELECT 1 FROM {table} WHERE stream = ? AND n = ? AND commit_id = ?"
                if connection.execute(first, (num, after + 1, commit_id)).get is None:
                    raise Conflict(stream, after)
                return end
            if after > end:
                raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
            if rows:
                last = None if table == "live_entry" else after + len(rows)
                if num is None:
                    connection.execute("INSERT INTO stream (name, last) VALUES (?, ?)", (stream, last))
                    num = connection.last_insert_rowid()
                elif last is not None:
                    connection.execute("UPDATE stream SET last = ? WHERE num = ?", (last, num))
                for place, row in enumerate(rows):
                    begins = None if place else commit_id
                    connection.execute(f"INSERT INTO {table} {sqlite_rows.VALUES_OF_ENTRY}", (num, begins, *row))
            for one in ready:
                sqlite_rows.write_record(connection, one, repair=not rows)
            return end

        self._check_open()
        await self._writer.run(run)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)

        table = sqlite_rows.entries_of(stream)

        def ask(connection: apsw.Connection) -> list[sqlite_rows.Row]:
            with connection:  # one snapshot, because the end must be that of the rows
                num, end = connection.execute(_END, (stream,)).fetchone() or (None, 0)
                if after >= end:
                    return []
                cut = connection.execute(
                    f"SELECT min(n) - 1 FROM {table} WHERE stream = ? AND n > ? AND commit_id IS NOT NULL",
                    (num, after + limit),
                ).get
                rows = connection.execute(
                    f"SELECT {sqlite_rows.COLUMNS} FROM {table} WHERE stream = ? AND n > ? AND n <= ? ORDER BY n",
                    (num, after, end if cut is None else cut),
                ).fetchall()
            for n, row in enumerate(rows, after + 1):
                if row[0] != n:
                    raise Corrupt(stream, n, "is missing")
            if cut is None and after + len(rows) < end:
                raise Corrupt(stream, after + len(rows) + 1, "is missing")
            return rows

        self._check_open()
        return [sqlite_rows.read_entry(stream, row) for row in await self._logs.run(ask)]

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)
        source = sqlite_query.source(kind)

        def ask(connection: apsw.Connection) -> Record | None:
            select = f"SELECT n, fields FROM {source} WHERE kind = ? AND id = ?"
            row = connection.execute(select, (kind, id)).fetchone()
            return row and sqlite_rows.read_record(kind, id, *row)

        self._check_open()
        return await self._logs.run(ask)

    async def find(self, query: Query) -> Page:
        matching.check_query(query)
        matching.open_cursor(query)
        self._check_open()
        return await self._lists.run(lambda connection: sqlite_query.find(connection, query))

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        matching.check_tally(query, by, sums)
        self._check_open()
        return await self._lists.run(lambda connection: sqlite_query.tally(connection, query, by, sums))

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        check_erase(stream, after, upto, kinds, whole)
        where = "stream = ? AND n > ? AND n <= ifnull(?, n) AND salt IS NOT NULL"
        values: tuple[str | int | None, ...] = (after, upto)
        table = sqlite_rows.entries_of(stream)
        if kinds is not None:
            where += " AND kind IN (SELECT value FROM json_each(?))"
            values += (canonical(list(kinds)).decode(),)

        def run(connection: apsw.Connection) -> int:
            num = connection.execute("SELECT num FROM stream WHERE name = ?", (stream,)).get
            if whole:
                kept = f"SELECT count(*) FROM {table} WHERE stream = ? AND salt IS NOT NULL"
                erased = connection.execute(kept, (num,)).get
                connection.execute(f"DELETE FROM {table} WHERE stream = ?", (num,))
                connection.execute("DELETE FROM stream WHERE num = ?", (num,))
                return cast(int, erased)
            connection.execute(f"UPDATE {table} SET payload = NULL, salt = NULL WHERE {where}", (num, *values))
            return connection.changes()

        self._check_open()
        return await self._writer.run(run, scrub=True)

    async def now(self) -> datetime:
        self._check_open()
        # Processes that share the file share the host, and its clock.
        return milliseconds(datetime.now(UTC))

    async def close(self) -> None:
        closing, self._closed = not self._closed, True
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._close if closing else self._ended.wait)

    def _close(self) -> None:
        # The writer last: it can then move all of the WAL into the file.
        for threads in (self._logs, self._lists, self._writer):
            threads.close()
        self._ended.set()

    async def report(self) -> dict[str, str]:
        """What an operator asks: the SQLite that runs, how the writer syncs, and how large the file is."""

        def ask(connection: apsw.Connection) -> dict[str, str]:
            names = ("journal_mode", "page_count", "page_size", "freelist_count", "user_version")
            return {name: str(connection.pragma(name)) for name in names}

        self._check_open()
        pragmas = await self._logs.run(ask)
        synchronous = ("off", "normal", "full", "extra")[self._writer.synchronous]
        return {
            "SQLite": apsw.sqlite_lib_version(),
            "journal mode": pragmas["journal_mode"],
            "synchronous": synchronous,
            "schema version": pragmas["user_version"],
            "pages": f"{pragmas['page_count']} of {pragmas['page_size']} bytes, {pragmas['freelist_count']} free",
            "file": f"{(await anyio.Path(self._path).stat()).st_size} bytes, and {self._writer.wal_pages} pages of WAL",
        }

    def misplaced(self) -> str | None:
        """Why the file should not be where it is, None if nothing is known against it."""
        lies_on = network_file_system(self._path)
        return (
            f"it is on a network file system ({lies_on}), where SQLite keeps it whole for one host only"
            if lies_on
            else None
        )

    async def damages(self) -> list[str]:
        """What is damaged in the file, in SQLite's words; [] if nothing is. It reads the whole file."""

        def ask(connection: apsw.Connection) -> list[str]:
            return [str(line) for (line,) in connection.execute("PRAGMA quick_check(20)")]

        self._check_open()
        lines = await self._lists.run(ask)
        return [] if lines == ["ok"] else lines

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(f"the store {self._path}")
