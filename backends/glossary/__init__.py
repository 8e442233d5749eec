"""German questions over English handbooks and tools: a glossary of personnel offices' words, read word by word.

It gives no sentence that a person would read: it gives the words to search with, and enough order for a tool's date.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from backends.languages import Language, leaning
from backends.stems import stems
from core.errors import InvalidInput
from core.words import words

_LITTLE = "[little words]"
_TERMS = "[terms]"
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"[\"„“«][^\"„“”«»]*[\"“”»]")
_LINKS = ("", "s", "es", "n", "en", "e", "er")
"""What may stand between the parts of a compound: Urlaub-s-anspruch."""
_SHORTEST = 4
"""Letters of a part of a compound, and of the beginning of a word of which the rest is unknown."""
_LONGEST = 64
"""Letters of a compound: a longer word is read as one that the glossary does not have."""
_TELLING = 5
"""Letters of a term that tells by itself that a text is German."""


@dataclass(frozen=True, slots=True)
class Gloss:
    """A piece of a text, and its meanings, the first the plainest; () for a piece that the glossary does not have.

    `little`: it is a word such as "and", or a piece without words.
    """

    said: str
    meanings: tuple[str, ...] = ()
    little: bool = False


class Glossary:
    """German words and their English meanings."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Lines in the form that the head of `de.txt` explains. Raises InvalidInput for any other."""
        self._meanings: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        self._little: set[str] = set()
        section = _TERMS
        for number, line in enumerate(lines, 1):
            if said := line.partition("#")[0].strip():
                if said in (_LITTLE, _TERMS):
                    section = said
                else:
                    self._add(said, number, little=section == _LITTLE)
        self._longest = max(map(len, self._meanings), default=0)

    @classmethod
    def bundled(cls, more: Iterable[str] = ()) -> "Glossary":
        """The glossary that comes with Rolltop, and `more` lines, which come first."""
        return cls([*more, *_bundled()])

    def language(self, text: str) -> Language:
        """The language of a text. If its function words do not tell, a German word of the glossary does."""
        if signs := leaning(text):
            return "de" if signs > 0 else "en"
        return "de" if any(map(self._is_german, words(text))) else "en"

    def read(self, text: str) -> list[Gloss]:
        """The text in pieces, in order, whose `said` together are the text. Quoted text is left as it is."""
        pieces: list[Gloss] = []
        end = 0
        for quoted in _QUOTED.finditer(text):
            pieces += [*self._read(text[end : quoted.start()]), Gloss(quoted[0])]
            end = quoted.end()
        return [*pieces, *self._read(text[end:])]

    def english(self, text: str) -> str:
        """The text with the first meaning of each word in its place, and all else as it was."""
        return "".join(piece.meanings[0] if piece.meanings else piece.said for piece in self.read(text))

    def _read(self, text: str) -> Iterator[Gloss]:
        matches = list(_WORD.finditer(text))
        folded = [match[0].casefold() for match in matches]
        end, n = 0, 0
        while n < len(matches):
            length, meanings = self._longest_from(folded, n)
            first, last = matches[n], matches[n + length - 1]
            if first.start() > end:
                yield Gloss(text[end : first.start()], little=True)
            little = length == 1 and folded[n] in self._little
            yield Gloss(text[first.start() : last.end()], meanings, little)
            end, n = last.end(), n + length
        if end < len(text):
            yield Gloss(text[end:], little=True)

    def _longest_from(self, folded: Sequence[str], n: int) -> tuple[int, tuple[str, ...]]:
        """How many words from the n-th on are one entry, and its meanings; one word without meanings if none are."""
        for length in range(min(self._longest, len(folded) - n), 1, -1):
            if meanings := self._meanings.get(tuple(map(_stem, folded[n : n + length]))):
                return length, meanings
        return 1, self._of_word(folded[n])

    def _of_word(self, word: str) -> tuple[str, ...]:
        return self._meanings.get((word,)) or self._meanings.get((_stem(word),)) or self._of_compound(word)

    def _is_german(self, word: str) -> bool:
        """Whether the word tells by itself: "August" is in both languages, and a short term may be, as `kind` is."""
        meanings = self._of_word(word)
        known = bool(meanings) and meanings[0].casefold() != word
        return known and len(word) >= (_SHORTEST if word in self._little else _TELLING)

    def _of_compound(self, word: str) -> tuple[str, ...]:
        """The meanings of a compound's parts, one after the other; of its beginning if the rest is unknown."""
        if len(word) > _LONGEST:
            return ()
        for cut in range(len(word) - _SHORTEST, _SHORTEST - 1, -1):
            first = self._parts.get(word[:cut])
            if first is None:
                continue
            for link in _LINKS:
                rest = word[cut + len(link) :]
                if word[cut:].startswith(link) and len(rest) >= _SHORTEST and (others := self._of_word(rest)):
                    return tuple(f"{meaning} {others[0]}" for meaning in first) + others[1:]
        for cut in range(len(word) - 1, _TELLING - 1, -1):
            if found := self._parts.get(word[:cut]):
                return found
        return ()

    def _add(self, said: str, number: int, *, little: bool) -> None:
        left, arrow, right = said.partition(">")
        keys = [tuple(words(key)) for key in left.split(",")]
        meanings = tuple(meaning.strip() for meaning in right.split(","))
        if not arrow or not all(keys) or not all(meanings):
            raise InvalidInput(f"line {number} of the glossary is not `word, word > meaning, meaning`")
        if meanings == ("-",):
            meanings = ("",)
        for key in keys:
            # A little word counts as it is written: the stems of `will` and `in` would take other words along.
            form = key if little and len(key) == 1 else tuple(map(_stem, key))
            self._meanings.setdefault(form, meanings)
            if little and len(key) == 1:
                self._little.add(key[0])
            if len(key) == 1 and meanings != ("",):
                self._parts.setdefault(key[0], meanings)


@cache
def _bundled() -> tuple[str, ...]:
    return tuple(files(__name__).joinpath("de.txt").read_text("utf-8").splitlines())


def _stem(word: str) -> str:
    return stems([word], "german")[0]
