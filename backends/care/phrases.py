"""Phrases: how people say what they need, written so that one line covers many ways of saying it.

`want|need to die` has alternatives for a word, `give_up` is an alternative of several words, `<boss> ... shouts` has a
set of words by its name and a gap of up to four words, and `really?` is a word that may be missing. A word stands for
all its forms; `mobb*` for all words that begin so.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from backends.care.spelling import Spelling
from core.errors import InvalidInput

GAP = 4
"""The most words that `...` stands for; they are of the same sentence."""

_SET = re.compile(r"<(\w+)>")
_BROKEN = re.compile(r"\|\s+")
"""Between the alternatives of a long phrase a line may end."""
_PIECE = re.compile(r"[^\W_]+\*?")

Alternative: TypeAlias = tuple[int, ...]
Read: TypeAlias = Sequence[frozenset[int]]
"""A sentence: for each word the numbers of the phrases' words that it may be."""


@dataclass(frozen=True, slots=True)
class Part:
    """One place of a phrase. `gap` is how many words may stand before it."""

    alternatives: tuple[Alternative, ...]
    gap: int = 0
    optional: bool = False


Phrase: TypeAlias = tuple[Part, ...]


class Phrases:
    """Phrases of one topic, in any language."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: dict[int, list[tuple[Phrase, list[frozenset[int]]]]] = {}
        for phrase in phrases:
            # A word of each must be in a sentence in which the phrase stands.
            needs = [frozenset(one[0] for one in part.alternatives) for part in phrase if not part.optional]
            for first in needs[0]:
                self._by_first.setdefault(first, []).append((phrase, needs))

    def spans(self, sentence: Read) -> Iterable[range]:
        """The places of the sentence at which a phrase stands, one for each phrase and beginning."""
        present = frozenset().union(*sentence)
        possible = {
            first: [phrase for phrase, needs in self._by_first[first] if not any(map(present.isdisjoint, needs))]
            for first in present & self._by_first.keys()
        }
        for start, numbers in enumerate(sentence):
            for phrase in (phrase for number in numbers for phrase in possible.get(number, ())):
                if (end := _end(phrase, sentence, start)) is not None:
                    yield range(start, end)


class PhraseReader:
    """Reads the phrases of one language; `sets` are its named sets of words, which may name others."""

    def __init__(self, spelling: Spelling, language: str, sets: Mapping[str, Sequence[str]]) -> None:
        self._spelling, self._language, self._sets = spelling, language, sets
        self._members: dict[str, tuple[Alternative, ...]] = {}

    def read(self, phrase: str) -> Phrase:
        """The phrase, ready for `Phrases`. Raises InvalidInput for one that cannot be read."""
        parts: list[Part] = []
        gap = 0
        for piece in _BROKEN.sub("|", phrase.replace("'", "").casefold()).split():
            if piece == "...":
                gap = GAP
                continue
            optional = piece.endswith("?")
            alternatives = tuple(dict.fromkeys(self._alternatives(piece.removesuffix("?"), phrase)))
            parts.append(Part(alternatives, gap, optional))
            gap = 0
        if not parts or gap or parts[0].gap or parts[0].optional:
            raise InvalidInput(f"the phrase {phrase!r} must begin and end with a word")
        return tuple(parts)

    def _alternatives(self, piece: str, phrase: str, depth: int = 5) -> Iterable[Alternative]:
        for one in piece.split("|"):
            if named := _SET.fullmatch(one):
                if named[1] not in self._sets or not depth:
                    raise InvalidInput(f"the phrase {phrase!r} uses {one}, which is not a set of words")
                if named[1] not in self._members:
                    members = (member.replace("'", "").casefold() for member in self._sets[named[1]])
                    read = (self._alternatives(member, phrase, depth - 1) for member in members)
                    self._members[named[1]] = tuple(chain.from_iterable(read))
                yield from self._members[named[1]]
                continue
            words = one.replace("_", " ").split()
            if not words or not all(map(_PIECE.fullmatch, words)):
                raise InvalidInput(
                    f"the phrase {phrase!r} holds {one!r}: write words, a|b_c, <set>, ... for a gap, and word? or word*"
                )
            yield tuple(self._spelling.number(word, self._language) for word in words)


def _end(phrase: Phrase, sentence: Read, start: int) -> int | None:
    """Where the phrase ends if it begins at `start`; None if it does not stand there."""
    # All places at which the phrase so far can end: what comes between the words may be read in several ways.
    ends = {start}
    for part in phrase:
        after = {
            begin + len(alternative)
            for end in ends
            for begin in range(end, min(end + part.gap, len(sentence) - 1) + 1)
            for alternative in part.alternatives
            if _stands(alternative, sentence, begin)
        }
        ends = after | ends if part.optional else after
        if not ends:
            return None
    return min(ends)


def _stands(alternative: Alternative, sentence: Read, begin: int) -> bool:
    if begin + len(alternative) > len(sentence):
        return False
    return all(number in sentence[begin + place] for place, number in enumerate(alternative))
