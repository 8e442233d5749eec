"""Metadata filters as Pinecone documents them: checked as a whole first, then held against one record's metadata.

Whether `$ne` and `$nin` find a record that lacks the field is not documented; here they do, as in MongoDB, whose
language this one is based on.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from core.canonical import Json
from tests.servers.pinecone.refusals import Refused

MAX_VALUES = 10_000
"""In the list of one `$in` or `$nin`."""

_Held: TypeAlias = Callable[[list[Json], Json], bool]


def _equal(a: Json, b: Json) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}
_HELD: Mapping[str, _Held] = {
    "$eq": lambda held, value: any(_equal(one, value) for one in held),
    "$ne": lambda held, value: not any(_equal(one, value) for one in held),
    "$in": lambda held, values: any(_equal(one, value) for one in held for value in values),
    "$nin": lambda held, values: not any(_equal(one, value) for one in held for value in values),
    "$exists": lambda held, wanted: bool(held) == wanted,
}


def check_filter(given: Json) -> None:
    """Raises Refused for what is not of the language. `{}` holds everything."""
    if not isinstance(given, dict):
        raise Refused(400, "filter: must be an object")
    for key, value in given.items():
        if key in ("$and", "$or"):
            if not isinstance(value, list) or not value:
                raise Refused(400, f"filter: {key} must be a list of clauses")
            for clause in value:
                check_filter(clause)
        elif key.startswith("$"):
            raise Refused(400, f"filter: only $and and $or stand outside of a field, not {key}")
        else:
            _check_field(key, value)


def _check_field(field: str, value: Json) -> None:
    conditions = value if isinstance(value, dict) else {"$eq": value}
    if not conditions:
        raise Refused(400, f"filter: {field} has no condition")
    for operator, wanted in conditions.items():
        match operator:
            case "$not":
                _check_field(field, wanted)
                good = isinstance(wanted, dict)
            case "$eq" | "$ne":
                good = isinstance(wanted, str | bool) or _number(wanted)
            case "$in" | "$nin":
                good = isinstance(wanted, list) and all(isinstance(one, str) or _number(one) for one in wanted)
            case "$exists":
                good = isinstance(wanted, bool)
            case _ if operator in _NUMERIC:
                good = _number(wanted)
            case _:
                raise Refused(400, f"filter: {operator} is not a valid operator")
        if not good:
            raise Refused(400, f"filter: {field} {operator} does not take such a value")
        if operator in ("$in", "$nin") and len(wanted) > MAX_VALUES:
            raise Refused(400, f"filter: {operator} takes up to {MAX_VALUES} values, got {len(wanted)}")


def matches(given: Json, metadata: Mapping[str, Json]) -> bool:
    """Whether a record with this metadata is held by a filter that was checked. A list holds what one of it holds."""
    return all(_clause(key, value, metadata) for key, value in given.items())


def _clause(key: str, value: Json, metadata: Mapping[str, Json]) -> bool:
    match key:
        case "$and":
            return all(matches(clause, metadata) for clause in value)
        case "$or":
            return any(matches(clause, metadata) for clause in value)
    found = metadata.get(key, [])
    held = found if isinstance(found, list) else [found]
    conditions = value if isinstance(value, dict) else {"$eq": value}
    return all(_condition(operator, held, wanted) for operator, wanted in conditions.items())


def _condition(operator: str, held: list[Json], wanted: Json) -> bool:
    if operator == "$not":
        return not all(_condition(inner, held, value) for inner, value in wanted.items())
    if compare := _NUMERIC.get(operator):
        return any(_number(one) and compare(one, wanted) for one in held)
    return _HELD[operator](held, wanted)
