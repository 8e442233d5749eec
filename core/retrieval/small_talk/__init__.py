"""Messages with nothing to search for: greetings, thanks, and questions about the desk itself.

A rule by lists of phrases, one file per language. It errs on the side of a search: any word that is not on the lists
makes a message a question.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Literal, TypeAlias, get_args

from core.words import words

Topic: TypeAlias = Literal[
    "silence",
    "agreement",
    "greeting",
    "farewell",
    "thanks",
    "wellbeing",
    "abilities",
    "identity",
    "person",
    "privacy",
]
"""What small talk may be about, the weightiest last. `silence` is a message without any word."""

Language: TypeAlias = Literal["en", "de"]

_BESIDE = "beside"
_WEIGHTS = {_BESIDE: -1, **{topic: weight for weight, topic in enumerate(get_args(Topic))}}


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """What a message is about, and the language of the list it is on; None for a message without words."""

    topic: Topic
    language: Language | None


def small_talk(message: str) -> SmallTalk | None:
    """What the message is about if the whole of it is small talk; None if there is something to search for."""
    said = words(message)
    if not said:
        return SmallTalk("silence", None)
    for language in get_args(Language):
        if topic := _topic(said, language):
            return SmallTalk(topic, language)
    return None


def _topic(said: list[str], language: Language) -> Topic | None:
    """The weightiest topic of the ways to make up the message of phrases; None if it cannot be made up of them."""
    longest = _longest(language)
    phrases = _phrases(language)
    reached: dict[int, str] = {0: _BESIDE}
    for start in range(len(said)):
        if start not in reached:
            continue
        for end in range(start + 1, min(start + longest, len(said)) + 1):
            if topic := phrases.get(tuple(said[start:end])):
                heard = (reached.get(end, _BESIDE), reached[start], topic)
                reached[end] = max(heard, key=_WEIGHTS.__getitem__)
    found = reached.get(len(said), _BESIDE)
    return next((topic for topic in get_args(Topic) if topic == found), None)


@cache
def _phrases(language: Language) -> dict[tuple[str, ...], str]:
    """The phrases of a language's file and their topics; a phrase on several lists has the weightiest."""
    found: dict[tuple[str, ...], str] = {}
    section = _BESIDE
    text = files(__name__).joinpath(f"{language}.txt").read_text("utf-8").casefold()
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        if line.startswith("["):
            section = line.strip("[]")
        else:
            for phrase in _spelt_out(line):
                found[phrase] = max(found.get(phrase, section), section, key=_WEIGHTS.__getitem__)
    return found


@cache
def _longest(language: Language) -> int:
    """The words of the language's longest phrase."""
    return max(map(len, _phrases(language)))


def _spelt_out(line: str) -> Iterator[tuple[str, ...]]:
    """All phrases that a line with alternatives stands for."""
    for chosen in product(*(place.split("/") for place in line.split())):
        if phrase := tuple(word for word in chosen if word != "-"):
            yield phrase
