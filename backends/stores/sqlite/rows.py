"""How entries and records get into rows of the file, and out of them.

A hash, a salt or a commit's id is kept as the bytes that its hex stands for, at half the size; any other text in its
place is kept as it is, so that a damaged log can be copied unchanged.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from json import loads
from typing import TypeAlias

import apsw

from backends.stores.matching import MAX_TEXT, text_words
from core.canonical import Json
from core.clock import iso, moment
from core.errors import Corrupt
from core.log.indexes import VALUES, WORDS
from core.store import Record, Scalar
from core.values import Entry

Bound: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Json, ...]

COLUMNS = "n, kind, v, at, by, shell, payload, salt, commitment, prev, hash"
"""The columns of an entry, but for its stream and its commit."""

VALUES_OF_ENTRY = f"(stream, commit_id, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
"""What follows `INSERT INTO` and the table's name."""


def entries_of(stream: str) -> str:
    """The table with the stream's entries."""
    return "live_entry" if stream.startswith("live:") else "entry"


def packed(text: str) -> str | bytes:
    """The bytes of a text of hex digits; any other text as it is."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return text
    return data if data.hex() == text else text


def _unpacked(value: str | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else value


def entry_row(entry: Entry) -> Row:
    """The entry in the order of `COLUMNS`."""
    return (
        entry.n,
        entry.kind,
        entry.v,
        iso(entry.at),
        entry.by,
        entry.shell_json.decode(),
        None if entry.erased else entry.payload_json.decode(),
        None if entry.salt is None else packed(entry.salt),
        packed(entry.commitment),
        packed(entry.prev),
        packed(entry.hash),
    )


def read_entry(stream: str, row: Row) -> Entry:
    """The entry of a row of `COLUMNS`. Raises Corrupt if the row cannot be one of this store."""
    n, kind, v, at, by, shell, payload, salt, commitment, prev, own_hash = row
    try:
        entry = Entry(
            stream=stream,
            n=n,
            kind=kind,
            v=v,
            at=moment(at),
            by=by,
            shell=loads(shell),
            payload=None if payload is None else loads(payload),
            salt=None if salt is None else _unpacked(salt),
            commitment=_unpacked(commitment),
            prev=_unpacked(prev),
            hash=_unpacked(own_hash),
        )
        # What is stored is what was hashed: to check an entry, it need not be encoded again.
        object.__setattr__(entry, "_shell_json", shell.encode())
        if payload is not None:
            object.__setattr__(entry, "_payload_json", payload.encode())
        return entry
    except ValueError as error:
        raise Corrupt(stream, n, "its row cannot be read") from error


@dataclass(frozen=True, slots=True)
class Written:
    """A record made ready before the writer gets it, because all commits share the writer's time."""

    record: Record
    fields: str
    leaves: set[tuple[str, Bound]]
    words: str


def written(record: Record) -> Written:
    """The record made ready for `write_record`."""
    return Written(record, record.fields_json.decode(), *_indexed(record.kind, record.fields))


def _indexed(kind: str, fields: Mapping[str, Json]) -> tuple[set[tuple[str, Bound]], str]:
    """The rows of `field` and the words that a record of these fields has."""
    return leaves(fields, VALUES.get(kind, ())), joined_words(fields) if kind in WORDS else ""


def joined_words(fields: Mapping[str, Json]) -> str:
    """The words of the record's text, each once, with spaces between."""
    return " ".join(dict.fromkeys(text_words(fields)))


def leaves(fields: Mapping[str, Json], paths: Collection[str]) -> set[tuple[str, Bound]]:
    """The rows of `field` for a record: the scalar at each path, or each scalar of a list there, without nulls."""
    rows: set[tuple[str, Bound]] = set()
    for path in paths:
        value = fields.get(path)
        # A text is cut one past the longest filter: so cut, it compares with each filter as the whole text would.
        rows.update(
            (path, bound(item[: MAX_TEXT + 1] if isinstance(item, str) else item))
            for item in (value if isinstance(value, list | tuple) else (value,))
            if isinstance(item, str | int | float)
        )
    return rows


def bound(value: Scalar) -> Bound:
    """The scalar as SQLite compares it rightly. A bool becomes a blob, because to SQLite true is 1."""
    return bytes([value]) if isinstance(value, bool) else value


def read_record(kind: str, record_id: Json, n: Json, fields: Json) -> Record:
    """The record of these columns. Raises Corrupt if they cannot be those of this store."""
    try:
        return Record(kind=kind, id=record_id, n=n, fields=loads(fields))
    except ValueError as error:
        raise Corrupt(f"record {kind}:{record_id}", n, "its row cannot be read") from error


@cache
def _stored(kind: str) -> tuple[tuple[str, ...], str]:
    """The fields of a kind that are indexed, and a SELECT of a record's num, n and a list of their values."""
    paths = (*VALUES.get(kind, ()), *(("text",) if kind in WORDS else ()))
    # Taken out by SQLite: a record may be large, and these are small.
    values = ", ".join(f"fields -> '$.{path}'" for path in paths)
    return paths, f"SELECT num, n, json_array({values}) FROM record WHERE kind = ? AND id = ?"


def write_record(connection: apsw.Connection, new: Written, *, repair: bool) -> None:
    """Write the record and its rows in `field` and `word`. It replaces a lower n; `repair` replaces the same n, too."""
    kind, key, n = new.record.kind, new.record.id, new.record.n
    paths, select = _stored(kind)
    stored = connection.execute(select, (kind, key)).fetchone()
    indexed: set[tuple[str, Bound]] = set()
    text = ""
    if stored is None:
        connection.execute("INSERT INTO record (kind, id, n, fields) VALUES (?, ?, ?, ?)", (kind, key, n, new.fields))
        num = connection.last_insert_rowid()
    else:
        num, old_n, values = stored
        if not (old_n < n or (repair and old_n == n)):
            return
        connection.execute("UPDATE record SET n = ?, fields = ? WHERE num = ?", (n, new.fields, num))
        indexed, text = _indexed(kind, dict(zip(paths, loads(values), strict=True)))
    if gone := indexed - new.leaves:
        connection.executemany(
            "DELETE FROM field WHERE kind = ? AND path = ? AND value = ? AND record = ?",
            [(kind, path, value, num) for path, value in gone],
        )
    if come := new.leaves - indexed:
        connection.executemany(
            "INSERT INTO field (kind, path, value, record) VALUES (?, ?, ?, ?)",
            [(kind, path, value, num) for path, value in come],
        )
    if text and text != new.words:
        connection.execute("DELETE FROM word WHERE rowid = ?", (num,))
    if new.words and text != new.words:
        connection.execute("INSERT INTO word (rowid, words) VALUES (?, ?)", (num, new.words))
