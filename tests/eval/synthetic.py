"""Handbooks of any size, made of made-up words, for measuring time and memory; nothing can be learnt of quality here.

Words are as frequent as in real text (Zipf's law: the n-th word 1/n as often as the first), so that a question's
common words stand in most passages, and as long, so that they are as many tokens. A size is always the same text.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

KINDS = 30_000
"""Different words. A hundred thousand real passages hold some more, most of them once."""
PASSAGES = 200
"""Sections of a document, each short enough to be one passage."""

_ONSETS = [
    *"bcdfghlmnprstvw",
    "br",
    "ch",
    "cl",
    "cr",
    "dr",
    "fl",
    "gr",
    "pl",
    "pr",
    "sh",
    "sl",
    "sp",
    "st",
    "str",
    "th",
    "tr",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "oo", "ou"]
_CODAS = ["", "", "", "n", "r", "s", "t", "l", "m", "nd", "nt", "st", "ck"]


class Synthetic:
    def __init__(self, seed: int = 2026) -> None:
        self._random = Random(seed)
        words = dict.fromkeys(self._word() for _ in range(3 * KINDS))
        self.words: Sequence[str] = sorted(list(words)[:KINDS], key=len)  # common words are short
        self._frequencies = list(accumulate(1 / rank for rank in range(3, KINDS + 3)))

    def documents(self, passages: int) -> Iterator[tuple[str, bytes]]:
        """Names and Markdown of as many documents as hold this many passages."""
        for first in range(0, passages, PASSAGES):
            sections = [self._section() for _ in range(min(PASSAGES, passages - first))]
            title = self._phrase(2, 4).capitalize()
            yield f"part-{first // 10_000:02}/handbook-{first:06}.md", f"# {title}\n\n{''.join(sections)}".encode()

    def questions(self, count: int) -> list[str]:
        """Of 6 to 12 words, one in four of them misspelt in one."""
        asked = []
        for number in range(count):
            words = self._drawn(self._random.randint(6, 12))
            if number % 4 == 0:
                long = max(range(len(words)), key=lambda n: len(words[n]))
                words[long] = words[long][:-2] + words[long][-1] + words[long][-2]
            asked.append(" ".join(words) + "?")
        return asked

    def _section(self) -> str:
        sentences = (f"{self._phrase(8, 24).capitalize()}." for _ in range(self._random.randint(3, 8)))
        return f"## {self._phrase(2, 6).capitalize()}\n\n{' '.join(sentences)}\n\n"

    def _phrase(self, least: int, most: int) -> str:
        return " ".join(self._drawn(self._random.randint(least, most)))

    def _drawn(self, count: int) -> list[str]:
        return self._random.choices(self.words, cum_weights=self._frequencies, k=count)

    def _word(self) -> str:
        pick = self._random.choice
        return "".join(pick(_ONSETS) + pick(_VOWELS) + pick(_CODAS) for _ in range(pick((1, 2, 2, 3))))
