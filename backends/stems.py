"""The terms of a text: its words, cut to stems, without the ones that are too common to say anything.

The stemmer knows a few English endings only, and leaves words of other languages as they are. It need not be right, but
the same for both sides of a comparison.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from threading import local
from typing import Literal

import Stemmer  # type: ignore[import-not-found]  # an extension module without types

from backends.codes import codes
from core.words import words

STOP_WORDS: frozenset[str] = frozenset(
    """a about after again all also am an and any anybody anyone are as at be because been before being but by can
    could d did do does doing don during each else ever every for from further get gets give given go goes got had has
    have having he her here him his how i if in into is it its itself just know let like ll m many may me might mine
    more most much must my need of off on once one only or other our out over own per please re s same shall she should
    show so some such t tell than that the their them then there these they thing this those through to too under until
    up us use ve very want was we were what when where which while who whom whose why will with within without would
    yes you your yours hello hi hey thank thanks""".split()  # noqa: SIM905 - a list of a hundred quoted words would be hard to read
)
_OF_THREAD = local()
_HOW_IT_WORKS = re.compile(r"\b(how (?:do|does|did)\b[^.?!]*?)\bwork\b(?=\W*$)", re.IGNORECASE)


def surface(text: str) -> list[str]:
    """The words of a text in order, and behind them each of its codes that is not a word of it."""
    said = words(text)
    known = set(said)
    return [*said, *(code for code in codes(text) if code not in known)]


def terms(text: str) -> list[str]:
    """The stems of a text's words and codes, without stop words; [] if it has only those."""
    return [stem(word) for word in surface(text) if word not in STOP_WORDS]


def question_words(question: str) -> list[str]:
    """The words and codes of a question that say what it is about, uncut; "how does it work" is not about work."""
    return [word for word in surface(_HOW_IT_WORKS.sub(r"\1", question)) if word not in STOP_WORDS]


def stemmed(text: str) -> str:
    """The stems of a text's words, and behind them its codes, with blanks between: as an index of words keeps them."""
    return " ".join(stems(surface(text)))


def stems(said: Sequence[str], language: Literal["english", "german"] = "english") -> list[str]:
    """These words cut to Snowball's stems."""
    # One for each thread, because a stemmer may be used by one thread at a time.
    if not hasattr(_OF_THREAD, language):
        setattr(_OF_THREAD, language, Stemmer.Stemmer(language))
    return list(getattr(_OF_THREAD, language).stemWords(said))


def stem(word: str) -> str:
    """`policies` and `policy`, `requested` and `request`, `cancellation` and `cancel` come out the same."""
    if len(word) < 4 or not word.isalpha():
        return word
    word = _singular(word)
    for ending in ("ation", "ing", "ed", "ly", "al"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= 4 - (ending in ("ing", "ed")) and any(letter in "aeiouy" for letter in root):
            word = root[:-1] if root[-1] == root[-2] and root[-1] not in "se" else root
            break
    if len(word) > 3 and word.endswith("e"):
        return word[:-1]
    if len(word) > 3 and word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "i"
    return word


def rarity(documents: Iterable[Collection[str]]) -> Mapping[str, float]:
    """How much each term says: the fewer documents have it, the more. Only terms of the documents are in the result."""
    count, having = 0, dict[str, int]()
    for document in documents:
        count += 1
        for term in set(document):
            having[term] = having.get(term, 0) + 1
    return {term: math.log(1 + count / times) for term, times in having.items()}


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
