"""An embedder that Pinecone runs: the same key that keeps the vectors makes them."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from backends.vectors.contracts import Purpose, Vectors
from backends.vectors.pinecone.client import PINECONE, Client, Patience, parsed
from backends.vectors.unit_rows import unit
from core.canonical import Json
from core.errors import InvalidInput, Unavailable

MAX_TEXTS = 96
"""In one request, by every model that Pinecone hosts."""


class PineconeEmbedder:
    """Texts to vectors of one of Pinecone's hosted models. A text that is too long for the model loses its end.

    `dimension` None is the model's usual one, known after the first request. `host` and `key_env` are as for `Client`.
    Raises InvalidInput if a key is missing or malformed.
    """

    def __init__(
        self,
        model: str,
        *,
        dimension: int | None = None,
        host: str = PINECONE.url,
        key_env: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = f"pinecone:{model}" + (f"?dimension={dimension}" if dimension else "")
        self.dimension = dimension
        self._model = model
        self._asked: dict[str, Json] = {"truncate": "END"} | ({"dimension": dimension} if dimension else {})
        self._client = Client(host, key_env=key_env, patience=patience)

    @classmethod
    def from_url(cls, url: str) -> "PineconeEmbedder":
        """`pinecone:MODEL`, and `dimension`, `host` and `key_env` as parameters. Raises InvalidInput."""
        model, parameters = parsed(url, {"dimension"})
        wanted = parameters.get("dimension")
        if wanted is not None and not (wanted.isascii() and wanted.isdecimal() and int(wanted)):
            raise InvalidInput("dimension is a number from 1, as in pinecone:llama-text-embed-v2?dimension=1024")
        dimension = None if wanted is None else int(wanted)
        return cls(model, dimension=dimension, host=parameters["host"], key_env=parameters.get("key_env"))

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """As `Embedder.embed`. A text of spaces alone is not sent, and has a row of zeros."""
        sent = [n for n, text in enumerate(texts) if text.strip()]
        batches = [
            await self._embed([texts[n] for n in sent[start : start + MAX_TEXTS]], purpose)
            for start in range(0, len(sent), MAX_TEXTS)
        ]
        rows = np.zeros((len(texts), self.dimension or 0), dtype=np.float32)
        if batches:
            rows[sent] = np.concatenate(batches)
        return rows

    async def close(self) -> None:
        await self._client.close()

    async def _embed(self, texts: list[str], purpose: Purpose) -> Vectors:
        asked, patience = {**self._asked, "input_type": purpose}, self._client.patience
        embed = partial(self._client.pinecone.inference.embed, self._model, texts, asked)
        answer = await self._client.ask(embed, patience.read if purpose == "query" else patience.write)
        rows = np.array([one["values"] for one in answer.data], dtype=np.float32)
        self.dimension = self.dimension or rows.shape[-1]
        if rows.shape != (len(texts), self.dimension):
            raise Unavailable(f"{self.name} gave vectors of {rows.shape} for {len(texts)} texts")
        return unit(rows)
