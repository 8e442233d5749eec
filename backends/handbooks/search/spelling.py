"""The words of the handbooks as a question meets them: which there are, how common, and which a misspelt one was to be.

Numbers, codes, words of the handbooks and words of the language stay as they are: else "dentist" would become "density"
if the handbooks never mention a dentist.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from backends.codes import outside_codes
from backends.stems import STOP_WORDS, stemmed, stems
from core.words import plain

SHORTEST = 4
"""Letters of a word that may be taken for misspelt: of three, most are one letter away from some other."""
MOST_REPAIRS = 12
"""Words of one text that are repaired: each is compared with the whole vocabulary."""

_SAME_SOUND = 0.8
_OTHER_START = 0.7
_COMMON = 0.08
"""In letters, what it counts for a candidate that its consonants are the same and that it is e times as common, and
against it that it begins differently. Set by hand on a dozen misspelt questions: `stok` is stock before stop, `tipe`
type before time; anything near does as well."""
_STOP_WORD_PASSAGES = 20

_WORD = re.compile(r"[^\W_]+")
_SILENT = re.compile(r"[aeiouyh]")
_ALIKE = (("ck", "k"), ("ph", "f"), ("c", "k"), ("z", "s"))


class Lexicon:
    """A vocabulary, with what is worked out from it once. `passages` is how many passages there are."""

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        passages: int,
        known: Collection[str] = (),
        is_word: Callable[[str], bool] = lambda word: False,
    ) -> None:
        """`known` are correct words that the handbooks may lack; `is_word` says whether any other word is correct."""
        self.passages = passages
        self._vocabulary = vocabulary
        self._known = known
        self._is_word = is_word
        self._having: dict[str, int] = {}
        self._by_length: dict[int, list[str]] = {}
        every = list(vocabulary)
        for word, stem in zip(every, stems(every), strict=True):
            self._having[stem] = self._having.get(stem, 0) + vocabulary[word]
        for word in {*every, *STOP_WORDS}:
            if word.isalpha() and len(word) >= SHORTEST - 1:
                self._by_length.setdefault(len(word), []).append(word)

    def having(self, stem: str) -> int:
        """In how many passages a stem is: too high by those that have it in several forms; 0 for an unknown one."""
        return min(self._having.get(stem, 0), self.passages)

    def rarity(self, stem: str) -> float:
        """The logarithm of how few passages have it: 0 for a stem of all passages, highest for an unknown one."""
        return math.log((self.passages + 1) / (self.having(stem) + 0.5))

    def repaired(self, text: str) -> str:
        """The `plain` text with its misspelt words replaced by the handbooks' own, and its codes as they were."""
        left = MOST_REPAIRS

        def replace(match: re.Match[str]) -> str:
            nonlocal left
            word = match[0].casefold()
            if not left or not self._strange(word):
                return match[0]
            left -= 1
            return self._nearest(word) or match[0]

        return "".join(_WORD.sub(replace, part) if free else part for part, free in outside_codes(plain(text)))

    def _strange(self, word: str) -> bool:
        if len(word) < SHORTEST or not word.isalpha() or word in self._vocabulary or word in STOP_WORDS:
            return False
        return not (stemmed(word) in self._having or word in self._known or self._is_word(word))

    def _nearest(self, word: str) -> str | None:
        best, found = math.inf, None
        sound = _consonants(word)
        for length in range(len(word) - 2, len(word) + 3):
            candidates = self._by_length.get(length, [])
            for other, edits, _ in process.extract(word, candidates, scorer=OSA.distance, score_cutoff=2, limit=40):
                alike = _consonants(other) == sound
                if not _near(len(word), int(edits), alike):
                    continue
                common = math.log(self._vocabulary.get(other, _STOP_WORD_PASSAGES))
                cost = edits - alike * _SAME_SOUND + (other[0] != word[0]) * _OTHER_START - common * _COMMON
                if cost < best or (cost == best and found is not None and other < found):
                    best, found = cost, other
        return found


def _near(length: int, edits: int, alike: bool) -> bool:
    """How many edits a word may take: short ones only such as leave its sound."""
    if edits < 2:
        return alike or length >= 6
    return length >= (6 if alike else 8)


def _consonants(word: str) -> str:
    for spelt, said in _ALIKE:
        word = word.replace(spelt, said)
    heard = _SILENT.sub("", word)
    return re.sub(r"(.)\1+", r"\1", heard) or word
