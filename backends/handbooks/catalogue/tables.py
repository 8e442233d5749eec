"""The tables of a catalogue of handbooks, and the connections to its file.

A version is staged row by row, out of search, and published in one commit. What was published once is never deleted,
because old answers cite it. A vector is stored under its embedder and its text, so a text is embedded once however many
versions have it. Writers take turns: within a process by a lock, between processes by SQLite's own.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import cast

import apsw

from backends.stores.sqlite.errors import translated
from backends.stores.sqlite.files import Place, create, has_log, no_right
from backends.stores.sqlite.tables import APPLICATION_ID as STORE_ID
from backends.stores.sqlite.tables import CATALOGUE_ID, check_log
from core.errors import InvalidInput, NewerStore, StoreBusy, StoreRefused, Unavailable

MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('revision', 0);
    CREATE TABLE document (
        id TEXT PRIMARY KEY,
        root TEXT, -- the folder it came from, NULL for an upload
        said TEXT NOT NULL DEFAULT '{}', -- what a knowledge owner said of it: before the front matter
        removed TEXT -- when, NULL while it is there
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE version (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        document TEXT NOT NULL REFERENCES document, hash TEXT NOT NULL, at TEXT NOT NULL,
        name TEXT NOT NULL, title TEXT NOT NULL, kind TEXT NOT NULL, pages INTEGER, front TEXT NOT NULL,
        said TEXT NOT NULL DEFAULT '{}', -- what a knowledge owner said of its days
        published INTEGER, -- its place among all publications, NULL while staged
        day TEXT, -- on which it was published
        since TEXT NOT NULL DEFAULT '', -- from when it answers where nobody gave a day; '' is always
        findable INTEGER NOT NULL DEFAULT 0, -- its passages are among the words
        left_out TEXT NOT NULL, text TEXT NOT NULL,
        UNIQUE (document, hash)
    ) STRICT;
    CREATE TABLE passage (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES version, ordinal INTEGER NOT NULL,
        uid TEXT NOT NULL UNIQUE, id TEXT NOT NULL,
        held TEXT, -- by whose embedding the vector index has it, '' for its own; NULL: it has not
        hash BLOB NOT NULL, -- of its text as it is embedded
        tokens BLOB, section TEXT NOT NULL, page INTEGER, start INTEGER, "end" INTEGER, text TEXT NOT NULL,
        UNIQUE (version, ordinal)
    ) STRICT;
    CREATE TABLE vector (
        embedder TEXT NOT NULL, hash BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (embedder, hash)
    ) STRICT;
    -- Words come stemmed from backends.stems, with spaces between; to this tokenizer what is not ASCII is a letter.
    CREATE VIRTUAL TABLE words USING fts5(
        title, trail, body, version UNINDEXED,
        content = '', contentless_delete = 1, contentless_unindexed = 1, tokenize = ascii
    );
    CREATE TABLE vocabulary (word TEXT PRIMARY KEY, passages INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE source ( -- a file of a folder as it was last taken in; `document` NULL: it is none
        root TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, document TEXT,
        PRIMARY KEY (root, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE change (
        n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, document TEXT NOT NULL,
        version INTEGER, what TEXT NOT NULL
    ) STRICT;
    """,
    """
    -- When it was withdrawn, NULL while it may answer.
    ALTER TABLE version ADD COLUMN withdrawn TEXT
    """,
    """
    -- By which reading the words were made, 0 before there were several: see backends.handbooks.catalogue.words.
    REPLACE INTO meta VALUES ('reading', 0)
    """,
)
"""Each takes a file one version up; `PRAGMA user_version` counts those that a file has had."""

BUSY_MS = 30_000
"""How long the making of a file, and a read, waits for another process."""

LOOK_MS = 100
"""Milliseconds of one attempt to write while another process does."""

PATIENCE = 30.0
PROMPT = 1.5
"""Seconds that an ingest waits until it may write, and what a person waits for."""

MEMORY = ":memory:"


class Connections:
    """The connections to one catalogue: one that writes, under a lock, and one for each concurrent reader.

    `:memory:` is a catalogue of its own, with one connection for both. `ingest` is the lock of its ingests. Raises
    InvalidInput for a file of another program or of a newer Rolltop, StoreRefused for a file that cannot be used as it
    is, and Unavailable if another process keeps it busy.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = MEMORY if os.fspath(path) == MEMORY else os.path.abspath(path)
        self._closed = False
        self._lock = threading.Lock()
        self.ingest = threading.Lock()
        self._readers: deque[apsw.Connection] = deque()
        self._place = Place(self.path)
        with self._translated():
            self._writer = _open(self.path)
            if self.path != MEMORY:
                self._place.remember()

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection that sees one state of the catalogue throughout the block."""
        if self.path == MEMORY:
            with self._lock, self._translated():
                yield self._open_writer()
            return
        self._open_writer()  # a closed catalogue has no log any more
        self._place.check()
        with self._translated():
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READONLY)
                connection.set_busy_timeout(BUSY_MS)
            try:
                with connection:
                    yield connection
            finally:
                self._readers.append(connection)
                if self._closed:
                    self._close_readers()

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[apsw.Connection]:
        """A connection whose writes are committed when the block ends, and rolled back if it raises.

        Raises StoreBusy if others write for `patience` seconds.
        """
        with self._translated():
            connection = self._begin(monotonic() + patience)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Some errors have ended the transaction already.
                with suppress(apsw.SQLError):
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._lock.release()

    def _begin(self, until: float) -> apsw.Connection:
        """Begin to write, with the lock, which is free between two attempts: others are less patient."""
        while self._lock.acquire(timeout=max(0.0, until - monotonic())):
            try:
                connection = self._open_writer()
                self._place.check()
                connection.execute("BEGIN IMMEDIATE")
            except BaseException as error:
                self._lock.release()
                if not isinstance(error, apsw.BusyError) or monotonic() >= until:
                    raise
            else:
                return connection
        raise StoreBusy(f"{self.path} is busy: this process is writing to it")

    def close(self) -> None:
        """Close them; a reader in use is closed when its block ends."""
        with self._lock:
            self._closed = True
            self._close_readers()
            self._writer.close()

    def _open_writer(self) -> apsw.Connection:
        if self._closed:
            raise Unavailable(f"the catalogue {self.path} is closed")
        return self._writer

    def _close_readers(self) -> None:
        # Two threads may do this at once: between a check of the length and the pop, the other may take the last one.
        with suppress(IndexError):
            while True:
                self._readers.pop().close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, MemoryError) as error:
            raise translated(error, self.path) from error


def moved(connection: apsw.Connection) -> None:
    """Note that what search may see has changed."""
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")


def _open(path: str) -> apsw.Connection:
    created = path == MEMORY or create(path)
    logged = path == MEMORY or has_log(path)
    connection = apsw.Connection(path)
    try:
        if connection.readonly("main"):
            raise StoreRefused(no_right(path))
        connection.set_busy_timeout(BUSY_MS)
        with connection:  # One snapshot: another process may be making the file just now.
            _version(connection, path)
        if not created and not logged:
            check_log(connection, path)
        for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        if _version(connection, path) < len(MIGRATIONS):  # else it opens while another process writes
            connection.execute("BEGIN IMMEDIATE")
            for number, script in enumerate(MIGRATIONS[_version(connection, path) :], _version(connection, path) + 1):
                connection.execute(f"{script}; PRAGMA user_version = {number}; PRAGMA application_id = {CATALOGUE_ID}")
            connection.execute("COMMIT")
        connection.set_busy_timeout(LOOK_MS)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: apsw.Connection, path: str) -> int:
    version, application = connection.pragma("user_version"), connection.pragma("application_id")
    if application != CATALOGUE_ID and connection.execute("SELECT count(*) FROM sqlite_schema").get:
        whose = "a store, which ROLLTOP_STORE names" if application == STORE_ID else "another program's database"
        raise InvalidInput(f"{path} is {whose}, not a catalogue of handbooks: name another file in ROLLTOP_INDEX")
    if cast(int, version) > len(MIGRATIONS):
        raise NewerStore(
            f"{path} was written by a newer Rolltop: it has schema version {version}, and this one knows versions up "
            f"to {len(MIGRATIONS)}. Use the newer one; the file is unchanged"
        )
    return cast(int, version)
