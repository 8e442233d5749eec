"""Queries as SQL: the rules of `backends.stores.matching`, carried out by SQLite.

A filter is decided on the record's own JSON, which tells a bool from a 1 and a text from a number. An index, or the
table `field`, which holds top-level values, finds the records if a filter leaves few. Which filter leads is counted,
because a planner without statistics takes the wrong one. Names of kinds and paths, checked by `matching`, are the only
text that gets into a statement; everything else is bound.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import loads
from typing import TypeAlias, cast

import apsw

from backends.stores.matching import cut_page, directions, merge, open_cursor, scalar
from backends.stores.sqlite.tables import Bound, Row, bound, index_name, read_record
from core.log.indexes import INDEXES
from core.store import All, Filter, In, Page, Query, Range, Scalar, Tally
from core.words import words

One: TypeAlias = Scalar | In | Range
"""A filter that a single value can pass."""

FEW = 2000
"""A filter leads if it leaves at most so many records; with more, walking an order finds a page sooner."""

MANY = 100_000
"""Records up to which the filters are counted if all matches are needed, to lead with the one that leaves fewest."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL and what is bound to its question marks."""

    sql: str
    values: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """A SELECT of the `num` of all records that may pass the filters of these paths; exact if only those come."""

    paths: tuple[str, ...]
    select: Clause
    exact: bool = True


NEVER = Clause("?", (0,))
"""Bound, because SQLite simplifies conditions around a plain 0, and then misses the index it was told to use."""


def find(connection: apsw.Connection, query: Query) -> Page:
    """The page of a query that was checked."""
    order = directions(query)
    source = _source(connection, query, walk=order[0][0])
    after = _after(order, cursor) if (cursor := open_cursor(query)) is not None else Clause("1")
    by = ", ".join(f"{_key(path)} {'DESC' if descending else 'ASC'}" for path, descending in order)
    rows = connection.execute(
        f"SELECT r.id, r.n, r.fields {source.sql} AND {after.sql} ORDER BY {by} LIMIT ?",
        (*source.values, *after.values, query.limit + 1),
    )
    return cut_page(query, [read_record(query.kind, *row) for row in rows])


def tally(connection: apsw.Connection, query: Query, by: Sequence[str], sums: Sequence[str]) -> list[Tally]:
    """The groups of a query that was checked."""
    source = _source(connection, query, walk=None)
    keys = [_json(path) for path in by]
    columns = [*keys, "count(*)"]
    for path in sums:
        number = _integer(path)
        # SQLite refuses a sum beyond 64 bits, so the high and the low halves are added up apart.
        columns += [f"sum({number} >> 32)", f"sum({number} & 4294967295)", f"count({number})"]
    group = f" GROUP BY {', '.join(keys)}" if keys else " HAVING count(*) > 0"
    rows = connection.execute(f"SELECT {', '.join(columns)} {source.sql}{group}", source.values)
    return merge(_tally(row, len(by), sums) for row in rows)


def _tally(row: Row, keys: int, sums: Sequence[str]) -> Tally:
    key = [loads(cast(str, text)) if text is not None else None for text in row[:keys]]
    count = cast(int, row[keys])
    parts = [cast(int | None, part) or 0 for part in row[keys + 1 :]]
    return Tally(
        key=tuple(scalar(value) for value in key),
        count=count,
        sums={path: (parts[3 * i] << 32) + parts[3 * i + 1] for i, path in enumerate(sums)},
        unknown={path: count - parts[3 * i + 2] for i, path in enumerate(sums)},
    )


def _source(connection: apsw.Connection, query: Query, walk: str | None) -> Clause:
    """FROM and WHERE: the rarest filters that an index knows lead, unless an index of the order `walk` is better."""
    checks = {path: _check(path, wanted) for path, wanted in query.where.items()}
    index = _walked(query, walk)
    leads = [*_index_leads(query, index), *_field_leads(query, index)]
    if text := words(query.words):
        match = " ".join([*(f'"{word}"' for word in text[:-1]), f'"{text[-1]}"*'])
        select = Clause("SELECT rowid AS num FROM word WHERE word MATCH ?", (match,))
        leads.append(Lead(("",), select))
        checks[""] = Clause(f"r.num IN ({select.sql})", select.values)
    walks = bool(index) or walk == "id"
    size, lead = _rarest(connection, leads, FEW if walks else MANY)
    # The kind is spelled out, as `check_kind` lets it be: for a bound one no index of one kind is used.
    of_kind = f"WHERE r.kind = '{query.kind}'"
    if lead is not None and (size <= FEW or not walks):
        if lead.exact:
            del checks[lead.paths[0]]
        parts = [
            Clause(f"FROM ({lead.select.sql}) l CROSS JOIN record r ON r.num = l.num {of_kind}", lead.select.values)
        ]
    elif index:
        parts = [Clause(f"FROM record r INDEXED BY {index_name(query.kind, index)} {of_kind}")]
        parts += _bounds(query.where, index).values()
    else:
        parts = [Clause(f"FROM record r {of_kind}")]
    return _joined([*parts, *checks.values()], " AND ")


def _walked(query: Query, walk: str | None) -> tuple[str, ...]:
    """The paths of the index to walk: the order's last path behind paths that the filters fix. () if there is none."""
    fitting = [
        paths
        for paths in INDEXES.get(query.kind, ())
        if paths[-1] == walk
        and all(path in query.where and not isinstance(query.where[path], In | Range) for path in paths[:-1])
    ]
    return max(fitting, key=len, default=())


def _rarest(connection: apsw.Connection, leads: Iterable[Lead], most: int) -> tuple[int, Lead | None]:
    """The lead to the fewest records, and how many they are, counted to one more than `most`."""
    size, rarest = most + 1, None
    # If all leave more than are counted, the one with the most filters leads.
    for lead in sorted(leads, key=lambda lead: -len(lead.paths)):
        count = connection.execute(f"SELECT count(*) FROM ({lead.select.sql} LIMIT {size})", lead.select.values).get
        if rarest is None or cast(int, count) < size:
            size, rarest = cast(int, count), lead
    return size, rarest


def _index_leads(query: Query, index: tuple[str, ...]) -> Iterator[Lead]:
    """The indexes that filters limit; walking `index` limits by its own paths already."""
    for paths in INDEXES.get(query.kind, ()):
        start = f"SELECT r.num FROM record r INDEXED BY {index_name(query.kind, paths)} WHERE r.kind = '{query.kind}'"
        ways = [_bounds(where, paths) for where in _apart(query.where, paths[0])]
        if not ways[0].keys() <= set(index):
            selects = [_joined([Clause(start), *bounds.values()], " AND ") for bounds in ways]
            yield Lead(tuple(ways[0]), _joined(selects, " UNION ALL "), exact=False)


def _apart(where: Mapping[str, Filter], path: str) -> list[Mapping[str, Filter]]:
    """The filters, in two ways if the one at the path is for null and values, which an index has in two places."""
    wanted = where.get(path)
    if not isinstance(wanted, In) or None not in wanted.values:
        return [where]
    return [{**where, path: None}, {**where, path: In(tuple(value for value in wanted.values if value is not None))}]


def _bounds(where: Mapping[str, Filter], paths: tuple[str, ...]) -> dict[str, Clause]:
    """What the filters ask of the first paths of an index, by path. Records that do not match may pass."""
    bounds = {}
    for path in paths:
        wanted = where.get(path)
        if path not in where or (isinstance(wanted, In) and None in wanted.values):
            break
        bounds[path] = _test(_key(path), _indexed(wanted))
        if isinstance(wanted, Range):
            break
    return bounds


def _indexed(wanted: Filter) -> One:
    """The filter for a value as an index holds it: by `->>`, which makes 1 of true."""

    def indexed(value: Scalar) -> Scalar:
        return int(value) if isinstance(value, bool) else value

    match wanted:
        case In(values=values):
            return In(tuple(indexed(value) for value in values))
        case All(values=values):
            return indexed(values[0])
        case Range():
            return wanted
        case _:
            return indexed(wanted)


def _field_leads(query: Query, index: tuple[str, ...]) -> Iterator[Lead]:
    """The filters that the table `field` can answer. It lacks nulls, absent values and whatever lies deeper."""
    known = {*index, *(paths[0] for paths in INDEXES.get(query.kind, ()))}
    for path, wanted in query.where.items():
        nulls = wanted is None or (isinstance(wanted, In | All) and None in wanted.values)
        if "." in path or path == "n" or path in known or nulls:
            continue
        each = wanted.values if isinstance(wanted, All) else (wanted,)
        for one in each:
            yield Lead((path,), _select(query.kind, path, one), exact=len(each) == 1)


def _select(kind: str, path: str, wanted: One) -> Clause:
    if path == "id":
        among = _column(path, wanted)
        return Clause(f"SELECT r.num FROM record r WHERE r.kind = ? AND {among.sql}", (kind, *among.values))
    test = _test("value", wanted)
    sql = f"SELECT DISTINCT record AS num FROM field WHERE kind = ? AND path = ? AND {test.sql}"
    return Clause(sql, (kind, path, *test.values))


def _joined(parts: Sequence[Clause], by: str) -> Clause:
    return Clause(by.join(part.sql for part in parts), tuple(value for part in parts for value in part.values))


def _check(path: str, wanted: Filter) -> Clause:
    if isinstance(wanted, All):
        return _joined([_check(path, value) for value in wanted.values], " AND ")
    if path in ("id", "n"):
        return _column(path, wanted)
    return _reach("r.fields", path.split("."), wanted, 0)


def _column(path: str, wanted: One) -> Clause:
    # A column has a type, into which SQLite turns what it is compared with: to it the text '3' would be an n.
    def comparable(value: Scalar) -> bool:
        return isinstance(value, str) == (path == "id")

    match wanted:
        case In(values=values):
            return _test(f"r.{path}", In(tuple(value for value in values if comparable(value))))
        case Range(ge=ge, lt=lt):
            fits = all(comparable(bound) for bound in (ge, lt) if bound is not None)
        case _:
            fits = comparable(wanted)
    return _test(f"r.{path}", wanted) if fits else NEVER


def _reach(json: str, names: list[str], wanted: One, depth: int) -> Clause:
    """Whether one of the values at the end of these names fits: `matching.values`, in SQL."""
    path, item = f"'$.{names[0]}'", f"e{depth}"
    if names[1:]:
        inner = _reach(f"{json} -> {path}", names[1:], wanted, depth + 1)
        each = _reach(f"{item}.value", names[1:], wanted, depth + 1)
        none = _test("NULL", wanted)
        return Clause(
            f"CASE json_type({json}, {path}) WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each({json}, {path}) {item} "
            f"WHERE {item}.type = 'object' AND {each.sql}) WHEN 'object' THEN {inner.sql} ELSE {none.sql} END",
            (*each.values, *inner.values, *none.values),
        )
    each = _test(_typed(f"{item}.type", f"{item}.value"), wanted)
    single = _test(_typed(f"json_type({json}, {path})", f"{json} ->> {path}"), wanted)
    return Clause(
        f"CASE json_type({json}, {path}) WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each({json}, {path}) {item} "
        f"WHERE {each.sql}) ELSE {single.sql} END",
        (*each.values, *single.values),
    )


def _typed(kind: str, value: str) -> str:
    # To SQLite true is 1 and an object a text. As blobs they equal neither, and lie outside of every range.
    return (
        f"CASE {kind} WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'object' THEN x'02' WHEN 'array' THEN x'02' "
        f"ELSE {value} END"
    )


def _test(value: str, wanted: One) -> Clause:
    """Whether a typed SQL value fits. Bounds close a range by type: to SQLite every text is above every number."""
    match wanted:
        case None:
            return Clause(f"({value} IS NULL)")
        case In(values=values):
            among = tuple(bound(one) for one in values if one is not None)
            if not values:
                return NEVER
            null = f" OR {value} IS NULL" if None in values else ""
            return Clause(f"({value} IN ({', '.join('?' * len(among))}){null})", among)
        case Range(ge=ge, lt=lt):
            bounds = [bound for bound in (ge, lt) if bound is not None]
            if len({isinstance(bound, str) for bound in bounds}) > 1:
                return NEVER
            text = isinstance(bounds[0], str)
            below = Clause(f"{value} < ?", (lt,)) if lt is not None else Clause(f"{value} < {'x' if text else ''}''")
            above = Clause(f"{value} >= ?", (ge,)) if ge is not None else Clause(f"{value} >= ''" if text else "1")
            return Clause(f"({above.sql} AND {below.sql})", (*above.values, *below.values))
        case _:
            return Clause(f"({value} = ?)", (bound(wanted),))


def _after(order: list[tuple[str, bool]], cursor: list[Scalar]) -> Clause:
    """Past the cursor in the order, in which null comes first and, descending, last."""
    ways: list[str] = []
    values: list[Bound] = []
    equal: list[tuple[str, Scalar]] = []
    for (path, descending), value in zip(order, cursor, strict=True):
        key = _key(path)
        if value is None:
            past = "0" if descending else f"{key} IS NOT NULL"
        else:
            past = f"({key} < ? OR {key} IS NULL)" if descending else f"{key} > ?"
        ways.append(" AND ".join([*(f"{one} IS ?" for one, _ in equal), past]))
        values += [*(at for _, at in equal), *([] if value is None else [value])]
        equal.append((key, value))
    return Clause(f"({' OR '.join(ways)})", tuple(values))


def _key(path: str) -> str:
    """What records are sorted by; spelled as in the indexes, or SQLite does not see that it is the same."""
    return f"r.{path}" if path in ("id", "n") else f"r.fields ->> '$.{path}'"


def _json(path: str) -> str:
    return f"json_quote(r.{path})" if path in ("id", "n") else f"r.fields -> '$.{path}'"


def _integer(path: str) -> str:
    if path in ("id", "n"):
        return "r.n" if path == "n" else "NULL"
    return f"CASE json_type(r.fields, '$.{path}') WHEN 'integer' THEN r.fields ->> '$.{path}' END"
