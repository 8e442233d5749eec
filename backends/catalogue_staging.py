"""How a version gets into a catalogue: staged out of sight, its vectors kept batch by batch, published in one commit.

Whoever is killed anywhere in between has changed nothing that a search sees, and whoever comes next finds what is
there already: versions by their bytes, vectors by their text. For one ingest at a time (`backends.ingest_lock`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps, loads

import apsw
import numpy as np

from backends import catalogue_reading as reading
from backends import catalogue_writing as writing
from backends.catalogue import Catalogue
from backends.catalogue_records import Edition
from backends.catalogue_tables import moved
from backends.catalogue_words import settle
from backends.documents import ParsedDocument
from backends.embedding import Item, Vectors
from backends.pieces import indexed_text
from backends.static_tokens import StaticTokens
from core.canonical import Json
from core.clock import iso
from core.errors import InvalidInput
from core.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a document came from: the file `name` of the folder `root`; the content's hash. An upload has no root."""

    document: str
    name: str
    hash: str
    root: str | None = None


class Staging:
    """What an ingest does to a catalogue; all of it blocks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connections = catalogue.connections

    def seen(self, source: Source) -> bool:
        """Whether the folder's file was like this when it was last taken in, whatever became of its document since."""
        with self._connections.reading() as connection:
            sql = "SELECT hash FROM source WHERE root = ? AND name = ?"
            return bool(connection.execute(sql, (source.root, source.name)).get == source.hash)

    def note(self, source: Source, *, document: bool = True) -> None:
        """Remember the folder's file as it is; one that is no `document` is not read again until it changes."""
        with self._connections.writing() as connection:
            _note(connection, source, source.document if document else None)

    def editions(self, document: str) -> list[Edition]:
        """The document's versions, staged ones too."""
        with self._connections.reading() as connection:
            return reading.editions(connection, document)

    def stage(self, source: Source, parsed: ParsedDocument, tokens: StaticTokens | None) -> int:
        """Write a version down, out of sight; its row. Raises InvalidInput for one that ends before it begins."""
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
                        None if token_ids is None else token_ids.astype(np.uint32).tobytes(),
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
            "INSERT INTO version (document, hash, at, name, title, kind, pages, front, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                source.document,
                source.hash,
                iso(self._catalogue.clock.now()),
                name,
                parsed.title,
                parsed.kind,
                parsed.pages,
                parsed.front.model_dump_json(),
                parsed.text,
            ),
        )
        row = connection.last_insert_rowid()
        writing.check_days(next(one for one in reading.editions(connection, source.document) if one.row == row))
        return row

    def staged(self, document: str, *, but: str = "") -> list[str]:
        """The ids under which a vector index may hold passages of staged versions of it, `but` that of this hash."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT uid FROM passage JOIN version ON version.row = version"
                " WHERE document = ? AND published IS NULL AND version.hash <> ? AND held IS NOT NULL"
            )
            return [uid for (uid,) in connection.execute(sql, (document, but))]

    def drop_staged(self, document: str, *, but: str = "") -> None:
        """Forget what is staged of a document, `but` the version of this hash; and the document, if it has no other."""
        with self._connections.writing() as connection:
            sql = "SELECT row FROM version WHERE document = ? AND published IS NULL AND hash <> ?"
            for (row,) in connection.execute(sql, (document, but)).fetchall():
                connection.execute("DELETE FROM passage WHERE version = ?", (row,))
                connection.execute("DELETE FROM version WHERE row = ?", (row,))
            connection.execute(
                "DELETE FROM document WHERE id = ? AND NOT EXISTS (SELECT 1 FROM version WHERE document = id)",
                (document,),
            )

    def lacking(self, embedder: str, versions: Sequence[int]) -> list[tuple[bytes, str]]:
        """The texts of these versions that have no vector of the embedder yet, each once, with their hashes."""
        with self._connections.reading() as connection:
            rows: list[reading.Row] = connection.execute(
                """
                SELECT passage.hash, title, section, passage.text
                FROM passage JOIN version ON version.row = version
                WHERE version IN (SELECT value FROM json_each(?))
                    AND NOT EXISTS (SELECT 1 FROM vector WHERE embedder = ? AND vector.hash = passage.hash)
                ORDER BY passage.row
                """,
                (reading.listed(versions), embedder),
            ).fetchall()
        return list(
            {hash: (hash, indexed_text(title, loads(section), text)) for hash, title, section, text in rows}.values()
        )

    def keep(self, embedder: str, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep the vectors of these texts. Raises InvalidInput where the catalogue's are of another length."""
        with self._connections.writing() as connection:
            known = reading.embedder(connection)
            if known is None:
                connection.execute("INSERT INTO meta VALUES ('embedder', ?)", (dumps([embedder, vectors.shape[1]]),))
            elif known[0] == embedder and known[1] != vectors.shape[1]:
                raise InvalidInput(f"{embedder} gave {vectors.shape[1]} dimensions, the index has {known[1]}: re-index")
            connection.executemany(
                "INSERT INTO vector (embedder, hash, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(embedder, hash, row.astype(np.float32).tobytes()) for hash, row in zip(hashes, vectors, strict=True)],
            )

    def switch(self, embedder: str, dimension: int) -> None:
        """Let search go over to the vectors of another embedder, which are all kept already."""
        with self._connections.writing() as connection:
            connection.execute("REPLACE INTO meta VALUES ('embedder', ?)", (dumps([embedder, dimension]),))
            connection.execute("DELETE FROM vector WHERE embedder <> ?", (embedder,))
            moved(connection)

    def items(self, embedder: str | None, versions: Sequence[int]) -> list[Item]:
        """These versions' passages for a vector index, with the embedder's vectors, where it has made them."""
        with self._connections.reading() as connection:
            rows: list[reading.Row] = connection.execute(
                """
                SELECT uid, version, document, title, section, passage.text, value
                FROM passage JOIN version ON version.row = version
                LEFT JOIN vector ON embedder = ? AND vector.hash = passage.hash
                WHERE version IN (SELECT value FROM json_each(?)) ORDER BY passage.row
                """,
                (embedder or "", reading.listed(versions)),
            ).fetchall()
        return [
            Item(
                id=uid,
                version=version,
                text=indexed_text(title, loads(section), text),
                vector=None if value is None else np.frombuffer(value, np.float32),
                metadata={"document": document},
            )
            for uid, version, document, title, section, text, value in rows
        ]

    def hold(self, embedder: str | None, uids: Iterable[str]) -> None:
        """Note that a vector index has these, or is about to get them."""
        with self._connections.writing() as connection:
            writing.hold(connection, embedder or "", list(uids))

    def let_go(self, uids: Iterable[str]) -> None:
        """Note that a vector index no longer has these."""
        with self._connections.writing() as connection:
            writing.hold(connection, None, list(uids))

    def findable(self) -> list[int]:
        """The rows of all versions that can be found."""
        with self._connections.reading() as connection:
            return [row for (row,) in connection.execute("SELECT row FROM version WHERE findable ORDER BY row")]

    def unheld(self, embedder: str | None) -> list[int]:
        """The rows of the versions that can be found and of which a vector index lacks passages of this embedder."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT DISTINCT version FROM passage JOIN version ON version.row = version"
                " WHERE findable AND held IS NOT ? ORDER BY version"
            )
            return [row for (row,) in connection.execute(sql, (embedder or "",))]

    def stale(self) -> list[str]:
        """The ids of passages that a vector index holds and nobody may find any more."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT uid FROM passage JOIN version ON version.row = version"
                " WHERE held IS NOT NULL AND NOT findable AND published IS NOT NULL"
            )
            return [uid for (uid,) in connection.execute(sql)]

    def publish(self, row: int, source: Source, said: Mapping[str, Json], by: str) -> None:
        """Let a version answer from its day on, in place of those before it; a removed document is back with it."""
        now = self._catalogue.clock.now()
        day, at = now.date().isoformat(), iso(now)
        with self._connections.writing() as connection:
            last = connection.execute("SELECT max(published) FROM version").get or 0
            others = [one for one in reading.editions(connection, source.document) if one.published is not None]
            if others and row not in {one.row for one in others}:
                _carry_over(connection, max(others, key=lambda one: one.published or 0).row, row)
                connection.execute("UPDATE version SET since = ? WHERE row = ?", (day, row))
            connection.execute("UPDATE version SET published = ?, day = ? WHERE row = ?", (int(last) + 1, day, row))
            connection.execute(
                "UPDATE document SET removed = NULL, root = ? WHERE id = ?", (source.root, source.document)
            )
            if source.root is not None:
                _note(connection, source, source.document)
            if said:
                writing.say(connection, source.document, said, by, at)
            else:
                settle(connection, source.document)

    def gone(self, root: str, under: str, documents: Iterable[str]) -> list[str]:
        """The documents that came from `under` in this folder and are not among those that are there now."""
        there = set(documents)
        with self._connections.reading() as connection:
            known = connection.execute("SELECT id FROM document WHERE root = ? AND removed IS NULL", (root,))
            return [id for (id,) in known if id not in there and id.startswith(under)]

    def forget(self, root: str, under: str, names: Iterable[str]) -> None:
        """Remember no file `under` this folder but these: one that comes back is new."""
        there = set(names)
        with self._connections.writing() as connection:
            known = [name for (name,) in connection.execute("SELECT name FROM source WHERE root = ?", (root,))]
            lost = [(root, name) for name in known if name.startswith(under) and name not in there]
            connection.executemany("DELETE FROM source WHERE root = ? AND name = ?", lost)

    def roots(self) -> list[str]:
        """The folders that documents came from."""
        with self._connections.reading() as connection:
            sql = "SELECT DISTINCT root FROM source UNION SELECT root FROM document WHERE root IS NOT NULL"
            return [root for (root,) in connection.execute(sql)]


def _note(connection: apsw.Connection, source: Source, document: str | None) -> None:
    connection.execute("REPLACE INTO source VALUES (?, ?, ?, ?)", (source.root, source.name, source.hash, document))


def _carry_over(connection: apsw.Connection, before: int, row: int) -> None:
    """A knowledge owner's days hold on as long as the front matter says the same as when they were given."""
    sql = "SELECT front, said FROM version WHERE row = ?"
    (old, said), (new, _) = (connection.execute(sql, (one,)).fetchone() or ("{}", "{}") for one in (before, row))
    fronts = loads(str(old)), loads(str(new))
    kept = {name: value for name, value in loads(str(said)).items() if fronts[0].get(name) == fronts[1].get(name)}
    connection.execute("UPDATE version SET said = ? WHERE row = ?", (dumps(kept), row))


def _uid(source: Source, ordinal: int) -> str:
    return sha256("\0".join((source.document, source.hash, str(ordinal))).encode()).hexdigest()[:32]


def _text_hash(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]


def _readable(document: str, trail: Sequence[str], taken: Counter[str]) -> str:
    slug = f"{document}#{'-'.join(words(trail[-1])) if trail else 'start'}"
    while True:
        taken[slug] += 1
        id = slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"
        if id == slug or id not in taken:
            taken[id] += id != slug
            return id
