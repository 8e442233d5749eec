"""Everyday words and what handbooks call them: a list that an installation extends, for the search by words alone.

A person writes "my mum died", a handbook "bereavement of a close family member". Embeddings relate many such words, an
index of words relates only those of a list. The list is of English, with the terms of Austrian and German personnel
offices.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeAlias

from backends.stems import stems
from core.errors import InvalidInput
from core.words import words

Phrase: TypeAlias = tuple[str, ...]
"""A word or several, as stems in the order in which they stand."""

_BUNDLED = Path(__file__).with_name("synonyms.txt")


class Synonyms:
    """What else a person may mean by the words they wrote. `words` are all words of the list, as written there."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Lines in the form that the head of `synonyms.txt` explains. Raises InvalidInput for any other."""
        self.words: set[str] = set()
        self._meant: dict[Phrase, dict[Phrase, None]] = {}
        self._spelt: dict[Phrase, str] = {}
        for number, line in enumerate(lines, 1):
            if said := line.partition("#")[0].strip():
                keys, others = _sides(said, number)
                self._spelt = {**keys, **others, **self._spelt}
                for key, meant in product(keys, others):
                    if key != meant:
                        self._meant.setdefault(key, {})[meant] = None
                self.words.update(words(said))
        self._longest = max(map(len, self._meant), default=0)

    @classmethod
    def bundled(cls, more: Iterable[str] = ()) -> "Synonyms":
        """The list that comes with Rolltop, and `more` lines. Made once in a process."""
        return _bundled(tuple(more))

    def meant(self, stems: Sequence[str]) -> list[Phrase]:
        """What these words also stand for, without repeats; phrases of the list that occur in them are among it."""
        found: dict[Phrase, None] = {}
        for _, key in self._keys(stems):
            found |= self._meant[key] if len(key) == 1 else {key: None} | self._meant[key]
        return list(found)

    def meant_by_each(self, stems: Sequence[str]) -> list[dict[Phrase, None]]:
        """For each word, what it also stands for, alone or in a phrase of the list that it is part of."""
        found: list[dict[Phrase, None]] = [{} for _ in stems]
        for start, key in self._keys(stems):
            for place in range(start, start + len(key)):
                found[place] |= self._meant[key]
        return found

    def _keys(self, stems: Sequence[str]) -> Iterator[tuple[int, Phrase]]:
        """The phrases of the list that occur in the words, the shorter ones first, and where each begins."""
        for length in range(1, self._longest + 1):
            for start in range(len(stems) - length + 1):
                if (key := tuple(stems[start : start + length])) in self._meant:
                    yield start, key

    def spelt(self, phrase: Phrase) -> str:
        """A phrase that `meant` gave, as the list has it."""
        return self._spelt[phrase]


@cache
def _bundled(more: tuple[str, ...]) -> Synonyms:
    return Synonyms((*_BUNDLED.read_text(encoding="utf-8").splitlines(), *more))


def _sides(said: str, number: int) -> tuple[dict[Phrase, str], dict[Phrase, str]]:
    left, arrow, right = said.partition(">")
    if arrow:
        keys, meant = _phrases(left.split(",")), _phrases(right.split(","))
    else:
        keys = meant = _phrases(said.split("="))
    if not keys or not meant or (not arrow and len(keys) < 2):
        raise InvalidInput(f"line {number} of the synonyms is neither `word, word > meant, meant` nor `word = word`")
    return keys, meant


def _phrases(parts: Sequence[str]) -> dict[Phrase, str]:
    return {phrase: part.strip() for part in reversed(parts) if (phrase := tuple(stems(words(part))))}
