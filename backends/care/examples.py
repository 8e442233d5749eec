"""Messages of people in need beside ordinary ones, as vectors: for what no phrase has foreseen.

The bundled vectors know words, hardly sentences. So the nearest examples decide, by a margin at which ordinary questions
stay without a topic: at the margin 0.05 they find less than half of the messages in need, and phrases find most.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.vectors.static.tokens import StaticTokens
from backends.vectors.unit_rows import unit

ORDINARY = "ordinary"

MARGIN = 0.05
"""How much nearer to a topic's examples than to ordinary ones a sentence must be."""

NEAREST = 2
"""The examples of a kind whose mean similarity counts."""

MOST_SENTENCES = 200
"""The sentences of a message that are read: the first and the last half of them."""

Vectors: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]


def static_vectors(tokens: StaticTokens) -> Vectors:
    """The vector of a text: the sum of its tokens', of length 1."""

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        sums = np.zeros((len(texts), tokens.rows.shape[1]), dtype=np.float32)
        for row, ids in zip(sums, tokens.ids([text.casefold() for text in texts]), strict=True):
            worded = ids[tokens.worded[ids]]
            row[:] = tokens.lengths[worded] @ tokens.rows[worded]
        return unit(sums)

    return vectors


class Examples:
    """Examples by topic, ORDINARY ones among them. Safe in any thread."""

    def __init__(self, vectors: Vectors, examples: Mapping[str, Sequence[str]]) -> None:
        self._vectors = vectors
        self._topics = [topic for topic in examples if topic != ORDINARY]
        self._near = {topic: vectors(texts) for topic, texts in examples.items()}

    def topic(self, sentences: Sequence[str]) -> str | None:
        """The topic of the sentence that is nearest to one; None if all are ordinary."""
        if len(sentences) > MOST_SENTENCES:
            sentences = [*sentences[: MOST_SENTENCES // 2], *sentences[-MOST_SENTENCES // 2 :]]
        if not sentences:
            return None
        # Two sentences together as well: "I have results. They are bad."
        rows = self._vectors([*sentences, *map(" ".join, pairwise(sentences))])
        ordinary = self._nearness(rows, ORDINARY)
        margins = np.stack([self._nearness(rows, topic) - ordinary for topic in self._topics])
        place = int(margins.max(axis=1).argmax())
        return self._topics[place] if margins[place].max() > MARGIN else None

    def _nearness(self, rows: NDArray[np.float32], topic: str) -> NDArray[np.float32]:
        similar = rows @ self._near[topic].T
        nearest: NDArray[np.float32] = np.sort(similar, axis=1)[:, -NEAREST:].mean(axis=1)
        return nearest
