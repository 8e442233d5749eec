"""Queries as MongoDB's filters, sorts, groups and indexes.

A filter finds all records that may match, cheaply. `backends.stores.matching` then decides in Python, so that a query
means the same as in every store: in MongoDB two items of a list may meet one bound each, and what is kept as text lacks
fields. Only checked paths and scalars get into a filter.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from backends.stores.matching import directions, merge, scalar
from backends.stores.mongodb.documents import ANY_WORD, AS_TEXT, Document, read
from core.canonical import Json
from core.log.indexes import INDEXES, VALUES, WORDS
from core.store import All, Filter, In, Query, Range, Scalar, Tally
from core.words import words

Sort: TypeAlias = list[tuple[str, int]]
One: TypeAlias = Scalar | In | Range

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
    kind: {
        **_of_records(*INDEXES.get(kind, ()), *((path,) for path in VALUES.get(kind, ()))),
        **({"by_words": [("words", 1)]} if kind in WORDS else {}),
    }
    for kind in INDEXES.keys() | VALUES.keys() | WORDS
}
"""The indexes of each kind of record, by name."""

_SINGLE = {kind: {path for paths in orders for path in paths} for kind, orders in INDEXES.items()}


def candidates(query: Query) -> Document | None:
    """A filter for all records of the query's kind that may match; None if a record cannot match."""
    parts: list[Document] = []
    for path, one in ((path, one) for path, wanted in query.where.items() for one in each(wanted)):
        condition = comparison(one)
        if condition is None:
            return None
        if "." in path and (one is None or (isinstance(one, In) and None in one.values)):
            continue  # what is absent from one object of a list is not found everywhere
        exact: Document = {place(path): condition}
        parts.append(exact if _native(query.kind, path) else {"$or": [exact, _kept_as_text(path)]})
    if text := words(query.words):
        others: Document = {"$all": text[:-1]} if text[:-1] else {}
        parts.append({"$or": [{"words": {**others, "$regex": f"^{text[-1]}"}}, {"words": ANY_WORD}]})
    return {"$and": parts} if parts else {}


def each(wanted: Filter) -> tuple[One, ...]:
    """The filters that must all pass for this one to pass."""
    # `$all` means the same to MongoDB, but not to every server of its protocol.
    return wanted.values if isinstance(wanted, All) else (wanted,)


def comparison(wanted: One) -> Json:
    """The condition that a value must meet; None if a value cannot meet it."""
    match wanted:
        case In(values=()):
            return None
        case In(values=values):
            return {"$in": list(values)}
        case Range(ge=ge, lt=lt):
            bounds = {sign: bound for sign, bound in (("$gte", ge), ("$lt", lt)) if bound is not None}
            texts = {isinstance(bound, str) for bound in bounds.values()}
            return bounds if len(texts) == 1 else None
        case _:
            return {"$eq": wanted}


def _native(kind: str, path: str) -> bool:
    """Whether the value at the path is never kept as text."""
    return _single(kind, path) or path in VALUES.get(kind, ())


def _single(kind: str, path: str) -> bool:
    """Whether the value at the path is never a list."""
    return path in ("id", "n") or path in _SINGLE.get(kind, ())


def _kept_as_text(path: str) -> Document:
    return {f"{place(path.partition('.')[0])}.{AS_TEXT}": {"$exists": True}}


def is_exact(query: Query) -> bool:
    """Whether each record that `candidates` finds matches, if what stands at the filters' paths is not kept as text."""
    return not words(query.words) and all(
        "." not in path
        and (not isinstance(wanted, Range) or None in (wanted.ge, wanted.lt) or _single(query.kind, path))
        for path, wanted in query.where.items()
    )


def groups(query: Query, where: Document, by: Sequence[str], sums: Sequence[str]) -> list[Document]:
    """The pipeline that counts the records which `where` finds. `read_groups` reads what comes of it."""
    group: Document = {
        "_id": {f"key{i}": _single_value(path) for i, path in enumerate(by)} or None,
        "count": {"$sum": 1},
    }
    for i, path in enumerate(sums):
        value = _single_value(path)
        # In MongoDB's order null comes first, then numbers, then texts and the rest.
        is_number = {"$and": [{"$gt": [value, None]}, {"$lt": [value, ""]}]}
        number = {"$cond": [is_number, value, None]}
        group |= {f"sum{i}": {"$sum": number}, f"known{i}": {"$sum": {"$cond": [is_number, 1, 0]}}}
        group |= {f"least{i}": {"$min": number}, f"most{i}": {"$max": number}}
    looked_into = {path.partition(".")[0] for path in (*by, *sums) if "." in path}
    looked_into |= {path for path in query.where if not _native(query.kind, path)}
    group |= {f"text{i}": {"$max": _single_value(f"{top}.{AS_TEXT}")} for i, top in enumerate(sorted(looked_into))}
    return [{"$match": where}, {"$group": group}]


def _single_value(path: str) -> Json:
    """The expression for the one value at the path: null if the path meets a list, as `matching.lookup` has it."""
    if path in ("id", "n"):
        return f"${place(path)}"
    names = path.split(".")
    lists = [{"$isArray": f"${place('.'.join(names[:end]))}"} for end in range(1, len(names) + 1)]
    return {"$cond": [{"$or": lists}, None, f"${place(path)}"]}


def read_groups(groups: Sequence[Document], by: Sequence[str], sums: Sequence[str]) -> list[Tally] | None:
    """The tally that the groups make; None if the records must be read to know it.

    That is so if a value was kept as text, or if a sum has floats in it or could leave 64 bits.
    """
    tallies = []
    for group in groups:
        as_text = any(name.startswith("text") and text is not None for name, text in group.items())
        if as_text or not all(_is_exact_sum(group, i) for i in range(len(sums))):
            return None
        keys, count = group["_id"] or {}, int(group["count"])
        tallies.append(
            Tally(
                key=tuple(scalar(read(keys.get(f"key{i}"))) for i in range(len(by))),
                count=count,
                sums={path: int(group[f"sum{i}"]) for i, path in enumerate(sums)},
                unknown={path: count - int(group[f"known{i}"]) for i, path in enumerate(sums)},
            )
        )
    # mongomock makes a group of nothing.
    return merge(one for one in tallies if one.count)


def _is_exact_sum(group: Document, i: int) -> bool:
    total, known, least, most = (group[f"{part}{i}"] for part in ("sum", "known", "least", "most"))
    # A float among the numbers makes the sum a float.
    return not known or (isinstance(total, int) and bool(known * max(abs(least), abs(most)) < 2**63))


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
