"""Messages of people in need beside ordinary ones: for what no phrase has foreseen.

A new message is compared with each example in three ways: by the vector of the whole, by its words and pairs of words,
and word by word by their vectors, so that "gaffer" is near to "boss". Kernel ridge regression says how much each
example counts for each topic. `python -m tests.eval.care_examples` leaves examples out in turn and measures the rest.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.care.spelling import root
from backends.vectors.static.tokens import StaticTokens
from backends.vectors.unit_rows import unit

ORDINARY = "ordinary"

MOST_SENTENCES = 200
"""The sentences of a message that are read: the first and the last half of them."""

MOST_WORDS = 60
"""The words of a sentence that are read together: a message without full stops is read in pieces."""

_SHARPNESS, _RIDGE = 2.0, 0.3
"""How fast an example's vector counts less with its distance, and how smooth the fit is."""

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
    """Examples by topic, ORDINARY ones among them. Safe in any thread.

    `counts` says how much each example counts for each topic: one row for each example, in order, and one column for
    each topic, ORDINARY first. None fits them, which takes seconds.
    """

    def __init__(
        self, vectors: Vectors, examples: Mapping[str, Sequence[Sentence]], counts: Floats | None = None
    ) -> None:
        self._vectors = vectors
        self._topics = [ORDINARY, *(topic for topic in examples if topic != ORDINARY)]
        every = [sentence for topic in self._topics for sentence in examples[topic]]
        self._rows = vectors([" ".join(sentence) for sentence in every])
        self._same, self._alike = _SameWords(every), _AlikeWords(vectors, every)
        self.counts: Floats = self._fit(examples) if counts is None else counts
        self._same.learn(self.counts)
        self._alike.learn(self.counts)

    def margins(self, sentences: Sequence[Sentence]) -> dict[str, float]:
        """By topic, how much more a sentence, or two together, are of it than ordinary; an example itself is about 2.

        {} for no sentences.
        """
        sentences = [one[at : at + MOST_WORDS] for one in sentences for at in range(0, len(one), MOST_WORDS)]
        if len(sentences) > MOST_SENTENCES:
            sentences = [*sentences[: MOST_SENTENCES // 2], *sentences[-MOST_SENTENCES // 2 :]]
        if not sentences:
            return {}
        # "I have my results. They are bad."
        read = [*sentences, *([*one, *other] for one, other in pairwise(sentences))]
        fit = self._near(self._vectors([" ".join(sentence) for sentence in read])) @ self.counts
        fit += self._same.weigh(read) + self._alike.weigh(read)
        margins = (fit[:, 1:] - fit[:, :1]).max(axis=0)
        return dict(zip(self._topics[1:], margins.tolist(), strict=True))

    def _fit(self, examples: Mapping[str, Sequence[Sentence]]) -> Floats:
        sides = np.repeat(np.arange(len(self._topics)), [len(examples[topic]) for topic in self._topics])
        wanted = 2 * np.eye(len(self._topics), dtype=np.float32)[sides] - 1
        kernel = self._near(self._rows) + self._same.kernel() + self._alike.kernel()
        kernel[np.diag_indices_from(kernel)] += _RIDGE
        counts: Floats = np.linalg.solve(kernel, wanted)
        return counts

    def _near(self, rows: Floats) -> Floats:
        near: Floats = np.exp(_SHARPNESS * (rows @ self._rows.T - 1))
        return near


class _Bags:
    """Sentences as bags of features; the rarer a feature, the more it counts."""

    def __init__(self, bags: Sequence[Iterable[str]]) -> None:
        times = Counter(chain.from_iterable(bags))
        self.places = {feature: place for place, feature in enumerate(times)}
        self.rarity = np.array([math.log(1 + len(bags) / often) for often in times.values()], dtype=np.float32)
        self.known = [np.array([self.places[feature] for feature in bag], dtype=np.intp) for bag in bags]


class _SameWords:
    """The kernel of the words, and pairs of words, that two sentences have in common."""

    def __init__(self, examples: Sequence[Sentence]) -> None:
        self._bags = _Bags([_features(sentence) for sentence in examples])
        self._weights = [self._unit(known) for known in self._bags.known]
        self._counts: Floats = np.zeros((0, 0), dtype=np.float32)

    def kernel(self) -> Floats:
        having: list[list[tuple[int, float]]] = [[] for _ in self._bags.places]
        for row, known in enumerate(self._bags.known):
            for place, weight in zip(known.tolist(), self._weights[row].tolist(), strict=True):
                having[place].append((row, weight))
        kernel = np.zeros((len(self._weights), len(self._weights)), dtype=np.float32)
        for holders in having:
            if len(holders) > 1:
                rows, values = zip(*holders, strict=True)
                kernel[np.ix_(rows, rows)] += np.outer(values, values)
        np.fill_diagonal(kernel, [float(weights @ weights) for weights in self._weights])
        return kernel

    def learn(self, counts: Floats) -> None:
        """Makes `weigh` ready: how much each feature counts for each topic."""
        self._counts = np.zeros((len(self._bags.places), counts.shape[1]), dtype=np.float32)
        for known, weights, count in zip(self._bags.known, self._weights, counts, strict=True):
            self._counts[known] += np.outer(weights, count)

    def weigh(self, sentences: Sequence[Sentence]) -> Floats:
        """What these sentences' kernel with the examples, times their counts, is."""
        places = self._bags.places
        known = [[places[one] for one in _features(sentence) if one in places] for sentence in sentences]
        return np.stack([self._unit(row) @ self._counts[row] for row in known])

    def _unit(self, places: Sequence[int] | NDArray[np.intp]) -> Floats:
        weights = self._bags.rarity[places]
        return weights / (np.linalg.norm(weights) or 1)


class _AlikeWords:
    """The kernel of words near in meaning: all words of two sentences are compared with each other."""

    def __init__(self, vectors: Vectors, examples: Sequence[Sentence]) -> None:
        self._vectors = vectors
        self._bags = _Bags([dict.fromkeys(sentence) for sentence in examples])
        self._rows = vectors(list(self._bags.places))
        self._unknown = math.log(1 + len(examples))
        rarity, known = self._bags.rarity, self._bags.known
        self._weights = [_unit_by(rarity[row], _alike(self._rows[row], self._rows[row])) for row in known]
        self._counts: Floats = np.zeros((0, 0), dtype=np.float32)

    def kernel(self) -> Floats:
        alike = _alike(self._rows, self._rows)
        known = self._bags.known
        by_word = np.stack([weights @ alike[row] for weights, row in zip(self._weights, known, strict=True)], axis=1)
        return np.stack([weights @ by_word[row] for weights, row in zip(self._weights, known, strict=True)])

    def learn(self, counts: Floats) -> None:
        """Makes `weigh` ready: how much each word counts for each topic."""
        self._counts = np.zeros((len(self._rows), counts.shape[1]), dtype=np.float32)
        for known, weights, count in zip(self._bags.known, self._weights, counts, strict=True):
            self._counts[known] += np.outer(weights, count)

    def weigh(self, sentences: Sequence[Sentence]) -> Floats:
        """What these sentences' kernel with the examples, times their counts, is."""
        places = {word: place for place, word in enumerate(dict.fromkeys(chain.from_iterable(sentences)))}
        rows = self._vectors(list(places))
        rarity = np.array([self._rarity(word) for word in places], dtype=np.float32)
        counts = _alike(rows, self._rows) @ self._counts
        weighed = []
        for sentence in sentences:
            known = [places[word] for word in dict.fromkeys(sentence)]
            weighed.append(_unit_by(rarity[known], _alike(rows[known], rows[known])) @ counts[known])
        return np.stack(weighed)

    def _rarity(self, word: str) -> float:
        place = self._bags.places.get(word)
        return self._unknown if place is None else float(self._bags.rarity[place])


def _alike(rows: Floats, others: Floats) -> Floats:
    """How near in meaning words are, from 0 to 1."""
    alike: Floats = np.maximum(rows @ others.T, 0) ** 2
    return alike


def _unit_by(weights: Floats, alike: Floats) -> Floats:
    """The weights of a sentence's words, so that the sentence is 1 beside itself."""
    return weights / (math.sqrt(weights @ alike @ weights) or 1)


def _features(sentence: Sentence) -> dict[str, None]:
    roots = [_root(word) for word in sentence]
    # In order, so that sums of floats are the same in each process.
    return dict.fromkeys((*roots, *map(" ".join, pairwise(roots))))


@lru_cache(maxsize=20_000)
def _root(word: str) -> str:
    return root(word, "en")
