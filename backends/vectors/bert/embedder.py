"""An embedder from a model in a folder of the operator's, run by numpy alone: it needs neither torch nor a network."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import anyio
import numpy as np

from backends.vectors.bert.folder import ModelFolder
from backends.vectors.contracts import Purpose, Vectors
from backends.vectors.unit_rows import unit
from core.words import words

_WINDOW = 1024
"""Texts that are tokenised and sorted at once."""

_TOKENS = 4096
"""Tokens of a batch, padding included. More are not faster, and cost memory: 48 bytes a pair of a text's tokens."""


class FolderEmbedder:
    """Texts to vectors of the model in the folder `path`; one longer than the model takes is cut at its end.

    Its name ends with the model's fingerprint, so that another model in the same folder is told from the one that made
    an index. Raises InvalidInput if the folder does not hold such a model.
    """

    def __init__(self, path: str | Path) -> None:
        self._model = ModelFolder.read(Path(path))
        self.name = f"folder:{path}#{self._model.fingerprint}"
        self.dimension: int | None = self._model.width

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """As `Embedder.embed`. It never fails."""
        ends = [*range(0, len(texts), _WINDOW), len(texts)]
        windows = [await self._window(texts[start:end], purpose) for start, end in pairwise(ends)]
        return np.concatenate([np.empty((0, self._model.width), dtype=np.float32), *windows])

    async def close(self) -> None:
        """The model stays in memory as long as the embedder."""

    async def _window(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        ids = await anyio.to_thread.run_sync(self._ids, texts, purpose)
        vectors = np.zeros((len(texts), self._model.width), dtype=np.float32)
        for batch in _batches([len(text) for text in ids]):
            vectors[batch] = await anyio.to_thread.run_sync(self._vectors, [ids[n] for n in batch])
        return vectors

    def _ids(self, texts: Sequence[str], purpose: Purpose) -> list[list[int]]:
        """The tokens of each text with the prompt before it; [] for a text without a word."""
        prompt = self._model.prompts[purpose]
        whole = [prompt + text.encode(errors="replace").decode() for text in texts]
        cased = [text.lower() for text in whole] if self._model.lower_case else whole
        encoded = self._model.tokenizer.encode_batch_fast(cased)
        return [tokens.ids if words(text) else [] for text, tokens in zip(texts, encoded, strict=True)]

    def _vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        lengths = np.array([len(text) for text in ids])
        padded = np.zeros((len(ids), lengths.max()), dtype=np.int64)
        for row, text in zip(padded, ids, strict=True):
            row[: len(text)] = text
        tokens = self._model.bert(padded, lengths)
        match self._model.pooling:
            case "cls":
                return unit(tokens[:, 0])
            case "mean":
                counted = np.arange(padded.shape[1]) < lengths[:, None]
                return unit(np.einsum("nl,nlw->nw", counted.astype(np.float32), tokens))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts of about the same length, so that padding is rare; empty texts are left out."""
    batch: list[int] = []
    for n in sorted((n for n, length in enumerate(lengths) if length), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[n] > _TOKENS:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch
