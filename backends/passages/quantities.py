"""Which rows or items hold for a figure or a day that a question names: "after 6 years" is in "5 years up to 8 years".

A handbook writes its steps as ranges ("less than 2 years", "5-8 years", "from 10 years") or as single figures, each of
which holds until the next ("2 years", "5 years", "8 years"), or, after a word such as "up to", since the last.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise, zip_longest
from math import inf
from typing import NamedTuple

from backends.stems import STOP_WORDS, stem

Day = tuple[int, int]
"""A month and a day of it."""

_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_WORDED = {name: float(number) for number, name in enumerate(f"{_NAMES} eighteen nineteen twenty".split())} | {
    "half a": 0.5,
    "a": 1.0,
    "an": 1.0,
    "thirty": 30.0,
    "forty": 40.0,
    "fifty": 50.0,
}  # fmt: skip - a table of pairs, not ten lines
_TIMES = {"day": 12.0, "week": 84.0, "fortnight": 168.0, "month": 365.0, "year": 4380.0, "yr": 4380.0}
"""In twelfths of a day, so that 12 months are a year to the last digit."""
_FIGURE = re.compile(
    rf"(?P<money>[€£$])?(?P<number>\d[\d,]*(?:\.\d+)?|\b(?:{'|'.join(sorted(_WORDED, key=len, reverse=True))})\b)"
    r"(?:st|nd|rd|th)?(?P<more>\s?\+)?(?:[\s-]?(?:full |completed |calendar |working )?(?P<unit>%|[a-z]+))?",
    re.IGNORECASE,
)
_TO = re.compile(r"\W*(?:[-\u2013\u2014]|to|and|up to|until|but)\W*(?P<strict>(?:less than|under|below)\s*)?", re.I)
_BELOW = re.compile(r"(?:(?P<strict>less than|fewer than|under|below|before)|up to|until|at most|within)\W*$", re.I)
_ABOVE = re.compile(r"(?:(?P<strict>more than|longer than|over|above|beyond)|at least|from|after)\W*$", re.I)
_OR_MORE = re.compile(r"\W*(?:and|or|and/or)\s+(?:more|over|above|longer|older|up)|\W*(?:upwards|plus)\b", re.I)
_OR_LESS = re.compile(r"\W*or\s+(?:less|under|fewer|below|younger)\b", re.I)
_LOOKS_BACK = 40
_CEILING = re.compile(r"\b(?:up to|until|under|less than|at most|within)\b", re.I)

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in _MONTHS)
_DATES = [
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?P<month>{_MONTH})\b", re.I),
    re.compile(rf"\b(?P<month>{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b", re.I),
    re.compile(r"\b\d{4}-(?P<month>\d\d)-(?P<day>\d\d)\b|\b(?P<day2>\d{1,2})\.(?P<month2>\d{1,2})\."),
]
_FEASTS = {
    "christmas eve": (12, 24),
    "new year's eve": (12, 31),
    "boxing day": (12, 26),
    "christmas": (12, 25),
    "new year": (1, 1),
}  # fmt: skip - a table of pairs
_FEAST = re.compile(rf"(?:\bday (?P<side>after|before)\s+)?\b(?P<feast>{'|'.join(_FEASTS)})(?:'s)?(?: day)?\b", re.I)


class Span(NamedTuple):
    """The figures from `low` to `high` of one unit; without the ends if they are strict. `single` is one figure."""

    unit: str
    low: float
    high: float
    low_strict: bool = False
    high_strict: bool = False
    single: bool = False

    def holds(self, value: float, *, ends: bool) -> bool:
        """`ends`: the highest figure belongs to it, too, unless it is strict."""
        above = self.low < value if self.low_strict else self.low <= value
        return above and (value < self.high or (ends and not self.high_strict and value == self.high))


def fitting(question: str, rows: Sequence[str], head: str = "") -> frozenset[int]:
    """The places of the rows or items that hold for a figure or a day of the question; empty if none is told apart.

    `head` is a table's header, or the line that leads in to a list.
    """
    days = set(_days(question))
    named = {place for place, row in enumerate(rows) if days and not days.isdisjoint(_days(row))}
    if named:
        return frozenset(named) if len(named) < len(rows) else frozenset()
    cells = [_cells(row) for row in rows]
    heads = _cells(head.rpartition("\n|-")[0] or head)
    for unit, value in map(_asked, spans(question)):
        for number, column in enumerate(zip_longest(*cells, fillvalue="")):
            above = heads[number] if len(heads) == len(cells[0]) else head
            steps = _steps(column, unit, above)
            for ends in (False, True):
                if fit := frozenset(place for place, step in steps.items() if step.holds(value, ends=ends)):
                    return fit
    return frozenset()


def spans(text: str) -> Iterator[Span]:
    """The figures of a text and the ranges they make: "5 to 8 years", "more than 10", "grade 7"."""
    figures = [figure for figure in _FIGURE.finditer(text) if _counts(figure)]
    skip = False
    for figure, following in zip_longest(figures, figures[1:]):
        if skip:
            skip = False
            continue
        unit, value = _measured(text, figure)
        between = _TO.fullmatch(text, figure.end(), following.start()) if following else None
        if between is None and following and figure["unit"] and figure["unit"].casefold() in ("to", "and", "up"):
            between = _TO.fullmatch(text, figure.end("number"), following.start())
        if following and between:
            unit, high = _measured(text, following)
            first, low = _measured(text, figure)
            # "5 to 8 years": the first figure has the second one's unit.
            low = low if first == unit else low * high / (_number(following) or 1.0)
            yield Span(unit, low, high, high_strict=bool(between["strict"]))
            skip = True
        elif below := _BELOW.search(_before(text, figure)):
            yield Span(unit, -inf, value, high_strict=bool(below["strict"]))
        elif _OR_LESS.match(text, figure.end()):
            yield Span(unit, -inf, value)
        elif above := _ABOVE.search(_before(text, figure)):
            yield Span(unit, value, inf, low_strict=bool(above["strict"]), single=not above["strict"])
        elif figure["more"] or _OR_MORE.match(text, figure.end()):
            yield Span(unit, value, inf)
        else:
            yield Span(unit, value, value, single=True)


def _steps(column: Sequence[str], unit: str, head: str) -> dict[int, Span]:
    """The spans of a column of steps, by row; {} for a column of something else, such as amounts that are paid.

    Single figures that rise from row to row hold until the next, of times and money; of others, a grade say, for
    themselves.
    """
    steps: dict[int, Span] = {}
    units = _units(head)
    for place, cell in enumerate(column):
        span = next(spans(cell), None)
        if span and span.unit == unit:
            steps[place] = span
        elif span and not span.unit and unit in units:
            steps[place] = span._replace(low=span.low * units[unit], high=span.high * units[unit])
    singles = [span.low for span in steps.values() if span.single]
    rising = all(one < other for one, other in pairwise(singles))
    if len(steps) < 2 or not (rising or len(singles) < len(steps)):
        return {}
    if unit not in ("time", "money") or not rising:
        return steps
    edges = sorted({-inf, inf, *(edge for span in steps.values() for edge in (span.low, span.high))})
    places = {edge: place for place, edge in enumerate(edges)}
    ceilings = _CEILING.search(head) is not None
    for place, span in steps.items():
        if span.single and ceilings:
            steps[place] = span._replace(low=edges[places[span.low] - 1], low_strict=True, high=span.low)
        elif span.single:
            steps[place] = span._replace(high=edges[places[span.low] + 1])
    return steps


def _asked(span: Span) -> tuple[str, float]:
    """The unit and the figure of a question; of "more than 6 years" one that is a little more."""
    if span.single or (span.low > -inf and not span.low_strict):
        return span.unit, span.low
    return span.unit, span.low * 1.001 if span.low > -inf else span.high * 0.999


def _cells(row: str) -> list[str]:
    if not row.lstrip().startswith("|"):
        return [row]
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _before(text: str, figure: re.Match[str]) -> str:
    """The few words before a figure: all of them for each figure would be read again and again."""
    return text[max(0, figure.start() - _LOOKS_BACK) : figure.start()]


def _counts(figure: re.Match[str]) -> bool:
    """Whether it is a figure: "a" is one in "a year" alone."""
    return figure["number"].casefold() not in ("a", "an", "half a") or _of_time(figure["unit"]) is not None


def _number(figure: re.Match[str]) -> float:
    written = figure["number"].casefold()
    return _WORDED[written] if written in _WORDED else float(written.replace(",", "") or 0)


def _measured(text: str, figure: re.Match[str]) -> tuple[str, float]:
    """The unit of a figure and its value: time in twelfths of a day, money, or what is counted or numbered."""
    value, unit = _number(figure), (figure["unit"] or "").casefold()
    if (days := _of_time(unit)) is not None:
        return "time", value * days
    if figure["money"] or unit in ("eur", "euro", "euros", "gbp", "pounds", "usd", "dollars"):
        return "money", value
    before = re.search(r"([A-Za-z]+)\s+$", _before(text, figure))
    if before and before[1].casefold() not in STOP_WORDS:
        return stem(before[1].casefold()), value
    return "" if unit in STOP_WORDS else stem(unit), value


def _of_time(unit: str | None) -> float | None:
    return _TIMES.get((unit or "").casefold().removesuffix("s"))


def _units(head: str) -> Mapping[str, float]:
    """The units that a header names, and what one of each is in the measure of its spans."""
    units: dict[str, float] = {}
    for word in re.findall(r"[a-z]+|[€£$]", head.casefold()):
        units.setdefault(stem(word), 1.0)
        if word in "€£$":
            units["money"] = 1.0
        elif (time := _of_time(word)) is not None:
            units.setdefault("time", time)
    return units


def _days(text: str) -> Iterator[Day]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            month, day = groups["month"] or groups["month2"], groups["day"] or groups["day2"]
            yield int(month) if month.isdigit() else _month(month), int(day)
    for match in _FEAST.finditer(text.replace("\u2019", "'")):
        month, day = _FEASTS[match["feast"].casefold()]
        moved = date(2001, month, day) + timedelta(
            days={"after": 1, "before": -1}.get((match["side"] or "").casefold(), 0)
        )
        yield moved.month, moved.day


def _month(name: str) -> int:
    return next(number for number, full in enumerate(_MONTHS, 1) if full.startswith(name.casefold()[:3]))
