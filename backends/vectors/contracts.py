"""The protocols of a handbook index's parts: what makes vectors, what keeps them, what ranks anew.

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
    """Texts to vectors. `name` is the URL it was opened with, without secrets: an index holds one embedder's vectors.

    `dimension` is the vectors' length; None until the first `embed` of one that only its service knows.
    """

    name: str
    dimension: int | None

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """One row a text, in order; a text without any known word has a row of zeros. [] gives (0, dimension).

        However many texts: it makes the batches itself, and repeats what a service refused for the moment. Raises
        Unavailable where the service does not answer, InvalidInput where it refuses what it is asked.
        """

    async def close(self) -> None:
        """Let go of connections that the embedder opened."""


class Reranker(Protocol):
    """Ranks passages for a question by reading both. `name` is the URL it was opened with, without secrets."""

    name: str

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score a text, in their order, higher is better. Raises as `Embedder.embed`."""

    async def close(self) -> None:
        """Let go of connections that the reranker opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A passage as a vector index keeps it. `id` is the catalogue's for it, `version` its version's row there.

    `vector` None: the index embeds `text` itself.
    """

    id: str
    version: int
    text: str
    vector: Vectors | None = None
    metadata: Mapping[str, str | int] = field(default_factory=dict)


class VectorIndex(Protocol):
    """Passages by the nearness of their vectors. Every method may be repeated: putting and removing twice is once."""

    async def put(self, items: Sequence[Item]) -> None:
        """Keep these. What is put is not found until its version is among those that a search names."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget these, whether it has them or not."""

    async def nearest(
        self, query: str, vector: Vectors | None, versions: Sequence[int], limit: int
    ) -> list[tuple[str, float]]:
        """The ids of at most `limit` passages of these versions and their scores, nearest first. [] versions: none."""

    async def close(self) -> None:
        """Let go of connections that the index opened."""
