"""Dates as people write them, in English (a German text is read through the glossary first), and seen from a day.

`dateparser` reads a phrase, and what a phrase is stands here. Its own search in running text takes "31.2.2026" for a
day in November and "the day after tomorrow" for tomorrow.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["whole", "yearless", "weekday", "near", "week"]

_NAMES = [*calendar.month_name[1:], *calendar.month_abbr[1:], "Sept"]
_MONTH = rf"(?:{'|'.join(sorted(_NAMES, key=len, reverse=True))})\b\.?"
_WEEKDAY = rf"(?:{'|'.join(calendar.day_name)})\b"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?(?!\d)"
_YEAR = r"(?:19|20)\d\d\b"
_WORDS = dict(zip(("a", "an", "one", "two", "three", "four", "five", "six"), (1, 1, 1, 2, 3, 4, 5, 6), strict=True))
_COUNT = rf"(?:{'|'.join(_WORDS)}|\d{{1,2}})"
_LONG = rf"(?P<count>{_COUNT})\s+(?P<unit>day|week)s?\b"
_WHICH = r"(?P<which>first|second|third|fourth|last)"
_TO = r"\s*(?:to|until|till|through|-|–|—|(?P<and>and))\s*(?:the\s+)?"  # noqa: RUF001 - people type both dashes

_compiled = partial(re.compile, flags=re.IGNORECASE)
_PHRASES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("whole", _compiled(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\d-])")),
    ("whole", _compiled(rf"(?<![\w.])\d{{1,2}}(?P<dot>[./])\s?\d{{1,2}}(?P=dot)\s?{_YEAR}")),
    ("week", _compiled(rf"\b{_WHICH}\s+week\s+(?:of|in)\s+(?P<month>{_MONTH})(?:\s+(?P<year>{_YEAR}))?")),
    ("week", _compiled(rf"\b{_WHICH}\s+(?P<month>{_MONTH})\s+week\b")),
    ("week", _compiled(r"\b(?P<which>this|next)\s+week\b")),
    ("whole", _compiled(rf"(?<![\w.])(?:{_WEEKDAY},?\s+)?{_DAY}\s*(?:of\s+)?{_MONTH},?\s+{_YEAR}")),
    ("whole", _compiled(rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}")),
    ("yearless", _compiled(rf"(?<![\w.])(?:{_WEEKDAY},?\s+)?{_DAY}\s*(?:of\s+)?{_MONTH}")),
    ("yearless", _compiled(rf"\b{_MONTH}\s+{_DAY}")),
    ("yearless", _compiled(r"(?<![\w.])\d{1,2}\.\s?\d{1,2}\.(?!\d)")),
    ("weekday", _compiled(rf"\b(?:(?:next|this|coming)\s+)?{_WEEKDAY}")),
    ("near", _compiled(r"\btoday\b|\btomorrow\b|\b(?:the\s+)?day\s+after\s+tomorrow\b")),
    ("near", _compiled(rf"\bin\s+{_COUNT}\s+(?:day|week|month)s?\b")),
)
_RANGE = _compiled(_TO)
_BARE_BEFORE = _compiled(rf"(?<![\w.]){_DAY}(?:\s*\d{{1,2}}\.)?{_TO}$")
_BARE_AFTER = _compiled(rf"{_TO}(?P<day>{_DAY})(?:,?\s+(?P<year>{_YEAR}))?(?!\s*(?:{_MONTH}|[\d./]))")
_BETWEEN = _compiled(r"\bbetween\s+(?:the\s+)?$")
_LONG_AFTER = _compiled(rf"\s*,?\s*(?:for\s+)?{_LONG}")
_LONG_BEFORE = _compiled(rf"\b{_LONG}(?:['\u2019]s?)?\s+(?:of\s+)?\w+\s+(?:from|starting|beginning)(?:\s+on)?\s*$")
_MONTHS = (
    _compiled(r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d{2})(?![\w-])"),
    _compiled(rf"\b(?P<month>{_MONTH})\s+(?P<year>{_YEAR})"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A day, and where in the text it stands. The two days of "next week" stand at its beginning and its end."""

    start: int
    end: int
    day: date


@dataclass(frozen=True, slots=True)
class FoundMonth:
    """A month as YYYY-MM, and where in the text it stands."""

    start: int
    end: int
    iso: str


class _Phrase(NamedTuple):
    kind: Kind
    match: re.Match[str]


def find_dates(text: str, today: date, *, month_first: bool = False) -> list[Found]:
    """The dates in the order of the text; a day without a year is the next one. What no calendar has is left out.

    A range gives its two days, and so does a day with a length ("from Monday for a week"). `month_first`: 1/2/2027 is
    2 January.
    """
    found: list[Found] = []
    yearless = False
    for kind, match in _phrases(text):
        if found and match.start() < found[-1].end:
            continue
        joined = bool(found) and _RANGE.fullmatch(text, found[-1].end, match.start()) is not None
        if kind == "week":
            found += _week(match, today)
            continue
        since = found[-1].day if joined and kind != "near" else today
        day = _parsed(match[0], since, month_first)
        if day is None:
            continue
        if joined and kind == "whole" and yearless:
            found[-1] = replace(found[-1], day=_not_after(found[-1].day, day))
        if not joined and kind in ("whole", "yearless"):
            found += _first_half(text, found[-1].end if found else 0, match.start(), day)
        found.append(Found(match.start(), match.end(), day))
        yearless = kind == "yearless"
        found = [*found[:-1], *_with_end(text, found[-1], yearless)]
    return found


def find_months(text: str) -> list[FoundMonth]:
    """The months with their year in the order of the text; those of whole dates included."""
    found = [
        FoundMonth(match.start(), match.end(), f"{match['year']}-{month:02}")
        for pattern in _MONTHS
        for match in pattern.finditer(text)
        if 1 <= (month := _month(match["month"])) <= 12
    ]
    return sorted(found, key=lambda each: each.start)


def _phrases(text: str) -> list[_Phrase]:
    """The phrases that may be dates, in the order of the text; those that come first in the list go first."""
    phrases: list[_Phrase] = []
    for kind, pattern in _PHRASES:
        for match in pattern.finditer(text):
            if all(match.end() <= other.start() or other.end() <= match.start() for _, other in phrases):
                phrases.append(_Phrase(kind, match))
    return sorted(phrases, key=lambda phrase: phrase.match.start())


def _parsed(phrase: str, since: date, month_first: bool) -> date | None:
    """The day that a phrase names, the first one from `since` on if it names several."""
    # Imported here: it takes a tenth of a second, and most questions hold no date.
    import dateparser  # type: ignore[import-untyped]  # the library has no types

    if yearless := re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.", phrase):
        days = [_date(year, int(yearless[2]), int(yearless[1])) for year in (since.year, since.year + 1)]
        return next((day for day in days if day and day >= since), None)
    order = "YMD" if re.match(r"\d{4}", phrase) else "MDY" if month_first else "DMY"
    settings = {
        "RELATIVE_BASE": datetime(since.year, since.month, since.day),
        "PREFER_DATES_FROM": "future",
        "DATE_ORDER": order,
    }
    # A weekday beside a day only repeats it, and "next Friday" is to dateparser no other than "Friday".
    plain = re.sub(rf"^{_WEEKDAY},?\s+(?=\d)|^(?:next|this|coming)\s+", "", phrase, flags=re.IGNORECASE)
    parsed = dateparser.parse(re.sub(r"(?<=[./])\s", "", plain), languages=["en"], settings=settings)
    return parsed.date() if parsed else None


def _week(match: re.Match[str], today: date) -> list[Found]:
    """Monday and Friday of a week. A month's weeks are those whose Mondays it has."""
    which = match["which"].casefold()
    if which in ("this", "next"):
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=which == "next")
    else:
        groups = match.groupdict()
        month, year = _month(groups["month"]), int(groups.get("year") or 0)
        place = -1 if which == "last" else ("first", "second", "third", "fourth").index(which)
        monday = _mondays(year or today.year, month)[place]
        if not year and monday < today:
            monday = _mondays(today.year + 1, month)[place]
    return [
        Found(match.start(), match.end(), monday),
        Found(match.end(), match.end(), monday + timedelta(days=4)),
    ]


def _mondays(year: int, month: int) -> list[date]:
    _, length = calendar.monthrange(year, month)
    return [day for n in range(1, length + 1) if (day := date(year, month, n)).weekday() == calendar.MONDAY]


def _with_end(text: str, first: Found, yearless: bool) -> Iterator[Found]:
    """The day, and the one that the text makes of it: "to 24", "for three days"."""
    yield first
    if after := _BARE_AFTER.match(text, first.end):
        year = int(after["year"] or first.day.year)
        if not after["and"] or _BETWEEN.search(text[: first.start]):
            last = _date(year, first.day.month, int(re.sub(r"\D", "", after["day"])))
            if last and (yearless or year == first.day.year):
                yield Found(after.start("day"), after.end(), last)
    elif long := _LONG_AFTER.match(text, first.end):
        yield Found(first.end, long.end(), _end(first.day, long))
    elif long := _LONG_BEFORE.search(text, 0, first.start):
        yield Found(first.end, first.end, _end(first.day, long))


def _end(first: date, long: re.Match[str]) -> date:
    """The last day of so many weeks or working days. Weeks that would end on a weekend end on the Friday before it."""
    said = long["count"].casefold()
    count = max(1, _WORDS.get(said) or int(said))
    if long["unit"].casefold() == "week":
        last = first + timedelta(days=7 * count - 1)
        return last - timedelta(days=max(0, last.weekday() - calendar.FRIDAY))
    last = first
    while count > 1:
        last += timedelta(days=1)
        count -= last.weekday() <= calendar.FRIDAY
    return last


def _first_half(text: str, edge: int, start: int, last: date) -> list[Found]:
    """The day before "to 24 December" that leaves out the month, or its year: "21", "21.12."."""
    match = _BARE_BEFORE.search(text, edge, start)
    if match is None or (match["and"] and not _BETWEEN.search(text[: match.start()])):
        return []
    numbers = re.findall(r"\d+", match[0])
    first = _date(last.year, int(numbers[1]) if len(numbers) > 1 else last.month, int(numbers[0]))
    return [Found(match.start(), start, first)] if first and first <= last else []


def _not_after(day: date, last: date) -> date:
    """The same day and month in the year of `last`, or in the year before it."""
    days = [_date(year, day.month, day.day) for year in (last.year, last.year - 1)]
    return next((same for same in days if same and same <= last), day)


def _month(text: str) -> int:
    """The month's number, by its name or as digits."""
    if text.isdigit():
        return int(text)
    return [name[:3].casefold() for name in calendar.month_abbr].index(text[:3].casefold())


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
