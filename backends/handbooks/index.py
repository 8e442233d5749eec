"""The parts of an index of handbooks, for code that looks after it: `rolltop doctor` and the console's start.

They stand together because they must agree: search needs the embedder and the token table that ingest has used.
"""

from dataclasses import dataclass

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.search.retriever import HandbookRetriever
from backends.vectors.contracts import Embedder, VectorIndex
from backends.vectors.static.tokens import StaticTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbookIndex:
    """What `open_handbooks` opened. `embedder`, `vectors` and `tokens` are None if the index is searched by words only.

    The catalogue does not ask the gate: a program changes handbooks through `Handbooks`.
    """

    catalogue: Catalogue
    retriever: HandbookRetriever
    embedder: Embedder | None
    vectors: VectorIndex | None
    tokens: StaticTokens | None
