"""The suite's tests of `find`: what a query's filters and paths match."""

from typing import Any

import pytest

from backends.stores.suite.steps import each_finds, found, noted, put, refused
from core.canonical import Json
from core.errors import InvalidInput
from core.store import All, In, Query, Range, Record, Store

TYPED: dict[str, Json] = {
    "true": True,
    "false": False,
    "one": 1,
    "float": 1.0,
    "zero": 0,
    "minus": -0.0,
    "text": "1",
    "empty": "",
    "null": None,
    "list": [1, "x"],
    "nulls": [None],
    "none": [],
    "nested": [[1]],
    "object": {"b": 1},
    "objects": [{"b": 1}, {"b": 2}, {"c": None}, [7]],
    "big": 2**53 + 1,
    "time": "2026-11-24T09:30:00.000Z",
}


FILTERS: list[tuple[Any, str]] = [
    (True, "true"),
    (False, "false"),
    (1, "one float list"),
    (1.0, "one float list"),
    (0, "zero minus"),
    ("1", "text"),
    ("", "empty"),
    ("x", "list"),
    ("X", ""),
    (None, "null nulls absent"),
    (2**53 + 1, "big"),
    (2**53, ""),
    (In(()), ""),
    (In((1, "1")), "one float list text"),
    (In((True, None)), "true null nulls absent"),
    (In(tuple(range(500))), "one float zero minus list"),
    (All((1,)), "one float list"),
    (All((1.0, 1)), "one float list"),
    (All((1, "x")), "list"),
    (All((1, "1")), ""),
    (All((True,)), "true"),
    (All((True, 1)), ""),
    (All((None,)), "null nulls absent"),
    (All((None, 1)), ""),
    (Range(ge=1), "one float list big"),
    (Range(lt=1), "zero minus"),
    (Range(ge=0, lt=1), "zero minus"),
    (Range(ge=0.5, lt=1.5), "one float list"),
    (Range(ge=2**53 + 1), "big"),
    (Range(ge="1"), "text list time"),
    (Range(lt="1"), "empty"),
    (Range(ge="2026", lt="2027"), "time"),
    (Range(ge=1, lt="x"), ""),
    (Range(ge="2", lt="1"), ""),
]


@pytest.mark.parametrize("path", ["a", "deep.down.a"])
async def test_filters_compare_by_type(store: Store, path: str) -> None:
    values = {name: {"a": value} if path == "a" else {"deep": {"down": {"a": value}}} for name, value in TYPED.items()}
    await put(store, *[noted(name, **fields) for name, fields in values.items()], noted("absent", b=1))
    await each_finds(store, [({"where": {path: wanted}}, sorted(expected.split())) for wanted, expected in FILTERS])


INNER_PATHS: list[tuple[str, Any, str]] = [
    ("a.b", 1, "object objects"),
    ("a.b", 2, "objects"),
    ("a.b", Range(ge=2), "objects"),
    ("a.c", 1, ""),
    ("a.b.c", 1, ""),
    ("b", 1, ""),
]


async def test_paths_go_into_objects_and_lists(store: Store) -> None:
    await put(store, *[noted(name, a=value) for name, value in TYPED.items()])
    await each_finds(store, [({"where": {path: wanted}}, expected.split()) for path, wanted, expected in INNER_PATHS])


async def test_none_on_a_path_matches_null_and_absent(store: Store) -> None:
    await put(
        store,
        noted("r1", a={"b": None}),
        noted("r2", a={}),
        noted("r3", c=1),
        noted("r4", a=None),
        noted("r5", a={"b": False}),
        noted("r6", a={"b": ""}),
        noted("r7", a=[{"b": 1}, {"c": 1}]),
    )
    assert await found(store, where={"a.b": None}) == ["r1", "r2", "r3", "r4", "r7"], (
        "null and absent are not one to None"
    )


async def test_one_item_of_a_list_meets_a_whole_range(store: Store) -> None:
    await put(store, noted("r1", a=[1, 9]), noted("r2", a=[1, 5]))
    assert await found(store, where={"a": Range(ge=4, lt=6)}) == ["r2"], "two items of a list met one bound each"


LISTS: dict[str, Json] = {
    "none": [],
    "a": ["a"],
    "ab": ["a", "b"],
    "bac": ["b", "a", "c"],
    "aa": ["a", "a"],
    "null": ["a", None],
    "nested": ["a", ["b"]],
    "mixed": ["a", 1, True],
    "text": "a",
    "joined": "ab",
}

ALL: list[tuple[All, str]] = [
    (All(("a",)), "a ab bac aa null nested mixed text"),
    (All(("a", "a")), "a ab bac aa null nested mixed text"),
    (All(("a", "b")), "ab bac"),
    (All(("b", "a")), "ab bac"),
    (All(("c", "a", "b")), "bac"),
    (All(("a", None)), "null"),
    (All((None,)), "null absent"),
    (All((True, 1.0, "a")), "mixed"),
    (All(("a", False)), ""),
    (All(("ab",)), "joined"),
    (All(("a", "b", *("x" * n for n in range(1, 19)))), ""),
]


# Stores keep an index of a thread's tools, so that they may go another way for them.
@pytest.mark.parametrize(("kind", "path"), [("note", "tags"), ("thread", "tools"), ("note", "deep.tags")])
async def test_all_values_must_be_at_the_path(store: Store, kind: str, path: str) -> None:
    top, _, rest = path.partition(".")
    values: dict[str, dict[str, Json]] = {
        name: {top: {rest: value} if rest else value} for name, value in LISTS.items()
    }
    await put(store, *[Record(kind=kind, id=name, n=1, fields=fields) for name, fields in values.items()])
    await put(store, noted("absent", kind=kind))
    cases = [({"kind": kind, "where": {path: wanted}}, sorted(expected.split())) for wanted, expected in ALL]
    await each_finds(store, [({**query, "limit": limit}, ids) for query, ids in cases for limit in (1, 50)])


async def test_all_and_other_filters_must_hold(store: Store) -> None:
    await put(store, *[noted(f"r{n}", tags=["a", "b"][: n % 3], odd=n % 2 == 1, text=f"word{n % 4}") for n in range(9)])
    assert await found(store, where={"tags": All(("a", "b")), "odd": True}, order=("-id",)) == ["r5"], (
        "a filter for all values and another filter did not both hold"
    )
    assert await found(store, where={"tags": All(("a", "b"))}, words="word2") == ["r2"], (
        "a filter for all values and words did not both hold"
    )


async def test_all_filters_must_hold(store: Store) -> None:
    await put(store, *[noted(f"r{n:02}", x=n % 2, y=n % 3, text=f"word{n % 5}") for n in range(30)])
    assert await found(store, where={"x": 1, "y": 2}) == ["r05", "r11", "r17", "r23", "r29"], "one of two filters held"
    assert await found(store, where={"x": 1, "y": 2}, words="word1") == ["r11"], "filters and words did not both hold"


async def test_id_and_n_are_paths(store: Store) -> None:
    await put(store, *[noted(f"r{n}", n=n) for n in range(1, 9)])
    assert await found(store, where={"id": "r3"}) == ["r3"], "records are not found by id"
    assert await found(store, where={"n": Range(ge=3, lt=5)}) == ["r3", "r4"], "records are not found by n"
    assert await found(store, where={"id": In(("r1", "r8", "x"))}) == ["r1", "r8"], (
        "records are not found by a set of ids"
    )
    assert await found(store, where={"n": In(("3", True, None))}) == [], "an n was equal to a text, a bool or None"
    await put(store, noted("3"))
    assert await found(store, where={"id": 3}) == [], "an id was equal to a number"
    assert await found(store, where={"id": Range(ge=0)}) == [], "an id was in a range of numbers"
    assert await found(store, where={"id": None}) == [], "a record was without an id"


async def test_a_record_is_found_by_what_it_says_now(store: Store) -> None:
    await put(store, noted("r1", n=1, status="running", tags=["x", "y"], text="old words"))
    await put(store, noted("r1", n=2, status="done", tags=["y"], text="new words"))
    assert await found(store, where={"status": "done", "tags": "y"}, words="new") == ["r1"], (
        "a changed record is not found"
    )
    for old in ({"where": {"status": "running"}}, {"where": {"tags": "x"}}, {"words": "old"}):
        assert await found(store, **old) == [], f"a changed record is found by what it said before: {old}"
    await put(store, noted("r1", n=3, text=None))
    assert await found(store, words="words") == [], "a record whose text was taken away is found by its words"
    assert await found(store, where={"status": None}) == ["r1"], "a field that went away is not absent"


PATHS = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "$where",
    "a.$gt",
    "a b",
    "a'",
    'a"',
    "a[0]",
    "a.0",
    "a\x00",
    "é",
    "a\n",
    "-a",
    "*",
    "a--",
]


async def test_paths_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [*PATHS, None, 7, ("a",)]
    for path in wrong:
        with refused(InvalidInput, f"{path!r} was taken for a path in where"):
            await store.find(Query(kind="note", where={path: 1}))
        with refused(InvalidInput, f"{path!r} was taken for a path in by"):
            await store.tally(Query(kind="note"), [path])
        with refused(InvalidInput, f"{path!r} was taken for a path in sums"):
            await store.tally(Query(kind="note"), [], [path])
        if path != "-a":
            with refused(InvalidInput, f"{path!r} was taken for a path in order"):
                await store.find(Query(kind="note", order=(path,)))


WRONG_FILTERS: list[Any] = [
    float("nan"),
    float("-inf"),
    2**63,
    "\ud800",
    {"$gt": ""},
    ["a"],
    b"a",
    In((float("nan"),)),
    In(({"$gt": ""},)),  # type: ignore[arg-type] # what a page might pass on from outside
    All(()),
    All(tuple(range(21))),
    All((float("nan"),)),
    All(["a"]),  # type: ignore[arg-type] # likewise
    All(({"$gt": ""},)),  # type: ignore[arg-type] # likewise
    Range(),
    Range(ge=True),
    Range(lt=float("nan")),
    Range(ge={"$gt": ""}),  # type: ignore[arg-type] # likewise
]


async def test_filters_of_a_wrong_form_are_refused(store: Store) -> None:
    for wrong in WRONG_FILTERS:
        for path in ("a", "a.b", "id"):
            with refused(InvalidInput, f"{wrong!r} was taken for a filter"):
                await store.find(Query(kind="note", where={path: wrong}))
            with refused(InvalidInput, f"{wrong!r} was taken for a filter of a tally"):
                await store.tally(Query(kind="note", where={path: wrong}), [])


async def test_text_that_looks_like_a_query_is_text(store: Store) -> None:
    texts = [
        "' OR 1=1 --",
        '{"$gt": ""}',
        "%",
        "_",
        "*",
        "a' UNION SELECT 1 --",
        "(a+)+$",
        "\\",
        "?",
        ":id",
        '"',
        "NULL",
    ]
    await put(store, noted("other", a="x"), *[noted(f"r{n:02}", a=text) for n, text in enumerate(texts)])
    for n, text in enumerate(texts):
        assert await found(store, where={"a": text}) == [f"r{n:02}"], (
            f"the text {text!r} was taken for more than a text"
        )
        assert await found(store, where={"id": text}) == [], f"the id {text!r} found something"
