"""How well a sentence, an item or a row answers a question: by its words, by its meaning, by the kind of answer."""

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.handbooks.search.answer_kinds import has, wanted, without_how
from backends.handbooks.search.confidence import MEANT
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Phrase, Synonyms
from backends.handbooks.search.tokens import TokenMatching
from backends.passages.highlights import ABOVE, TOPIC, Likeness, Said
from backends.stems import question_words, stemmed, stems, surface

WORDS, MEANING, KIND = 0.5, 0.5, 0.2
EARLIER = 0.5
"""What a word of an earlier question counts for, in a question that depends on it."""

_LABELS = {
    re.compile(r"\bhow long\b(?! before\b)", re.IGNORECASE): "length duration",
    re.compile(r"\bhow (?:long before|far ahead|far in advance)\b", re.IGNORECASE): "ahead advance notice",
    re.compile(r"\b(?:when|how soon|by when)\b", re.IGNORECASE): "date deadline",
    re.compile(r"\bhow much\b", re.IGNORECASE): "amount rate",
}
"""What a handbook writes beside an answer of each kind, as the label of a row or item."""

_Levels: TypeAlias = NDArray[np.float32]
"""How much of each of a question's words is in each text, from 0 to 1: a row for each word, a column for each text."""


def likeness(query: str, lexicon: Lexicon, synonyms: Synonyms, matching: TokenMatching | None) -> Likeness:
    """The query's last line is the question, the others are earlier ones. `matching` None leaves meaning out."""
    earlier, _, question = lexicon.repaired(query).rpartition("\n")
    kinds = wanted(question) or wanted(earlier)
    earlier += "".join(f" {labels}" for asks, labels in _LABELS.items() if asks.search(question))
    earlier, question = without_how(earlier), without_how(question)

    def scores(said: Sequence[Said]) -> list[float]:
        # Most texts stand above or right before several units: each is looked at once.
        places = {text: place for place, text in enumerate(dict.fromkeys(text for one in said for text in one))}
        own, before, above = ([places[text] for text in texts] for texts in zip(*said, strict=True))

        def share(weights: Sequence[float], levels: _Levels) -> NDArray[np.float64]:
            there = np.maximum(levels[:, own], ABOVE * np.maximum(levels[:, before], levels[:, above]))
            there = there + TOPIC * levels[:, above]
            return _shares(weights, there)

        sums = WORDS * share(*_by_words(question, earlier, list(places), lexicon, synonyms))
        if matching is not None:
            sums = sums + MEANING * share(*_by_meaning(question, earlier, list(places), matching))
        return [float(total) + KIND * has(one.text, kinds) for total, one in zip(sums, said, strict=True)]

    return lambda said: scores(said) if said else []


def _shares(weights: Sequence[float], there: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean of each column, by the weights of its rows."""
    mean: NDArray[np.float64] = np.array(weights, np.float64) @ there / (sum(weights) or 1.0)
    return mean


def _by_words(
    question: str, earlier: str, texts: Sequence[str], lexicon: Lexicon, synonyms: Synonyms
) -> tuple[list[float], _Levels]:
    """The words of the question, by their rarity, and which are there, or others that they may mean."""
    weights: dict[str, float] = {}
    meant: dict[str, dict[Phrase, None]] = {}
    for asked, weight in ((question, 1.0), (earlier, EARLIER)):
        said, content = surface(asked), set(question_words(asked))
        all_stems = stems(said)
        for word, stem, others in zip(said, all_stems, synonyms.meant_by_each(all_stems), strict=True):
            if word in content:
                weights.setdefault(stem, weight * lexicon.rarity(stem))
                meant[stem] = meant.get(stem, {}) | others
    of_texts = [frozenset(stemmed(text).split()) for text in texts]
    levels = np.zeros((len(weights), len(texts)), np.float32)
    for row, (stem, others) in enumerate(meant.items()):
        for column, there in enumerate(of_texts):
            levels[row, column] = 1.0 if stem in there else MEANT * any(map(there.issuperset, others))
    return list(weights.values()), levels


def _by_meaning(
    question: str, earlier: str, texts: Sequence[str], matching: TokenMatching
) -> tuple[list[float], _Levels]:
    """The tokens of the question, by their rarity, and how near the nearest of each text is."""
    first = matching.asked(question)
    asked = np.concatenate([first, np.setdiff1d(matching.asked(earlier), first)])
    weights = matching.rarity(asked) * np.repeat([1.0, EARLIER], [len(first), len(asked) - len(first)])
    return weights.tolist(), matching.nearest_in(asked, texts)
