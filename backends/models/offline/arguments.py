"""A tool's arguments as far as a question holds them: taken from its text, never made up.

What stands beside a parameter's name belongs to it; dates, numbers and quoted text that stand alone go to the
parameters of their type while that leaves no choice. Everything else is missing, and the asker is told so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from backends.models.offline.dates import Found, find_months
from backends.models.offline.parameters import EDGES, ENDS, STARTS, Parameter, Type, parameters
from backends.stems import STOP_WORDS, terms
from core.canonical import Json
from core.model import ToolSchema
from core.words import words

Span: TypeAlias = tuple[int, int]

_QUOTED = re.compile(
    r"[\"\u201c\u201e\u00ab]([^\"\u201c\u201d\u201e\u00ab\u00bb]+)[\"\u201c\u201d\u00bb]"
    r"|(?<!\w)['\u2018]([^'\u2018\u2019]+)['\u2019](?!\w)"
)
_NUMBER = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)?)(?![\w-])")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LINK = r"(?:\s*[:=]\s*|\s+(?:is|are|of|number|no\.?|nr\.?)\s+|\s+)"
_NAMED = r"(?-i:(\w*[A-Z\d][\w/@+-]*(?:\.\w+)*))"
_ADDRESSED = re.compile(r"\b(?:recipient|addressee|receiver|whom)\b", re.IGNORECASE)
_TO_WHOM = re.compile(
    r"\b(?:to|for)\s+(?:(?:the\s+)?([A-ZÄÖÜ][\w&'.-]*(?:\s+(?:of|and|und|&|[A-ZÄÖÜ][\w&'.-]*))*)|(?:my|our|the|an?)\s+(\w+))"
)
_FILLERS = frozenset(("date", "day", "number", "name", "of", "the", "in"))


@dataclass(frozen=True, slots=True)
class Filled:
    """`arguments` found, the required parameters still `missing`, and the texts that were used up as values.

    `dated`: dates are among the arguments.
    """

    arguments: Mapping[str, Json]
    required: tuple[Parameter, ...]
    missing: tuple[Parameter, ...]
    used: tuple[str, ...]
    dated: bool

    def without_values(self, sentence: str) -> str:
        """The sentence without what became an argument: a name or a date says nothing of what is wanted."""
        for value in self.used:
            sentence = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", " ", sentence)
        return sentence


def fill(tool: ToolSchema, question: str, dates: Sequence[Found]) -> Filled:
    """What of the tool's arguments the question holds; `dates` are those that stand in it."""
    reader = _Reader(question, dates, set(terms(f"{tool.name} {tool.description}")))
    wanted = sorted(parameters(tool), key=lambda parameter: not parameter.required)
    found: dict[str, Json] = {}
    for parameter in wanted:
        found |= reader.beside(parameter)
    found |= reader.dates([parameter for parameter in wanted if parameter.type == "date"])
    for parameter in wanted:
        if parameter.name not in found:
            found |= reader.alone(parameter, [other for other in wanted if other.name not in found])
    required = tuple(parameter for parameter in wanted if parameter.required)
    missing = tuple(parameter for parameter in required if parameter.name not in found)
    dated = any(parameter.type == "date" and parameter.name in found for parameter in wanted)
    return Filled(found, required, missing, reader.used(), dated)


class _Reader:
    """Reads values off one question; what became an argument is not read twice. Each method gives what it found."""

    def __init__(self, question: str, dates: Sequence[Found], own: set[str]) -> None:
        self._text = question
        self._own = own
        self._dates = dates
        self._months = find_months(question)
        self._taken: list[Span] = [(each.start, each.end) for each in self._dates]

    def used(self) -> tuple[str, ...]:
        """The texts that are values and say nothing of what is wanted, longest first."""
        spans = {*self._taken, *((each.start, each.end) for each in self._months)}
        return tuple(sorted({self._text[start:end].strip() for start, end in spans}, key=len, reverse=True))

    def beside(self, parameter: Parameter) -> dict[str, Json]:
        """What stands beside the parameter's name, or is one of the values that it lists."""
        phrase = _phrase(parameter.name)
        match parameter.type:
            case "choice":
                named = self._named(parameter.choices)
                return {parameter.name: named[0]} if len(named) == 1 else {}
            case "boolean":
                mention = re.search(rf"(\b(?:not|no|without)\s+(?:an?\s+)?)?\b{phrase}\b", self._text, re.IGNORECASE)
                return {parameter.name: mention[1] is None} if mention else {}
            case "integer" | "number":
                return self._first(
                    parameter, rf"\b{phrase}{_LINK}{_NUMBER.pattern}", rf"{_NUMBER.pattern}\s+{phrase}\b"
                )
            case "text":
                quoted = rf"\b{phrase}{_LINK}(?:{_QUOTED.pattern})"
                return self._first(parameter, quoted, rf"\b{phrase}{_LINK}{_NAMED}", rf"(?<=\s){_NAMED}\s+{phrase}\b")
            case _:
                return {}

    def dates(self, wanted: Sequence[Parameter]) -> dict[str, Json]:
        """The dates, given out first by the word before them (from, until), then in order; more than fit give none."""
        given: dict[str, Json] = {}
        if len(self._dates) == 1 and self._is_one_day(self._dates[0]) and {each.edge for each in wanted} == {*EDGES}:
            return {each.name: self._dates[0].day.isoformat() for each in wanted}
        left = [(each.day.isoformat(), (words(self._text[: each.start]) or [""])[-1]) for each in self._dates]
        if len(left) > len(wanted):
            return {}
        for fits in (_leads_to, _may_lead_to):
            for parameter in wanted:
                fitting = [each for each in left if fits(each[1], parameter.name)]
                if fitting and parameter.name not in given:
                    given[parameter.name] = fitting[0][0]
                    left.remove(fitting[0])
        return given

    def alone(self, parameter: Parameter, left: Sequence[Parameter]) -> dict[str, Json]:
        """What stands by itself, where no other parameter of those `left` could have it."""
        rivals = [other for other in left if other.type == parameter.type and other.required == parameter.required]
        match parameter.type:
            case "month" if len({each.iso for each in self._months}) == 1:
                return self._take(parameter, (self._months[0].start, self._months[0].end), self._months[0].iso)
            case "text":
                quoted = [match for match in _QUOTED.finditer(self._text) if self._free(match.span())]
                if len(quoted) >= len(rivals):
                    return self._take(parameter, quoted[0].span(), quoted[0][1] or quoted[0][2])
                if len(rivals) == 1 and _ADDRESSED.search(f"{parameter.name} {parameter.described}"):
                    return self._addressed(parameter)
            case "integer" | "number":
                numbers = [match for match in _NUMBER.finditer(self._text) if self._free(match.span())]
                years = [match for match in numbers if _YEAR.fullmatch(match[0])]
                if "year" in words(parameter.name):
                    numbers = years
                elif not parameter.required or len(rivals) > 1 or years:
                    return {}
                if len(numbers) == 1:
                    return self._take(parameter, numbers[0].span(), numbers[0][0])
        return {}

    def _is_one_day(self, found: Found) -> bool:
        """Whether the date alone is the whole time that is meant: "on Friday", "Friday off"."""
        before, after = words(self._text[: found.start])[-1:], words(self._text[found.end :])[:1]
        return before in (["on"], ["for"]) or after == ["off"]

    def _addressed(self, parameter: Parameter) -> dict[str, Json]:
        """Whom something is for: a name, or one of those that the tool itself speaks of, such as "my bank"."""
        for match in _TO_WHOM.finditer(self._text):
            group = 1 if match[1] else 2
            fits = match[1] or self._own & set(terms(match[2]))
            if fits and self._free(match.span(group)):
                return self._take(parameter, match.span(group), match[group].rstrip("."))
        return {}

    def _named(self, choices: Sequence[Json]) -> list[Json]:
        """The values that the question names; `sick_child` beats `sick`."""
        asked = {*terms(self._text), *words(self._text)}
        parts = [set(terms(str(value)) or words(str(value))) for value in choices]
        named = [part for part in parts if part and part <= asked]
        return [
            value
            for value, part in zip(choices, parts, strict=True)
            if part in named and not any(map(part.__lt__, named))
        ]

    def _first(self, parameter: Parameter, *patterns: str) -> dict[str, Json]:
        for pattern in patterns:
            for match in re.finditer(pattern, self._text, re.IGNORECASE):
                group = match.lastindex or 0
                if self._free(match.span(group)) and not self._ordinary(match[group]):
                    return self._take(parameter, match.span(group), match[group])
        return {}

    def _ordinary(self, token: str) -> bool:
        """Whether it is a word of the language or of the tool, capitals or not, and so no name."""
        return token.casefold() in STOP_WORDS or bool(self._own & set(terms(token)))

    def _take(self, parameter: Parameter, span: Span, text: str) -> dict[str, Json]:
        value = _number(text, parameter.type) if parameter.type in ("integer", "number") else text
        if value is None or not _fits(parameter.pattern, text):
            return {}
        self._taken.append(span)
        return {parameter.name: value}

    def _free(self, span: Span) -> bool:
        return all(span[1] <= start or end <= span[0] for start, end in self._taken)


def _phrase(name: str) -> str:
    """A pattern for a parameter's name as people write it: `plate_number` is also "plate" and "plates"."""
    parts = words(name)
    plain = [part for part in parts if part not in _FILLERS] or parts
    return r"[\s_-]*".join(f"{re.escape(part)}s?" for part in plain)


def _leads_to(word: str, name: str) -> bool:
    """Whether a date behind this word is the one that a parameter of this name asks for."""
    named = set(words(name))
    return word in named or any(word in group and named & group for group in (STARTS, ENDS))


def _may_lead_to(word: str, name: str) -> bool:
    """Whether nothing speaks against it: "until" is no word before a first day."""
    named = set(words(name))
    return not any(word in group and named & other for group, other in ((STARTS, ENDS), (ENDS, STARTS)))


def _fits(pattern: str | None, text: str) -> bool:
    try:
        return pattern is None or re.search(pattern, text) is not None
    except re.error:
        return True  # another dialect of patterns than Python's; the tool checks its arguments itself


def _number(text: str, kind: Type) -> int | float | None:
    """The number, None where a whole one is needed and this is none; a comma before three digits groups thousands."""
    if len(text) > 15:
        return None  # more digits than a float holds: an account number, perhaps
    number = float(re.sub(r",(?=\d{3}$)", "", text).replace(",", "."))
    if number.is_integer():
        return int(number)
    return None if kind == "integer" else number
