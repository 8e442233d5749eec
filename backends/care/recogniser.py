"""The recogniser: phrases first, then the vectors' examples for what no phrase has foreseen."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync as blocking

from backends.care.cards import CareFile
from backends.care.examples import Examples
from backends.care.phrases import Phrases
from backends.care.spelling import Spelling, sentences
from backends.languages import language_of
from core.gate import Viewer
from core.values import Concern

log = logging.getLogger(__name__)

URGENCY = ("self_harm", "violence", "harassment", "illness", "whistleblowing")
"""The topics that come with Rolltop, the most urgent first; a company's own come after them."""

EXAMPLES_SECONDS = 0.5
"""Seconds that the recogniser waits for the examples; then the phrases have decided alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPhrases:
    """How people speak of a topic. `excepted` are words that only look like it: they are left out of the reading."""

    phrases: Phrases
    excepted: Phrases


class Recogniser:
    """Recognises people in need, as `core.care.Care`. `topics` are in the order of their urgency.

    `examples` None: the phrases decide alone.
    """

    def __init__(
        self,
        topics: Mapping[str, TopicPhrases],
        spelling: Spelling,
        examples: Examples | None,
        cards: Mapping[str, CareFile],
    ) -> None:
        self._topics, self._spelling, self._examples, self._cards = topics, spelling, examples, cards

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        """The most urgent concern that the message raises, with the company's card for its topic."""
        spoken = sentences(text)
        topic = await blocking(self._by_phrase, spoken) or await self._by_example(spoken)
        if topic is None:
            return None
        card = self._cards.get(topic)
        return card.concern(viewer, language_of(text)) if card else Concern(topic=topic)

    def _by_phrase(self, spoken: Sequence[Sequence[str]]) -> str | None:
        read = [self._spelt(sentence) for sentence in spoken]
        return next((topic for topic, known in self._topics.items() if _stands(known, read)), None)

    async def _by_example(self, spoken: Sequence[Sequence[str]]) -> str | None:
        if self._examples is None:
            return None
        try:
            with anyio.fail_after(EXAMPLES_SECONDS):
                # Abandoned if late: a thread cannot be stopped, and the question must not wait for it.
                return await blocking(self._nearest, self._examples, spoken, abandon_on_cancel=True)
        except Exception:  # the boundary of the vectors: phrases have found nothing, and that stands
            log.exception("the examples of people in need could not be compared: the phrases decided alone")
            return None

    def _nearest(self, examples: Examples, spoken: Sequence[Sequence[str]]) -> str | None:
        left = [self._without_excepted(sentence) for sentence in spoken]
        # A single word, such as what is left of "this deadline is killing me", is near to anything.
        return examples.topic([sentence for sentence in left if len(sentence) > 1])

    def _without_excepted(self, sentence: Sequence[str]) -> Sequence[str]:
        read = self._spelt(sentence)
        hidden = {place for known in self._topics.values() for span in known.excepted.spans(read) for place in span}
        return [word for place, word in enumerate(sentence) if place not in hidden]

    def _spelt(self, sentence: Sequence[str]) -> list[frozenset[int]]:
        return [self._spelling.numbers(word) for word in sentence]


def _stands(known: TopicPhrases, read: Sequence[Sequence[frozenset[int]]]) -> bool:
    for sentence in read:
        left = list(sentence)
        for span in known.excepted.spans(sentence):
            left[span.start : span.stop] = [frozenset()] * len(span)
        if next(iter(known.phrases.spans(left)), None) is not None:
            return True
    return False
