"""A vector index in the catalogue's own file: every vector is in memory, and compared with the query.

For a hundred thousand rows this is as fast as an approximate index, and exact. Items are the catalogue's passages: it
says which can be found, and keeps the vectors.
"""

from collections.abc import Sequence

import anyio.to_thread
import numpy as np

from backends.handbooks.catalogue import reading, writing
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.vectors.contracts import Item, Vectors
from core.errors import InvalidInput, NotFound


class LocalVectors:
    """A `VectorIndex` of the vectors of the catalogue's embedder; the catalogue stays its owner's to close."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def put(self, items: Sequence[Item]) -> None:
        """Raises NotFound if an item is missing in the catalogue, InvalidInput for a vector of another length.

        An item without a vector is left out, because this index cannot embed.
        """
        await anyio.to_thread.run_sync(self._put, items)

    async def remove(self, ids: Sequence[str]) -> None:
        await anyio.to_thread.run_sync(self._remove, ids)

    async def nearest(
        self, query: str, vector: Vectors | None, versions: Sequence[int], limit: int
    ) -> list[tuple[str, float]]:
        """By cosine; of equal scores the older passage first. [] if the query's vector is missing or all zeros."""
        return await anyio.to_thread.run_sync(self._nearest, vector, versions, limit)

    async def close(self) -> None:
        """Does nothing: the catalogue is its owner's to close."""

    def _put(self, items: Sequence[Item]) -> None:
        with self._catalogue.connections.writing() as connection:
            embedder = reading.embedder(connection)
            written: list[str] = []
            for item in items:
                text_hash = connection.execute("SELECT hash FROM passage WHERE uid = ?", (item.id,)).get
                if text_hash is None:
                    raise NotFound("passage", item.id)
                if item.vector is None:
                    continue
                if embedder is None or item.vector.shape != (embedder[1],):
                    raise InvalidInput(f"a vector of {item.vector.shape} does not fit the embedder {embedder}")
                connection.execute(
                    "INSERT INTO vector (embedder, hash, value) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET value = excluded.value",
                    (embedder[0], text_hash, item.vector.astype(np.float32).tobytes()),
                )
                written.append(item.id)
            writing.hold(connection, embedder[0] if embedder else None, written)

    def _remove(self, ids: Sequence[str]) -> None:
        with self._catalogue.connections.writing() as connection:
            writing.hold(connection, None, ids)

    def _nearest(self, vector: Vectors | None, versions: Sequence[int], limit: int) -> list[tuple[str, float]]:
        table = self._catalogue.table()
        if vector is None or table.matrix is None or table.near is None or not len(versions) or limit < 1:
            return []
        if vector.shape != table.matrix.shape[1:]:
            raise InvalidInput(f"a query of {vector.shape} against vectors of {table.matrix.shape[1:]}: re-index")
        if not vector.any() or not len(table.rows):
            return []
        asked = np.zeros(max(*versions, int(table.versions.max())) + 1, bool)
        asked[list(versions)] = True
        places = np.flatnonzero(asked[table.versions] & table.near)
        scores = (table.matrix @ vector)[places]
        if len(places) > limit:
            least = np.partition(scores, -limit)[-limit]
            among = scores >= least  # Equal ones at the edge stay: which of them goes is for the order to say.
            places, scores = places[among], scores[among]
        order = np.argsort(-scores, kind="stable")[:limit]
        rows = [int(row) for row in table.rows[places[order]]]
        ids = self._catalogue.ids_of(rows)
        return [(ids[row], float(score)) for row, score in zip(rows, scores[order], strict=True)]
