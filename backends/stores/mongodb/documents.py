"""How a commit and a record become documents, and how they come back byte for byte.

JSON is kept as MongoDB's own documents, lists and values, so that its shell can show and find them. There are two
exceptions. A character in a key that means something to MongoDB is escaped with a percent sign, as in a URL. And a
document ends at 16 MB, where a list of small numbers takes six times the bytes that it has as JSON: what would be too
large is kept as its canonical JSON, under a key that escaping cannot produce.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from json import loads
from typing import TypeAlias
from urllib.parse import unquote

import bson

from backends.stores.matching import MAX_WORDS, text_words
from core.canonical import Json, canonical
from core.clock import milliseconds
from core.errors import Corrupt
from core.log.indexes import VALUES
from core.store import Record
from core.values import Entry

Document: TypeAlias = dict[str, Json]

AS_TEXT = "%json"
"""The only key of what is kept as canonical JSON. Escaping would put two digits behind the percent sign."""
ANY_WORD = "%"
"""Stands in `words` for all the words of a text that has too many. It cannot be a word itself."""
ROOMY = 15 * 1024 * 1024
"""Bytes of BSON up to which everything is kept native. The rest up to 16 MB is for what the driver adds."""

_SPECIAL = re.compile(r"[%.$\x00]")


def commit_document(stream: str, entries: Sequence[Entry], commit_id: str, *, dirty: bool) -> Document:
    """The one document that this commit becomes. `dirty` is 0 or 1, and never absent: an index holds it."""
    return _fitting(
        lambda keep: {
            "stream": stream,
            "n": entries[0].n,
            "last": entries[-1].n,
            "id": commit_id,
            "dirty": int(dirty),
            "entries": [_entry_document(entry, keep) for entry in entries],
        }
    )


def _entry_document(entry: Entry, keep: Callable[[Json], Json]) -> Document:
    return {
        "n": entry.n,
        "kind": entry.kind,
        "v": entry.v,
        "at": entry.at,
        "by": entry.by,
        "shell": keep(entry.shell),
        "payload": None if entry.erased else keep(entry.payload),
        "salt": entry.salt,
        "commitment": entry.commitment,
        "prev": entry.prev,
        "hash": entry.hash,
    }


def read_commit(document: Document) -> list[Entry]:
    """The commit's entries. Raises Corrupt if the document cannot be one of this store."""
    stream, n, last = document["stream"], document["n"], document["last"]
    try:
        entries = [_read_entry(stream, one) for one in document["entries"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Corrupt(stream, n, "its document cannot be read") from error
    if [entry.n for entry in entries] != list(range(n, last + 1)):
        raise Corrupt(stream, n, f"its commit does not hold entries {n} to {last}")
    return entries


def _read_entry(stream: str, document: Document) -> Entry:
    at: datetime = document["at"]
    return Entry(
        stream=stream,
        n=int(document["n"]),
        kind=document["kind"],
        v=int(document["v"]),
        at=milliseconds(at),
        by=document["by"],
        shell=read(document["shell"]),
        payload=read(document["payload"]),
        salt=document["salt"],
        commitment=document["commitment"],
        prev=document["prev"],
        hash=document["hash"],
    )


def record_fields(record: Record) -> Document:
    """What is written of a record beside its id.

    Its own scalars and the lists that are indexed are native in any case, so that filters find them.
    """
    indexed = VALUES.get(record.kind, ())

    def document(keep: Callable[[Json], Json]) -> Document:
        distinct = list(dict.fromkeys(word[:MAX_WORDS] for word in text_words(record.fields)))
        return {
            "n": record.n,
            "fields": {
                escaped(name): native(value) if name in indexed else keep(value)
                for name, value in record.fields.items()
            },
            "words": distinct if keep is native else [ANY_WORD],
        }

    return _fitting(document)


def read_record(kind: str, document: Document) -> Record:
    """The record of a document. Raises Corrupt if the document cannot be one of this store."""
    try:
        return Record(kind=kind, id=document["_id"], n=int(document["n"]), fields=read(document["fields"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"record {kind}:{document.get('_id')}", 0, "its document cannot be read") from error


def _fitting(document: Callable[[Callable[[Json], Json]], Document]) -> Document:
    made = document(native)
    return made if len(bson.encode(made)) <= ROOMY else document(as_text)


def native(value: Json) -> Json:
    """A JSON value as MongoDB's own."""
    match value:
        case Mapping():
            return {escaped(key): native(item) for key, item in value.items()}
        case list() | tuple():
            return [native(item) for item in value]
        case _:
            return value


def as_text(value: Json) -> Json:
    """A JSON value whose lists and objects, which is where BSON grows, are canonical JSON."""
    return {AS_TEXT: canonical(value).decode()} if isinstance(value, Mapping | list | tuple) else value


def read(value: Json) -> Json:
    """The JSON value that `native` or `as_text` was given."""
    match value:
        case Mapping():
            if AS_TEXT in value:
                return loads(value[AS_TEXT])
            return {_unescaped(key): read(item) for key, item in value.items()}
        case list():
            return [read(item) for item in value]
        case int() if not isinstance(value, bool):
            return int(value)  # bson's own class for 64 bits does not leave this file
        case _:
            return value


def escaped(key: str) -> str:
    """The key without what MongoDB gives a meaning to: dots, dollars, NUL, and emptiness."""
    return _SPECIAL.sub(lambda special: f"%{ord(special[0]):02X}", key) if key else "%"


def _unescaped(key: str) -> str:
    return "" if key == "%" else unquote(key) if "%" in key else key
