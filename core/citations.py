"""Which passages a text points to: `[2]` is the second passage that was retrieved in its turn."""

import re
from collections.abc import Sequence

from core.entries import Citation, Passage
from core.words import words

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_QUOTE_LENGTH = 300


def citations(text: str, passages: Sequence[Passage]) -> list[Citation]:
    """One citation for each passage that a marker names, by number; markers that name no passage give none."""
    numbers = sorted({int(number) for number in _MARKER.findall(text)})
    return [
        Citation(number=number, passage=passages[number - 1], quote=_quote(text, passages[number - 1].text))
        for number in numbers
        if 1 <= number <= len(passages)
    ]


def _quote(text: str, passage: str) -> str:
    """The sentence of the passage that shares most words with the text: chosen here, never by a model."""
    said = set(words(text))
    sentences = [sentence.strip() for sentence in _SENTENCE.split(passage) if sentence.strip()]
    return max(sentences, key=lambda s: len(said & set(words(s))), default="")[:_QUOTE_LENGTH]
