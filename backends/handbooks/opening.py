"""The handbooks of an installation, opened with three URLs: what makes vectors, what keeps them, what ranks anew.

It is one object because its parts must agree: whoever takes handbooks in has to use what will search them.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.ingest.ingest import IngestReport, Progress, Upload, ingest
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.vector_indexes import open_vectors
from backends.vectors.contracts import Embedder, VectorIndex
from backends.vectors.opening import open_embedder
from backends.vectors.rerankers import open_reranker
from backends.vectors.static.tokens import StaticTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbookIndex:
    """What `open_handbooks` opened. `embedder`, `vectors` and `tokens` are None where nothing but words is searched."""

    catalogue: Catalogue
    retriever: HandbookRetriever
    embedder: Embedder | None
    vectors: VectorIndex | None
    tokens: StaticTokens | None

    async def ingest(
        self, *sources: Path | Upload, progress: Callable[[Progress], None] = lambda progress: None
    ) -> IngestReport:
        """Take in files, folders and uploads, as `backends.handbooks.ingest.ingest.ingest` does."""
        return await ingest(
            self.catalogue,
            sources,
            embedder=self.embedder,
            vectors=self.vectors,
            tokens=self.tokens,
            progress=progress,
        )


@asynccontextmanager
async def open_handbooks(
    path: str | Path, *, embedder: str = "static:", vectors: str = "local:", reranker: str = ""
) -> AsyncIterator[HandbookIndex]:
    """The handbooks in the catalogue at `path`, a file or `:memory:`; closed when the block is left.

    Raises InvalidInput for a URL that opens nothing, and for what is not installed.
    """
    async with AsyncExitStack() as opened:
        catalogue = Catalogue(path)
        opened.callback(catalogue.close)
        own = open_embedder(embedder)
        if own is not None:
            opened.push_async_callback(own.close)
        wordy = own is None and vectors == "local:"
        index = None if wordy else open_vectors(vectors, catalogue, own)
        if index is not None:
            opened.push_async_callback(index.close)
        ranking = open_reranker(reranker)
        if ranking is not None:
            opened.push_async_callback(ranking.close)
        tokens = None if wordy else StaticTokens.bundled()
        retriever = HandbookRetriever(catalogue, vectors=index, embedder=own, tokens=tokens, reranker=ranking)
        yield HandbookIndex(catalogue=catalogue, retriever=retriever, embedder=own, vectors=index, tokens=tokens)
