"""What a catalogue notes of the folders that its documents came from: each file as it was last imported.

A file that did not change since then is skipped. So importing a folder again does not undo a removal, or an upload of a
newer edition.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize

import apsw

from backends.handbooks.catalogue import writing
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.model import Terms
from core.canonical import Json
from core.clock import iso


def composed(name: str) -> str:
    """A name with each letter and its marks as one character, if there is one: as all systems but macOS spell it."""
    return normalize("NFC", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a document came from: the file `name` of the folder `root`, with its content's hash.

    `root` is None for an upload.
    """

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
        """The hash of the folder's file at its last import, and its document, or None if it is not a document."""
        with self._connections.reading() as connection:
            sql = "SELECT hash, document FROM source WHERE root = ? AND name = ?"
            row: tuple[Json, ...] | None = connection.execute(sql, (source.root, source.name)).fetchone()
        return (row[0], row[1]) if row else None

    def note_none(self, source: Source) -> None:
        """Note that the folder's file is not a document."""
        with self._connections.writing() as connection:
            note(connection, source, document=None)

    def note(self, source: Source) -> None:
        """Note the folder's file, whose document exists already and belongs to this folder from now on."""
        with self._connections.writing() as connection:
            note(connection, source, document=source.document)

    def say(self, source: Source, terms: Terms, by: str) -> None:
        """Let these terms go before the front matter's. Raises InvalidInput if it would end before it begins."""
        with self._connections.writing() as connection:
            writing.say(connection, source.document, terms, by, iso(self._catalogue.clock.now()))

    def gone(self, root: str, under: str, documents: Iterable[str]) -> list[str]:
        """The documents that came from `under` in this folder and are not among `documents`."""
        present = set(documents)
        with self._connections.reading() as connection:
            ids = connection.execute("SELECT id FROM document WHERE root = ? AND removed IS NULL ORDER BY id", (root,))
            return [
                document
                for (document,) in ids
                if document not in present and composed(str(document)).startswith(composed(under))
            ]

    def forget(self, root: str, under: str, names: Iterable[str]) -> None:
        """Forget the files `under` this folder that are not among `names`: if one comes back, it is new."""
        present = set(names)
        with self._connections.writing() as connection:
            noted = [str(name) for (name,) in connection.execute("SELECT name FROM source WHERE root = ?", (root,))]
            lost = [(root, name) for name in noted if name.startswith(under) and name not in present]
            connection.executemany("DELETE FROM source WHERE root = ? AND name = ?", lost)

    def spelt_apart(self) -> dict[str, str]:
        """The documents whose id has letters and marks apart, as old catalogues may have it, by their composed ids."""
        with self._connections.reading() as connection:
            ids = {str(document) for (document,) in connection.execute("SELECT id FROM document")}
        return {composed(document): document for document in sorted(ids) if composed(document) not in ids}

    def roots(self) -> list[str]:
        """The folders that files were imported from."""
        with self._connections.reading() as connection:
            return [root for (root,) in connection.execute("SELECT DISTINCT root FROM source")]


def note(connection: apsw.Connection, source: Source, *, document: str | None) -> None:
    """Note the folder's file as it is, and that its document belongs to the folder. An upload is left out."""
    if source.root is None:
        return
    row = (source.root, source.name, source.hash, document)
    connection.execute("REPLACE INTO source VALUES (?, ?, ?, ?)", row)
    if document is not None:
        connection.execute(
            "UPDATE document SET root = ? WHERE id = ? AND root IS NOT ?", (source.root, document, source.root)
        )
