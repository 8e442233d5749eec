"""Which passages a text points to, and with which words: `[2]` is the second passage that was found in its turn.

The words that are quoted are chosen here, from the passage, by what the sentence before the marker says: a model that
chose them could quote what is not there.
"""

import re
from collections.abc import Iterator, Sequence

from core.values import Citation, Passage
from core.words import words

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SENTENCE = re.compile(r"(?<=[.!?])(?:\s*\[\d{1,3}\])*\s+|\n+")
_QUOTE_LENGTH = 300
_SHORT = 4
"""Letters from which a word is taken to mean something; a shorter one counts a tenth."""


def citations(text: str, passages: Sequence[Passage]) -> list[Citation]:
    """A citation for each passage and each of its quotes, by number; markers that name no passage give none."""
    found: dict[tuple[int, int, int], Citation] = {}
    for number, said in _pointing(text):
        if 1 <= number <= len(passages):
            passage = passages[number - 1]
            start, end = _quote(said, passage.text)
            found[number, start, end] = Citation(
                number=number, passage=passage, quote=passage.text[start:end], start=start, end=end
            )
    quoting = {number for number, start, end in found if end > start}
    kept = (key for key in sorted(found) if key[2] > key[1] or key[0] not in quoting)
    return [found[key] for key in kept]


def _pointing(text: str) -> Iterator[tuple[int, str]]:
    """Each marker's number, with the sentence it stands in or, where it stands alone, after."""
    start, before = 0, ""
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    for end in [*ends, len(text)]:
        sentence = text[start:end]
        start = end
        numbers = [int(number) for number in _MARKER.findall(sentence)]
        said = _MARKER.sub(" ", sentence)
        for number in numbers:
            yield number, said if words(said) else before
        if words(said):
            before = said


def _quote(said: str, passage: str) -> tuple[int, int]:
    """Where the sentence of the passage stands that shares most with what is said; (0, 0) where none shares a word."""
    asked = set(words(said))
    best, most = (0, 0), 0.0
    for start, end in _sentences(passage):
        sentence = set(words(passage[start:end]))
        shared = sum(_weight(word) for word in asked & sentence)
        if shared > most and any(_weight(word) >= 1 for word in asked & sentence):
            best, most = (start, min(end, start + _QUOTE_LENGTH)), shared
    return best


def _sentences(passage: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in [*((match.start(), match.end()) for match in _SENTENCE.finditer(passage)), (len(passage), 0)]:
        if passage[start:end].strip():
            yield start, end
        start = following


def _weight(word: str) -> float:
    """A number says more than a word, and a short word next to nothing."""
    if word[0].isdigit():
        return 2.0
    return 1.0 if len(word) >= _SHORT else 0.1
