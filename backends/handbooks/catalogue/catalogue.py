"""The catalogue of handbooks: the documents, their versions, for whom and when each holds, and their passages.

It is one SQLite file. Its methods block and may be called from any thread; several processes may share the file. What
every search needs is kept in memory, and read again once `revision` has moved.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from json import loads
from os import PathLike
from typing import cast

import apsw

from backends.handbooks.catalogue import reading, writing
from backends.handbooks.catalogue.cache import Cached, Editions, revision
from backends.handbooks.catalogue.listing import list_changes, list_documents
from backends.handbooks.catalogue.tables import PROMPT, Connections
from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord, Edition, PassageTable
from backends.handbooks.catalogue.words import renew
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

    `clock` says which day it is. Every method raises Unavailable if the file does not answer, which is StoreBusy if
    others write to it for too long, and StoreRefused if it cannot be used as it is. Raises InvalidInput for a file of
    another program or of a newer Rolltop.
    """

    def __init__(self, path: str | PathLike[str], *, clock: Clock | None = None) -> None:
        self.connections = Connections(path)
        renew(self.connections)
        self.clock = clock or SystemClock()
        self._editions = Cached(lambda connection, _: Editions(reading.editions(connection)))
        self._table = Cached(reading.table)
        self._vocabulary = Cached(lambda connection, _: reading.mapped(connection, _VOCABULARY))

    def close(self) -> None:
        """Close the file. Every change that a method has returned from is on disk already."""
        self.connections.close()

    def documents(self) -> list[DocumentRecord]:
        """Every document, removed ones too, by id."""
        with self.connections.reading() as connection:
            return list_documents(connection, self._today())

    def document(self, document: str) -> DocumentRecord:
        """The document of this id. Raises NotFound."""
        with self.connections.reading() as connection:
            found = list_documents(connection, self._today(), document)
        if not found:
            raise NotFound("handbook", document)
        return found[0]

    def text(self, version_row: int) -> str:
        """A version's whole text, in which its passages' `start` and `end` count. Raises NotFound."""
        with self.connections.reading() as connection:
            text = connection.execute("SELECT text FROM version WHERE row = ?", (version_row,)).get
        if text is None:
            raise NotFound("version", str(version_row))
        return str(text)

    def pieces(
        self, version_row: int, within: Sequence[str] = (), after: int = 0, limit: int | None = None
    ) -> list[Passage]:
        """A version's passages in the order of its text, also of one that search cannot find. Raises NotFound.

        They are those whose section begins with the headings `within`, at most `limit` of them after the first `after`.
        """
        inside = "".join(f" AND section ->> {depth} = ?" for depth in range(len(within)))
        where = f"WHERE version = ?{inside} ORDER BY ordinal LIMIT ? OFFSET ?"
        values: tuple[str | int, ...] = (version_row, *within, -1 if limit is None else limit, after)
        with self.connections.reading() as connection:
            edition = reading.edition(connection, version_row)
            if edition is None:
                raise NotFound("version", str(version_row))
            return [piece for _, piece in reading.passages(connection, {version_row: edition}, where, values)]

    def left_out(self, version_row: int) -> list[LeftOut]:
        """What the parser left out of a version, such as hidden text. Raises NotFound."""
        with self.connections.reading() as connection:
            texts = connection.execute("SELECT left_out FROM version WHERE row = ?", (version_row,)).get
        if texts is None:
            raise NotFound("version", str(version_row))
        return [LeftOut.model_validate(one) for one in loads(str(texts))]

    def version_row(self, document: str, name: str) -> int:
        """The row of the version with this name, which is unique within its document. Raises NotFound."""
        with self.connections.reading() as connection:
            row = connection.execute("SELECT row FROM version WHERE document = ? AND name = ?", (document, name)).get
        if row is None:
            raise NotFound("version", f"{name} of {document}")
        return cast(int, row)

    def change(self, document: str, terms: Terms, *, by: str) -> None:
        """Let these terms go before the front matter's from now on; unset fields stay as they are.

        The audience, the owner and the review date are the document's and outlast its versions. The days are those of
        the newest version, and go over to the next one as long as its front matter gives the same day as this one's.
        `by` is on record. Raises NotFound, and InvalidInput if the version would end before it begins.
        """
        with self.connections.writing(PROMPT) as connection:
            writing.say(connection, document, terms, by, self._now())

    def changes(self, document: str) -> list[ChangeRecord]:
        """The changes and removals of a document, the newest first; [] if it is as its files say."""
        with self.connections.reading() as connection:
            return list_changes(connection, document)

    def remove(self, document: str, *, by: str) -> None:
        """Take a document out of search, also of the past; it stays on record with `by`. Raises NotFound.

        The next ingest takes its vectors out. It comes back if it is imported again, as an upload or by its own path.
        """
        with self.connections.writing(PROMPT) as connection:
            writing.remove(connection, document, by, self._now())

    def withdraw(self, versions: Sequence[int], *, by: str) -> None:
        """Take the versions of these rows out of search, also of the past; they stay on record with `by`.

        The other versions of their documents answer as if these had never been published. A withdrawn version comes
        back as a removed document does.
        """
        with self.connections.writing(PROMPT) as connection:
            writing.withdraw(connection, versions, by, self._now())

    def check_free(self) -> None:
        """Raises StoreBusy if another process keeps this one from writing."""
        with self.connections.writing(PROMPT):
            pass

    def revision(self) -> int:
        """A number that grows with every change that a search may see."""
        with self.connections.reading() as connection:
            return revision(connection)

    def in_force(self, viewer: Viewer, filters: Filters | None, as_of: date) -> list[int]:
        """The rows of the versions that hold for the viewer on that day, at most one for each document."""
        in_force = self._on(as_of)
        wanted = filters.documents if filters and filters.documents else in_force
        answers = (in_force[document] for document in dict.fromkeys(wanted) if document in in_force)
        topics = set(filters.topics) if filters else set()
        return [
            one.row
            for one in answers
            if holds_for(one.terms.audience, viewer) and (not topics or not topics.isdisjoint(one.terms.topics))
        ]

    def versions(self, as_of: date) -> dict[str, str]:
        """The name of the version in force on that day, by document."""
        return {document: one.name for document, one in self._on(as_of).items()}

    def words(
        self, match: str, versions: Sequence[int], limit: int, weights: tuple[float, float, float]
    ) -> list[tuple[int, float]]:
        """The rows of passages of these versions and their BM25, best first; of equal scores the older row first.

        `match` is FTS5's query language over texts as `backends.stems.stemmed` makes them, in the columns title, trail
        and body, to which the weights belong. Raises InvalidInput if `match` is malformed.
        """
        values = (*weights, match, reading.listed(versions), limit)
        with self.connections.reading() as connection:
            try:
                rows: list[reading.Row] = connection.execute(_FOUND, values).fetchall()
            except apsw.SQLError as error:
                raise InvalidInput(f"a malformed query of the words of handbooks: {error}") from error
        return [(row, score) for row, score in rows]

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of these rows, in this order, with a score of 0. Raises NotFound if one is missing."""
        with self.connections.reading() as connection:
            versions = self._editions.get(connection).by_row
            where = "WHERE row IN (SELECT value FROM json_each(?))"
            passages = dict(reading.passages(connection, versions, where, (reading.listed(rows),)))
        if missing := [row for row in rows if row not in passages]:
            raise NotFound("passage", str(missing[0]))
        return [passages[row] for row in rows]

    def rows_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of the passages that a vector index has under these ids; an unknown id is left out."""
        with self.connections.reading() as connection:
            return reading.mapped(connection, _ROWS, (reading.listed(ids),))

    def ids_of(self, rows: Sequence[int]) -> dict[int, str]:
        """The ids under which a vector index has the passages of these rows; an unknown row is left out."""
        with self.connections.reading() as connection:
            return reading.mapped(connection, _IDS, (reading.listed(rows),))

    def table(self) -> PassageTable:
        """Every passage that can be found, as arrays. All callers share them: do not write to them."""
        with self.connections.reading() as connection:
            return self._table.get(connection)

    def vocabulary(self) -> Mapping[str, int]:
        """The words of the passages that can be found, their titles and trails, and how many passages have each."""
        with self.connections.reading() as connection:
            return self._vocabulary.get(connection)

    @property
    def tokens(self) -> str | None:
        """The fingerprint of the token table whose ids `table` has; None if it was made without tokens."""
        with self.connections.reading() as connection:
            fingerprint = connection.execute("SELECT value FROM meta WHERE key = 'tokens'").get
        return None if fingerprint is None else str(fingerprint)

    @property
    def embedder(self) -> tuple[str, int] | None:
        """The name and dimension of the embedder whose vectors the catalogue holds; None before the first vector."""
        with self.connections.reading() as connection:
            return reading.embedder(connection)

    def expect(self, embedder: Embedder | None) -> None:
        """Raises InvalidInput, which says to re-index, if the catalogue holds vectors of another embedder.

        It accepts None, which is a search by words only. A catalogue without passages accepts any embedder.
        """
        with self.connections.reading() as connection:
            held = reading.embedder(connection)
            empty = connection.execute("SELECT 1 FROM version WHERE findable LIMIT 1").get is None
        if embedder is None or (held is None and empty):
            return
        if held is None or embedder.name != held[0] or embedder.dimension not in (None, held[1]):
            mine = f"{embedder.name} ({embedder.dimension or 'its'} dimensions)"
            theirs = f"vectors of {held[0]} ({held[1]} dimensions)" if held else "no vectors"
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
