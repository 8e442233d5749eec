"""What kind of answer a question wants, and whether a sentence has one: an amount, a time, a number, a person, a place.

Of two sentences about the same, the one with an amount answers a question that wants an amount.
"""

import re
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["amount", "time", "number", "person", "place"]

_SOME = r"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|half)\b)"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_OFTEN = "monday|friday|daily|weekly|monthly|quarterly|annually|immediately|fortnight"
_OF_TIME = r"(?:notice|time|leave|holiday|vacation|warning)\b"
_ASKS: dict[Kind, re.Pattern[str]] = {
    "amount": re.compile(
        rf"\bhow much\b(?! {_OF_TIME})|[£€$]|\b(?:cost|budget|price|salary|limit|max|stipend|allowance)"
        r"|\b(?:earn|cap|ceiling|cash)\b|\b(?:pound|euro|dollar)s?\b|\bpa(?:y|id) (?:for|per)"
    ),
    "time": re.compile(
        r"\bhow (?:long|soon|often|far ahead|late|early|quickly|fast)\b|\bwhen\b|\bdeadline|\bage\b"
        rf"|\bhow much {_OF_TIME}"
        r"|\bhow many (?:paid |unpaid |calendar |working |full )?(?:day|week|month|year|hour|min|night)"
        r"|\b(?:which|what|last|latest) (?:day|month|date|week|time)"
    ),
    "number": re.compile(
        r"\bhow many\b|\bwhat (?:%|percent|share|fraction|number)|\bnumber of\b|\b(?:lowest|highest|at least|most)\b"
    ),
    "person": re.compile(r"\bwho(?:m|se)?\b|\b(?:contact|phone|email|inbox)\b"),
    "place": re.compile(r"\bwhere\b|\bwhich (?:city|country|countries|place)"),
}
_ANSWERS: dict[Kind, re.Pattern[str]] = {
    "amount": re.compile(
        r"[£€$]\s?\d|\d[,.]*\s?(?:euros?|pounds|dollars|usd|eur|gbp)|\d\s?%|per ?cent|(?:full|half) pay",
        re.IGNORECASE,
    ),
    "time": re.compile(
        rf"{_SOME}[^.\n]{{0,25}}?(?:day|week|month|year|hour|minute|o'clock|\b[ap]m\b)"
        rf"|\b(?:{_MONTHS}|{_OFTEN})\b|\d{{1,2}}:\d\d",
        re.IGNORECASE,
    ),
    "number": re.compile(_SOME, re.IGNORECASE),
    "person": re.compile(r"@|\b(?:[Tt]eam|[Mm]anager|[Hh]ead of|[Dd]irector|[Oo]fficer)\b|[A-Z][a-z]+ [A-Z][a-z]+"),
    "place": re.compile(r"http|#\w+|\b[A-Z][a-z]+\b"),
}
_HOW = re.compile(r"\bhow (?:long|often|soon|far|late|early|big|high)\b", re.IGNORECASE)


def wanted(question: str) -> frozenset[Kind]:
    """Every kind that would answer the question; an empty set if it does not say."""
    asked = question.casefold()
    return frozenset(kind for kind, pattern in _ASKS.items() if pattern.search(asked))


def has(sentence: str, kinds: frozenset[Kind]) -> bool:
    """Whether the sentence has an answer of one of these kinds."""
    return any(_ANSWERS[kind].search(sentence) for kind in kinds)


def without_how(question: str) -> str:
    """The question without "how long" and the like, which say what kind of answer it wants and not what it is about."""
    return _HOW.sub("", question)
