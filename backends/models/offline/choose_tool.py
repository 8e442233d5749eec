"""Which tool a question clearly asks for, judged from nothing but the tools' schemas and the question's English.

Handbooks say how things are; tools answer for the person who asks, or act for them. So the form of a question comes
first (a command, an asker's own affair, or how things are in general) and the shared words second. A wrong call costs
more than a quote too many: doubt means no call.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal, TypeAlias

from backends.models.offline.arguments import Filled, fill
from backends.models.offline.dates import Found, find_dates
from backends.models.offline.parameters import Parameter, parameters
from backends.stems import rarity, stem, terms
from core.canonical import Json
from core.model import ToolSchema
from core.words import words

BAR = 0.9
"""The score from which a tool is asked for."""
MARGIN = 0.15
"""How far ahead of every other tool it must be."""
LEAST = 0.4
"""The share of a sentence, by weight, that must be about the tool, however much it is a command."""
FLOOR = 0.6
"""What saying a tool's whole name is worth as such a share."""


@dataclass(frozen=True, slots=True)
class Chosen:
    tool: str
    arguments: Mapping[str, Json]
    kind: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Missing:
    """The tool is clear, and what `parameters` stand for is not in the question; its other `arguments` are."""

    tool: str
    parameters: tuple[Parameter, ...]
    arguments: Mapping[str, Json]
    kind: Literal["missing"] = "missing"


@dataclass(frozen=True, slots=True)
class NoTool:
    kind: Literal["none"] = "none"


Choice: TypeAlias = Chosen | Missing | NoTool
Form: TypeAlias = Literal["command", "own", "bare", "general", "statement"]

_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|dear \w+|good (?:morning|day|evening)|ok|okay|so|and|then|yes|well)\b[\s,!]*)+"
)
_GENERAL = re.compile(
    r"\b(?:polic(?:y|ies)|rules?|regulations?|guidelines?|handbooks?|procedures?|process|laws?|entitle\w*|eligib\w*"
    r"|allowed|permitted|supposed|usually|normally|why|explain|describe|means?|meaning|difference|whether"
    r"|how(?! many\b| much\b)|about(?! my\b)|have to|need to know|what happens"
    r"|(?:can|could|may|must|should|shall|would|when do|what do) (?:i|we|one|they|he|she)"
    r"|(?:can|could|may|must|should|shall|would|do|does|are|is|have|has|if|when|while) (?:\w+ )?(?:an? |the )?"
    r"(?:employees?|colleagues|staff|people|someone|somebody|everyone|managers?|contractors?|apprentices?|interns?)"
    r"|(?:if|when|while|after|before|during|unless) (?:i|my|you|it|an?|the)"
    r"|do i need|do you)\b"
)
_WITHHELD = re.compile(r"\b(?:do not|don'?t|did not|didn'?t|never|no longer)\b")
_SOMEBODY = re.compile(
    r"\b(?:his|her|their|(?!(?:what|who|it|that|here|there|let|how|where|when|today|year|month)'s)\w+'s)\b"
)
_COLLECTIVE = re.compile(r"\b(?:we|our|ours|us|you|your|employees|colleagues|staff|people|everyone|company)\b")
_MYSELF = re.compile(r"\b(?:i|my|mine|me|myself)\b")
_COMMAND = re.compile(
    r"^(?:please\b|(?:can|could|would|will) you\b|i(?:'d| would) like\b|i want\b|i need\b|i wish\b|i have to\b|let me\b"
    r"|(?:show|list|get|give|tell|check|find|look up|book|request|cancel|create|make|add|change|update|submit|apply"
    r"|register|order|send|start|set|remove|delete|reserve|file|enter|record|report|calculate|withdraw|renew|buy"
    r"|schedule|arrange|sign)\b|(?!wh|how\b).*\bplease\W*$)"
)
# Words that ask for the same thing in any office: "vacation days left" is a leave balance, to book is to request.
_SAME = {
    **dict.fromkeys(("vacation", "pto"), stem("leave")),
    **dict.fromkeys(("earn", "income", "wag"), stem("salary")),
    **dict.fromkeys(("left", "balanc", "availabl"), "remain"),
    **dict.fromkeys(("book", "reserv", "appli", "submit", "tak"), "request"),
}
_UNITS = frozenset(("day", "week", "month", "hour"))
_WISHES = frozenset(("ask", "like", "want", "wish", "plan"))


def choose(question: str, tools: Sequence[ToolSchema], today: date, *, month_first: bool = False) -> Choice:
    """A call of the one tool that the question clearly asks for, what it lacks for that call, or no tool.

    `today` and `month_first` say what the question's dates mean, as `find_dates` has it.
    """
    dates = find_dates(question, today, month_first=month_first) if tools else []
    offers = [_offer(tool, question, dates) for tool in tools]
    weights = rarity([offer.near | offer.far for offer in offers])
    sentences = _split(question)
    scores = [max((_score(part, offer, weights) for part in sentences), default=0.0) for offer in offers]
    best, second = sorted([0.0, 0.0, *scores], reverse=True)[:2]
    if best < BAR or best - second < MARGIN:
        return NoTool()
    offer = offers[scores.index(best)]
    if lacking := offer.filled.missing or _unlisted(question, offer):
        return Missing(offer.tool.name, lacking, offer.filled.arguments)
    return Chosen(offer.tool.name, offer.filled.arguments)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A tool beside the question: the terms of its name, `near` (with its first line's), `far` (all else it says)."""

    tool: ToolSchema
    filled: Filled
    name: set[str]
    near: set[str]
    far: set[str]


def _offer(tool: ToolSchema, question: str, dates: Sequence[Found]) -> _Offer:
    opening, _, more = tool.description.partition("\n")
    name = set(_terms(tool.name))
    near = name | set(_terms(opening))
    far = set(_terms(" ".join([more, *(parameter.words for parameter in parameters(tool))]))) - near
    return _Offer(tool, fill(tool, question, dates), name, near, far)


def _score(sentence: str, offer: _Offer, weights: Mapping[str, float]) -> float:
    """How clearly the sentence asks for this tool, from 0 to 1.75; 0 unless it has the form of asking at all."""
    asked = set(_terms(offer.filled.without_values(sentence)))
    if offer.filled.dated:
        asked -= _UNITS  # "a week's leave from Monday": the week is in the dates
    if not asked:
        return 0.0
    unheard = max(weights.values(), default=1.0)
    near, far = asked & offer.near, asked & offer.far
    covered = sum(weights[term] for term in near) + sum(weights[term] for term in far) / 2
    covered /= sum(weights.get(term, unheard) for term in asked)
    named = len(asked & offer.name) / max(1, len(offer.name))
    if named == 1 and len(offer.name) > 1:
        # Who says a tool's whole name of two words and more may say a lot beside it.
        covered = max(covered, FLOOR)
    missing = offer.filled.missing
    ready = bool(offer.filled.required) and not missing
    match form_of(sentence, decided=ready):
        case "command":
            wanted = covered >= LEAST
        case "own":
            wanted = covered >= LEAST and (named == 1 or not missing)
        case "bare":
            wanted = covered >= FLOOR and named == 1 and not missing
        case _:
            wanted = False
    clear = named == 1 or covered == 1 or len(near | far) > 1
    return covered + named / 2 + ready / 4 if wanted and clear else 0.0


def _unlisted(question: str, offer: _Offer) -> tuple[Parameter, ...]:
    """The choices left open where the question names a kind that none of them lists, as "parental leave" may be."""
    named = [word for word in words(offer.filled.without_values(question)) if not word.isdigit()]
    strange = any(
        set(_terms(word)) & offer.name
        and (kind := set(_terms(before)))
        and not kind & (offer.near | offer.far | _UNITS)
        for before, word in pairwise(named)
    )
    open_choices = (each for each in parameters(offer.tool) if each.type == "choice")
    return tuple(each for each in open_choices if strange and each.name not in offer.filled.arguments)


def form_of(sentence: str, *, decided: bool) -> Form:
    """What kind of wish a sentence is. `decided`: it holds all that a tool needs, as those say who mean it."""
    text = _GREETING.sub("", " ".join(sentence.casefold().replace("\u2019", "'").split())).strip()
    if _WITHHELD.search(text):
        return "general"
    if _COMMAND.match(text) and (decided or not _GENERAL.search(text)):
        return "command"
    if decided and re.match(r"(?:can|could|may) i (?!\w+ (?:if|when)\b)", text):
        return "command"
    if _GENERAL.search(text) or _SOMEBODY.search(text):
        return "general"
    if _MYSELF.search(text):
        return "statement" if re.match(r"i(?:'\w+)?\b", text) and not text.endswith("?") else "own"
    return "general" if _COLLECTIVE.search(text) else "bare"


def _split(question: str) -> list[str]:
    """The sentences of a question; a full stop inside a date or number ends none."""
    return [part for part in re.split(r"(?<=[.?!;])(?<!\d\.)\s+|\n+", question) if part.strip()]


def _terms(text: str) -> list[str]:
    """The terms of a text, those that ask for the same thing made the same, without numbers."""
    found = [term for term in terms(text) if not term.isdigit() and term not in _WISHES]
    same = _SAME if {"public", "bank"} & set(found) else {**_SAME, "holiday": stem("leave")}
    return [same.get(term, term) for term in found]
