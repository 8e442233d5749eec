"""Which passages a text points to, and with which words: `[2]` is the second passage that was found in its turn.

The words that are quoted are chosen here, from the passage, by what the sentence before the marker says: a model that
chose them could quote what is not there.

Both the text and the passages come from outside, and this runs where every turn of the process runs: each is read
once, and the matching of one with the other ends after MAX_MATCHES.
"""

import re
from collections.abc import Iterator, Sequence

from core.canonical import canonical
from core.values import Citation, Passage
from core.words import words

MAX_MATCHES = 1_000_000
"""Words of passages that are looked at for one text; after that a marker that is new is cited without a quote."""

MAX_CITED = 1024 * 1024
"""Bytes of canonical JSON that the citations of one turn may have: each holds its whole passage."""

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SENTENCE = re.compile(r"(?<=[.!?])(?:\s*\[\d{1,3}\])*\s+|\n+")
_QUOTE_LENGTH = 300
_SHORT = 4
"""Letters from which a word is taken to mean something; a shorter one counts a tenth."""

_MEANS = 10
"""The weight of a word that means something. Weights are whole numbers, so that no order of adding decides a tie."""


def citations(text: str, passages: Sequence[Passage]) -> list[Citation]:
    """A citation for each passage and each of its quotes, by number; markers that name no passage give none."""
    quotes = _Quotes(passages)
    spans = {(number, *quotes.find(said, number)) for number, said in _pointing(text, len(passages))}
    quoting = {number for number, start, end in spans if end > start}
    return [
        Citation(
            number=number,
            passage=passages[number - 1],
            quote=passages[number - 1].text[start:end],
            start=start,
            end=end,
        )
        for number, start, end in sorted(spans)
        if end > start or number not in quoting
    ]


def fitting(found: Sequence[Citation]) -> list[Citation]:
    """Those of the citations, in their order, that fit into MAX_CITED: the first of each passage before any other."""
    further = [place > 0 and found[place - 1].number == citation.number for place, citation in enumerate(found)]
    kept, room = set[int](), MAX_CITED
    for place in sorted(range(len(found)), key=further.__getitem__):
        room -= len(canonical(found[place].model_dump(mode="json"))) + 1
        if room < 0:
            break
        kept.add(place)
    return [citation for place, citation in enumerate(found) if place in kept]


def _pointing(text: str, passages: int) -> Iterator[tuple[int, frozenset[str]]]:
    """Each number that a sentence holds, with the words of the sentence or, where it has none, of the one before."""
    start, before = 0, frozenset[str]()
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    for end in [*ends, len(text)]:
        sentence = text[start:end]
        start = end
        said = frozenset(words(_MARKER.sub(" ", sentence))) or before
        for number in {int(number) for number in _MARKER.findall(sentence)}:
            if 1 <= number <= passages:
                yield number, said
        before = said


class _Quotes:
    """Finds the words of passages that a sentence may be quoted with. Each passage is taken apart once, when needed."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._parts: dict[int, _Parts] = {}
        self._found: dict[tuple[int, frozenset[str]], tuple[int, int]] = {}
        self._left = MAX_MATCHES

    def find(self, said: frozenset[str], number: int) -> tuple[int, int]:
        """Where the sentence of the passage stands that shares most with what is said; (0, 0) if none shares a word."""
        if (number, said) not in self._found:
            self._found[number, said] = self._find(said, number) if self._left > 0 else (0, 0)
        return self._found[number, said]

    def _find(self, said: frozenset[str], number: int) -> tuple[int, int]:
        if number not in self._parts:
            self._parts[number] = _Parts(self._passages[number - 1].text)
            self._left -= self._parts[number].length
        parts = self._parts[number]
        self._left -= min(len(said), len(parts.holding))
        shared: dict[int, int] = {}
        for word in sorted(said & parts.holding.keys(), key=_weight, reverse=True):
            weight, holding = _weight(word), parts.holding[word]
            self._left -= len(holding)
            for place in holding:
                # Those that mean something come first: a sentence that shares only short words is none to be quoted.
                if weight >= _MEANS or place in shared:
                    shared[place] = shared.get(place, 0) + weight
        if not shared:
            return 0, 0
        start, end = parts.sentences[min(shared, key=lambda place: (-shared[place], place))]
        return start, min(end, start + _QUOTE_LENGTH)


class _Parts:
    """A passage taken apart: where its `sentences` stand, and for each word the places of those `holding` it.

    Of sentences with the same words the first stands for all: no other is ever quoted. `length` is in words.
    """

    def __init__(self, passage: str) -> None:
        self.sentences: list[tuple[int, int]] = []
        self.holding: dict[str, list[int]] = {}
        self.length = 0
        seen: set[frozenset[str]] = set()
        for start, end in _sentences(passage):
            words_in_order = words(passage[start:end])
            self.length += len(words_in_order)
            held = frozenset(words_in_order)
            if held in seen:
                continue
            seen.add(held)
            for word in held:
                self.holding.setdefault(word, []).append(len(self.sentences))
            self.sentences.append((start, end))


def _sentences(passage: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in [*((match.start(), match.end()) for match in _SENTENCE.finditer(passage)), (len(passage), 0)]:
        if passage[start:end].strip():
            yield start, end
        start = following


def _weight(word: str) -> int:
    """A number says more than a word, and a short word next to nothing."""
    if word[0].isdigit():
        return 2 * _MEANS
    return _MEANS if len(word) >= _SHORT else 1
