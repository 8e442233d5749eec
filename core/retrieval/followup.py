"""What is searched for: a question that only makes sense after another one takes that one along.

A model rewrites it, where there is one that can; else the questions before it stand in front of it. A question that
stands by itself is searched as it is: words of another matter would only find passages about that.
"""

import re
from collections.abc import Sequence

from core.model import ModelRequest, UserMessage
from core.words import words

EARLIER = 2
"""Earlier questions that are taken along."""

LONGEST_QUERY = 500

_LITTLE = 4
"""Words with a meaning of their own, up to which a question that points back takes the ones before it along."""

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
    diese dieser dieses sie ihn ihr davon dafür dabei""".split()  # noqa: SIM905 - so many quoted words are no list anybody reads
)
_EMPTY = frozenset(
    """a an the there one ones is are was be do does did can could may might must will would should i we you my our your
    me us if to of in on at for with from by about as and or not no yes how what when where which who whom whose why
    much many long often have has had get gets any please tell more""".split()  # noqa: SIM905 - as above
)
_REWRITE = (
    "You write search queries for a company's handbooks. Put the employee's last question into one question that makes "
    "sense without the talk before it. Keep every name, number and place. Write only that question, on one line."
)


def depends(question: str) -> bool:
    """Whether the question seems to need the ones before it: it opens by going on or by asking about `it`, or says
    little itself.

    Of two sentences the second may point back to the first; a long one mostly points back within itself.
    """
    said = words(question)
    meaning = [word for word in said if word not in _EMPTY and word not in _POINTS_BACK]
    points_back = not _POINTS_BACK.isdisjoint(said)
    goes_on = _OPENS.match(question) or _ABOUT_IT.match(question)
    return bool(goes_on) or len(meaning) < 2 or (points_back and len(meaning) <= _LITTLE)


def with_context(earlier: Sequence[str], question: str) -> str:
    """The last of the `earlier` questions, oldest first, and then the question, each on a line of its own."""
    return "\n".join(" ".join(said.split()) for said in [*earlier[-EARLIER:], question])


def rewriting(talk: Sequence[tuple[str, str]], question: str) -> ModelRequest:
    """What a model is asked, to have the question rewritten: `talk` are the questions and answers before it."""
    said = [f"Employee: {asked}\nDesk: {answer[:1000]}" for asked, answer in talk[-EARLIER:]]
    text = "\n\n".join([*said, f"Last question: {question}"])
    return ModelRequest(instructions=_REWRITE, messages=(UserMessage(text=text),))


def rewritten(answer: str) -> str | None:
    """The query that a model gave, on one line; None where it gave none, or more than a query."""
    line = " ".join(answer.split()).strip("\"'“”")
    return line if line and len(line) <= LONGEST_QUERY else None
