"""What a query means: paths, filters, words, order and cursors, in one place for all stores.

`page` and `tally` are the whole meaning, in plain Python. A store that lets its database do the work takes the
checks and the cursors from here and must agree with them record for record.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from json import loads
from math import isfinite
from typing import TypeAlias, cast

from backends.stores.checks import check_kind
from core.canonical import Json, canonical, digest
from core.errors import InvalidInput
from core.store import All, Filter, In, Page, Query, Range, Record, Scalar, Tally
from core.words import words

MAX_TEXT = 200
"""Characters of a text in a filter: more than any id has, and few enough for an index to hold."""
MAX_WORDS = 1000
"""Characters of `Query.words`."""
MAX_IN = 1000
"""Values of an `In`."""
MAX_ALL = 20
"""Values of an `All`."""
MAX_PATHS = 8
"""Paths of an order, of a tally's groups, of a tally's sums."""

_SEGMENT = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
SEGMENT = re.compile(_SEGMENT)
_PATH = re.compile(rf"{_SEGMENT}(\.{_SEGMENT}){{0,7}}")
_INT64 = range(-(2**63), 2**63)

Rank: TypeAlias = tuple[int, str | int | float]


def check_path(path: object) -> str:
    """The dotted path, if each of its 1 to 8 parts is a plain name; raises InvalidInput otherwise."""
    # A part that begins with a digit is refused, because `a.0` is the first item of a list to some databases.
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise InvalidInput("a path is 1 to 8 names of letters, digits and underscores, with dots between")
    return path


def check_query(query: Query) -> Query:
    """The query, if its parts are ones that every store understands alike; raises InvalidInput otherwise."""
    check_matching(query)
    if not all(isinstance(path, str) for path in query.order):
        raise InvalidInput("an order is a tuple of paths")
    _check_paths([path.removeprefix("-") for path in query.order], "an order")
    if isinstance(query.limit, bool) or not isinstance(query.limit, int) or not 1 <= query.limit <= 500:
        raise InvalidInput("a page has 1 to 500 records")
    return query


def check_matching(query: Query) -> None:
    """As `check_query`, but only for the parts that decide which records match."""
    check_kind(query.kind)
    if not isinstance(query.words, str) or len(query.words) > MAX_WORDS:
        raise InvalidInput(f"words are a text of at most {MAX_WORDS} characters")
    canonical(query.words)
    for path, wanted in query.where.items():
        check_path(path)
        _check_filter(wanted)


def check_tally(query: Query, by: Sequence[str], sums: Sequence[str]) -> None:
    """Raises InvalidInput if stores could give different answers to the tally."""
    check_matching(query)
    _check_paths(by, "a tally's by")
    _check_paths(sums, "a tally's sums")


def _check_paths(paths: Sequence[str], name: str) -> None:
    if isinstance(paths, str) or len(paths) > MAX_PATHS:
        raise InvalidInput(f"{name} is at most {MAX_PATHS} paths")
    for path in paths:
        check_path(path)


def _check_filter(wanted: Filter) -> None:
    match wanted:
        case In(values=values):
            if not isinstance(values, tuple) or len(values) > MAX_IN:
                raise InvalidInput(f"In takes a tuple of at most {MAX_IN} values")
            for value in values:
                _check_scalar(value)
        case All(values=values):
            if not isinstance(values, tuple) or not 1 <= len(values) <= MAX_ALL:
                raise InvalidInput(f"All takes a tuple of 1 to {MAX_ALL} values")
            for value in values:
                _check_scalar(value)
        case Range(ge=ge, lt=lt):
            if ge is None and lt is None:
                raise InvalidInput("a Range has a bound")
            for bound in (ge, lt):
                if isinstance(bound, bool):
                    raise InvalidInput("a Range is of texts or of numbers")
                _check_scalar(bound)
        case _:
            _check_scalar(wanted)


def _check_scalar(value: object) -> None:
    match value:
        case None | bool():
            return
        case str() if len(value) <= MAX_TEXT:
            canonical(value)
        case int() if value in _INT64:
            return
        case float() if isfinite(value):
            return
        case _:
            raise InvalidInput(
                f"a filter compares with a text of at most {MAX_TEXT} characters, a 64-bit integer, a finite float, "
                "a bool or None"
            )


def lookup(record: Record, path: str) -> Json:
    """The one value at the path; None if it is absent, or if the path meets a list."""
    if path in ("id", "n"):
        return getattr(record, path)
    value: Json = record.fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def values(record: Record, path: str) -> list[Json]:
    """Every value that a filter at the path looks at.

    A list on the way, or at the end, stands for its items; on the way only items that are objects count. So an empty
    list gives [], without a None. A list within a list is not opened.
    """
    if path in ("id", "n"):
        return [getattr(record, path)]
    return _reach(record.fields, path.split("."))


def _reach(value: Json, names: list[str]) -> list[Json]:
    if not names:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list):
        return [leaf for item in value if isinstance(item, Mapping) for leaf in _reach(item, names)]
    return _reach(value.get(names[0]), names[1:]) if isinstance(value, Mapping) else [None]


def rank(value: Json) -> Rank:
    """A value's place in the order: null, lists and objects, then numbers, texts by code point, false, true."""
    match value:
        case bool():
            return 3, value
        case int() | float():
            return 1, value
        case str():
            return 2, value
        case _:
            return 0, 0


def matches(record: Record, query: Query) -> bool:
    """Whether the record is of the query's kind, passes all its filters and has all its words."""
    if record.kind != query.kind:
        return False
    if not all(_passes(values(record, path), wanted) for path, wanted in query.where.items()):
        return False
    return has_words(record, words(query.words))


def has_words(record: Record, wanted: Sequence[str]) -> bool:
    """Whether the record's text has each wanted word; of the last one the beginning of a word is enough."""
    if not wanted:
        return True
    present = set(text_words(record.fields))
    return present.issuperset(wanted[:-1]) and any(word.startswith(wanted[-1]) for word in present)


def text_words(fields: Mapping[str, Json]) -> list[str]:
    """The words of a record's `text`; [] if it is missing or of another type."""
    text = fields.get("text")
    return words(text) if isinstance(text, str) else []


def _passes(values: Sequence[Json], wanted: Filter) -> bool:
    """Whether the values at a path pass its filter."""
    match wanted:
        case All():
            return all(any(_equal(value, one) for value in values) for one in wanted.values)
        case _:
            return any(_fits(value, wanted) for value in values)


def _fits(value: Json, wanted: Scalar | In | Range) -> bool:
    match wanted:
        case In():
            return any(_equal(value, one) for one in wanted.values)
        case Range():
            place = rank(value)
            return all(
                place[0] == rank(bound)[0] and (place >= rank(bound)) == at_least
                for bound, at_least in ((wanted.ge, True), (wanted.lt, False))
                if bound is not None
            )
        case _:
            return _equal(value, wanted)


def _equal(value: Json, wanted: Scalar) -> bool:
    # To Python True == 1: an approval is not a count.
    return not isinstance(value, Mapping | list) and rank(value) == rank(wanted)


def directions(query: Query) -> list[tuple[str, bool]]:
    """The paths of the order and whether each descends; last comes `id`, in the direction of the one before it."""
    order = [(path.removeprefix("-"), path.startswith("-")) for path in query.order]
    return [*order, ("id", bool(order) and order[-1][1])]


def seal_cursor(query: Query, position: Sequence[Scalar]) -> str:
    """The cursor that goes on after the record at this position: the values of `directions`, in their order."""
    return urlsafe_b64encode(canonical([_fingerprint(query), *position])).decode()


def open_cursor(query: Query) -> list[Scalar] | None:
    """The position in the query's cursor; None if the query has no cursor.

    Raises InvalidInput if the cursor is malformed or belongs to another query.
    """
    # A cursor of another query would skip records without a word, so it carries a fingerprint of its own query.
    if query.cursor is None:
        return None
    try:
        mark, *position = cast(list[Scalar], loads(urlsafe_b64decode(query.cursor)))
        canonical(position)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("the cursor is malformed") from error
    fits = len(position) == len(query.order) + 1 and isinstance(position[-1], str)
    if mark != _fingerprint(query) or not fits or any(isinstance(value, list | dict) for value in position):
        raise InvalidInput("the cursor belongs to another query")
    return position


def _fingerprint(query: Query) -> str:
    def plain(wanted: Filter) -> Json:
        match wanted:
            case In(values=values):
                return {"in": list(values)}
            case All(values=values):
                return {"all": list(values)}
            case Range(ge=ge, lt=lt):
                return {"ge": ge, "lt": lt}
            case _:
                return wanted

    where = {path: plain(wanted) for path, wanted in query.where.items()}
    return digest([query.kind, where, query.words, list(query.order)])[:32]


def page(records: Iterable[Record], query: Query) -> Page:
    """The query's page of these records, which may be of any kind and in any order."""
    check_query(query)
    cursor = open_cursor(query)
    order = directions(query)
    matching = [record for record in records if matches(record, query)]
    if cursor is not None:
        matching = [record for record in matching if _follows(record, order, cursor)]
    for path, descending in reversed(order):
        matching.sort(key=partial(_place, path), reverse=descending)
    return cut_page(query, matching[: query.limit + 1])


def _place(path: str, record: Record) -> Rank:
    return rank(lookup(record, path))


def cut_page(query: Query, records: list[Record]) -> Page:
    """The page of these ordered records. One more than the limit means that there is a next page."""
    if len(records) <= query.limit:
        return Page(records=records, cursor=None)
    last = records[query.limit - 1]
    return Page(
        records=records[: query.limit],
        cursor=seal_cursor(query, [lookup(last, path) for path, _ in directions(query)]),
    )


def _follows(record: Record, order: list[tuple[str, bool]], cursor: list[Scalar]) -> bool:
    for (path, descending), value in zip(order, cursor, strict=True):
        here, there = _place(path, record), rank(value)
        if here != there:
            return (here > there) != descending
    return False


def tally(records: Iterable[Record], query: Query, by: Sequence[str], sums: Sequence[str]) -> list[Tally]:
    """The groups of these records, which may be of any kind and in any order."""
    check_tally(query, by, sums)
    single = [
        Tally(
            key=tuple(scalar(lookup(record, path)) for path in by),
            count=1,
            sums={path: _integer(lookup(record, path)) or 0 for path in sums},
            unknown={path: int(_integer(lookup(record, path)) is None) for path in sums},
        )
        for record in records
        if matches(record, query)
    ]
    return merge(single)


def merge(tallies: Iterable[Tally]) -> list[Tally]:
    """Tallies of equal keys added up, in the order of their keys; 1 and 1.0 are equal, 1 and True are not."""
    groups: dict[tuple[Rank, ...], Tally] = {}
    for one in tallies:
        place = tuple(rank(value) for value in one.key)
        if (group := groups.get(place)) is not None:
            one = replace(
                group,
                count=group.count + one.count,
                sums={path: number + one.sums[path] for path, number in group.sums.items()},
                unknown={path: number + one.unknown[path] for path, number in group.unknown.items()},
            )
        groups[place] = one
    return [groups[place] for place in sorted(groups)]


def scalar(value: Json) -> Scalar:
    """The value as a group's key has it."""
    return None if isinstance(value, Mapping | list) else cast(Scalar, value)


def _integer(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
