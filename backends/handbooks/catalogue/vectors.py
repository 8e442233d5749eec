"""The vectors that a catalogue keeps, and which of its passages a vector index holds.

A vector is kept under its embedder and its text, so that a text is embedded once, whichever index the vectors go to.
"""

from collections.abc import Iterable, Sequence
from json import dumps, loads

import numpy as np

from backends.handbooks.catalogue import reading, writing
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.tables import moved
from backends.handbooks.documents.cutter import indexed_text
from backends.vectors.contracts import Item, Vectors
from core.errors import InvalidInput

_UNHELD = """
    FROM passage JOIN version ON version.row = version WHERE findable AND (
        held IS NOT ?1
        OR ?1 <> '' AND NOT EXISTS (SELECT 1 FROM vector WHERE embedder = ?1 AND vector.hash = passage.hash)
    )
"""


class KeptVectors:
    """The vectors' side of a catalogue; all of it blocks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._connections = catalogue.connections

    def lacking(self, embedder: str, versions: Sequence[int]) -> list[tuple[bytes, str]]:
        """The hashes and texts of these versions that still lack a vector of the embedder, each once."""
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
            {
                digest: (digest, indexed_text(title, loads(section), text)) for digest, title, section, text in rows
            }.values()
        )

    def keep(self, embedder: str, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep the vectors of these texts. Raises InvalidInput if the catalogue's have another length."""
        with self._connections.writing() as connection:
            held = reading.embedder(connection)
            if held is None:
                connection.execute("INSERT INTO meta VALUES ('embedder', ?)", (dumps([embedder, vectors.shape[1]]),))
            elif held[0] == embedder and held[1] != vectors.shape[1]:
                raise InvalidInput(f"{embedder} gave {vectors.shape[1]} dimensions, the index has {held[1]}: re-index")
            connection.executemany(
                "INSERT INTO vector (embedder, hash, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (embedder, digest, row.astype(np.float32).tobytes())
                    for digest, row in zip(hashes, vectors, strict=True)
                ],
            )

    def switch(self, embedder: str) -> None:
        """Let search use the vectors of another embedder, all of which are kept already."""
        with self._connections.writing() as connection:
            length = connection.execute("SELECT length(value) FROM vector WHERE embedder = ?", (embedder,)).get
            connection.execute("DELETE FROM meta WHERE key = 'embedder'")
            if length is not None:
                value = dumps([embedder, int(length) // np.dtype(np.float32).itemsize])
                connection.execute("INSERT INTO meta VALUES ('embedder', ?)", (value,))
            connection.execute("DELETE FROM vector WHERE embedder <> ?", (embedder,))
            moved(connection)

    def items(self, embedder: str | None, versions: Sequence[int]) -> list[Item]:
        """These versions' passages for a vector index, with the embedder's vectors as far as they are made."""
        return self._items(embedder, "version", versions)

    def items_of(self, embedder: str | None, ids: Sequence[str]) -> list[Item]:
        """As `items`, of the passages with these ids; an unknown id is left out."""
        return self._items(embedder, "uid", ids)

    def _items(self, embedder: str | None, column: str, values: Sequence[int | str]) -> list[Item]:
        with self._connections.reading() as connection:
            rows: list[reading.Row] = connection.execute(
                f"""
                SELECT uid, version, document, title, section, passage.text, value
                FROM passage JOIN version ON version.row = version
                LEFT JOIN vector ON embedder = ? AND vector.hash = passage.hash
                WHERE {column} IN (SELECT value FROM json_each(?)) ORDER BY passage.row
                """,
                (embedder or "", reading.listed(values)),
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
        """Note that a vector index holds these passages, or is about to get them."""
        with self._connections.writing() as connection:
            writing.hold(connection, embedder or "", list(uids))

    def let_go(self, uids: Iterable[str]) -> None:
        """Note that a vector index has lost these passages."""
        with self._connections.writing() as connection:
            writing.hold(connection, None, list(uids))

    def findable(self) -> list[int]:
        """The rows of all versions that can be found."""
        with self._connections.reading() as connection:
            return [row for (row,) in connection.execute("SELECT row FROM version WHERE findable ORDER BY row")]

    def unheld(self, embedder: str | None) -> list[int]:
        """The rows of the versions that can be found and of which a vector index lacks passages of this embedder."""
        with self._connections.reading() as connection:
            rows = connection.execute(f"SELECT DISTINCT version {_UNHELD} ORDER BY version", (embedder or "",))
            return [row for (row,) in rows]

    def stale(self) -> list[str]:
        """The ids of passages that a vector index holds although search may not find them any more."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT uid FROM passage JOIN version ON version.row = version"
                " WHERE held IS NOT NULL AND NOT findable AND published IS NOT NULL"
            )
            return [uid for (uid,) in connection.execute(sql)]

    def expected(self) -> dict[str, int]:
        """By its id, the version of each passage that a vector index should hold: what can be found or is staged."""
        with self._connections.reading() as connection:
            sql = (
                "SELECT uid, version FROM passage JOIN version ON version.row = version"
                " WHERE findable OR (published IS NULL AND held IS NOT NULL)"
            )
            return reading.mapped(connection, sql)

    def missing(self, embedder: str | None) -> int:
        """How many passages can be found by their words but not by their vectors."""
        with self._connections.reading() as connection:
            return int(str(connection.execute(f"SELECT count(*) {_UNHELD}", (embedder or "",)).get))
