"""Messages of people in need beside ordinary ones: for what no phrase has foreseen.

A new message is compared with each example by its vector and by its words and pairs of words; kernel ridge regression
says how much each example counts for each topic. Of 264 messages in need that no example was made from, vectors alone
found a third at 2 % false ones, and both together two thirds.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.care.spelling import root
from backends.vectors.static.tokens import StaticTokens
from backends.vectors.unit_rows import unit

ORDINARY = "ordinary"

MARGIN = 0.1
"""How much more a sentence must be of a topic than ordinary; an example itself is about 2. Of the examples, left out in
turn, 91 % are recognised with this margin and by phrases, and 4 % of the ordinary ones, which hold every near miss."""

MOST_SENTENCES = 200
"""The sentences of a message that are read: the first and the last half of them."""

_SHARPNESS, _WORDS, _RIDGE = 3.0, 2.0, 0.5
"""How fast an example's vector counts less with its distance, what its words count beside it, and how smooth the fit
is. Of the weights .5, 1 and 2 for words, 2 found most."""

Floats: TypeAlias = NDArray[np.float32]
Vectors: TypeAlias = Callable[[Sequence[str]], Floats]
Sentence: TypeAlias = Sequence[str]
"""The casefolded words of a sentence."""


def static_vectors(tokens: StaticTokens) -> Vectors:
    """The vector of a text: the sum of its tokens', of length 1."""

    def vectors(texts: Sequence[str]) -> Floats:
        sums = np.zeros((len(texts), tokens.rows.shape[1]), dtype=np.float32)
        for row, ids in zip(sums, tokens.ids(texts), strict=True):
            worded = ids[tokens.worded[ids]]
            row[:] = tokens.lengths[worded] @ tokens.rows[worded]
        return unit(sums)

    return vectors


class Examples:
    """Examples by topic, ORDINARY ones among them. Safe in any thread."""

    def __init__(self, vectors: Vectors, examples: Mapping[str, Sequence[Sentence]]) -> None:
        self._vectors = vectors
        self._topics = [ORDINARY, *(topic for topic in examples if topic != ORDINARY)]
        every = [sentence for topic in self._topics for sentence in examples[topic]]
        self._features = _Features(every)
        words = np.stack([self._features.row(sentence) for sentence in every])
        self._rows = vectors([" ".join(sentence) for sentence in every])
        sides = np.repeat(np.arange(len(self._topics)), [len(examples[topic]) for topic in self._topics])
        wanted = 2.0 * np.eye(len(self._topics), dtype=np.float32)[sides] - 1
        kernel = self._near(self._rows) + _WORDS * words @ words.T
        self._counts = np.linalg.solve(kernel + _RIDGE * np.eye(len(every), dtype=np.float32), wanted)
        self._word_counts: Floats = _WORDS * words.T @ self._counts

    def topic(self, sentences: Sequence[Sentence]) -> str | None:
        """The topic that a sentence, or two together, are nearest to; None if all are ordinary."""
        if len(sentences) > MOST_SENTENCES:
            sentences = [*sentences[: MOST_SENTENCES // 2], *sentences[-MOST_SENTENCES // 2 :]]
        if not sentences:
            return None
        # "I have my results. They are bad."
        read = [*sentences, *([*one, *other] for one, other in pairwise(sentences))]
        rows = self._vectors([" ".join(sentence) for sentence in read])
        fit = self._near(rows) @ self._counts
        fit += np.stack([self._features.weigh(sentence, self._word_counts) for sentence in read])
        margins = (fit[:, 1:] - fit[:, :1]).max(axis=0)
        place = int(margins.argmax())
        return self._topics[1 + place] if margins[place] > MARGIN else None

    def _near(self, rows: Floats) -> Floats:
        near: Floats = np.exp(_SHARPNESS * (rows @ self._rows.T - 1))
        return near


class _Features:
    """The words and pairs of words of the examples; the rarer, the more they count."""

    def __init__(self, examples: Sequence[Sentence]) -> None:
        having: dict[str, int] = {}
        for sentence in examples:
            for feature in _features(sentence):
                having[feature] = having.get(feature, 0) + 1
        self._places = {feature: place for place, feature in enumerate(having)}
        self._rarity = np.array([math.log(1 + len(examples) / times) for times in having.values()], dtype=np.float32)

    def row(self, sentence: Sentence) -> Floats:
        """The sentence's features as a row of length 1."""
        row = np.zeros(len(self._places), dtype=np.float32)
        places = self._known(sentence)
        row[places] = self._rarity[places]
        return row / (np.linalg.norm(row) or 1)

    def weigh(self, sentence: Sentence, counts: Floats) -> Floats:
        """What `row` times these counts is, without making the row."""
        places = self._known(sentence)
        weights = self._rarity[places]
        weighed: Floats = weights @ counts[places] / (np.linalg.norm(weights) or 1)
        return weighed

    def _known(self, sentence: Sentence) -> list[int]:
        return [self._places[feature] for feature in _features(sentence) if feature in self._places]


def _features(sentence: Sentence) -> Iterable[str]:
    roots = [root(word, "en") for word in sentence]
    # In order, so that sums of floats are the same in each process.
    return dict.fromkeys((*roots, *map(" ".join, pairwise(roots))))
