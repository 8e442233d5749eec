"""How well a sentence, an item or a row answers a question: by its words, by its meaning, by the kind of answer."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.handbooks.search.answer_kinds import has, wanted
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.search.tokens import TokenMatching
from backends.passages.highlights import ABOVE, Likeness, Said
from backends.stems import question_words, stemmed

WORDS, MEANING, KIND = 0.4, 0.6, 0.1
MEANT = 0.6
"""How much of a word is there if one is that it may mean."""
EARLIER = 0.5
"""What a word of an earlier question counts for, in a question that depends on it."""


def likeness(query: str, lexicon: Lexicon, synonyms: Synonyms, matching: TokenMatching | None) -> Likeness:
    """The query's last line is the question; `matching` None leaves meaning out."""
    earlier, _, question = lexicon.repaired(query).rpartition("\n")
    kinds = wanted(question)
    by_words = _by_words(question, earlier, lexicon, synonyms)
    by_meaning = _by_meaning(question, earlier, matching)

    def scores(said: Sequence[Said]) -> list[float]:
        if not said:
            return []
        sums = WORDS * by_words(said) + MEANING * by_meaning(said)
        return [float(total) + KIND * has(one.text, kinds) for total, one in zip(sums, said, strict=True)]

    return scores


_Scores: TypeAlias = Callable[[Sequence[Said]], NDArray[np.float64]]


def _by_words(question: str, earlier: str, lexicon: Lexicon, synonyms: Synonyms) -> _Scores:
    """The share of the question's words, by their rarity, that are there or above."""
    asked: dict[str, float] = {}
    for text, weight in ((question, 1.0), (earlier, EARLIER)):
        for word in stemmed(" ".join(question_words(text))).split():
            asked.setdefault(word, weight * lexicon.rarity(word))
    whole = sum(asked.values()) or 1.0
    meant = {word: synonyms.meant([word]) for word in asked}

    def level(word: str, there: frozenset[str]) -> float:
        if word in there:
            return 1.0
        return MEANT * any(there.issuperset(phrase) for phrase in meant[word])

    def scores(said: Sequence[Said]) -> NDArray[np.float64]:
        found = []
        for one in said:
            own, other = frozenset(stemmed(one.text).split()), frozenset(stemmed(f"{one.before} {one.above}").split())
            levels = {word: max(level(word, own), ABOVE * level(word, other)) for word in asked}
            found.append(sum(rarity * levels[word] for word, rarity in asked.items()) / whole)
        return np.array(found)

    return scores


def _by_meaning(question: str, earlier: str, matching: TokenMatching | None) -> _Scores:
    """The nearest token there or above, for each token of the question; the mean, by their rarity."""
    if matching is None:
        return lambda said: np.zeros(len(said))
    first = matching.asked(question)
    asked = np.concatenate([first, np.setdiff1d(matching.asked(earlier), first)])
    weights = matching.rarity(asked) * np.repeat([1.0, EARLIER], [len(first), len(asked) - len(first)])

    def scores(said: Sequence[Said]) -> NDArray[np.float64]:
        if not len(asked):
            return np.zeros(len(said))
        own = matching.nearest_in(asked, [one.text for one in said])
        above = matching.nearest_in(asked, [f"{one.before} {one.above}" for one in said])
        there: NDArray[np.float64] = weights @ np.maximum(own, ABOVE * above) / weights.sum()
        return there

    return scores
