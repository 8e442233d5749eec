"""Queries as MongoDB filters that find at least what is meant; `backends.matching` decides on what they found.

A filter here is built of values and of paths that were checked; nothing free-form gets into it. It may find too much,
where MongoDB means something else (a range that two items of a list meet together), and never too little.
"""

import re
from typing import Any

from backends.matching import directions
from core.store import Filter, In, Query, Range, Scalar
from core.words import words

Where = dict[str, Any]  # Any: MongoDB's own language


def where(query: Query) -> Where:
    """What finds the records that match, and perhaps some that do not."""
    parts: list[Where] = [{"kind": query.kind}]
    parts += [{_field(path): wanting(wanted)} for path, wanted in query.where.items()]
    if text := words(query.words):
        parts += [{"words": word} for word in text[:-1]]
        parts.append({"words": {"$regex": f"^{re.escape(text[-1])}"}})
    return {"$and": parts}


def sort(query: Query) -> list[tuple[str, int]]:
    """The query's order: to MongoDB, too, null and absent come before numbers, and numbers before texts."""
    return [(_field(path), -1 if descending else 1) for path, descending in directions(query)]


def after(query: Query, position: list[Scalar]) -> Where:
    """What lies past the cursor's position in the query's order."""
    ways: list[Where] = []
    equal: list[Where] = []
    for (path, descending), value in zip(directions(query), position, strict=True):
        field = _field(path)
        if value is None:
            past: Where | None = None if descending else {field: {"$ne": None}}
        elif descending:
            past = {"$or": [{field: {"$lt": value}}, {field: None}]}
        else:
            past = {field: {"$gt": value}}
        if past is not None:
            ways.append({"$and": [*equal, past]})
        equal.append({field: value})
    return {"$or": ways} if ways else {"kind": None}


def _field(path: str) -> str:
    return path if path in ("id", "n") else f"fields.{path}"


def wanting(wanted: Filter) -> Any:  # Any: MongoDB's own language
    """What a field must be, at least."""
    match wanted:
        case In(values=values):
            return {"$in": list(values)}
        case Range(ge=ge, lt=lt):
            bounds = {"$gte": ge, "$lt": lt}
            return {name: bound for name, bound in bounds.items() if bound is not None}
        case _:
            return wanted
