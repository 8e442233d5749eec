"""What a catalogue knows of the folders that its documents came from: each file as it was last taken in.

So a file that did not change does nothing, whatever was done to its document since: who removed it, or uploaded a
newer edition, is not overruled by the next look into the folder.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from backends.handbooks.catalogue import writing
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.model import Terms
from core.canonical import Json
from core.clock import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a document came from: the file `name` of the folder `root`; the content's hash. An upload has no root."""

    document: str
    name: str
    hash: str
    root: str | None = None


class Sources:
    """The folders' side of a catalogue; all of it blocks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connections = catalogue.connections

    def last(self, source: Source) -> tuple[str, str | None] | None:
        """The hash of the folder's file when it was last taken in, and its document, None for a file that is none."""
        with self._connections.reading() as connection:
            sql = "SELECT hash, document FROM source WHERE root = ? AND name = ?"
            row: tuple[Json, ...] | None = connection.execute(sql, (source.root, source.name)).fetchone()
        return (row[0], row[1]) if row else None

    def note_none(self, source: Source) -> None:
        """Remember that the folder's file is no document."""
        with self._connections.writing() as connection:
            note(connection, source, document=None)

    def note(self, source: Source) -> None:
        """Remember the folder's file, whose document is there already, and is this folder's from now on."""
        with self._connections.writing() as connection:
            note(connection, source, document=source.document)

    def say(self, source: Source, terms: Terms, by: str) -> None:
        """Put a knowledge owner's words on the document. Raises InvalidInput where it would end before it begins."""
        with self._connections.writing() as connection:
            writing.say(connection, source.document, terms, by, iso(self._catalogue.clock.now()))

    def gone(self, root: str, under: str, documents: Iterable[str]) -> list[str]:
        """The documents that came from `under` in this folder and are not among those that are there now."""
        there = set(documents)
        with self._connections.reading() as connection:
            known = connection.execute(
                "SELECT id FROM document WHERE root = ? AND removed IS NULL ORDER BY id", (root,)
            )
            return [id for (id,) in known if id not in there and str(id).startswith(under)]

    def forget(self, root: str, under: str, names: Iterable[str]) -> None:
        """Remember no file `under` this folder but these: one that comes back is new."""
        there = set(names)
        with self._connections.writing() as connection:
            known = [str(name) for (name,) in connection.execute("SELECT name FROM source WHERE root = ?", (root,))]
            lost = [(root, name) for name in known if name.startswith(under) and name not in there]
            connection.executemany("DELETE FROM source WHERE root = ? AND name = ?", lost)

    def roots(self) -> list[str]:
        """The folders that files were taken in from."""
        with self._connections.reading() as connection:
            return [root for (root,) in connection.execute("SELECT DISTINCT root FROM source")]


def note(connection: apsw.Connection, source: Source, *, document: str | None) -> None:
    """Remember the folder's file as it is, and that its document is the folder's; nothing for an upload."""
    if source.root is None:
        return
    row = (source.root, source.name, source.hash, document)
    connection.execute("REPLACE INTO source VALUES (?, ?, ?, ?)", row)
    if document is not None:
        connection.execute(
            "UPDATE document SET root = ? WHERE id = ? AND root IS NOT ?", (source.root, document, source.root)
        )
