"""Dates as people write them in a question; what has no year, and what no calendar has, is no date.

Day first where only numbers stand (21.12.2026, 21/12/2026), as in the countries of the handbooks. The first half of a
range may leave out what the second says: "21 to 24 December 2026", "28 December to 3 January 2027".
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_NUMBERS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_MONTH = r"(?P<name>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_TO = r"\s*(?:to|until|till|through|-|–|—|(?P<and>and))\s*(?:the\s+)?"  # noqa: RUF001 - people type both dashes

_WHOLE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\d-])",
        r"(?<![\w.])(?P<day>\d{1,2})(?P<dot>[./])\s?(?P<month>\d{1,2})(?P=dot)\s?(?P<year>\d{4})\b",
        rf"(?<![\w.]){_DAY}\s*(?:of\s+)?{_MONTH},?\s+(?P<year>\d{{4}})\b",
        rf"\b{_MONTH}\s+(?:(?P<first>\d{{1,2}})(?:st|nd|rd|th)?{_TO})?{_DAY},?\s+(?P<year>\d{{4}})\b",
    )
)
_BEFORE = tuple(
    re.compile(pattern + _TO + "$", re.IGNORECASE)
    for pattern in (
        rf"(?<![\w.]){_DAY}(?:\s*(?:of\s+)?{_MONTH})?",
        r"(?<![\w.])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.?",
        rf"\b{_MONTH}\s+{_DAY}",
    )
)
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?$", re.IGNORECASE)
_MONTHS = (
    re.compile(r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d{2})(?![\w-])"),
    re.compile(rf"\b{_MONTH}\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Found:
    """An ISO date, or an ISO month, and where in the text it stood."""

    start: int
    end: int
    iso: str


def find_dates(text: str) -> list[Found]:
    """The dates in the order of the text, as YYYY-MM-DD."""
    found: list[Found] = []
    for pattern in _WHOLE:
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            parts = match.groupdict()
            if (last := _date(parts, parts["day"], int(parts["year"]))) is None:
                continue
            start = match.start()
            if parts.get("first") and (first := _date(parts, parts["first"], last.year)):
                found.append(Found(start, match.start("day"), first.isoformat()))
                start = match.start("day")
            found.append(Found(start, match.end(), last.isoformat()))
    return _with_first_halves(text, sorted(found, key=lambda each: each.start))


def find_months(text: str) -> list[Found]:
    """The months with their year in the order of the text, as YYYY-MM; those of whole dates included."""
    found = [
        Found(match.start(), match.end(), f"{match['year']}-{month:02}")
        for pattern in _MONTHS
        for match in pattern.finditer(text)
        if 1 <= (month := _month(match.groupdict())) <= 12
    ]
    return sorted(found, key=lambda each: each.start)


def _with_first_halves(text: str, found: list[Found]) -> list[Found]:
    result: list[Found] = []
    for each in found:
        edge = result[-1].end if result else 0
        if half := _first_half(text, edge, each):
            result.append(half)
        result.append(each)
    return result


def _first_half(text: str, edge: int, last: Found) -> Found | None:
    """The date before `last` that leaves out what `last` says; it lies before it, in the year before if need be."""
    end = date.fromisoformat(last.iso)
    for pattern in _BEFORE:
        match = pattern.search(text, edge, last.start)
        if match is None or (match["and"] and not _BETWEEN.search(text[: match.start()])):
            continue
        parts = match.groupdict()
        named = _month(parts) > 0
        for year in (end.year, end.year - 1) if named else (end.year,):
            start = _date(parts if named else {"month": str(end.month)}, match["day"], year)
            if start and start <= end:
                return Found(match.start(), last.start, start.isoformat())
    return None


def _month(parts: Mapping[str, str | None]) -> int:
    """The month's number, 0 where none is named."""
    if name := parts.get("name"):
        return _NUMBERS[name[:3].capitalize()]
    return int(parts.get("month") or 0)


def _date(parts: Mapping[str, str | None], day: str, year: int) -> date | None:
    try:
        return date(year, _month(parts), int(day))
    except ValueError:
        return None
