"""A question without its courtesies: "I was wondering if you could kindly tell me" and "many thanks" ask for nothing.

They would be searched for like other words, and a long polite question would look as if the handbooks had much to say
on it. Only English phrases are known.
"""

import re

from backends.stems import question_words

_YOU = r"(?:you|i|we|anyone|anybody|someone|somebody)"
_SOFTLY = r"(?:please |kindly |perhaps |possibly |maybe |also |just |be so kind as to )*"
_TELL = (
    r"(?:(?:tell|inform|advise|remind|help|explain to) (?:me|us)(?: out)?|let (?:me|us) know|explain|clarify|confirm)"
)
_IF = r"(?: (?:if|whether|that))?"
_LEADS_IN = re.compile(
    rf"\b(?:i(?:'m| am| was|'ve been| have been)? )?(?:just |really |simply |only )*wonder(?:ing|ed)?{_IF}"
    rf"(?: {_YOU} (?:could|can|would|will|might) {_SOFTLY}{_TELL}{_IF})?\b"
    rf"|\b(?:could|can|would|will|might|may) {_YOU} {_SOFTLY}{_TELL}{_IF}\b"
    rf"|\b(?:i|we)(?:'d|'ll| would| do)? {_SOFTLY}(?:want(?:ed)?|like|love|need|wish(?:ed)?) to"
    rf" (?:know|ask|find out|understand|hear|learn|check){_IF}\b"
    rf"|\b(?:please |kindly )*(?:tell|inform|advise) (?:me|us)\b|\blet (?:me|us) know{_IF}\b"
    rf"|\bdo {_YOU} (?:happen to )?know{_IF}\b|\b(?:please|kindly)\b",
    re.IGNORECASE,
)
"""What stands before a question in its own sentence."""

_PART = re.compile(
    r"(?<=[.?!,;:])\s+|\s+(?=(?:(?:many|kind|best|warm) )?(?:thanks?\b(?! to)|regards\b))", re.IGNORECASE
)
_COURTEOUS = re.compile(
    r"^\W*(?:and |but |so )*(?:hello|hi|hey|dear|greetings|welcome|good (?:morning|afternoon|evening|day)|sincerely"
    r"|(?:(?:kind|best|warm|many) )?regards|yours|cheers|sorry|pardon|excuse|forgive|apolog\w+|no (?:rush|hurry))\b"
    r"|\bhope (?:you|this|that|all|everything|it)\b|\bthank(?:s\b(?! to)| you)|\bappreciat|\bgrateful\b|\bin advance\b"
    r"|\blook(?:ing)? forward\b|\b(?:a|one|another|this|my) (?:\w+ )?question\b"
    r"|\b(?:nice|good|great|lovely|pleasant|wonderful) (?:day|week|weekend|evening|time)\b"
    r"|\b(?:be|is) (?:great|nice|lovely|kind|helpful|wonderful) (?:if|of|to)\b"
    r"|\b(?:been )?(?:asked|answered) (?:this )?(?:before|already|often)\b|\bthe (?:right|wrong) (?:place|person)\b"
    r"|\b(?:sure|know) (?:who|whom|where) (?:to|else)\b|\bi thought i(?:'d| would| could)? (?:\w+ )?(?:ask|try)\b"
    r"|\b(?:have|'ve) (?:looked|searched|read|asked|checked)\b.*\b(?:around|everywhere|find|found)\b"
    r"|\bmake sure (?:that )?i\b|\bany (?:information|help|hint|advice|idea)\b"
    r"|\b(?:who|which) (?:\w+ )?(?:can|could) (?:\w+ )?(?:answer|help)\b",
    re.IGNORECASE,
)
_BEGS = re.compile(
    rf"\bwould you mind\b|\b(?:may|can|could) i (?:\w+ )?(?:bother|trouble|disturb|interrupt|ask) {_YOU}\b"
    rf"|\b(?:can|could) {_YOU} (?:\w+ )?help\b",
    re.IGNORECASE,
)
"""Of what ends in a question mark only this is a courtesy: "do I get off for a good day out?" asks for something."""


def without_courtesy(text: str) -> str:
    """The text without greetings, thanks, apologies and phrases that lead in; a line of only such stays as it is."""
    return "\n".join(map(_plain, text.split("\n")))


def _plain(line: str) -> str:
    parts = [part for part in _PART.split(_LEADS_IN.sub(" ", line)) if not _is_courtesy(part)]
    plain = " ".join(" ".join(parts).split())
    return plain if question_words(plain) else line


def _is_courtesy(part: str) -> bool:
    return (_BEGS if part.endswith("?") else _COURTEOUS).search(part) is not None
