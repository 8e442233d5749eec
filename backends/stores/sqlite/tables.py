"""The tables of the file: how it is opened and brought up to date, and how rows get in and out.

Entries and records are kept as canonical JSON, so that what comes back has the bytes that went in. Every stream has
a record of the kind `stream`, whose n is the stream's end: lists of streams are queries like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import loads
from typing import TypeAlias, cast

import apsw

from backends.private_files import make_private
from backends.stores.matching import MAX_TEXT, SEGMENT, text_words
from core.canonical import Json
from core.clock import iso, moment
from core.errors import Corrupt, InvalidInput
from core.log.indexes import INDEXES
from core.store import Record, Scalar
from core.values import Entry

APPLICATION_ID = 0x526F6C6C
"""`Roll`, in the file's header: this is not another program's database."""

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
)
"""Each raises a file by one version; `PRAGMA user_version` counts those that a file has had.

`words_of` gives the words of a record's fields.
"""

BUSY_MS = 10_000
"""Milliseconds that a writer waits for the writer of another process."""

COLUMNS = "stream, n, kind, v, at, by, shell, payload, salt, commitment, prev, hash"

Bound: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A record made ready before the writer gets it, because all commits share the writer's time."""

    record: Record
    fields: str
    leaves: set[tuple[str, Bound]]
    words: str


def open_writer(path: str) -> apsw.Connection:
    """A connection that may write, to a file of the newest version, which is made or brought up to it.

    The file is for its owner alone. Raises InvalidInput if another program or a newer Rolltop wrote it, StoreRefused or
    Unavailable as `make_private`, and apsw's own errors.
    """
    make_private(path)
    connection = apsw.Connection(path)
    try:
        connection.set_busy_timeout(BUSY_MS)
        with connection:  # one snapshot, because another process may be making the file just now
            _version(connection, path)
        for setting in ("journal_mode = wal", "synchronous = full", "secure_delete = on", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.create_scalar_function("words_of", _words_of, 1, deterministic=True)
        connection.execute("BEGIN IMMEDIATE")
        for number, script in enumerate(MIGRATIONS[_version(connection, path) :], _version(connection, path) + 1):
            connection.execute(f"{script}; PRAGMA user_version = {number}; PRAGMA application_id = {APPLICATION_ID}")
        _index_records(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _index_records(connection: apsw.Connection) -> None:
    """Make the indexes of `INDEXES`, and drop those of an older version: each commit would go on writing them."""
    # `VALUES` needs none: the table `field` holds them.
    wanted = {index_name(kind, paths): (kind, paths) for kind, orders in INDEXES.items() for paths in orders}
    own = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'record' AND instr(name, '_by_')"
    for name in {str(name) for (name,) in connection.execute(own)} - wanted.keys():
        connection.execute(f"DROP INDEX {name}")
    for name, (kind, paths) in wanted.items():
        columns = ", ".join([*(f"fields ->> '$.{path}'" for path in paths), "id"])
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON record ({columns}) WHERE kind = '{kind}'")


def index_name(kind: str, paths: Sequence[str]) -> str:
    """What the index of one of the orders in `INDEXES` is called."""
    return f"{kind}_by_{'_and_'.join(paths)}"


def _version(connection: apsw.Connection, path: str) -> int:
    version, application = connection.pragma("user_version"), connection.pragma("application_id")
    if application != APPLICATION_ID and connection.execute("SELECT count(*) FROM sqlite_schema").get:
        raise InvalidInput(f"{path} is the database of another program")
    if cast(int, version) > len(MIGRATIONS):
        raise InvalidInput(
            f"{path} has schema version {version}, this Rolltop knows {len(MIGRATIONS)}: use a newer one"
        )
    return cast(int, version)


def entry_row(entry: Entry) -> Row:
    """The entry in the order of `COLUMNS`."""
    return (
        entry.stream,
        entry.n,
        entry.kind,
        entry.v,
        iso(entry.at),
        entry.by,
        entry.shell_json.decode(),
        None if entry.erased else entry.payload_json.decode(),
        entry.salt,
        entry.commitment,
        entry.prev,
        entry.hash,
    )


def read_entry(row: Row) -> Entry:
    """The entry of a row of `COLUMNS`. Raises Corrupt if the row cannot be one of this store."""
    stream, n, kind, v, at, by, shell, payload, salt, commitment, prev, own_hash = row
    try:
        return Entry(
            stream=stream,
            n=n,
            kind=kind,
            v=v,
            at=moment(at),
            by=by,
            shell=loads(shell),
            payload=None if payload is None else loads(payload),
            salt=salt,
            commitment=commitment,
            prev=prev,
            hash=own_hash,
        )
    except ValueError as error:
        raise Corrupt(stream, n, "its row cannot be read") from error


def end_of(connection: apsw.Connection, stream: str) -> int:
    """The n of the stream's last entry; 0 if it is empty."""
    end = connection.execute("SELECT n FROM record WHERE kind = 'stream' AND id = ?", (stream,)).get
    return cast(int | None, end) or 0


def head(stream: str, n: int) -> Written:
    """The stream's own record, once it ends at n."""
    return written(Record(kind="stream", id=stream, n=n, fields={"dirty": False}))


def written(record: Record) -> Written:
    """The record made ready for `write_record`."""
    fields = record.fields_json.decode()
    return Written(record, fields, leaves(record.fields), _joined_words(record.fields))


def _words_of(*columns: object) -> str:
    return _joined_words(loads(str(columns[0])))


def _joined_words(fields: Mapping[str, Json]) -> str:
    return " ".join(dict.fromkeys(text_words(fields)))


def read_record(kind: str, record_id: Json, n: Json, fields: Json) -> Record:
    """The record of these columns. Raises Corrupt if they cannot be those of this store."""
    try:
        return Record(kind=kind, id=record_id, n=n, fields=loads(fields))
    except ValueError as error:
        raise Corrupt(f"record {kind}:{record_id}", n, "its row cannot be read") from error


def write_record(connection: apsw.Connection, new: Written, *, repair: bool) -> None:
    """Write the record and its rows in `field` and `word`. It replaces a lower n; `repair` replaces the same n, too."""
    kind, key, n = new.record.kind, new.record.id, new.record.n
    stored = connection.execute("SELECT num, n, fields FROM record WHERE kind = ? AND id = ?", (kind, key)).fetchone()
    if stored is None:
        connection.execute("INSERT INTO record (kind, id, n, fields) VALUES (?, ?, ?, ?)", (kind, key, n, new.fields))
        num, indexed, text = connection.last_insert_rowid(), set(), ""
    else:
        num, old = stored[0], written(read_record(kind, key, stored[1], stored[2]))
        if not (old.record.n < n or (repair and old.record.n == n)):
            return
        connection.execute("UPDATE record SET n = ?, fields = ? WHERE num = ?", (n, new.fields, num))
        indexed, text = old.leaves, old.words
    connection.executemany(
        "DELETE FROM field WHERE kind = ? AND path = ? AND value = ? AND record = ?",
        [(kind, path, value, num) for path, value in indexed - new.leaves],
    )
    connection.executemany(
        "INSERT INTO field (kind, path, value, record) VALUES (?, ?, ?, ?)",
        [(kind, path, value, num) for path, value in new.leaves - indexed],
    )
    if text and text != new.words:
        connection.execute("DELETE FROM word WHERE rowid = ?", (num,))
    if new.words and text != new.words:
        connection.execute("INSERT INTO word (rowid, words) VALUES (?, ?)", (num, new.words))


def forget_head(connection: apsw.Connection, stream: str) -> None:
    """Take the stream out of the list of streams."""
    num = connection.execute("SELECT num FROM record WHERE kind = 'stream' AND id = ?", (stream,)).get
    connection.execute("DELETE FROM field WHERE kind = 'stream' AND path = 'dirty' AND record = ?", (num,))
    connection.execute("DELETE FROM record WHERE num = ?", (num,))


def leaves(fields: Mapping[str, Json]) -> set[tuple[str, Bound]]:
    """The rows of `field` for a record: each top-level scalar, and each scalar of a top-level list, without nulls."""
    rows: set[tuple[str, Bound]] = set()
    for path, value in fields.items():
        if SEGMENT.fullmatch(path):
            items = value if isinstance(value, list | tuple) else [value]
            # A text is cut one past the longest filter: so cut, it compares with each filter as the whole text would.
            rows.update(
                (path, bound(item[: MAX_TEXT + 1] if isinstance(item, str) else item))
                for item in items
                if isinstance(item, str | int | float)
            )
    return rows


def bound(value: Scalar) -> Bound:
    """The scalar as SQLite compares it rightly. A bool becomes a blob, because to SQLite true is 1."""
    return bytes([value]) if isinstance(value, bool) else value
