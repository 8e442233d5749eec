"""A reranker that Pinecone runs: it reads the question with each passage, and says how well they go together."""

from collections.abc import Mapping, Sequence
from functools import partial

from backends.vectors.pinecone.client import PINECONE, Client, Patience, parsed
from core.canonical import Json
from core.errors import Unavailable

MAX_TEXTS = 100
"""In one request. A passage's score does not depend on the others, so scores of several requests can be compared."""

_PARAMETERS: Mapping[str, Mapping[str, Json]] = {
    "bge-reranker-v2-m3": {"truncate": "END"},
    "pinecone-rerank-v0": {"truncate": "END"},
}
"""What makes a model cut a passage that is too long. Otherwise bge-reranker-v2-m3 refuses it; other models cut."""


class PineconeReranker:
    """A Reranker among Pinecone's hosted models. `host` and `key_env` are as for `Client`.

    Raises InvalidInput if a key is missing or malformed.
    """

    def __init__(
        self, model: str, *, host: str = PINECONE.url, key_env: str | None = None, patience: Patience | None = None
    ) -> None:
        self.name = f"pinecone:{model}"
        self._model = model
        self._client = Client(host, key_env=key_env, patience=patience)

    @classmethod
    def from_url(cls, url: str) -> "PineconeReranker":
        """`pinecone:MODEL`, and `host` and `key_env` as parameters. Raises InvalidInput."""
        model, parameters = parsed(url, set())
        return cls(model, host=parameters["host"], key_env=parameters.get("key_env"))

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """As `Reranker.rerank`: from 0 to 1. A question or a passage of spaces alone is not sent, and has 0."""
        scores = [0.0] * len(texts)
        sent = [n for n, text in enumerate(texts) if text.strip()] if query.strip() else []
        for start in range(0, len(sent), MAX_TEXTS):
            batch = sent[start : start + MAX_TEXTS]
            for n, score in zip(batch, await self._rerank(query, [texts[n] for n in batch]), strict=True):
                scores[n] = score
        return scores

    async def close(self) -> None:
        await self._client.close()

    async def _rerank(self, query: str, texts: list[str]) -> list[float]:
        rerank = partial(
            self._client.pinecone.inference.rerank,
            self._model,
            query,
            texts,
            return_documents=False,
            parameters=_PARAMETERS.get(self._model),
        )
        answer = await self._client.ask(rerank, self._client.patience.read)
        scores = {one.index: one.score for one in answer.data}
        if scores.keys() != set(range(len(texts))):
            raise Unavailable(f"{self.name} gave {len(scores)} scores for {len(texts)} passages")
        return [scores[n] for n in range(len(texts))]
