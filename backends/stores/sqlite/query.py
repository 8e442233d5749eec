"""Queries as SQL: the rules of `backends.stores.matching`, carried out by SQLite.

A filter is decided on the record's own JSON, which tells a bool from a 1 and a text from a number, or by the table
`field`. An index, or that table, finds the records if a filter leaves few. Which filter leads is counted, because a
planner without statistics takes the wrong one. Names of kinds and paths, checked by `matching`, are the only text that
gets into a statement; everything else is bound.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from json import loads
from typing import TypeAlias, cast

import apsw

from backends.stores.matching import cut_page, directions, has_words, matches, merge, open_cursor, scalar
from backends.stores.sqlite.rows import Bound, Row, bound, read_record
from backends.stores.sqlite.tables import index_name
from core.log.indexes import INDEXES, VALUES, WORDS
from core.store import All, Filter, In, Page, Query, Range, Record, Scalar, Tally
from core.words import words

One: TypeAlias = Scalar | In | Range
"""A filter that a single value can pass."""

FEW = 2000
"""A filter leads if it leaves at most so many records; with more, walking an order finds a page sooner."""

NEAR = 4
"""Words are looked for in the first records of the order, so many pages of them, before their index is asked."""

MANY = 100_000
"""Records up to which the filters are counted if all matches are needed, to lead with the one that leaves fewest."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL and what is bound to its question marks."""

    sql: str
    values: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """A SELECT of the `num` of all records that may pass the filters of these paths, and do pass those in `exact`."""

    paths: tuple[str, ...]
    select: Clause
    exact: tuple[str, ...] = ()


NEVER = Clause("?", (0,))
"""Bound, because SQLite simplifies conditions around a plain 0, and then misses the index it was told to use."""


def source(kind: str) -> str:
    """The table or view with the records of the kind."""
    return "head" if kind == "stream" else "record"


def find(connection: apsw.Connection, query: Query) -> Page:
    """The page of a query that was checked."""
    order = directions(query)
    cursor = open_cursor(query)
    after = _after(order, cursor) if cursor is not None else Clause("1")
    by = ", ".join(f"{_key(path)} {'DESC' if descending else 'ASC'}" for path, descending in order)

    def page(records: Clause) -> Page:
        rows = connection.execute(
            f"SELECT r.id, r.n, r.fields {records.sql} AND {after.sql} ORDER BY {by} LIMIT ?",
            (*records.values, *after.values, query.limit + 1),
        )
        return cut_page(query, [read_record(query.kind, *row) for row in rows])

    def full(records: Clause) -> Page | None:
        # Of a part in which the order begins, only a full page is exact.
        return found if (found := page(records)).cursor is not None else None

    beyond = _beyond(order[0], cursor)
    index = _walked(query, order[0][0])
    if index and query.kind in WORDS and words(query.words):
        near = full(_near(connection, query, index, order[0], beyond))
        if near is not None:
            return near
    records, walks = _source(connection, query, order[0][0])
    if walks and beyond.values:
        near = full(_joined([records, beyond], " AND "))
        if near is not None:
            return near
    return page(records)


def _beyond(order: tuple[str, bool], cursor: Sequence[Scalar] | None) -> Clause:
    """Where the order goes on at the cursor, but for nulls at its end. An index searches by this, not by `_after`."""
    path, descending = order
    if cursor is None or cursor[0] is None:
        return Clause("1")
    return Clause(f"{_key(path)} {'<=' if descending else '>='} ?", (cursor[0],))


def _near(
    connection: apsw.Connection, query: Query, index: tuple[str, ...], order: tuple[str, bool], beyond: Clause
) -> Clause:
    """FROM and WHERE for the first records of an index's order, `NEAR` pages of them."""
    key, descending = _key(order[0]), order[1]
    part = _joined([_walk(query, index), beyond], " AND ")
    last = connection.execute(
        f"SELECT {key} {part.sql} ORDER BY {key} {'DESC' if descending else 'ASC'} LIMIT 1 OFFSET ?",
        (*part.values, NEAR * query.limit),
    ).get
    bound = Clause(f"{key} {'>=' if descending else '<='} ?", (cast(Bound, last),))
    return _joined([part, bound, *_checks(connection, query).values()], " AND ")


def tally(connection: apsw.Connection, query: Query, by: Sequence[str], sums: Sequence[str]) -> list[Tally]:
    """The groups of a query that was checked."""
    records, _ = _source(connection, query, walk=None)
    keys = [_json(path) for path in by]
    columns = [*keys, "count(*)"]
    for path in sums:
        number = _integer(path)
        # SQLite refuses a sum beyond 64 bits, so the high and the low halves are added up apart.
        columns += [f"sum({number} >> 32)", f"sum({number} & 4294967295)", f"count({number})"]
    group = f" GROUP BY {', '.join(keys)}" if keys else " HAVING count(*) > 0"
    rows = connection.execute(f"SELECT {', '.join(columns)} {records.sql}{group}", records.values)
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


def _source(connection: apsw.Connection, query: Query, walk: str | None) -> tuple[Clause, bool]:
    """FROM and WHERE: the rarest filters that an index knows lead, unless an index of the order `walk` is better.

    Also whether the order is walked.
    """
    checks = _checks(connection, query)
    index = _walked(query, walk)
    leads = [*_index_leads(query, index), *_field_leads(query, index, walk)]
    if (text := words(query.words)) and query.kind in WORDS:
        match = " ".join([*(f'"{word}"' for word in text[:-1]), f'"{text[-1]}"*'])
        leads.append(Lead(("",), Clause("SELECT rowid AS num FROM word WHERE word MATCH ?", (match,)), exact=("",)))
    walks = bool(index) or walk == "id"
    size, lead = _rarest(connection, leads, FEW if walks else MANY)
    if lead is not None and (size <= FEW or not walks):
        checks = {path: check for path, check in checks.items() if path not in lead.exact}
        # The kind is spelled out, as `check_kind` lets it be: for a bound one no index of one kind is used.
        begin = Clause(
            f"FROM ({lead.select.sql}) l CROSS JOIN {source(query.kind)} r ON r.num = l.num "
            f"WHERE r.kind = '{query.kind}'",
            lead.select.values,
        )
        walks = False
    else:
        begin = _walk(query, index)
    return _joined([begin, *checks.values()], " AND "), walks


def _walk(query: Query, index: tuple[str, ...]) -> Clause:
    """FROM and WHERE for the part of an index that the filters on its paths leave; for all records without an index."""
    of_kind = f"WHERE r.kind = '{query.kind}'"
    if not index:
        return Clause(f"FROM {source(query.kind)} r {of_kind}")
    start = Clause(f"FROM record r INDEXED BY {index_name(query.kind, index)} {of_kind}")
    return _joined([start, *_bounds(query.where, index).values()], " AND ")


def _checks(connection: apsw.Connection, query: Query) -> dict[str, Clause]:
    """What decides each filter for a record `r`, by path; words are at the path ""."""
    if query.kind == "stream":
        # All streams have the same fields: only names and numbers tell them apart.
        own = {path: wanted for path, wanted in query.where.items() if path in ("id", "n")}
        alike = {path: wanted for path, wanted in query.where.items() if path not in own}
        some = Record(kind="stream", id="", n=0, fields={"dirty": False})
        never = {} if matches(some, replace(query, where=alike)) else {"": NEVER}
        return never | {path: _check(query.kind, path, wanted) for path, wanted in own.items()}
    checks = {path: _check(query.kind, path, wanted) for path, wanted in query.where.items()}
    if text := words(query.words):
        if query.kind in WORDS:
            checks[""] = _has_words(text)
        else:

            def found(*columns: object) -> bool:
                return has_words(read_record(query.kind, *columns), text)

            connection.create_scalar_function("has_words", found, 3)
            checks[""] = Clause("has_words(r.id, r.n, r.fields)")
    return checks


def _has_words(text: Sequence[str]) -> Clause:
    """Whether the record has these words. By its row: the index of words would list all hits first."""
    tests = ["instr(' ' || c0 || ' ', ?)"] * (len(text) - 1) + ["instr(' ' || c0, ?)"]
    return Clause(
        f"(SELECT {' AND '.join(tests)} FROM word_content WHERE id = r.num)",
        (*(f" {word} " for word in text[:-1]), f" {text[-1]}"),
    )


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
            exact = [path for path in ways[0] if len(ways) == 1 and _is_plain(query.where[path])]
            yield Lead(tuple(ways[0]), _joined(selects, " UNION ALL "), tuple(exact))


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


def _field_leads(query: Query, index: tuple[str, ...], walk: str | None) -> Iterator[Lead]:
    """The filters that the table `field` can answer, and one on ids, unless a walk by id is limited by it already."""
    known = {*index, *(paths[0] for paths in INDEXES.get(query.kind, ()))}
    for path, wanted in query.where.items():
        if path == "id" and walk != "id":
            among = _check(query.kind, path, wanted)
            select = f"SELECT r.num FROM {source(query.kind)} r WHERE r.kind = ? AND {among.sql}"
            yield Lead((path,), Clause(select, (query.kind, *among.values)), exact=(path,))
        elif path not in known and path in VALUES.get(query.kind, ()) and not _has_null(wanted):
            each = wanted.values if isinstance(wanted, All) else (wanted,)
            for one in each:
                test = _test("value", one)
                select = f"SELECT DISTINCT record AS num FROM field WHERE kind = ? AND path = ? AND {test.sql}"
                exact = (path,) if len(each) == 1 else ()
                yield Lead((path,), Clause(select, (query.kind, path, *test.values)), exact)


def _has_null(wanted: Filter) -> bool:
    """Whether null passes, which the table `field` does not hold."""
    return wanted is None or (isinstance(wanted, In | All) and None in wanted.values)


def _joined(parts: Sequence[Clause], by: str) -> Clause:
    return Clause(by.join(part.sql for part in parts), tuple(value for part in parts for value in part.values))


def _check(kind: str, path: str, wanted: Filter) -> Clause:
    if isinstance(wanted, All):
        return _joined([_check(kind, path, value) for value in wanted.values], " AND ")
    if path in ("id", "n"):
        return _column(path, wanted)
    if path in VALUES.get(kind, ()) and not isinstance(wanted, Range) and not _has_null(wanted):
        test = _test("f.value", wanted)
        there = "SELECT 1 FROM field f WHERE f.kind = ? AND f.path = ? AND f.record = r.num"
        return Clause(f"EXISTS ({there} AND {test.sql})", (kind, path, *test.values))
    if any(path in paths for paths in INDEXES.get(kind, ())):
        return _single("r.fields", f"'$.{path}'", wanted)
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
    single = _single(json, path, wanted)
    each = _test(_typed(f"{item}.type", f"{item}.value"), wanted)
    items = f"SELECT 1 FROM json_each({json}, {path}) {item} WHERE {each.sql}"
    return Clause(
        f"({single.sql} OR (json_type({json}, {path}) = 'array' AND EXISTS ({items})))",
        (*single.values, *each.values),
    )


def _single(json: str, path: str, wanted: One) -> Clause:
    """Whether the one value at the path fits. The plain test comes first, because it turns most records away."""
    plain = _test(f"{json} ->> {path}", _indexed(wanted))
    if _is_plain(wanted):
        return plain
    typed = _test(_typed(f"json_type({json}, {path})", f"{json} ->> {path}"), wanted)
    return Clause(f"({plain.sql} AND {typed.sql})", (*plain.values, *typed.values))


def _is_plain(wanted: Filter) -> bool:
    """Whether `->>` decides: to it true is 1, and a list or an object a text that begins with a bracket."""

    def plain(value: Scalar) -> bool:
        return value is None or (isinstance(value, str) and value[:1] not in ("[", "{"))

    match wanted:
        case In(values=values):
            return all(plain(value) for value in values)
        case Range(lt=lt):
            return isinstance(lt, str) and lt <= "["
        case All():
            return False
        case _:
            return plain(wanted)


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
            # Filled up to a power of two with the last one again: few statements, which stay prepared.
            among += among[-1:] * ((1 << (len(among) - 1).bit_length()) - len(among)) if among else ()
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
