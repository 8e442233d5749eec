"""Whether passages answer a question: a small model, calibrated on questions with known answers and on each index.

A top score tells a near miss, on the topic but without the fact, no better than chance. What helps: whether the kind
of answer that is wanted stands near the question's words, how much of it is covered, and how it was asked. How high
scores come by chance differs from index to index, so it is measured there, with questions outside of any handbook.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from statistics import fmean, pstdev

from backends.handbooks.search.answer_kinds import Kind, has, is_yes_or_no, wanted
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Phrase, Synonyms
from backends.stems import question_words, stemmed
from core.values import Judgement, Passage

LOOKED_AT = 5
"""Passages that are looked at, the first ones."""
MEANT = 0.6
"""How much of a word is covered by one that it may mean."""
ABOVE = 0.8
"""How much of a sentence's words are covered by those of its headings."""
FAR = 2.0
"""Spreads from chance beyond which a question is clearly about what the handbooks are about, as near misses are too."""
SHORTEST, LONGEST = 3, 11
"""Words of a question between which its length says something."""

OFF_TOPIC = (
    "How long do I boil an egg so that the yolk stays soft?",
    "Which planet has the most moons?",
    "Who won the football match last night?",
    "What is the capital of Mongolia?",
    "How do I get red wine out of a white carpet?",
    "Can you write me a poem about the sea?",
    "What is the tallest mountain in South America?",
    "How many legs does a spider have?",
    "When should I plant tulips in the garden?",
    "Which film won the most Oscars?",
    "How do I change a flat tyre on a motorway?",
    "What is the square root of 1764?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How far is the moon from the earth?",
    "What should I feed a hedgehog in winter?",
    "Is it going to rain in Lisbon tomorrow?",
    "How do you say good night in Japanese?",
    "Which river runs through Budapest?",
    "What is a good recipe for lentil soup?",
    "How long does a blue whale live?",
    "Can cats see in the dark?",
    "When did the Roman empire fall?",
    "How do I tune a guitar by ear?",
    "What is the boiling point of mercury?",
    "Which chess opening is best against e4?",
    "How much does an elephant weigh?",
    "Why is the sky blue at noon and red in the evening?",
    "Who wrote the novel about a white whale?",
    "How do I fold a paper aeroplane that flies far?",
    "What is the fastest train in the world?",
)
"""Questions outside of any employer's handbook: what an index scores for them is chance."""

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_LEAST_SPREAD = 0.01


@dataclass(frozen=True, slots=True)
class Signs:
    """The figures of a question and its passages.

    `words` is the best score by words; `covered` the share of the question's words, by their rarity, that the first
    three passages have between them. Of its sentences: `lacking` is by how much the best one with an answer of the kind
    wanted covers less than the best one, 0 or below, and `kinds` the share of the best five with one; 0 and .5 where no
    kind is wanted. `length` is the logarithm of its words' number.
    """

    words: float
    covered: float
    lacking: float
    kinds: float
    yes_or_no: float
    wants_kind: float
    length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What `words` and `covered` come to, mean and spread, for questions that this index does not answer."""

    words: tuple[float, float]
    covered: tuple[float, float]

    @classmethod
    def of(cls, signs: Sequence[Signs]) -> "Chance":
        """From the signs of the questions of `OFF_TOPIC`."""
        return cls(words=_spread([one.words for one in signs]), covered=_spread([one.covered for one in signs]))


WEIGHTS = Signs(
    words=0.446, covered=1.054, lacking=3.056, kinds=0.256, yes_or_no=-1.589, wants_kind=-0.550, length=3.374
)
INTERCEPT = -6.964
THRESHOLD = 0.259
CALIBRATION = "three handbooks, 262 questions that they answer and 77 that they do not quite"
"""What `python -m tests.eval.fit_confidence` fits, and the threshold below which 5 % of the answered questions fell.

Left out of the fit in turn, two handbooks of others and the sample ones have an AUROC of .74 (95 %: .67 to .81) for
near misses, of which 21 % (10 to 43) can be refused at 5 % false refusals, and of .92 (.89 to .95) for questions about
anything else, of which 56 % can. Much of the former is a question's form: people say more, and ask less often for a yes
or no, where a handbook answers. On one handbook alone, with 9 near misses, it may be chance: .58 (.35 to .79).
"""


def judged(signs: Signs, chance: Chance) -> Judgement:
    """The probability that the passages answer, were as many questions answered as not."""
    exponent = INTERCEPT + sum(
        weight * value for weight, value in zip(astuple(WEIGHTS), astuple(standard(signs, chance)), strict=True)
    )
    confidence = 1 / (1 + math.exp(-max(-30.0, min(30.0, exponent))))
    return Judgement(confidence=confidence, threshold=THRESHOLD, calibration=CALIBRATION)


def standard(signs: Signs, chance: Chance) -> Signs:
    """The signs with `words` and `covered` counted from chance, in its spreads, as far as that says something."""
    words, covered, *rest = astuple(signs)
    return Signs(_from(chance.words, words), _from(chance.covered, covered), *rest)


def _from(chance: tuple[float, float], value: float) -> float:
    mean, spread = chance
    return min(FAR, max(-1.0, (value - mean) / spread))


def signs(query: str, passages: Sequence[Passage], lexicon: Lexicon, synonyms: Synonyms) -> Signs:
    """What is known of a query, of which the last line is the question, and of what was found for it, best first."""
    text = lexicon.repaired(query)
    stems = list(dict.fromkeys(stemmed(" ".join(question_words(text))).split()))
    asked = _Asked([(stem, synonyms.meant([stem]), lexicon.rarity(stem)) for stem in stems])
    question = query.rpartition("\n")[2]
    kinds = wanted(question)
    lacking, share = _of_sentences(asked, passages[:LOOKED_AT], kinds)
    first = " ".join(_whole(passage) for passage in passages[:3])
    return Signs(
        words=max((leg.score for passage in passages for leg in passage.legs if leg.name == "words"), default=0.0),
        covered=asked.covered(_stems(first)),
        lacking=lacking,
        kinds=share,
        yes_or_no=float(is_yes_or_no(question)),
        wants_kind=float(bool(kinds)),
        length=math.log(1 + min(LONGEST, max(SHORTEST, len(stems)))),
    )


class _Asked:
    """The words of a question, with what else they may mean and how rare they are."""

    def __init__(self, words: Sequence[tuple[str, Sequence[Phrase], float]]) -> None:
        self._words = words
        self._all = sum(rarity for _, _, rarity in words)

    def covered(self, there: frozenset[str], above: frozenset[str] = frozenset()) -> float:
        """The share of the question, by rarity, that these stems cover, and, at less weight, those above them."""
        if not self._all:
            return 0.0
        return sum(
            rarity * max(_level(stem, meant, there), ABOVE * _level(stem, meant, above))
            for stem, meant, rarity in self._words
        ) / self._all  # fmt: skip


def _level(stem: str, meant: Sequence[Phrase], there: frozenset[str]) -> float:
    if stem in there:
        return 1.0
    return MEANT * any(there.issuperset(phrase) for phrase in meant)


def _of_sentences(asked: _Asked, passages: Sequence[Passage], kinds: frozenset[Kind]) -> tuple[float, float]:
    """`lacking` and `kinds` of `Signs`. A sentence is looked at with the one after it: a rule often takes two."""
    if not kinds:
        return 0.0, 0.5
    found: list[tuple[float, bool]] = []
    for passage in passages:
        above = _stems(" ".join((passage.title, *passage.section)))
        parts = [part for part in _SENTENCE.split(passage.text) if part.strip()]
        for first, second in zip(parts, [*parts[1:], ""], strict=True):
            said = f"{first} {second}"
            found.append((asked.covered(_stems(said), above), has(said, kinds)))
    if not found:
        return 0.0, 0.0
    found.sort(key=lambda one: -one[0])
    best = max((covered for covered, fits in found if fits), default=0.0)
    return best - found[0][0], fmean(fits for _, fits in found[:5])


def _whole(passage: Passage) -> str:
    return " ".join((passage.title, *passage.section, passage.text))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stemmed(text).split())


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return (fmean(values), pstdev(values) + _LEAST_SPREAD) if values else (0.0, 1.0)
