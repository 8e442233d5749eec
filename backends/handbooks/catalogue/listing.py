"""The documents of a catalogue as a knowledge owner sees them, also those that search cannot find any more."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from json import loads

import apsw

from backends.handbooks.catalogue.reading import editions
from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord, Edition, VersionRecord, answering, state
from core.clock import moment


def list_documents(connection: apsw.Connection, today: date, document: str | None = None) -> list[DocumentRecord]:
    """Every document, by id, or only the one of this id."""
    only = "" if document is None else "WHERE version IN (SELECT row FROM version WHERE document = ?)"
    counted = f"SELECT version, count(*) FROM passage {only} GROUP BY version"
    counts = dict(connection.execute(counted, () if document is None else (document,)))
    by_document = defaultdict[str, list[Edition]](list)
    for edition in editions(connection, document):
        by_document[edition.document].append(edition)
    return [_document(versions, counts, today) for _, versions in sorted(by_document.items())]


def list_changes(connection: apsw.Connection, document: str) -> list[ChangeRecord]:
    """The changes of a document, the newest first."""
    rows = connection.execute(
        "SELECT at, by, version, what FROM change WHERE document = ? ORDER BY n DESC", (document,)
    )
    return [
        ChangeRecord(at=moment(at), by=by, document=document, version=version, what=loads(what))
        for at, by, version, what in rows
    ]


def _document(versions: Sequence[Edition], counts: dict[int, int], today: date) -> DocumentRecord:
    newest = sorted(versions, key=lambda one: (one.published is None, one.published or 0, one.row), reverse=True)
    now = answering(versions, today)
    shown = now or max(versions, key=lambda one: (one.published or 0, one.row))
    return DocumentRecord(
        id=shown.document,
        title=shown.title,
        kind=shown.kind,
        terms=shown.terms,
        versions=tuple(_version(one, versions, counts, today) for one in newest),
        passages=counts.get(now.row, 0) if now else 0,
        source=shown.root,
        ingested_at=max(one.at for one in versions),
    )


def _version(edition: Edition, versions: Sequence[Edition], counts: dict[int, int], today: date) -> VersionRecord:
    return VersionRecord(
        row=edition.row,
        name=edition.name,
        title=edition.title,
        kind=edition.kind,
        hash=edition.hash,
        terms=edition.terms,
        state=state(edition, versions, today),
        passages=counts.get(edition.row, 0),
        at=edition.at,
    )
