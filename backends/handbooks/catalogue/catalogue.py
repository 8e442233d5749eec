"""The catalogue of handbooks: which documents there are, in which versions, for whom and from when, and their passages.

One SQLite file, by way of apsw. Its methods block and may be called from any thread; several processes may share the
file. What search needs again and again is kept in memory, and read anew once `revision` has moved.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from json import loads
from os import PathLike
from typing import cast

import apsw

from backends.handbooks.catalogue import reading, writing
from backends.handbooks.catalogue.cache import Editions, Kept, revision
from backends.handbooks.catalogue.listing import list_changes, list_documents
from backends.handbooks.catalogue.tables import Connections
from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord, Edition, PassageTable
from backends.handbooks.documents.model import LeftOut, Terms
from backends.vectors.contracts import Embedder
from core.clock import Clock, SystemClock, iso
from core.errors import InvalidInput, NotFound
from core.gate import Viewer
from core.retriever import Filters, holds_for
from core.values import Passage

_VOCABULARY = "SELECT word, passages FROM vocabulary"
_ROWS = "SELECT uid, row FROM passage WHERE uid IN (SELECT value FROM json_each(?))"
_IDS = "SELECT row, uid FROM passage WHERE row IN (SELECT value FROM json_each(?))"
_FOUND = """
    SELECT rowid, -bm25(words, ?, ?, ?) FROM words
    WHERE words MATCH ? AND version IN (SELECT value FROM json_each(?)) ORDER BY 2 DESC, rowid LIMIT ?
"""


class Catalogue:
    """A catalogue in the file at `path`, which is made if it is not there; `:memory:` is one of its own.

    `clock` says which day it is. Every method raises Unavailable where the file does not answer. Raises InvalidInput
    for a file of another program or of a newer Rolltop.
    """

    def __init__(self, path: str | PathLike[str], *, clock: Clock | None = None) -> None:
        self.connections = Connections(path)
        self.clock = clock or SystemClock()
        self._editions = Kept(lambda connection, _: Editions(reading.editions(connection)))
        self._table = Kept(reading.table)
        self._vocabulary = Kept(lambda connection, _: reading.mapped(connection, _VOCABULARY))

    def close(self) -> None:
        """Let go of the file; nothing that was acknowledged is lost without."""
        self.connections.close()

    def documents(self) -> list[DocumentRecord]:
        """Every document, removed ones too, by id."""
        with self.connections.reading() as connection:
            return list_documents(connection, self._today())

    def text(self, version_row: int) -> str:
        """A version's whole text, in which its passages' `start` and `end` count. Raises NotFound."""
        with self.connections.reading() as connection:
            text = connection.execute("SELECT text FROM version WHERE row = ?", (version_row,)).get
        if text is None:
            raise NotFound("version", str(version_row))
        return str(text)

    def pieces(self, version_row: int) -> list[Passage]:
        """A version's passages in the order of its text, whether it can still be found or not. Raises NotFound."""
        with self.connections.reading() as connection:
            known = {one.row: one for one in reading.editions(connection) if one.row == version_row}
            if not known:
                raise NotFound("version", str(version_row))
            found = reading.passages(connection, known, "WHERE version = ? ORDER BY ordinal", (version_row,))
            return [passage for _, passage in found]

    def left_out(self, version_row: int) -> list[LeftOut]:
        """What the parser left out of a version, such as hidden text. Raises NotFound."""
        with self.connections.reading() as connection:
            said = connection.execute("SELECT left_out FROM version WHERE row = ?", (version_row,)).get
        if said is None:
            raise NotFound("version", str(version_row))
        return [LeftOut.model_validate(one) for one in loads(str(said))]

    def version_row(self, document: str, name: str) -> int:
        """The version that a passage of this `document` and `version` is of: names are unique within a document.

        Raises NotFound.
        """
        with self.connections.reading() as connection:
            row = connection.execute("SELECT row FROM version WHERE document = ? AND name = ?", (document, name)).get
        if row is None:
            raise NotFound("version", f"{name} of {document}")
        return cast(int, row)

    def change(self, document: str, terms: Terms, *, by: str) -> None:
        """Put a knowledge owner's word before the front matter's, from now on; unset fields stay as they are.

        The audience, the owner and the review date are the document's and outlast its versions. The days are those of
        the newest version, and go over to the next one as long as its front matter gives the same day as this one's.
        `by` is on record. Raises NotFound, and InvalidInput for an end before the beginning.
        """
        with self.connections.writing() as connection:
            writing.say(connection, document, terms, by, self._now())

    def changes(self, document: str) -> list[ChangeRecord]:
        """Who changed or removed a document, the newest first; [] where nobody did."""
        with self.connections.reading() as connection:
            return list_changes(connection, document)

    def remove(self, document: str, *, by: str) -> None:
        """Take a document out of search, of the past too; it stays on record, and `by` with it. Raises NotFound.

        Its vectors go with the next ingest. It comes back when it is taken in again, as an upload or by its own path.
        """
        with self.connections.writing() as connection:
            writing.remove(connection, document, by, self._now())

    def withdraw(self, versions: Sequence[int], *, by: str) -> None:
        """Take the versions of these rows out of search, of the past too; they stay on record, and `by` with them.

        The other versions of their documents answer as if these had never been published. A withdrawn version comes
        back as a removed document does.
        """
        with self.connections.writing() as connection:
            writing.withdraw(connection, versions, by, self._now())

    def revision(self) -> int:
        """Grows with every change that a search may see."""
        with self.connections.reading() as connection:
            return revision(connection)

    def in_force(self, viewer: Viewer, filters: Filters | None, as_of: date) -> list[int]:
        """The rows of the versions that hold for the viewer on that day, one a document at most."""
        found = self._on(as_of)
        wanted = filters.documents if filters and filters.documents else found
        answers = (found[document] for document in dict.fromkeys(wanted) if document in found)
        return [one.row for one in answers if holds_for(one.terms.audience, viewer)]

    def versions(self, as_of: date) -> dict[str, str]:
        """The name of the version in force on that day, by document."""
        return {document: one.name for document, one in self._on(as_of).items()}

    def words(
        self, match: str, versions: Sequence[int], limit: int, weights: tuple[float, float, float]
    ) -> list[tuple[int, float]]:
        """The rows of passages of these versions and their BM25, best first; of equal ones the older row.

        `match` is FTS5's query language over texts as `backends.stems.stemmed` makes them, in the columns title, trail
        and body, for which the weights are. Raises InvalidInput for a `match` that is not in that language.
        """
        values = (*weights, match, reading.listed(versions), limit)
        with self.connections.reading() as connection:
            try:
                found: list[reading.Row] = connection.execute(_FOUND, values).fetchall()
            except apsw.SQLError as error:
                raise InvalidInput(f"no query of the words of handbooks: {error}") from error
        return [(row, score) for row, score in found]

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of these rows, in this order, with a score of 0. Raises NotFound for one that is not there."""
        with self.connections.reading() as connection:
            versions = self._editions.get(connection).by_row
            where = "WHERE row IN (SELECT value FROM json_each(?))"
            found = dict(reading.passages(connection, versions, where, (reading.listed(rows),)))
        if missing := [row for row in rows if row not in found]:
            raise NotFound("passage", str(missing[0]))
        return [found[row] for row in rows]

    def rows_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of the passages that a vector index knows by these ids; one that there is not is left out."""
        with self.connections.reading() as connection:
            return reading.mapped(connection, _ROWS, (reading.listed(ids),))

    def ids_of(self, rows: Sequence[int]) -> dict[int, str]:
        """By which ids a vector index knows the passages of these rows; one that there is not is left out."""
        with self.connections.reading() as connection:
            return reading.mapped(connection, _IDS, (reading.listed(rows),))

    def table(self) -> PassageTable:
        """Every passage that can be found, as arrays. Kept in memory: do not write to them."""
        with self.connections.reading() as connection:
            return self._table.get(connection)

    def vocabulary(self) -> Mapping[str, int]:
        """The words of all passages that can be found, with their titles and trails, and in how many each is."""
        with self.connections.reading() as connection:
            return self._vocabulary.get(connection)

    @property
    def tokens(self) -> str | None:
        """The fingerprint of the token table whose ids `table` has; None where it has none."""
        with self.connections.reading() as connection:
            said = connection.execute("SELECT value FROM meta WHERE key = 'tokens'").get
        return None if said is None else str(said)

    @property
    def embedder(self) -> tuple[str, int] | None:
        """The name and dimension of the embedder whose vectors the catalogue holds; None where it holds none."""
        with self.connections.reading() as connection:
            return reading.embedder(connection)

    def expect(self, embedder: Embedder | None) -> None:
        """Raises InvalidInput, which says to re-index, where vectors of this embedder would meet another's here.

        None never does: it searches by words alone. A catalogue without passages takes any.
        """
        with self.connections.reading() as connection:
            known = reading.embedder(connection)
            empty = connection.execute("SELECT 1 FROM version WHERE findable LIMIT 1").get is None
        if embedder is None or (known is None and empty):
            return
        if known is None or embedder.name != known[0] or embedder.dimension not in (None, known[1]):
            mine = f"{embedder.name} ({embedder.dimension or 'its'} dimensions)"
            theirs = f"vectors of {known[0]} ({known[1]} dimensions)" if known else "no vectors"
            raise InvalidInput(
                f"the index {self.connections.path} holds {theirs}, the embedder is {mine}: "
                "re-index with `rolltop ingest --reindex --as VIEWER_ID`, or set ROLLTOP_EMBEDDER to what it was"
            )

    def _on(self, day: date) -> Mapping[str, Edition]:
        with self.connections.reading() as connection:
            return self._editions.get(connection).on(day)

    def _today(self) -> date:
        return self.clock.now().date()

    def _now(self) -> str:
        return iso(self.clock.now())
