"""Changes of a catalogue, each within a transaction of the caller."""

from collections.abc import Mapping, Sequence
from json import dumps, loads

import apsw

from backends.handbooks.catalogue.reading import editions, listed
from backends.handbooks.catalogue.tables import moved
from backends.handbooks.catalogue.versions import Edition
from backends.handbooks.catalogue.words import settle
from backends.handbooks.documents.model import Terms
from core.canonical import Json
from core.errors import InvalidInput, NotFound

DATES = ("effective", "until")
"""The fields of `Terms` that are kept with a version; the others are kept with its document."""

_SEEN = """
    SELECT 1 FROM passage JOIN version ON version.row = version AND findable
    WHERE uid IN (SELECT value FROM json_each(?)) LIMIT 1
"""


def newest(connection: apsw.Connection, document: str) -> Edition:
    """The version of a document that was published last. Raises NotFound before the first publication."""
    published = [one for one in editions(connection, document) if one.published is not None]
    if not published:
        raise NotFound("document", document)
    return max(published, key=lambda one: one.published or 0)


def say(connection: apsw.Connection, document: str, terms: Terms, by: str, at: str) -> None:
    """Let these terms go before the front matter's, and put what is new in them on record.

    Raises NotFound for an unknown document, InvalidInput if the newest version would end before it begins.
    """
    edition = newest(connection, document)
    values = terms.model_dump(mode="json", include=terms.model_fields_set)
    new = {name: value for name, value in values.items() if _is_new(connection, edition, name, value)}
    if not new:
        return
    dated = {name: value for name, value in new.items() if name in DATES}
    lasting = {name: value for name, value in new.items() if name not in DATES}
    _add(connection, "version", "row", edition.row, dated)
    _add(connection, "document", "id", document, lasting)
    connection.execute(
        "INSERT INTO change (at, by, document, version, what) VALUES (?, ?, ?, ?, ?)",
        (at, by, document, edition.row if dated else None, dumps(new)),
    )
    check_days(newest(connection, document))
    settle(connection, document)


def check_days(edition: Edition) -> None:
    """Raises InvalidInput if the version ends before it begins."""
    effective, until = edition.terms.effective, edition.terms.until
    if until and effective and until < effective:
        raise InvalidInput(f"{edition.document} would end on {until}, before {effective}, when it comes into force")


def remove(connection: apsw.Connection, document: str, by: str, at: str) -> None:
    """Take a document with all its versions out of search. Idempotent. Raises NotFound."""
    newest(connection, document)
    connection.execute("UPDATE document SET removed = ? WHERE id = ? AND removed IS NULL", (at, document))
    if connection.changes():
        connection.execute(
            "INSERT INTO change (at, by, document, what) VALUES (?, ?, ?, ?)",
            (at, by, document, dumps({"removed": True})),
        )
        settle(connection, document)


def withdraw(connection: apsw.Connection, rows: Sequence[int], by: str, at: str) -> None:
    """Take these versions out of search. Idempotent."""
    documents: dict[str, None] = {}
    chosen = set(rows)
    for edition in editions(connection):
        if edition.row in chosen and not edition.removed:
            connection.execute("UPDATE version SET withdrawn = ? WHERE row = ?", (at, edition.row))
            connection.execute(
                "INSERT INTO change (at, by, document, version, what) VALUES (?, ?, ?, ?, ?)",
                (at, by, edition.document, edition.row, dumps({"withdrawn": True})),
            )
            documents[edition.document] = None
    for document in documents:
        settle(connection, document)


def hold(connection: apsw.Connection, embedder: str | None, uids: Sequence[str]) -> None:
    """Note by whose embedding a vector index holds these passages; None if it has lost them."""
    connection.executemany("UPDATE passage SET held = ? WHERE uid = ?", [(embedder, uid) for uid in uids])
    if connection.execute(_SEEN, (listed(uids),)).get:
        moved(connection)


def _is_new(connection: apsw.Connection, edition: Edition, name: str, value: Json) -> bool:
    table, key, row_id = ("version", "row", edition.row) if name in DATES else ("document", "id", edition.document)
    before = loads(str(connection.execute(f"SELECT said FROM {table} WHERE {key} = ?", (row_id,)).get))
    return name not in before or bool(before[name] != value)


def _add(connection: apsw.Connection, table: str, key: str, row_id: int | str, values: Mapping[str, Json]) -> None:
    before = connection.execute(f"SELECT said FROM {table} WHERE {key} = ?", (row_id,)).get
    connection.execute(
        f"UPDATE {table} SET said = ? WHERE {key} = ?", (dumps(loads(str(before)) | dict(values)), row_id)
    )
