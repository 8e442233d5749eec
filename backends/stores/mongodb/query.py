"""Queries as MongoDB's filters, sorts and indexes.

A filter finds all records that may match, cheaply. `backends.stores.matching` then decides in Python, so that a query
means the same as in every store: in MongoDB two items of a list may meet one bound each, and what is kept as text lacks
fields. Only checked paths and scalars get into a filter.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from backends.stores.matching import directions
from backends.stores.mongodb.documents import ANY_WORD, AS_TEXT, Document
from core.canonical import Json
from core.store import All, Filter, In, Query, Range, Scalar
from core.words import words

Sort: TypeAlias = list[tuple[str, int]]

UNIQUE = "by_stream_and_n"
"""The index that the store needs to be correct: of two writers of a number, one wins. The others are for speed."""


def _named(*orders: tuple[str, ...]) -> dict[str, Sort]:
    return {f"by_{'_and_'.join(paths)}": [(path, 1) for path in paths] for paths in orders}


def _of_records(*orders: tuple[str, ...]) -> dict[str, Sort]:
    return {
        name: [*((place(path), direction) for path, direction in keys), ("_id", 1)]
        for name, keys in _named(*orders).items()
    }


def place(path: str) -> str:
    """Where a record's document holds what is at the path."""
    return {"id": "_id", "n": "n"}.get(path, f"fields.{path}")


COMMIT_INDEXES: Mapping[str, Sort] = _named(
    ("stream", "n"),
    ("stream", "last"),  # reading from anywhere, and the end of a stream
    ("n", "stream"),  # a stream has one commit that begins with 1: this lists the streams
    ("dirty", "stream"),
)
"""The indexes of `commits`, by name."""

RECORD_INDEXES: Mapping[str, Mapping[str, Sort]] = {
    "thread": _of_records(("owner", "updated_at"), ("updated_at",), ("status", "updated_at"), ("sealed", "updated_at")),
    "turn": _of_records(("thread", "first_n"), ("status",), ("rating", "opened_at")),
    "message": {
        **_of_records(("thread", "at_n"), ("turn",), ("owner", "at"), ("at",)),
        "by_words": [("words", 1)],
    },
    "tool_call": _of_records(
        ("thread",),
        ("turn",),
        ("planned_at",),
        ("owner", "planned_at"),
        ("status", "planned_at"),
        ("tool", "planned_at"),
    ),
    "model_call": _of_records(("thread",), ("turn",)),
    "retrieval": _of_records(("turn",), ("answers", "at")),
    "summary": _of_records(("turn",), ("thread", "at_n")),
    "handover": _of_records(("turn",), ("status",)),
}
"""The indexes of each kind of record, by name.

What stands at their paths is a single text or number, as `core.log.records` has it: a list there that is kept as text
would not be found by its items.
"""

_INDEXED = {kind: {key for keys in indexes.values() for key, _ in keys} for kind, indexes in RECORD_INDEXES.items()}


def candidates(query: Query) -> Document | None:
    """A filter for all records of the query's kind that may match; None if a record cannot match."""
    parts: list[Document] = []
    for path, wanted in query.where.items():
        condition = comparison(wanted)
        if condition is None:
            return None
        if "." in path and (wanted is None or (isinstance(wanted, In | All) and None in wanted.values)):
            continue  # what is absent from one object of a list is not found everywhere
        exact: Document = {place(path): condition}
        parts.append(exact if _native(query.kind, path) else {"$or": [exact, _kept_as_text(path)]})
    if text := words(query.words):
        each: Document = {"$all": text[:-1]} if text[:-1] else {}
        parts.append({"$or": [{"words": {**each, "$regex": f"^{text[-1]}"}}, {"words": ANY_WORD}]})
    return {"$and": parts} if parts else {}


def comparison(wanted: Filter) -> Json:
    """The condition that a value must meet; None if a value cannot meet it."""
    match wanted:
        case In(values=()):
            return None
        case All(values=values):
            return {"$all": list(values)}
        case In(values=values):
            return {"$in": list(values)}
        case Range(ge=ge, lt=lt):
            bounds = {sign: bound for sign, bound in (("$gte", ge), ("$lt", lt)) if bound is not None}
            texts = {isinstance(bound, str) for bound in bounds.values()}
            return bounds if len(texts) == 1 else None
        case _:
            return {"$eq": wanted}


def _native(kind: str, path: str) -> bool:
    return path in ("id", "n") or place(path) in _INDEXED.get(kind, ())


def _kept_as_text(path: str) -> Document:
    return {f"{place(path.partition('.')[0])}.{AS_TEXT}": {"$exists": True}}


def sort_keys(query: Query) -> Sort:
    """The query's order."""
    return [(place(path), -1 if descending else 1) for path, descending in directions(query)]


def past(query: Query, position: Sequence[Scalar]) -> Document:
    """A filter for what follows the position in the query's order, in which null comes first and, descending, last."""
    ways: list[Document] = []
    equal: list[Document] = []
    for (path, descending), value in zip(directions(query), position, strict=True):
        key = place(path)
        beyond: list[Json] = [{"$lt": value}, None] if descending else [{"$gt": value}]
        if value is None:
            beyond = [] if descending else [{"$ne": None}]
        ways += [{"$and": [*equal, {key: one}]} for one in beyond]
        equal.append({key: value})
    return {"$or": ways}


def projection(paths: Sequence[str], *, words: bool) -> dict[str, int]:
    """The parts of a record that decide about these paths, and about its words."""
    tops = {path.partition(".")[0] for path in paths if path not in ("id", "n")}
    return {"n": 1, **{f"fields.{top}": 1 for top in (tops | {"text"} if words else tops)}}
