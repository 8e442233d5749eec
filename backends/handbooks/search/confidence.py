"""Whether passages answer a question: how much of its subject the best of them covers, and how like it that one is.

The subject is the question's words without courtesies, each weighed by how rare it is in the handbooks. Neither the
question's length nor its form counts, so a short question is judged as a long one about the same. A question with
hardly a word of its own, such as "and how much?", has the subject of the questions before it. What no likeness of
words can tell is a near miss: a passage on the topic that lacks the fact.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backends.handbooks.search.answer_kinds import without_how
from backends.handbooks.search.courtesy import without_courtesy
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.stems import question_words, stems, surface
from backends.vectors.static.tokens import StaticTokens
from core.values import Judgement, Passage

LOOKED_AT = 6
"""Passages that are looked at, the first ones."""
MEANT = 0.9
"""How much of a word is covered by what it may also mean."""
ALIKE, DIFFERENT, SAME = 0.5, 0.35, 0.85
"""How much of a word one that is like it may cover, and the cosines at which it covers nothing and that much."""
ENOUGH, BEYOND = 1.5, 0.2
"""A long question tells a story: of what its subject weighs above `ENOUGH` only this share need be covered. The weight
of a word that the handbooks lack is 1, of one that each passage has 0."""
FEW, EARLIER = 2, 0.5
"""A question with fewer words of its own is judged with the earlier ones, of which a word weighs so much."""
CLOSE = 0.5
"""The cosine of question and passage that is as like as can be expected."""

THRESHOLD = 0.485
SURE = 0.8
"""Below it the desk says that it is not sure. About half of the near misses fall below, of each handbook."""
CALIBRATION = "three handbooks, 262 questions that they answer, 177 near misses and 100 unrelated questions"
"""What `python -m tests.eval.fit_confidence` was run on: of the answered questions 5 % fell below the threshold."""

_MADE_UP = "\0"
"""In place of any word that the handbooks lack."""
_FILLERS = frozenset(
    """perhaps maybe possibly really actually basically simply quite surely certainly quickly briefly wonder wondering
    wondered question questions ask asking asked curious know tell understand understanding explain clarify somebody
    someone something anything everything following""".split()  # noqa: SIM905 - a list of so many quoted words would be hard to read
)


def judged(
    query: str, passages: Sequence[Passage], lexicon: Lexicon, synonyms: Synonyms, tokens: StaticTokens
) -> Judgement:
    """The judgement on what was found for a query, best first; its last line is the question."""
    earlier, _, question = query.rpartition("\n")
    own = set(question_words(without_how(question))) - _FILLERS
    subject = _Subject(question, earlier if len(own) < FEW else "", lexicon, synonyms, tokens)
    texts = [" ".join((one.title, *one.section, one.text)) for one in passages[:LOOKED_AT]]
    confidence = max(map(subject.answered_by, texts, tokens.ids(texts)), default=0.0)
    return Judgement(confidence=confidence, threshold=THRESHOLD, sure=SURE, calibration=CALIBRATION)


class _Subject:
    """What a question is about: its words, what each may also mean, how rare each is, and their vectors."""

    def __init__(self, question: str, earlier: str, lexicon: Lexicon, synonyms: Synonyms, tokens: StaticTokens) -> None:
        question, earlier = (lexicon.repaired(without_courtesy(without_how(text))) for text in (question, earlier))
        said = surface(f"{question}\n{earlier}")
        all_stems = stems(said)
        own = set(question_words(question))
        content = own.union(question_words(earlier))
        content = content - _FILLERS or content
        places: dict[str, int] = {}
        for place, stem in enumerate(all_stems):
            if said[place] in content:
                places.setdefault(stem, place)
        meant = synonyms.meant_by_each(all_stems)
        self._meant = {stem: meant[place] for stem, place in places.items()}
        self._weights = np.array(
            [
                (1 if said[place] in own else EARLIER) * lexicon.rarity(stem) / lexicon.rarity(_MADE_UP)
                for stem, place in places.items()
            ]
        )
        weight = float(self._weights.sum())
        self._due = min(weight, ENOUGH) + BEYOND * max(0.0, weight - ENOUGH)
        about = [said[place] for place in places.values()]
        known = (phrase for phrases in self._meant.values() for phrase in phrases if all(map(lexicon.having, phrase)))
        others = map(synonyms.spelt, dict.fromkeys(known))
        self._tokens = tokens
        self._words = tokens.meanings(tokens.ids(about))
        self._whole = tokens.meanings(tokens.ids([" ".join(about), " ".join([*about, *others])])).mean(0)

    def answered_by(self, text: str, ids: NDArray[np.uint32]) -> float:
        """From 0 to 1: the mean of how much of the subject the text of these tokens covers, and of how like it is."""
        if not self._due:
            return 0.0
        covered = float(self._weights @ self._levels(text, ids)) / self._due
        like = float(self._whole @ self._tokens.meanings([ids])[0]) / CLOSE
        return (min(1.0, covered) + min(1.0, max(0.0, like))) / 2

    def _levels(self, text: str, ids: NDArray[np.uint32]) -> NDArray[np.float32]:
        """How much of each word the text covers."""
        there = frozenset(stems(surface(text)))
        nearest = (self._words @ self._tokens.rows[np.unique(ids)].T).max(1, initial=0)
        levels: NDArray[np.float32] = ALIKE * np.clip((nearest - DIFFERENT) / (SAME - DIFFERENT), 0, 1)
        for place, (stem, meant) in enumerate(self._meant.items()):
            if stem in there:
                levels[place] = 1
            elif any(map(there.issuperset, meant)):
                levels[place] = MEANT
        return levels
