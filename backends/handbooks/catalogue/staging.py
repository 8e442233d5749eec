"""How a version gets into a catalogue: staged out of sight, and published in one commit once its vectors are there.

If the process is killed in between, search is unchanged, and the next ingest finds the version by its bytes. One ingest
at a time: see `backends.handbooks.catalogue.lock`.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from json import dumps, loads

import apsw
import numpy as np
from numpy.typing import NDArray

from backends.handbooks.catalogue import reading, writing
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.sources import Source, note
from backends.handbooks.catalogue.tables import moved
from backends.handbooks.catalogue.versions import Edition
from backends.handbooks.catalogue.words import settle
from backends.handbooks.documents.cutter import indexed_text
from backends.handbooks.documents.model import ParsedDocument, Terms
from backends.vectors.static.tokens import StaticTokens
from core.clock import iso
from core.words import words

AT_ONCE = 1000
"""Passages that get their token ids in one transaction, for which other writers wait."""


class Staging:
    """The versions' side of a catalogue; all of it blocks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connections = catalogue.connections

    def editions(self, document: str) -> list[Edition]:
        """The document's versions, staged ones too."""
        with self._connections.reading() as connection:
            return reading.editions(connection, document)

    def stage(self, source: Source, parsed: ParsedDocument, tokens: StaticTokens | None) -> int:
        """Write a version that search cannot find yet; its row. Raises InvalidInput if it ends before it begins."""
        texts = [indexed_text(parsed.title, piece.section, piece.text) for piece in parsed.pieces]
        ids = tokens.ids(texts) if tokens else [None] * len(texts)
        with self._connections.writing() as connection:
            row = self._version(connection, source, parsed)
            taken = Counter[str]()
            for ordinal, (piece, text, token_ids) in enumerate(zip(parsed.pieces, texts, ids, strict=True)):
                connection.execute(
                    "INSERT INTO passage (version, ordinal, uid, id, hash, tokens, section, page, start, end, text)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        row,
                        ordinal,
                        _uid(source, ordinal),
                        _readable(source.document, piece.section, taken),
                        _text_hash(text),
                        None if token_ids is None else _packed(token_ids),
                        dumps(piece.section),
                        piece.page,
                        piece.start,
                        piece.end,
                        piece.text,
                    ),
                )
        return row

    def _version(self, connection: apsw.Connection, source: Source, parsed: ParsedDocument) -> int:
        connection.execute(
            "INSERT INTO document (id, root) VALUES (?, ?) ON CONFLICT DO NOTHING", (source.document, source.root)
        )
        names = {one.name for one in reading.editions(connection, source.document)}
        first = parsed.front.version or source.hash[:12]
        name = next(
            one for n in range(1, len(names) + 2) if (one := first if n == 1 else f"{first} ({n})") not in names
        )
        connection.execute(
            "INSERT INTO version (document, hash, at, name, title, kind, pages, front, left_out, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                source.document,
                source.hash,
                iso(self._catalogue.clock.now()),
                name,
                parsed.title,
                parsed.kind,
                parsed.pages,
                parsed.front.model_dump_json(),
                dumps([one.model_dump() for one in parsed.left_out]),
                parsed.text,
            ),
        )
        row = connection.last_insert_rowid()
        writing.check_days(next(one for one in reading.editions(connection, source.document) if one.row == row))
        return row

    def count(self, row: int) -> int:
        """How many passages a version has."""
        with self._connections.reading() as connection:
            return int(str(connection.execute("SELECT count(*) FROM passage WHERE version = ?", (row,)).get))

    def staged(self, document: str) -> list[str]:
        """The ids under which a vector index may hold passages of the document's staged versions."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT uid FROM passage JOIN version ON version.row = version"
                " WHERE document = ? AND published IS NULL AND held IS NOT NULL"
            )
            return [uid for (uid,) in connection.execute(sql, (document,))]

    def drop_staged(self, document: str) -> None:
        """Delete what is staged of a document; and the document itself, if it was never published."""
        with self._connections.writing() as connection:
            among = "(SELECT row FROM version WHERE document = ? AND published IS NULL)"
            connection.execute(f"DELETE FROM passage WHERE version IN {among}", (document,))
            connection.execute("DELETE FROM version WHERE document = ? AND published IS NULL", (document,))
            connection.execute(
                "DELETE FROM document WHERE id = ? AND NOT EXISTS (SELECT 1 FROM version WHERE document = id)",
                (document,),
            )

    def publish(self, row: int, source: Source, terms: Terms, by: str) -> str:
        """Let a version answer from its day on, in place of those before it; its name.

        A removed document comes back with it. Raises InvalidInput if the version would end before it begins.
        """
        now = self._catalogue.clock.now()
        day = now.date().isoformat()
        with self._connections.writing() as connection:
            others = [one for one in reading.editions(connection, source.document) if one.published is not None]
            if others and row not in {one.row for one in others}:
                _carry_over(connection, max(others, key=lambda one: one.published or 0).row, row)
                connection.execute("UPDATE version SET since = ? WHERE row = ?", (day, row))
            last = connection.execute("SELECT ifnull(max(published), 0) FROM version").get
            connection.execute(
                "UPDATE version SET published = ?, day = ?, withdrawn = NULL WHERE row = ?",
                (int(str(last)) + 1, day, row),
            )
            connection.execute(
                "UPDATE document SET removed = NULL, root = ? WHERE id = ?", (source.root, source.document)
            )
            note(connection, source, document=source.document)
            writing.say(connection, source.document, terms, by, iso(now))
            settle(connection, source.document)
            return str(connection.execute("SELECT name FROM version WHERE row = ?", (row,)).get)

    def remove(self, document: str, by: str) -> bool:
        """Take a document out of search; whether search could find it before."""
        if not any(one.published and not one.removed for one in self.editions(document)):
            return False
        with self._connections.writing() as connection:
            writing.remove(connection, document, by, iso(self._catalogue.clock.now()))
        return True

    def tokenize(self, tokens: StaticTokens) -> None:
        """Give every passage the token ids of this table, unless it has them."""
        with self._connections.writing() as connection:
            if connection.execute("SELECT value FROM meta WHERE key = 'tokens'").get != tokens.fingerprint:
                connection.execute("REPLACE INTO meta VALUES ('tokens', ?)", (tokens.fingerprint,))
                connection.execute("UPDATE passage SET tokens = NULL")
        while lacking := self._without_tokens():
            ids = tokens.ids([indexed_text(title, loads(section), text) for _, title, section, text in lacking])
            packed = [(_packed(one), row) for one, (row, *_) in zip(ids, lacking, strict=True)]
            with self._connections.writing() as connection:
                connection.executemany("UPDATE passage SET tokens = ? WHERE row = ?", packed)
                moved(connection)

    def _without_tokens(self) -> list[reading.Row]:
        with self._connections.reading() as connection:
            return connection.execute(
                "SELECT passage.row, title, section, passage.text FROM passage JOIN version ON version.row = version"
                " WHERE tokens IS NULL LIMIT ?",
                (AT_ONCE,),
            ).fetchall()


def _carry_over(connection: apsw.Connection, before: int, row: int) -> None:
    """Copy a knowledge owner's days to the next version, as long as its front matter gives the same days."""
    sql = "SELECT front, said FROM version WHERE row = ?"
    (old, days), (new, _) = (connection.execute(sql, (one,)).fetchone() or ("{}", "{}") for one in (before, row))
    fronts = loads(str(old)), loads(str(new))
    carried = {name: value for name, value in loads(str(days)).items() if fronts[0].get(name) == fronts[1].get(name)}
    connection.execute("UPDATE version SET said = ? WHERE row = ?", (dumps(carried), row))


def _uid(source: Source, ordinal: int) -> str:
    return sha256("\0".join((source.document, source.hash, str(ordinal))).encode()).hexdigest()[:32]


def _text_hash(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]


def _readable(document: str, trail: Sequence[str], taken: Counter[str]) -> str:
    slug = f"{document}#{'-'.join(words(trail[-1])) if trail else 'start'}"
    while True:
        taken[slug] += 1
        uid = slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"
        if uid == slug or uid not in taken:
            taken[uid] += uid != slug
            return uid


def _packed(ids: NDArray[np.uint32]) -> bytes:
    return ids.astype(np.uint32).tobytes()
