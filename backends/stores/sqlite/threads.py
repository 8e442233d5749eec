"""The threads that use the file: one that writes, and a few that read.

A call gives its thread a job and waits for a future of its event loop. A thread hands back all answers that it has with
one call into the loop, because each such call wakes the loop by way of the system.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

import apsw

from backends.stores.sqlite import tables
from backends.stores.sqlite.contents import Contents, newest_entry
from backends.stores.sqlite.errors import translated
from backends.stores.sqlite.files import Place
from backends.stores.sqlite.lock_holder import is_suspended
from core.errors import Conflict, InvalidInput, RolltopError, StoreRefused

T = TypeVar("T")

STUCK_SECONDS = 1.5
"""Seconds that a commit waits while another process holds the lock and commits nothing: a person may wait for it."""

PROMPT_MS = 100
"""Milliseconds that a further commit waits meanwhile."""

LONG_WAL = 1000
"""Pages of WAL after which the writer moves them into the file, after it has answered all callers."""


class _Job(Generic[T]):
    """What a thread is to run, and where its answer goes. `scrub`: answered after old pages have left the WAL."""

    __slots__ = ("done", "loop", "run", "scrub")

    def __init__(self, run: Callable[[apsw.Connection], T], scrub: bool = False) -> None:
        self.run = run
        self.scrub = scrub
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[T] = self.loop.create_future()


_Answer = tuple[_Job[Any], object]
"""A job, and its result or the error that it raised."""


def _hand_back(answers: Sequence[_Answer]) -> None:
    if answers:
        # The loop is closed if its program ended without closing the store: then the answer is not awaited any more.
        with suppress(RuntimeError):
            answers[0][0].loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: Iterable[_Answer]) -> None:
    for job, answer in answers:
        if job.done.done():  # its caller was cancelled
            continue
        if isinstance(answer, Exception):
            job.done.set_exception(answer)
        else:
            job.done.set_result(answer)


class Readers:
    """`count` threads that read, each with a read-only connection of its own. The first call starts them."""

    def __init__(self, path: str, count: int, place: Place) -> None:
        self._path = path
        self._count = count
        self._place = place
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def run(self, ask: Callable[[apsw.Connection], T]) -> T:
        """What `ask` returns or raises, with apsw's errors translated."""
        if not self._threads:
            self._threads = [_started(self._read, "sqlite-reader") for _ in range(self._count)]
        job = _Job(ask)
        self._jobs.put(job)
        return await job.done

    def close(self) -> None:
        """Finish the accepted calls, and close the connections. It blocks until then."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        connection: apsw.Connection | None = None
        while (job := self._jobs.get()) is not None:
            answer: object
            try:
                self._place.check()
                if connection is None:
                    connection = apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READONLY)
                    connection.set_busy_timeout(tables.BUSY_MS)
                answer = job.run(connection)
            except (apsw.Error, MemoryError) as error:
                answer = _because(error, self._path)
            # A boundary: an error is the answer to its caller, and the thread goes on.
            except Exception as error:
                answer = error
            _hand_back([(job, answer)])
        if connection is not None:
            connection.close()


class Writer:
    """The thread that writes and checkpoints. It runs all waiting jobs as one transaction, and answers each by itself.

    A job checks before it writes: it raises Conflict or InvalidInput only while it has changed nothing.
    """

    def __init__(self, path: str, place: Place) -> None:
        self.connection = tables.open_writer(path)
        self.wal_pages = 0
        self._path = path
        self._place = place
        # The writer's log and its index are there once it has read something as a WAL file.
        self.connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        place.remember()
        self._contents, self._seen = Contents(path), 0
        self.synchronous = int(str(self.connection.pragma("synchronous")))
        self.connection.set_busy_timeout(PROMPT_MS)
        self._stuck: float | None = None
        self._others: object = None  # changes with each commit of another process
        self._jobs: SimpleQueue[_Job[int] | None] = SimpleQueue()
        self.connection.set_wal_hook(self._count_pages)
        self._thread = _started(self._write, "sqlite-writer")

    async def run(self, job: Callable[[apsw.Connection], int], *, scrub: bool = False) -> int:
        """What the job returns or raises. It is run although its caller is cancelled."""
        waiting = _Job(job, scrub)
        self._jobs.put(waiting)
        return await waiting.done

    def close(self) -> None:
        """Finish the accepted jobs, and close the file. It blocks until then."""
        self._jobs.put(None)
        self._thread.join()

    def _write(self) -> None:
        going = True
        while going:
            waiting = [self._jobs.get()]
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            going = None not in waiting
            if jobs := [job for job in waiting if job is not None]:
                self._transact(jobs)
            if self.wal_pages > LONG_WAL:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        if not self._place.is_whole():
            self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self.connection.close()

    def _count_pages(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def _transact(self, jobs: list[_Job[int]]) -> None:
        """Run the jobs as one transaction. If it fails, run each alone: the fault may be one job's."""
        answers: list[object]
        begun = False
        try:
            self._place.check()
            self._check_contents()
            self._begin()
            begun = True
            answers = [self._attempt(job) for job in jobs]
            newest = newest_entry(self.connection)
            self.connection.execute("COMMIT")
            self._contents.newest = newest
        # A boundary: an error is the answer to its callers, and the writer goes on.
        except Exception as error:
            # If this fails, the next BEGIN says so. A writer that ended here would leave callers waiting.
            with suppress(apsw.Error):
                self.connection.execute("ROLLBACK")
            if begun and len(jobs) > 1:
                for job in jobs:
                    self._transact([job])
                return
            if isinstance(error, StoreRefused):  # the file is not in its place: what is in the log is kept in it
                self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
            answers = [_because(error, self._path) for _ in jobs]
        answered = list(zip(jobs, answers, strict=True))
        _hand_back([(job, answer) for job, answer in answered if not job.scrub])
        if scrubbed := [(job, answer) for job, answer in answered if job.scrub]:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
            _hand_back(scrubbed)

    def _check_contents(self) -> None:
        """Look at what is in the file if it was written since, and not by this process."""
        if (written_at := self._place.written_at) != self._seen:
            try:
                self._contents.check()
            except StoreRefused as error:
                self._place.lost = error
                raise
            self._seen = written_at

    def _begin(self) -> None:
        """Take the lock. Raises BusyError once another process has held it for `STUCK_SECONDS` without a commit.

        At once, if that process is known to be suspended.
        """
        begun = monotonic()
        while True:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                now, others = monotonic(), self.connection.pragma("data_version")
                # Where many write, a commit may have to wait for long although nothing is wrong.
                if self._stuck is None or others != self._others:
                    self._stuck = now - PROMPT_MS / 1000
                self._others = others
                waited = now - self._stuck >= STUCK_SECONDS or now - begun >= tables.BUSY_MS / 1000
                if waited or is_suspended(self._path):
                    raise
            else:
                self._stuck = None
                return

    def _attempt(self, job: _Job[int]) -> object:
        try:
            return job.run(self.connection)
        except (Conflict, InvalidInput) as error:
            return error

    def _checkpoint(self, mode: int) -> None:
        # Another process that has begun a log of its own shares no lock with this one. A log goes into its own file.
        if not self._place.is_whole():
            return
        # Without waiting for readers of old pages: the next checkpoint takes what this one leaves.
        self.connection.set_busy_timeout(0)
        with suppress(apsw.Error, FileNotFoundError):  # it may be moved away
            self.connection.wal_checkpoint(mode=mode)
            self.wal_pages = 0
            self._seen = os.stat(self._path).st_mtime_ns
        self.connection.set_busy_timeout(PROMPT_MS)


def _because(error: Exception, path: str) -> Exception:
    """The error for a caller: apsw's are translated."""
    if not isinstance(error, apsw.Error | MemoryError):
        return error
    said: RolltopError = translated(error, path)
    said.__cause__ = error
    return said


def _started(run: Callable[[], None], name: str) -> threading.Thread:
    # A daemon, because any other thread would keep a process alive that did not close its store.
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
