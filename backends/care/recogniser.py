"""The recogniser: phrases and examples say together which topic a message is of.

A phrase that stands in a message always raises a concern. Which topic it is, the examples may know better: "he says I
hit on him" has a phrase of violence.
"""

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync as blocking

from backends.care.cards import CareFile
from backends.care.examples import Examples
from backends.care.phrases import Phrases
from backends.care.spelling import Spelling, sentences
from backends.languages import language_of
from core.gate import Viewer
from core.server_log import reason_of
from core.values import Concern

log = logging.getLogger(__name__)

URGENCY = ("self_harm", "violence", "harassment", "illness", "whistleblowing")
"""The topics that come with Rolltop, the most urgent first; a company's own come after them."""

MARGIN = 0.15
"""How much more than ordinary a message without a phrase must be of a topic, as `Examples.margins` says. At .1,
more than 2 % of plain office questions that are left out of the fit are given a topic; at .2, 1 % more are missed."""

PHRASE = 0.75
"""How much a phrase adds to the margin of its topic."""

CLOSE = 0.1
"""Of topics no further apart than this, the most urgent is taken. Twice as much costs one right topic in a hundred."""

SHORT, SURE = 4, 0.6
"""A message of at most so many words is near to much: without a phrase it needs a margin of `SURE`."""

EXAMPLES_SECONDS = 1.5
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

    def compared_with(self, examples: Examples | None) -> "Recogniser":
        """The same phrases and cards with other examples."""
        return Recogniser(self._topics, self._spelling, examples, self._cards)

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        """The concern that the message raises, with the company's card for its topic."""
        spoken = sentences(text)
        least = MARGIN if sum(map(len, spoken)) > SHORT else SURE
        topic = self._topic(await blocking(self._by_phrase, spoken), await self._by_example(spoken), least)
        if topic is None:
            return None
        card = self._cards.get(topic)
        return card.concern(viewer, language_of(text)) if card else Concern(topic=topic)

    def _topic(self, stated: Set[str], margins: Mapping[str, float], least: float) -> str | None:
        """The topic of what the phrases state and of the examples' margins, each of at least `least`."""
        sure = {topic: margins.get(topic, 0) + PHRASE * (topic in stated) for topic in self._topics}
        possible = [topic for topic in self._topics if topic in stated or margins.get(topic, 0) > least]
        best = max((sure[topic] for topic in possible), default=0)
        return next((topic for topic in possible if sure[topic] >= best - CLOSE), None)

    def _by_phrase(self, spoken: Sequence[Sequence[str]]) -> frozenset[str]:
        read = [self._spelt(sentence) for sentence in spoken]
        return frozenset(topic for topic, known in self._topics.items() if _stands(known, read))

    async def _by_example(self, spoken: Sequence[Sequence[str]]) -> Mapping[str, float]:
        if self._examples is None:
            return {}
        try:
            with anyio.fail_after(EXAMPLES_SECONDS):
                # Abandoned if late: a thread cannot be stopped, and the question must not wait for it.
                return await blocking(self._margins, self._examples, spoken, abandon_on_cancel=True)
        except Exception as error:  # the boundary of the vectors: what the phrases have found stands
            why = reason_of(error)
            log.error("the examples of people in need could not be compared: the phrases decided alone: %s", why)
            return {}

    def _margins(self, examples: Examples, spoken: Sequence[Sequence[str]]) -> Mapping[str, float]:
        left = [self._without_excepted(sentence) for sentence in spoken]
        # A single word, such as what is left of "this deadline is killing me", is near to anything.
        return examples.margins([sentence for sentence in left if len(sentence) > 1])

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
