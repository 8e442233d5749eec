"""The handbooks of an installation, opened with three URLs: the embedder, the vector index and the reranker."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from backends.glossary import Glossary
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.sandbox import DocumentLimits
from backends.handbooks.index import HandbookIndex
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.service import Handbooks
from backends.handbooks.vector_indexes import open_vectors
from backends.vectors.opening import open_embedder
from backends.vectors.rerankers import open_reranker
from backends.vectors.static.tokens import StaticTokens
from core.arguments import checked
from core.errors import InvalidInput


@checked()
@asynccontextmanager
async def open_handbooks(
    path: str | Path,
    *,
    embedder: str = "static:",
    vectors: str = "local:",
    reranker: str = "",
    synonyms: Synonyms | None = None,
    glossary: Glossary | None = None,
    after_upload: Callable[[], Awaitable[None]] | None = None,
    limits: DocumentLimits | None = None,
) -> AsyncIterator[Handbooks]:
    """The handbooks in the catalogue at `path`, a file or `:memory:`; closed when the block is left.

    `synonyms` and `glossary` None are the bundled ones; `Synonyms.bundled(lines)` has more lines than they, and so has
    `Glossary.bundled(lines)`.

    `after_upload` is awaited after the files of an upload were imported, before its job is over. `limits` are those of
    one file that is read; None are the usual ones. Raises InvalidInput
    for an unknown or malformed URL, and for a package that is not installed.
    """
    if re.match(r"\w+:(//|$)", str(path)):
        raise InvalidInput(
            "the handbooks are in a file: write its path, such as handbooks.db, or :memory:, and not a URL"
        )
    async with AsyncExitStack() as opened:
        catalogue = Catalogue(path)
        opened.callback(catalogue.close)
        own = open_embedder(embedder)
        if own is not None:
            opened.push_async_callback(own.close)
        # `none:` asks for words only, so the bundled token table must not rank either.
        words_only = own is None and vectors == "local:"
        index = None if words_only else open_vectors(vectors, catalogue, own)
        if index is not None:
            opened.push_async_callback(index.close)
        ranking = open_reranker(reranker)
        if ranking is not None:
            opened.push_async_callback(ranking.close)
        tokens = None if words_only else StaticTokens.bundled()
        retriever = HandbookRetriever(
            catalogue,
            vectors=index,
            embedder=own,
            tokens=tokens,
            reranker=ranking,
            synonyms=synonyms,
            glossary=glossary,
        )
        parts = HandbookIndex(catalogue=catalogue, retriever=retriever, embedder=own, vectors=index, tokens=tokens)
        handbooks = Handbooks(parts, after_upload=after_upload, limits=limits)
        # Entered last and left first: an upload must end before the catalogue that it writes to closes.
        opened.push_async_callback(handbooks.close)
        yield handbooks
