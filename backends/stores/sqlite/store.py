"""A store in one SQLite file, by way of apsw, whose SQLite is new enough to keep every commit of its WAL.

One thread writes. It runs all waiting commits as one transaction, with a savepoint for each, and answers each by
itself: a hundred streams cost one sync, and a commit is finished although its caller was cancelled. Only this thread
checkpoints. Reads use read-only connections in other threads, `find` and `tally` a few of their own, so that an
auditor's query does not delay a token. Several processes may share the file, each with such a writer.
"""

# ruff: noqa: A002 - `id` is the word of the store's contract
import os
import threading
from asyncio import wrap_future
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TypeVar

import anyio
import anyio.to_thread
import apsw

from backends.stores import matching
from backends.stores.checks import check_commit, check_erase, check_kind, check_number, check_record_id
from backends.stores.sqlite import query as sqlite_query
from backends.stores.sqlite import tables
from backends.stores.sqlite.errors import translated
from core.canonical import canonical
from core.clock import milliseconds
from core.errors import Conflict, Corrupt, InvalidInput, RolltopError, Unavailable
from core.ids import check_stream
from core.store import Capabilities, Page, Query, Record, Tally
from core.values import Entry

T = TypeVar("T")

LONG_WAL = 1000
"""Pages of WAL after which the writer moves them into the file, after it has answered all callers."""


@dataclass(slots=True)
class _Job:
    """What the writer is to run, and where its answer goes. `scrub`: answered after old pages have left the WAL."""

    run: Callable[[apsw.Connection], int]
    scrub: bool
    done: "Future[int]" = field(default_factory=Future)

    def settle(self, answer: int | Exception) -> None:
        if isinstance(answer, Exception):
            self.done.set_exception(answer)
        else:
            self.done.set_result(answer)


def path_of(rest: str) -> str:
    """The path in what follows `sqlite:` in a URL. Raises InvalidInput if it is not the path of a file."""
    path = rest.removeprefix("///")
    if path == rest or not path or path.startswith(":") or "\0" in path:
        raise InvalidInput("write sqlite:///relative.db or sqlite:////absolute.db; for a store without a file, memory:")
    return path


class SqliteStore:
    """A `core.store.Store`. For one event loop of asyncio; opening it blocks for the time a file takes.

    Raises InvalidInput if another program or a newer Rolltop wrote the file, StoreRefused if the file cannot be used as
    it is, and Unavailable if another process keeps it busy.
    """

    capabilities = Capabilities(durable_on_ack=True, multi_process=True, atomic_records=True)

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._closed = False
        self._wal_pages = 0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._readers: deque[apsw.Connection] = deque()
        self._logs, self._lists = anyio.CapacityLimiter(4), anyio.CapacityLimiter(2)
        with self._translated():
            self._writer = tables.open_writer(self._path)
            self._writer.set_wal_hook(self._count_pages)
        # A daemon, because any other thread would keep a process alive that did not close its store.
        self._thread = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        rows = [(*tables.entry_row(entry), id if entry.n == after + 1 else None) for entry in entries]
        ready = [tables.written(record) for record in records]

        def run(connection: apsw.Connection) -> int:
            end = tables.end_of(connection, stream)
            if rows and after < end:
                first = "SELECT 1 FROM entry WHERE stream = ? AND n = ? AND commit_id = ?"
                if connection.execute(first, (stream, after + 1, id)).get is None:
                    raise Conflict(stream, after)
                return end
            if after > end:
                raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO entry ({tables.COLUMNS}, commit_id) VALUES ({marks})", rows)
                tables.write_record(connection, tables.head(stream, after + len(rows)), repair=False)
            for one in ready:
                tables.write_record(connection, one, repair=not rows)
            return end

        await self._send(run)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)

        def ask(connection: apsw.Connection) -> list[tables.Row]:
            with connection:  # one snapshot, because the end must be that of the rows
                end = tables.end_of(connection, stream)
                cut = connection.execute(
                    "SELECT min(n) - 1 FROM entry WHERE stream = ? AND n > ? AND commit_id IS NOT NULL",
                    (stream, after + limit),
                ).get
                rows = connection.execute(
                    f"SELECT {tables.COLUMNS} FROM entry WHERE stream = ? AND n > ? AND n <= ? ORDER BY n",
                    (stream, after, end if cut is None else cut),
                ).fetchall()
            for n, row in enumerate(rows, after + 1):
                if row[1] != n:
                    raise Corrupt(stream, n, "is missing")
            if cut is None and after + len(rows) < end:
                raise Corrupt(stream, after + len(rows) + 1, "is missing")
            return rows

        return [tables.read_entry(row) for row in await self._ask(ask, self._logs)]

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)

        def ask(connection: apsw.Connection) -> Record | None:
            row = connection.execute("SELECT n, fields FROM record WHERE kind = ? AND id = ?", (kind, id)).fetchone()
            return row and tables.read_record(kind, id, *row)

        return await self._ask(ask, self._logs)

    async def find(self, query: Query) -> Page:
        matching.check_query(query)
        matching.open_cursor(query)
        return await self._ask(lambda connection: sqlite_query.find(connection, query), self._lists)

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        matching.check_tally(query, by, sums)
        return await self._ask(lambda connection: sqlite_query.tally(connection, query, by, sums), self._lists)

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
        values: tuple[str | int | None, ...] = (stream, after, upto)
        if kinds is not None:
            where += " AND kind IN (SELECT value FROM json_each(?))"
            values += (canonical(list(kinds)).decode(),)

        def run(connection: apsw.Connection) -> int:
            connection.execute(f"UPDATE entry SET payload = NULL, salt = NULL WHERE {where}", values)
            erased = connection.changes()
            if whole:
                connection.execute("DELETE FROM entry WHERE stream = ?", (stream,))
                tables.forget_head(connection, stream)
            return erased

        return await self._send(run, scrub=True)

    async def now(self) -> datetime:
        self._check_open()
        # Processes that share the file share the host, and its clock.
        return milliseconds(datetime.now(UTC))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._thread.join)

    async def report(self) -> dict[str, str]:
        """What an operator asks: the SQLite that runs, how the writer syncs, and how large the file is."""
        pragmas: dict[str, str] = {}

        def run(connection: apsw.Connection) -> int:
            names = ("journal_mode", "synchronous", "page_count", "page_size", "freelist_count", "user_version")
            pragmas.update({name: str(connection.pragma(name)) for name in names})
            return 0

        await self._send(run)
        synchronous = ("off", "normal", "full", "extra")[int(pragmas["synchronous"])]
        return {
            "SQLite": apsw.sqlite_lib_version(),
            "journal mode": pragmas["journal_mode"],
            "synchronous": synchronous,
            "schema version": pragmas["user_version"],
            "pages": f"{pragmas['page_count']} of {pragmas['page_size']} bytes, {pragmas['freelist_count']} free",
            "file": f"{(await anyio.Path(self._path).stat()).st_size} bytes, and {self._wal_pages} pages of WAL",
        }

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"{self._path} is closed")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, MemoryError) as error:
            raise translated(error, self._path) from error

    async def _ask(self, ask: Callable[[apsw.Connection], T], limiter: anyio.CapacityLimiter) -> T:
        self._check_open()
        return await anyio.to_thread.run_sync(self._read, ask, limiter=limiter)

    def _read(self, ask: Callable[[apsw.Connection], T]) -> T:
        with self._translated():
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READONLY)
                connection.set_busy_timeout(tables.BUSY_MS)
            try:
                return ask(connection)
            finally:
                self._readers.append(connection)
                if self._closed:
                    self._close_readers()

    def _close_readers(self) -> None:
        # Another thread may close readers, too: the last one may go between a check and the pop.
        with suppress(IndexError):
            while True:
                self._readers.pop().close()

    async def _send(self, run: Callable[[apsw.Connection], int], *, scrub: bool = False) -> int:
        self._check_open()
        job = _Job(run, scrub)
        # From here on the commit is run, although its caller may be cancelled.
        job.done.set_running_or_notify_cancel()
        self._jobs.put(job)
        return await wrap_future(job.done)

    def _write(self) -> None:
        going = True
        while going:
            waiting = [self._jobs.get()]
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            going = None not in waiting
            if jobs := [job for job in waiting if job is not None]:
                self._transact(jobs)
            if self._wal_pages > LONG_WAL:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._close_readers()
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._writer.close()

    def _count_pages(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _transact(self, jobs: list[_Job]) -> None:
        """Run the jobs as one transaction. If it fails, run each alone: the fault may be one job's."""
        answers: list[int | Exception]
        begun = False
        try:
            with self._translated():
                self._writer.execute("BEGIN IMMEDIATE")
                begun = True
                answers = [self._attempt(job) for job in jobs]
                self._writer.execute("COMMIT")
        except RolltopError as error:
            # If this fails, the next BEGIN says so. A writer that ended here would leave callers waiting.
            with suppress(apsw.Error):
                self._writer.execute("ROLLBACK")
            if begun and len(jobs) > 1:
                for job in jobs:
                    self._transact([job])
                return
            answers = [error for _ in jobs]
        for job, answer in zip(jobs, answers, strict=True):
            if not job.scrub:
                job.settle(answer)
        if any(job.scrub for job in jobs):
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        for job, answer in zip(jobs, answers, strict=True):
            if job.scrub:
                job.settle(answer)

    def _attempt(self, job: _Job) -> int | Exception:
        self._writer.execute("SAVEPOINT job")
        try:
            answer: int | Exception = job.run(self._writer)
        except apsw.Error:
            raise
        # A boundary: an error in one commit is the answer to its caller, and the writer goes on.
        except Exception as error:
            self._writer.execute("ROLLBACK TO job")
            answer = error
        self._writer.execute("RELEASE job")
        return answer

    def _checkpoint(self, mode: int) -> None:
        # Without waiting for readers of old pages: the next checkpoint takes what this one leaves.
        self._writer.set_busy_timeout(0)
        with suppress(apsw.Error):
            self._writer.wal_checkpoint(mode=mode)
            self._wal_pages = 0
        self._writer.set_busy_timeout(tables.BUSY_MS)
