"""Entries and records as MongoDB keeps them: native documents, readable in a shell.

A key may hold anything in JSON and little in MongoDB, so `%`, `.`, `$` and NUL are written as `%25` and the like, in
keys only. A large list or object stands as JSON text instead: a document holds 16 MB, and the numbers of a long list
take several times their length in JSON there.
"""

import re
from collections.abc import Mapping, Sequence
from json import loads
from typing import TypeAlias

from bson import encode

from backends.matching import text_words
from core.canonical import Json, canonical
from core.clock import iso, moment
from core.errors import Corrupt
from core.log import Entry
from core.store import Record

Document: TypeAlias = dict[str, Json]

MAX_NATIVE = 1024 * 1024
"""Bytes of BSON up to which a list or an object is kept as one, rather than as text."""

_TEXT = "%json"
"""The key of a value kept as text; no escaped key can be it."""

_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_SPECIAL = re.compile(r"[%.$\x00]")


def commit_document(stream: str, entries: Sequence[Entry], id: str, *, dirty: bool, most: int = MAX_NATIVE) -> Document:
    """The one document that a commit is. With `most` 0 every payload is text, and what a store takes always fits."""
    return {
        "_id": f"{stream}/{entries[0].n}",
        "stream": stream,
        "n": entries[0].n,
        "last": entries[-1].n,
        "id": id,
        "dirty": int(dirty),
        "entries": [_entry(entry, most) for entry in entries],
    }


def read_entries(document: Document) -> list[Entry]:
    """The entries of a commit. Raises Corrupt for a document that nothing here wrote."""
    stream, n = document["stream"], document["n"]
    try:
        entries = [_read_entry(stream, number, fields) for number, fields in enumerate(document["entries"], n)]
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(stream, n, "its document cannot be read") from error
    if len(entries) != document["last"] - n + 1:
        raise Corrupt(stream, n, "its document does not hold the entries it should")
    return entries


def record_document(record: Record, *, most: int = MAX_NATIVE) -> Document:
    """A record, with the words of its text as a list that an index can hold. `most` as in `commit_document`."""
    return {
        "kind": record.kind,
        "id": record.id,
        "n": record.n,
        "fields": {_escape(key): native(value, most) for key, value in record.fields.items()},
        "words": sorted(set(text_words(record))),
    }


def read_record(document: Document) -> Record:
    """The record of a document. Raises Corrupt for one that nothing here wrote."""
    try:
        return Record(kind=document["kind"], id=document["id"], n=document["n"], fields=plain(document["fields"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"record {document.get('_id')}", 0, "its document cannot be read") from error


def native(value: Json, most: int) -> Json:
    """A JSON value as MongoDB keeps it: as text, where it is a list or an object of more than `most` bytes."""
    escaped = _native(value)
    if isinstance(escaped, dict | list) and len(encode({"": escaped})) > most:
        return {_TEXT: canonical(value).decode()}
    return escaped


def plain(value: Json) -> Json:
    """What `native` was given."""
    if isinstance(value, Mapping):
        if value.keys() == {_TEXT}:
            return loads(value[_TEXT])
        return {_ESCAPED.sub(lambda m: chr(int(m[1], 16)), key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    # The driver's own kind of integer is one to Python, and none to an `is`.
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _native(value: Json) -> Json:
    match value:
        case dict():
            return {_escape(key): _native(item) for key, item in value.items()}
        case list() | tuple():
            return [_native(item) for item in value]
        case _:
            return value


def _escape(key: str) -> str:
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", key)


def _entry(entry: Entry, most: int) -> Document:
    return {
        "kind": entry.kind,
        "v": entry.v,
        "at": iso(entry.at),
        "by": entry.by,
        "shell": native(entry.shell, most),
        "payload": None if entry.erased else native(entry.payload, most),
        "salt": entry.salt,
        "commitment": entry.commitment,
        "prev": entry.prev,
        "hash": entry.hash,
    }


def _read_entry(stream: str, n: int, fields: Document) -> Entry:
    return Entry(
        stream=stream,
        n=n,
        kind=fields["kind"],
        v=fields["v"],
        at=moment(fields["at"]),
        by=fields["by"],
        shell=plain(fields["shell"]),
        payload=plain(fields["payload"]),
        salt=fields["salt"],
        commitment=fields["commitment"],
        prev=fields["prev"],
        hash=fields["hash"],
    )
