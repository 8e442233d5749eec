"""How rows of a catalogue become versions, passages and arrays."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from json import dumps, loads
from typing import TypeAlias

import apsw
import numpy as np

from backends.handbooks.catalogue.versions import Edition, PassageTable
from backends.handbooks.documents.model import Terms
from backends.vectors.contracts import Vectors
from core.canonical import Json
from core.clock import moment
from core.values import Passage

Row: TypeAlias = tuple[Json, ...]

_EDITIONS = """
    SELECT version.row, document, name, title, kind, hash, at, published, day, since, front, version.said,
        document.said, ifnull(removed, withdrawn), root
    FROM version JOIN document ON document.id = document
"""
_PASSAGES = 'SELECT row, version, id, section, page, start, "end", text FROM passage'


def embedder(connection: apsw.Connection) -> tuple[str, int] | None:
    """The name and dimension of the embedder whose vectors the catalogue holds; None before the first vector."""
    value = connection.execute("SELECT value FROM meta WHERE key = 'embedder'").get
    if value is None:
        return None
    name, dimension = loads(str(value))
    return name, dimension


def editions(connection: apsw.Connection, document: str | None = None) -> list[Edition]:
    """All versions, staged ones too, or those of one document, in the order in which they were staged."""
    where, values = ("", ()) if document is None else (" WHERE document = ?", (document,))
    return [_edition(row) for row in connection.execute(f"{_EDITIONS}{where} ORDER BY version.row", values)]


def edition(connection: apsw.Connection, row: int) -> Edition | None:
    """The version of this row, None if it does not exist."""
    found = connection.execute(f"{_EDITIONS} WHERE version.row = ?", (row,)).fetchone()
    return _edition(found) if found else None


def _edition(columns: Sequence[Json]) -> Edition:
    row, document, name, title, kind, digest, at, published, day, since, front, dated, lasting, removed, root = columns
    # The owner's word on the document and on this version's days goes before the front matter's.
    fields: dict[str, Json] = loads(front) | loads(lasting) | loads(dated)
    terms = Terms.model_validate({name: fields[name] for name in Terms.model_fields if name in fields})
    return Edition(
        row=row,
        document=document,
        name=name,
        title=title,
        kind=kind,
        hash=digest,
        at=moment(at),
        published=published,
        day=_day(day),
        start=terms.effective or _day(since) or date.min,
        terms=terms,
        removed=removed is not None,
        root=root,
    )


def passages(
    connection: apsw.Connection, versions: Mapping[int, Edition], where: str, values: Sequence[str | int]
) -> Iterator[tuple[int, Passage]]:
    """Passages of these versions, with their rows. `where` may end in an ORDER BY."""
    for row, version, uid, section, page, start, end, text in connection.execute(f"{_PASSAGES} {where}", values):
        edition = versions[version]
        yield (
            row,
            Passage(
                id=uid,
                document=edition.document,
                title=edition.title,
                section=loads(section),
                version=edition.name,
                effective=_iso(edition.terms.effective),
                until=_iso(edition.terms.until),
                audience=edition.terms.audience,
                page=page,
                start=start,
                end=end,
                text=text,
                score=0.0,
            ),
        )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def table(connection: apsw.Connection, revision: int) -> PassageTable:
    """Every passage that can be found."""
    by = embedder(connection)
    rows: list[Row] = connection.execute(
        """
        SELECT passage.row, version, tokens, value
        FROM passage JOIN version ON version.row = version AND findable
        LEFT JOIN vector ON held IS NOT NULL AND embedder = ? AND vector.hash = passage.hash
        ORDER BY passage.row
        """,
        (by[0] if by else "",),
    ).fetchall()
    matrix = _matrix([row[3] for row in rows], by[1]) if by else None
    tokens = [np.frombuffer(row[2] or b"", np.uint32) for row in rows]
    return PassageTable(
        revision=revision,
        rows=np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        versions=np.fromiter((row[1] for row in rows), np.int64, len(rows)),
        tokens=np.concatenate(tokens) if tokens else np.zeros(0, np.uint32),
        offsets=np.fromiter(chain((0,), np.cumsum([len(one) for one in tokens])), np.int64, len(rows) + 1),
        matrix=matrix,
        near=None if matrix is None else np.asarray(matrix.any(axis=1), np.bool_),
    )


def _matrix(vectors: Sequence[bytes | None], dimension: int) -> Vectors:
    nothing = bytes(4 * dimension)
    joined = b"".join(vector or nothing for vector in vectors)
    return np.frombuffer(joined, np.float32).reshape(len(vectors), dimension)


def mapped(connection: apsw.Connection, sql: str, values: tuple[str, ...] = ()) -> dict[Json, Json]:
    """The second column by the first."""
    rows: list[Row] = connection.execute(sql, values).fetchall()
    return {key: value for key, value in rows}


def listed(values: Sequence[str | int]) -> str:
    """The values as one parameter, for `IN (SELECT value FROM json_each(?))`: SQLite limits how many there may be."""
    return dumps(list(values))
