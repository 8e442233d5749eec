"""The words of a message as phrases are compared with: without endings, doubled letters, accents and misspellings.

A person in need does not look a word up. So "harrased", "harased" and "harassing" all read as "harassed", and "kan" as
"kann".
"""

import re
import unicodedata
from collections.abc import Callable
from threading import local

import Stemmer  # type: ignore[import-not-found]  # an extension module without types
from rapidfuzz.distance import OSA

SHORTEST = 5
"""The fewest letters of a word that may be misspelt, by one letter: with two, `verschieben` is `verschweigen`."""

_KNOWN = 50_000
_SENTENCE = re.compile(r"[.!?;:\n\r()\"„“”]+")
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_SILENT = re.compile("['`\\u2019\\u00b4]")
_RUN = re.compile(r"(.)\1+")
_UMLAUT = re.compile(r"(?<=[aou])e(?!i)")
_ENDINGS = frozenset(
    """s es d ed ing er ers or ly al ally ion ions ation ations ated ating ates ment ments
    e n en t te ten tet er es em ern st ung ungen ig ige igen iger lich liche lichen end ende enden""".split()  # noqa: SIM905 - quoted words would be hard to read
)
_OF_THREAD = local()


def sentences(text: str) -> list[list[str]]:
    """The casefolded words of each sentence, without links; an apostrophe joins: `can't` is `cant`."""
    parts = _SENTENCE.split(_SILENT.sub("", _LINK.sub(" ", text.casefold())))
    return [words for part in parts if (words := _WORD.findall(part))]


def plain(word: str) -> str:
    """A casefolded word without accents, umlauts and doubled letters: `würgt`, `wuergt` and `wurgt` are alike."""
    if not word.isascii():
        word = "".join(mark for mark in unicodedata.normalize("NFKD", word) if not unicodedata.combining(mark))
    return _RUN.sub(r"\1", _UMLAUT.sub("", word))


def root(word: str, language: str) -> str:
    """The plain stem of a casefolded word in a language, which is two letters."""
    # A stemmer may be used by one thread at a time.
    stemmers = _OF_THREAD.__dict__
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language)
    return plain(stemmers[language].stemWord(word))


def is_language(language: str) -> bool:
    """Whether words of this language, which is two letters, can be read without their endings."""
    if len(language) != 2:
        return False
    try:
        Stemmer.Stemmer(language)
    except KeyError:
        return False
    return True


class Spelling:
    """The words that phrases use, by the number under which a phrase knows each."""

    def __init__(self, is_word: Callable[[str], bool]) -> None:
        """`is_word` says of a word that it is right as it is: `amused` is not `abused`."""
        self._is_word = is_word
        self._given: dict[tuple[str, str], int] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._by_start: dict[str, set[tuple[str, int]]] = {}
        self._prefixes: dict[str, int] = {}
        self._read: dict[str, frozenset[int]] = {}

    def number(self, word: str, language: str) -> int:
        """The number of a phrase's word; `mobb*` is any word that begins so."""
        if word.endswith("*"):
            return self._prefixes.setdefault(plain(word[:-1]), -len(self._prefixes) - 1)
        if (word, language) not in self._given:
            self._given[word, language] = self._new_number(word, language)
        return self._given[word, language]

    def _new_number(self, word: str, language: str) -> int:
        stem = root(word, language)
        key = (language, stem)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
        for form in {stem, plain(word)}:
            if len(form) >= SHORTEST:
                self._by_start.setdefault(form[0], set()).add((form, self._numbers[key]))
        return self._numbers[key]

    def numbers(self, word: str) -> frozenset[int]:
        """The numbers of the phrases' words that this may be."""
        if (found := self._read.get(word)) is None:
            found = self._read_word(word)
            if len(self._read) < _KNOWN:
                self._read[word] = found
        return found

    def _read_word(self, word: str) -> frozenset[int]:
        form = plain(word)
        found = {
            number
            for language in {language for language, _ in self._numbers}
            if (number := self._numbers.get((language, root(word, language)))) is not None
        }
        found.update(number for start, number in self._prefixes.items() if form.startswith(start))
        if not found and len(word) >= SHORTEST and word.isalpha() and not self._is_word(word):
            found.update(number for near, number in self._by_start.get(form[0], ()) if _near(form, near))
        return frozenset(found)


def _near(word: str, right: str) -> bool:
    """Whether the word is the right one, or the right one with an ending, misspelt by a letter."""
    if OSA.distance(word, right, score_cutoff=1) <= 1:
        # A short word with another letter is another word, as `rated` and `raped`: letters may be swapped, too many or
        # missing.
        return len(right) > SHORTEST or len(word) != len(right) or sorted(word) == sorted(right)
    if len(right) <= SHORTEST or len(word) <= len(right):
        return False
    return any(
        word[length:] in _ENDINGS and OSA.distance(word[:length], right, score_cutoff=1) <= 1
        for length in range(len(right) - 1, len(right) + 2)
    )
