"""Citations: the passages that a text points to, with a quote from each. `[2]` is the turn's second passage.

The quote is the sentence of the passage that shares most with the sentence before the marker; a block of quotes is
cited with each sentence of the passage that it repeats. It is chosen here, because a model could quote words that the
passage does not hold.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from core.canonical import canonical
from core.values import Citation, Passage
from core.words import words

# Text and passages come from outside, and this runs in the loop that runs every turn of the process. Each is read
# once, and their comparison is bounded.
MAX_MATCHES = 1_000_000
"""The most words of passages compared for one text. Markers that come after that are cited without a quote."""

MAX_CITED = 1024 * 1024
"""The most bytes of canonical JSON in the citations of one turn; each citation holds its whole passage."""

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SENTENCE = re.compile(r"(?<=[.!?])(?:\s*\[\d{1,3}\])*\s+|\n+")
_QUOTED = re.compile(r"(?:^>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_MARGIN = re.compile(r"^> ?", re.MULTILINE)
_HEADER = re.compile(r"^\|[^\n]*\n\|[ \t:|-]+$", re.MULTILINE)
_ASKS = re.compile(r"\?(?:[*_\"')]|</\w+>)*\s*$")
_QUOTE_LENGTH = 300
_SHORT = 4
"""The fewest letters of a significant word. A shorter word has a tenth of its weight."""

# Whole numbers: with fractions the order of adding could decide a tie, and processes would cite different sentences.
_MEANS = 10
"""The weight of a significant word."""


def citations(text: str, passages: Sequence[Passage]) -> list[Citation]:
    """The citations of a text, by number; markers without a passage are ignored.

    A passage has one citation for each sentence of it that is quoted, or one with the quote "". Those that the search
    has marked as answering come first, the best before the others, which are in the passage's order.
    """
    if not _MARKER.search(text):
        return []
    quotes = _Quotes(passages)
    spans = {(number, *span) for part in _parts(text) for number, span in quotes.of(part)}
    quoting = {number for number, start, end in spans if end > start}

    def order(span: tuple[int, int, int]) -> tuple[int, float, int]:
        number, start, end = span
        fits = [one.score for one in passages[number - 1].highlights if start < one.end and one.start < end]
        return number, -max(fits, default=0.0), start

    return [
        Citation(
            number=number,
            passage=passages[number - 1],
            quote=passages[number - 1].text[start:end],
            start=start,
            end=end,
        )
        for number, start, end in sorted(spans, key=order)
        if end > start or number not in quoting
    ]


def fitting(cited: Sequence[Citation]) -> list[Citation]:
    """The citations that fit into MAX_CITED, in their order."""
    # The first citation of each passage has priority: a second quote matters less than another source.
    further = [place > 0 and cited[place - 1].number == citation.number for place, citation in enumerate(cited)]
    fit, room = set[int](), MAX_CITED
    for place in sorted(range(len(cited)), key=further.__getitem__):
        room -= len(canonical(cited[place].model_dump(mode="json"))) + 1
        if room < 0:
            break
        fit.add(place)
    return [citation for place, citation in enumerate(cited) if place in fit]


class _Part(NamedTuple):
    """A part of the text: its sentences in order, each with its words and the numbers it cites."""

    quoted: bool
    sentences: list[tuple[tuple[str, ...], frozenset[int]]]


def _parts(text: str) -> Iterator[_Part]:
    """The text in parts: blocks of quotes, and what stands between them."""
    end = 0
    for block in _QUOTED.finditer(text):
        yield _Part(False, list(_read(text[end : block.start()])))
        yield _Part(True, list(_read(_HEADER.sub("", _MARGIN.sub("", block[0])))))
        end = block.end()
    yield _Part(False, list(_read(text[end:])))


def _read(text: str) -> Iterator[tuple[tuple[str, ...], frozenset[int]]]:
    start = 0
    for end in [*(match.end() for match in _SENTENCE.finditer(text)), len(text)]:
        sentence = text[start:end]
        start = end
        yield tuple(words(_MARKER.sub(" ", sentence))), frozenset(map(int, _MARKER.findall(sentence)))


class _Quotes:
    """Finds the quotes in passages. Each passage is split into sentences once, when it is first cited."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._sentences: dict[int, _Sentences] = {}
        self._found: dict[tuple[int, frozenset[str]], tuple[int, int]] = {}
        self._left = MAX_MATCHES
        self._before = frozenset[str]()

    def of(self, part: _Part) -> Iterator[tuple[int, tuple[int, int]]]:
        """Each number that the part cites, and the start and end of what it cites in that passage.

        A block of quotes that repeats sentences of the passage cites those, wherever in the block its marker stands.
        """
        repeated = {number: self._repeated(part, number) for number in self._cited(part)} if part.quoted else {}
        for number, spans in repeated.items():
            yield from ((number, span) for span in spans)
        for said, numbers in part.sentences:
            # A bare marker belongs to the sentence before it.
            claim = self._before = frozenset(said) or self._before
            for number in numbers:
                if 1 <= number <= len(self._passages) and not repeated.get(number):
                    yield number, self.find(claim, number)

    def _cited(self, part: _Part) -> set[int]:
        return {number for _, numbers in part.sentences for number in numbers if 1 <= number <= len(self._passages)}

    def _repeated(self, part: _Part, number: int) -> list[tuple[int, int]]:
        if self._left <= 0:
            return []
        places = self._read(number).places
        self._left -= len(part.sentences)
        # "1." is the number of an item, and would be found wherever the passage has an item of that number.
        return [places[said] for said, _ in part.sentences if said in places and not "".join(said).isdigit()]

    def _read(self, number: int) -> "_Sentences":
        if number not in self._sentences:
            self._sentences[number] = _Sentences(self._passages[number - 1].text)
            self._left -= self._sentences[number].length
        return self._sentences[number]

    def find(self, claim: frozenset[str], number: int) -> tuple[int, int]:
        """Start and end of the passage's sentence that shares most with these words; (0, 0) without a shared word."""
        if (number, claim) not in self._found:
            self._found[number, claim] = self._find(claim, number) if self._left > 0 else (0, 0)
        return self._found[number, claim]

    def _find(self, claim: frozenset[str], number: int) -> tuple[int, int]:
        parts = self._read(number)
        self._left -= min(len(claim), len(parts.holding))
        shared: dict[int, int] = {}
        for word in sorted(claim & parts.holding.keys(), key=_weight, reverse=True):
            weight, holding = _weight(word), parts.holding[word]
            self._left -= len(holding)
            for place in holding:
                # Significant words come first, and a sentence that shares only short ones is not worth quoting.
                if weight >= _MEANS or place in shared:
                    shared[place] = shared.get(place, 0) + weight
        if not shared:
            return 0, 0
        start, end = parts.sentences[min(shared, key=lambda place: (-shared[place], place))]
        return start, min(end, start + _QUOTE_LENGTH)


class _Sentences:
    """A passage's `sentences`, by start and end, and for each word the sentences `holding` it, by place.

    `places` has start and end of a sentence by its words in order, without the space around it. `length` is in words.
    """

    def __init__(self, passage: str) -> None:
        self.sentences: list[tuple[int, int]] = []
        self.holding: dict[str, list[int]] = {}
        self.places: dict[tuple[str, ...], tuple[int, int]] = {}
        self.length = 0
        seen: set[frozenset[str]] = set()
        for start, end in _sentences(passage):
            words_in_order = tuple(words(passage[start:end]))
            self.length += len(words_in_order)
            # The heading of an answer repeats the question; it is not what is cited.
            if words_in_order and not _ASKS.search(passage, start, end):
                self.places.setdefault(words_in_order, (start, end))
            word_set = frozenset(words_in_order)
            # Sentences with the same words share the same: the first would be quoted anyway.
            if word_set in seen:
                continue
            seen.add(word_set)
            for word in word_set:
                self.holding.setdefault(word, []).append(len(self.sentences))
            self.sentences.append((start, end))


def _sentences(passage: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in [*((match.start(), match.end()) for match in _SENTENCE.finditer(passage)), (len(passage), 0)]:
        if passage[start:end].strip():
            yield start, end
        start = following


def _weight(word: str) -> int:
    # A figure ("28 days") identifies a sentence better than a word; "the" and "of" hardly at all.
    if word[0].isdigit():
        return 2 * _MEANS
    return _MEANS if len(word) >= _SHORT else 1
