"""The vectors' side of an ingest: it embeds texts and keeps the vector index up to date.

A vector index may be a service that cannot say what became of an interrupted request. So the catalogue notes what the
index holds: before a version that is not published yet is put there, and after one was removed from it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from anyio.to_thread import run_sync as blocking

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.vectors.contracts import Embedder, VectorIndex
from core.errors import RolltopError, Unavailable

BATCH = 128
"""Texts in one call of the embedder, whose vectors are then kept."""
VERSIONS = 64
"""Versions whose passages are in memory at a time."""

_T = TypeVar("_T")


class _Service:
    """The embedder or the vector index of one ingest. A service that did not answer is not asked again.

    An adapter waits for its service with patience, so an ingest of many handbooks would wait that long for each.
    """

    def __init__(self) -> None:
        self._outage = ""

    async def ask(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """What the request gives. Raises as it does, and Unavailable at once after an outage."""
        if self._outage:
            raise Unavailable(self._outage)
        try:
            return await request()
        except Unavailable as error:
            self._outage = str(error)
            raise


class IndexWriter:
    """What an ingest does with an embedder and a vector index, either of which may be None.

    Without an embedder, a vector index that has vectors of one is left alone: the next ingest with the embedder adds
    what is missing.
    """

    def __init__(self, catalogue: Catalogue, embedder: Embedder | None, vectors: VectorIndex | None) -> None:
        self._catalogue, self._kept = catalogue, KeptVectors(catalogue)
        self._embedder = embedder
        self._vectors = vectors
        self._embedding, self._indexing = _Service(), _Service()
        self._anew = False
        self.embeds = embedder is not None

    async def begin(self, *, reindex: bool, progress: Callable[[int], None]) -> None:
        """Raises InvalidInput if the catalogue has another embedder's vectors, unless `reindex` is set.

        Then everything that can be found is embedded again before search uses the new vectors. `progress` is called
        with the number of texts in each batch.
        """
        held = await blocking(lambda: self._catalogue.embedder)
        self._anew = reindex
        if self._embedder is None:
            self._vectors = None if held else self._vectors
        elif held and held[0] != self._embedder.name:
            if not reindex:
                await blocking(self._catalogue.expect, self._embedder)
            for versions in _chunks(await blocking(self._kept.findable)):
                await self.embed(versions, progress)
            await blocking(self._kept.switch, self._embedder.name)

    async def embed(
        self, versions: Sequence[int], progress: Callable[[int], None] = lambda done: None
    ) -> dict[int, int]:
        """Make the vectors that these versions lack, and keep each batch; by version, how many it lacked.

        `progress` is called with the number of texts in each batch. Raises as `Embedder.embed`, and immediately if the
        embedder did not answer before.
        """
        if self._embedder is None:
            return dict.fromkeys(versions, 0)
        texts: dict[bytes, str] = {}
        lacked: dict[int, int] = {}
        for version in versions:
            lacking = await blocking(self._kept.lacking, self._embedder.name, [version])
            new = {key: text for key, text in lacking if key not in texts}
            texts, lacked[version] = texts | new, len(new)
        waiting = list(texts.items())
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            await self._embed(self._embedder, batch)
            progress(len(batch))
        return lacked

    async def _embed(self, embedder: Embedder, batch: Sequence[tuple[bytes, str]]) -> None:
        made = await self._embedding.ask(partial(embedder.embed, [text for _, text in batch], "passage"))
        await blocking(self._kept.keep, embedder.name, [key for key, _ in batch], made)

    async def whole(self, version: int) -> bool:
        """Whether every passage of the version has a vector of the embedder."""
        return self._embedder is None or not await blocking(self._kept.lacking, self._embedder.name, [version])

    async def put(self, version: int) -> None:
        """Put a version into the vector index, before it is published. Raises as the index does."""
        if self._vectors is not None:
            items = await blocking(self._kept.items, self._name, [version])
            await blocking(self._kept.hold, self._name, [item.id for item in items])
            await self._indexing.ask(partial(self._vectors.put, items))

    async def forget(self, ids: Sequence[str]) -> None:
        """Take passages out of the vector index. Raises as the index does."""
        if self._vectors is not None and ids:
            await self._indexing.ask(partial(self._vectors.remove, ids))
            await blocking(self._kept.let_go, ids)

    async def tidy(self) -> str:
        """Put into the vector index what search may find and take the rest out; "", or the reason of a failure."""
        if self._vectors is None:
            return ""
        try:
            await self.forget(await blocking(self._kept.stale))
            lacking = self._kept.findable if self._anew else lambda: self._kept.unheld(self._name)
            for versions in _chunks(await blocking(lacking)):
                await self.embed(versions)
                items = await blocking(self._kept.items, self._name, versions)
                await self._indexing.ask(partial(self._vectors.put, items))
                await blocking(self._kept.hold, self._name, [item.id for item in items])
        except RolltopError as error:
            return f"the vector index is not complete, ingest again: {error}"
        return ""

    @property
    def _name(self) -> str | None:
        return self._embedder.name if self._embedder else None


def _chunks(versions: Sequence[int]) -> Iterator[Sequence[int]]:
    return (versions[start : start + VERSIONS] for start in range(0, len(versions), VERSIONS))
