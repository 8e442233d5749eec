"""The protocols of a handbook index's parts: the embedder, the reranker and the vector index.

Vectors are float32 rows of length 1, so that a dot product is the cosine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
Purpose: TypeAlias = Literal["passage", "query"]


class Embedder(Protocol):
    """Texts to vectors. `name` is the URL that opened it, without secrets: an index holds one embedder's vectors.

    `dimension` is the vectors' length; None if only the service knows it, until the first `embed`.
    """

    name: str
    dimension: int | None

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """One row a text, in order; a text without any known word has a row of zeros. [] gives (0, dimension).

        Any number of texts: the embedder makes batches itself, and repeats a request that may succeed later. Raises
        Unavailable if the service does not answer, InvalidInput if it refuses the request.
        """

    async def close(self) -> None:
        """Let go of connections that the embedder opened."""


class Reranker(Protocol):
    """Ranks passages for a question by reading both. `name` is the URL that opened it, without secrets."""

    name: str

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score a text, in their order, higher is better. Raises as `Embedder.embed`."""

    async def close(self) -> None:
        """Let go of connections that the reranker opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A passage as a vector index keeps it. `id` is its id in the catalogue, `version` the row of its version there.

    `vector` None: the index embeds `text` itself.
    """

    id: str
    version: int
    text: str
    vector: Vectors | None = None
    metadata: Mapping[str, str | int] = field(default_factory=dict)


class VectorIndex(Protocol):
    """Passages by the nearness of their vectors. Every method may be repeated: a repeat changes nothing more."""

    async def put(self, items: Sequence[Item]) -> None:
        """Keep these items. A search finds them only if it names their version."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget the items with these ids; unknown ids are ignored."""

    async def nearest(
        self, query: str, vector: Vectors | None, versions: Sequence[int], limit: int
    ) -> list[tuple[str, float]]:
        """The ids and scores of at most `limit` passages of these versions, nearest first; [] for no versions."""

    async def close(self) -> None:
        """Let go of connections that the index opened."""
