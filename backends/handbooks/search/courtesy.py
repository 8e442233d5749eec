"""A question without its courtesies: "I was wondering if you could kindly tell me" and "many thanks" ask for nothing.

They would be searched for like other words, and a long polite question would look as if the handbooks had much to say
on it. Only English phrases are known.
"""

import re

from backends.stems import question_words

_YOU = r"(?:you|i|we|anyone|anybody|someone|somebody)"
_SOFTLY = r"(?:please |kindly |perhaps |possibly |maybe |also |just |be so kind as to ){0,4}"
_TELL = (
    r"(?:(?:tell|inform|advise|remind|help|explain to) (?:me|us)(?: out)?|let (?:me|us) know|explain|clarify|confirm)"
)
_IF = r"(?: (?:if|whether|that))?"
_LEADS_IN = re.compile(
    rf"\b(?:i(?:'m| am| was|'ve been| have been)? )?(?:just |really |simply |only ){{0,4}}wonder(?:ing|ed)?{_IF}"
    rf"(?: {_YOU} (?:could|can|would|will|might) {_SOFTLY}{_TELL}{_IF})?\b"
    rf"|\b(?:could|can|would|will|might|may) {_YOU} {_SOFTLY}{_TELL}{_IF}\b"
    rf"|\b(?:i|we)(?:'d|'ll| would| do)? {_SOFTLY}(?:want(?:ed)?|like|love|need|wish(?:ed)?) to"
    rf" (?:know|ask|find out|understand|hear|learn|check){_IF}\b"
    rf"|\b(?:i|we)(?:'ve| have)(?: got)? (?:a|one|another) (?:\w+ )?question (?:about|on|regarding|concerning)\b"
    rf"|\b(?:please |kindly ){{0,4}}(?:tell|inform|advise) (?:me|us)\b|\blet (?:me|us) know{_IF}\b"
    rf"|\bdo {_YOU} (?:happen to )?know{_IF}\b|\b(?:please|kindly)\b",
    re.IGNORECASE,
)
"""What stands before a question in its own sentence."""

_PART = re.compile(
    r"(?<=[.?!,;:])\s+|\s+(?=(?:many|kind|best|warm) (?:thanks|regards|wishes)\b)|(?<!many)\s+(?=thanks?\b(?! to))",
    re.IGNORECASE,
)
_COURTEOUS = re.compile(
    r"^\W*(?:and |but |so )*(?:hello|hi|hey|dear|greetings|welcome|good (?:morning|afternoon|evening|day)|sincerely"
    r"|(?:kind|best|warm|many) (?:regards|wishes)|yours|cheers|sorry|pardon|excuse|forgive|apolog\w+|no (?:rush|hurry)"
    r"|any (?:information|help|hint|advice|idea))\b"
    r"|\bhope (?:you|this|that|all|everything|it)\b|\bthank(?:s\b(?! to)| you)|\bappreciat|\bgrateful\b"
    r"|\blook(?:ing)? forward\b|\b(?:a|one|another) (?:\w+ )?question(?:\W*$| (?:which|that|for you)\b)"
    r"|\b(?:have|wish) (?:\w+ )?a (?:nice|good|great|lovely|pleasant|wonderful) (?:day|week|weekend|evening|time)\b"
    r"|\b(?:be|is) (?:great|nice|lovely|kind|helpful|wonderful) (?:if|of)\b"
    r"|\basked (?:this )?(?:before|already|often)\b|\bthe right (?:place|person) to ask\b"
    r"|\b(?:who|whom|where)(?: else)? (?:to|i (?:can|should)) (?:ask|look|turn to|write to)\W*$"
    r"|\b(?:looked|searched) (?:around|everywhere)\b|\bmake sure (?:that )?i (?:understand|understood)\b"
    r"|\bi thought i(?:'d| would| could)? (?:\w+ )?(?:ask|try)\b|\bthe following:"
    r"|\bif (?:it is|it's|that is|that's) (?:not|no) (?:too much )?(?:trouble|bother)\b"
    r"|\b(?:when|whenever|if) you have (?:a |some )?(?:\w+ )?(?:moment|minute|time)\b",
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
    asking = " ".join(_LEADS_IN.sub(" ", line).split())
    plain = " ".join(part for part in _PART.split(asking) if not _is_courtesy(part))
    return plain if question_words(plain) else line


def _is_courtesy(part: str) -> bool:
    return (_BEGS if part.endswith("?") else _COURTEOUS).search(part) is not None
