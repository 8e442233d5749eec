"""Opens the recogniser: the phrases and examples that come with Rolltop, and a company's own files."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml

from backends.care.cards import CareFile, read_cards
from backends.care.examples import ORDINARY, Examples, Floats, Sentence, static_vectors
from backends.care.phrases import Phrase, PhraseReader, Phrases
from backends.care.recogniser import URGENCY, Recogniser, TopicPhrases
from backends.care.spelling import Spelling, sentences
from backends.languages import Language
from backends.vectors.single_thread import single_thread
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput

log = logging.getLogger(__name__)

_DATA = Path(__file__).with_name("data")
FITTED = _DATA / "fitted.npy"
"""How much each example that comes with Rolltop counts: `python -m tests.eval.care_examples --write` makes it."""
_LANGUAGES = get_args(Language)

ORDINARY_LISTS = (ORDINARY, "near_misses")
"""Examples in which nobody is in need. Near misses have words of need: a relative's illness, a deadline that kills."""


def open_care(folder: Path | None) -> Recogniser:
    """The recogniser with the cards in `folder`; None for its phrases alone, which then have no card to show.

    It reads 16 MB of vectors the first time. Without them the phrases decide alone, and the log says so. Raises
    InvalidInput, which names the file and the field, if a card is invalid.
    """
    cards = read_cards(folder) if folder else {}
    try:
        tokens = StaticTokens.bundled()
    except InvalidInput as error:
        log.warning("people in need are recognised by phrases alone: %s", error)
        return Recogniser(*_phrases(cards, lambda word: False), None, cards)
    return Recogniser(*_phrases(cards, lambda word: len(tokens.ids([word])[0]) == 1), _examples(tokens), cards)


@cache
def _examples(tokens: StaticTokens) -> Examples:
    with single_thread():
        return examples_of(tokens, read_examples(), np.load(FITTED))


def examples_of(tokens: StaticTokens, texts: Mapping[str, Sequence[str]], counts: Floats | None = None) -> Examples:
    """Examples from texts by topic; those of ORDINARY_LISTS are ordinary ones. `counts` as in Examples."""
    examples: dict[str, list[Sentence]] = {}
    for name, listed in texts.items():
        # An example of two sentences is read as one.
        spoken = [list(chain.from_iterable(sentences(text))) for text in listed]
        examples.setdefault(ORDINARY if name in ORDINARY_LISTS else name, []).extend(spoken)
    return Examples(static_vectors(tokens), examples, counts)


def read_examples() -> dict[str, list[str]]:
    """The examples that come with Rolltop, by topic, and those of ORDINARY_LISTS."""
    texts: dict[str, list[str]] = {}
    for language in _LANGUAGES:
        for name, listed in _read(f"examples_{language}.yaml").items():
            texts.setdefault(name, []).extend(listed)
    return texts


def _phrases(cards: Mapping[str, CareFile], is_word: Callable[[str], bool]) -> tuple[dict[str, TopicPhrases], Spelling]:
    spelling = Spelling(is_word)
    phrases: dict[str, list[Phrase]] = {topic: [] for topic in (*URGENCY, *cards)}
    excepted: dict[str, list[Phrase]] = {topic: [] for topic in phrases}
    others = {language for card in cards.values() for language in (*card.phrases, *card.excepted)} - {*_LANGUAGES}
    for language in (*_LANGUAGES, *sorted(others)):
        data = _read(f"{language}.yaml") if language in _LANGUAGES else {"sets": {}, "topics": {}}
        reader = PhraseReader(spelling, language, data["sets"])
        for topic, known in data["topics"].items():
            phrases[topic] += map(reader.read, known["phrases"])
            excepted[topic] += map(reader.read, known["except"])
        for topic, card in cards.items():
            try:
                phrases[topic] += map(reader.read, card.phrases.get(language, ()))
                excepted[topic] += map(reader.read, card.excepted.get(language, ()))
            except InvalidInput as error:
                raise InvalidInput(f"the card of {topic}: {error}") from error
    topics = {
        topic: TopicPhrases(phrases=Phrases(phrases[topic]), excepted=Phrases(excepted[topic])) for topic in phrases
    }
    return topics, spelling


@cache
def _read(name: str) -> Any:
    # Written in C, if this installation of yaml has it: ten times as fast, and a console waits for these files.
    return yaml.load((_DATA / name).read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
