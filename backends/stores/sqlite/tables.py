"""The tables of the file, and how it is opened and brought up to date.

Entries and records are kept as canonical JSON, so that what comes back has the bytes that went in. The view `head`
shows streams as records of the kind `stream`: lists of streams are queries like any other.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from json import loads
from time import monotonic, sleep
from typing import cast

import apsw

from backends.stores.sqlite.files import BACK, CREATION, create, has_log, no_right
from backends.stores.sqlite.rows import joined_words, leaves, packed
from core.errors import Full, InvalidInput, NewerStore, StoreRefused
from core.log.indexes import INDEXES, VALUES, WORDS

APPLICATION_ID = 0x526F6C6C
"""`Roll`, in the file's header: this is not another program's database."""

CATALOGUE_ID = 0x526F6C62
"""`Rolb`, in the header of a catalogue of handbooks."""

MIGRATIONS = (
    """
    CREATE TABLE entry (
        stream TEXT NOT NULL, n INTEGER NOT NULL,
        commit_id TEXT, -- of the commit that begins here, NULL within one
        kind TEXT NOT NULL, v INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, shell TEXT NOT NULL,
        payload TEXT, salt TEXT, -- NULL once erased
        commitment TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (stream, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE record (
        num INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, fields TEXT NOT NULL,
        UNIQUE (kind, id)
    ) STRICT;
    CREATE TABLE field (
        kind TEXT NOT NULL, path TEXT NOT NULL, value ANY NOT NULL, record INTEGER NOT NULL,
        PRIMARY KEY (kind, path, value, record)
    ) STRICT, WITHOUT ROWID;
    -- Words come from core.words, with spaces between; to this tokenizer whatever is not ASCII is a letter.
    CREATE VIRTUAL TABLE word USING fts5(words, tokenize = ascii, detail = none);
    INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
    """,
    """
    -- core.words reads more spellings of a character alike than it did.
    DELETE FROM word;
    INSERT INTO word (rowid, words) SELECT num, words_of(fields) FROM record WHERE words_of(fields) <> '';
    """,
    """
    -- First what frees pages: the entries fill them again, so that the file hardly grows.
    DROP TABLE field;
    DROP TABLE word;
    CREATE VIRTUAL TABLE word USING fts5(words, tokenize = ascii, detail = none);
    INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
    CREATE TABLE field (
        kind TEXT NOT NULL, path TEXT NOT NULL, value ANY NOT NULL, record INTEGER NOT NULL,
        PRIMARY KEY (kind, path, value, record)
    ) STRICT, WITHOUT ROWID;
    -- What of `VALUES` and `WORDS` the file's `field` and `word` hold.
    CREATE TABLE indexed (kind TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (kind, path)) STRICT, WITHOUT ROWID;
    CREATE TABLE stream (
        num INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        last INTEGER -- the end of a log that is kept; NULL for a live stream, which ends at its newest entry
    ) STRICT;
    INSERT INTO stream (name, last)
    SELECT id, iif(id GLOB 'live:*', NULL, n) FROM record WHERE kind = 'stream' ORDER BY num;
    INSERT INTO stream (name, last) -- logs whose head was lost
    SELECT stream, iif(stream GLOB 'live:*', NULL, max(n)) FROM entry
    WHERE stream NOT IN (SELECT name FROM stream) GROUP BY stream;
    DELETE FROM record WHERE kind = 'stream';
    ALTER TABLE entry RENAME TO old_entry;
    -- With a rowid: rows of this size would spill out of the pages of an index.
    CREATE TABLE entry (
        stream INTEGER NOT NULL, n INTEGER NOT NULL,
        commit_id ANY, -- of the commit that begins here, NULL within one
        kind TEXT NOT NULL, v INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, shell TEXT NOT NULL,
        payload TEXT, salt ANY, -- NULL once erased
        commitment ANY NOT NULL, prev ANY NOT NULL, hash ANY NOT NULL, -- hex is kept as its bytes
        UNIQUE (stream, n)
    ) STRICT;
    -- Live streams are apart: once erased, they would leave holes between the entries of logs.
    CREATE TABLE live_entry (
        stream INTEGER NOT NULL, n INTEGER NOT NULL, commit_id ANY,
        kind TEXT NOT NULL, v INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, shell TEXT NOT NULL,
        payload TEXT, salt ANY, commitment ANY NOT NULL, prev ANY NOT NULL, hash ANY NOT NULL,
        UNIQUE (stream, n)
    ) STRICT;
    INSERT INTO entry
    SELECT num, n, packed(commit_id), kind, v, at, by, shell, payload, packed(salt), packed(commitment), packed(prev),
        packed(hash)
    FROM stream CROSS JOIN old_entry ON old_entry.stream = name WHERE last IS NOT NULL ORDER BY num, n;
    INSERT INTO live_entry
    SELECT num, n, packed(commit_id), kind, v, at, by, shell, payload, packed(salt), packed(commitment), packed(prev),
        packed(hash)
    FROM stream CROSS JOIN old_entry ON old_entry.stream = name WHERE last IS NULL ORDER BY num, n;
    DROP TABLE old_entry;
    CREATE VIEW head AS
    SELECT num, 'stream' AS kind, name AS id,
        ifnull(last, (SELECT ifnull(max(e.n), 0) FROM live_entry e WHERE e.stream = num)) AS n,
        '{"dirty":false}' AS fields
    FROM stream;
    """,
)
"""Each raises a file by one version; `PRAGMA user_version` counts those that a file has had.

`words_of` gives the words of a record's fields, `packed` the bytes of a hex text.
"""

REWRITTEN = 3
"""The version that writes the whole file anew: nothing else may have an older file open meanwhile."""

WORD = "*"
"""What stands for the words of a record's text in the table `indexed`: it is the path of no field."""

BUSY_MS = 10_000
"""Milliseconds that the opening of a file, and a read, waits for another process."""


def open_writer(path: str) -> apsw.Connection:
    """A connection that may write, to a file of the newest version, which is made or brought up to it.

    The file is for its owner alone. Raises InvalidInput if another program or a newer Rolltop wrote it, StoreRefused or
    Unavailable as `make_private`, and apsw's own errors. A file that has to be rewritten is refused with StoreRefused
    while another process has it open, and with Full if there is no room for it; then it is unchanged.
    """
    created = create(path)
    logged = has_log(path)
    connection = apsw.Connection(path)
    try:
        if connection.readonly("main"):
            raise StoreRefused(no_right(path))
        connection.set_busy_timeout(BUSY_MS)
        with connection:  # one snapshot, because another process may be making the file just now
            rewrite = 0 < _version(connection, path) < REWRITTEN
        if not created and not logged:
            check_log(connection, path)
        if rewrite:
            _take_alone(connection, path)
        else:
            connection.execute("PRAGMA journal_mode = wal")
        for setting in ("synchronous = full", "secure_delete = on", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.create_scalar_function("words_of", _words_of, 1, deterministic=True)
        connection.create_scalar_function("packed", _packed, 1, deterministic=True)
        if _is_current(connection, path):
            return connection
        connection.execute(f"BEGIN {'EXCLUSIVE' if rewrite else 'IMMEDIATE'}")
        for number, script in enumerate(MIGRATIONS[_version(connection, path) :], _version(connection, path) + 1):
            connection.execute(f"{script}; PRAGMA user_version = {number}; PRAGMA application_id = {APPLICATION_ID}")
        _index_orders(connection)
        _index_values(connection)
        connection.execute("COMMIT; PRAGMA locking_mode = normal; PRAGMA journal_mode = wal").fetchall()
    except BaseException:
        if created:
            # Else the file would look as if it had lost its log.
            with suppress(apsw.Error):
                connection.execute("ROLLBACK")
            with suppress(apsw.Error):
                connection.pragma("journal_mode", "delete")
        connection.close()
        raise
    return connection


def check_log(connection: apsw.Connection, path: str) -> None:
    """Raises StoreRefused if the file is that of a store that lived wholly in its log, and the log is missing.

    Call it for a file that had no log beside it before it was opened, and that another process may be making just now.
    """
    until = monotonic() + CREATION
    while (
        connection.pragma("journal_mode") == "wal" and not connection.execute("SELECT count(*) FROM sqlite_schema").get
    ):
        if monotonic() > until:
            raise StoreRefused(
                f"{path} has lost its log: what was written is in {path}-wal until a checkpoint, and that file is "
                f"missing. Put it back beside this one; else {BACK}; remove both if nothing was ever written"
            )
        sleep(0.02)


def _take_alone(connection: apsw.Connection, path: str) -> None:
    """Make sure that the file can be rewritten: there is room, and nothing else has it open."""
    size = os.path.getsize(path)
    # The journal holds each old page until the end, and the file may grow before its old pages are free.
    needed, free = size + size // 2, shutil.disk_usage(os.path.dirname(os.path.abspath(path))).free
    if free < needed:
        raise Full(
            f"{path} has to be rewritten for this Rolltop, which needs {needed} bytes of disk, and {free} are free: "
            "make room, and start again; the file is unchanged"
        )
    # SQLite leaves the WAL only if no other connection has the file open; the lock is then kept until the file is new.
    mode = None
    with suppress(apsw.BusyError):
        connection.execute("PRAGMA locking_mode = exclusive").fetchall()
        mode = connection.execute("PRAGMA journal_mode = delete").get
    if mode != "delete":
        raise StoreRefused(
            f"{path} has to be rewritten for this Rolltop, and another process has it open: stop every process that "
            "uses it, and start again; the file is unchanged"
        )


def _words_of(*columns: object) -> str:
    return joined_words(loads(str(columns[0])))


def _packed(*columns: object) -> str | bytes | None:
    return packed(columns[0]) if isinstance(columns[0], str) else None


def _is_current(connection: apsw.Connection, path: str) -> bool:
    """Whether nothing has to be changed: then a file opens while another process holds the lock."""
    current = False
    with connection:
        if _version(connection, path) == len(MIGRATIONS):
            current = _orders_there(connection) == _orders().keys() and _values_there(connection) == _values()
    return current


def _orders() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The indexes of `INDEXES` by name: the kind and the paths."""
    return {index_name(kind, paths): (kind, paths) for kind, orders in INDEXES.items() for paths in orders}


def _orders_there(connection: apsw.Connection) -> set[str]:
    own = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'record' AND instr(name, '_by_')"
    return {str(name) for (name,) in connection.execute(own)}


def _index_orders(connection: apsw.Connection) -> None:
    """Make the indexes of `INDEXES`, and drop those of an older version: each commit would go on writing them."""
    wanted = _orders()
    for name in _orders_there(connection) - wanted.keys():
        connection.execute(f"DROP INDEX {name}")
    for name, (kind, paths) in wanted.items():
        columns = ", ".join([*(f"fields ->> '$.{path}'" for path in paths), "id"])
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON record ({columns}) WHERE kind = '{kind}'")


def _values() -> set[tuple[str, str]]:
    """What `VALUES` and `WORDS` name, by kind and path."""
    return {(kind, path) for kind, paths in VALUES.items() for path in paths} | {(kind, WORD) for kind in WORDS}


def _values_there(connection: apsw.Connection) -> set[tuple[str, str]]:
    return {(str(kind), str(path)) for kind, path in connection.execute("SELECT kind, path FROM indexed")}


def _index_values(connection: apsw.Connection) -> None:
    """Bring the tables `field` and `word` to what `VALUES` and `WORDS` name, which may be more or less than before."""
    wanted, there = _values(), _values_there(connection)
    for kind, path in there - wanted:
        connection.execute("DELETE FROM indexed WHERE kind = ? AND path = ?", (kind, path))
        if path == WORD:
            connection.execute("DELETE FROM word WHERE rowid IN (SELECT num FROM record WHERE kind = ?)", (kind,))
        else:
            connection.execute("DELETE FROM field WHERE kind = ? AND path = ?", (kind, path))
    connection.executemany("INSERT INTO indexed (kind, path) VALUES (?, ?)", wanted - there)
    for kind in {kind for kind, _ in wanted - there}:
        new = [path for of, path in wanted - there if of == kind]
        for num, fields in connection.execute("SELECT num, fields FROM record WHERE kind = ?", (kind,)):
            values = loads(cast(str, fields))
            connection.executemany(
                "INSERT INTO field (kind, path, value, record) VALUES (?, ?, ?, ?)",
                [(kind, path, value, num) for path, value in leaves(values, new)],
            )
            if WORD in new and (text := joined_words(values)):
                connection.execute("INSERT INTO word (rowid, words) VALUES (?, ?)", (num, text))


def index_name(kind: str, paths: Sequence[str]) -> str:
    """What the index of one of the orders in `INDEXES` is called."""
    return f"{kind}_by_{'_and_'.join(paths)}"


def _version(connection: apsw.Connection, path: str) -> int:
    version, application = connection.pragma("user_version"), connection.pragma("application_id")
    if application != APPLICATION_ID and connection.execute("SELECT count(*) FROM sqlite_schema").get:
        if application == CATALOGUE_ID:
            raise InvalidInput(f"{path} is a catalogue of handbooks, which ROLLTOP_INDEX names, and not a store")
        raise InvalidInput(f"{path} is the database of another program: name another file")
    if cast(int, version) > len(MIGRATIONS):
        raise NewerStore(
            f"{path} was written by a newer Rolltop: it has schema version {version}, and this one knows versions up "
            f"to {len(MIGRATIONS)}. Use the newer one; the file is unchanged"
        )
    return cast(int, version)
