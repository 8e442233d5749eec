"""Search queries for follow-up questions: "and for part-time staff?" needs the question before it.

If a model can, it rewrites such a question into a complete one. Otherwise the earlier questions are put in front of it.
"""

import re
from collections.abc import Sequence

from core.model import ModelRequest, UserMessage
from core.words import words

EARLIER = 2
"""How many earlier questions are used."""

LONGEST_QUERY = 500

_LITTLE = 4
"""The most significant words in a question with a word such as "it" that still counts as a follow-up."""

_OPENS = re.compile(
    r"\s*(?:and|but|or|also|then|so|what about|how about|what if|what else|why not|same|ok(?:ay)?,? (?:and|but|so)"
    r"|und|aber|oder|dann|was ist mit|wie ist es)\b",
    re.IGNORECASE,
)
_ABOUT_IT = re.compile(
    r"\s*(?:(?:how|why|when|where|who|what|until when|by when)\s+)?"
    r"(?:is|are|was|were|do|does|did|can|could|will|would|may|must|should|has|have)\s+"
    r"(?:it|they|that|this|these|those|he|she)\b",
    re.IGNORECASE,
)
_POINTS_BACK = frozenset(
    """it its they them their theirs this that these those he she him her same such otherwise either instead das dies
    diese dieser dieses sie ihn ihr davon dafür dabei""".split()  # noqa: SIM905 - so many quoted words would be unreadable as a list
)
_EMPTY = frozenset(
    """a an the there one ones is are was be do does did can could may might must will would should i we you my our your
    me us if to of in on at for with from by about as and or not no yes how what when where which who whom whose why
    much many long often have has had get gets any please tell more before after ask asked need needs take takes happen
    happens mean means apply applies count counts still always already first next later earlier""".split()  # noqa: SIM905 - as above
)
_REWRITE = (
    "You write search queries for a company's handbooks. Put the employee's last question into one question that makes "
    "sense without the talk before it. Keep every name, number and place. Write only that question, on one line."
)


def depends(question: str) -> bool:
    """Whether the question seems to need the ones before it.

    It does if it begins with a word such as "and", asks about "it", or has hardly a significant word of its own.
    """
    # Others are searched as they are: words of another subject would only find passages about that subject.
    in_question = words(question)
    meaning = [word for word in in_question if word not in _EMPTY and word not in _POINTS_BACK]
    points_back = not _POINTS_BACK.isdisjoint(in_question)
    goes_on = _OPENS.match(question) or _ABOUT_IT.match(question)
    # In a long question, "it" mostly refers to something within the question itself.
    return bool(goes_on) or len(meaning) < 2 or (points_back and len(meaning) <= _LITTLE)


def with_context(earlier: Sequence[str], question: str) -> str:
    """The last of the `earlier` questions, oldest first, and then the question, each on a line of its own."""
    return "\n".join(" ".join(text.split()) for text in [*earlier[-EARLIER:], question])


def rewriting(talk: Sequence[tuple[str, str]], question: str) -> ModelRequest:
    """The request to rewrite the question; `talk` are the questions and answers before it, oldest first."""
    exchanges = [f"Employee: {earlier}\nDesk: {answer[:1000]}" for earlier, answer in talk[-EARLIER:]]
    text = "\n\n".join([*exchanges, f"Last question: {question}"])
    return ModelRequest(instructions=_REWRITE, messages=(UserMessage(text=text),))


def rewritten(answer: str) -> str | None:
    """The query in a model's answer, on one line; None if the answer is empty or too long for a query."""
    line = " ".join(answer.split()).strip("\"'“”")
    return line if line and len(line) <= LONGEST_QUERY else None
