"""The suite's tests of `tally`."""

from typing import Any

import pytest

from backends.stores.suite.steps import noted, put
from core.canonical import Json
from core.store import All, In, Query, Range, Record, Store, Tally


async def test_a_tally_counts_and_sums_by_group(store: Store) -> None:
    await put(
        store,
        noted("r1", tool="b", cost=5, tokens=1),
        noted("r2", tool="a", cost=None, tokens=2),
        noted("r3", tool="b", cost=-7),
        noted("r4", tool=None, cost=1),
        noted("r5", cost=0, tokens=0),
        noted("r6", kind="other", tool="a", cost=100),
    )
    tallies = await store.tally(Query(kind="note"), ["tool"], ["cost", "tokens"])
    assert [tally.key for tally in tallies] == [(None,), ("a",), ("b",)], "groups are not there once each, in order"
    assert [tally.count for tally in tallies] == [2, 1, 2], "records are counted wrongly"
    assert [tally.sums["cost"] for tally in tallies] == [1, 0, -2], "costs are added up wrongly"
    assert [tally.unknown["cost"] for tally in tallies] == [0, 1, 0], "a None among the costs is not counted as unknown"
    assert [tally.unknown["tokens"] for tally in tallies] == [1, 0, 1], "an absent number is not counted as unknown"


async def test_a_tally_by_nothing_is_one_group_or_none(store: Store) -> None:
    assert await store.tally(Query(kind="note"), [], ["cost"]) == [], "a tally of nothing has a group"
    await put(store, noted("r1", cost=2), noted("r2", cost=3))
    (tally,) = await store.tally(Query(kind="note"), (), ("cost",))
    assert tally == Tally(key=(), count=2, sums={"cost": 5}, unknown={"cost": 0}), "the one group of all is wrong"
    assert await store.tally(Query(kind="note", where={"cost": 9}), (), ("cost",)) == [], (
        "a tally of nothing has a group"
    )


async def test_a_tally_looks_at_filters_and_words_only(store: Store) -> None:
    await put(store, *[noted(f"r{n}", x=n % 2, text="leave" if n < 6 else "pay") for n in range(10)])
    query = Query(kind="note", where={"x": 1}, words="lea", limit=1, order=("-x",))
    (tally,) = await store.tally(query, ["x"])
    assert (tally.key, tally.count) == ((1,), 3), "a tally does not look at filters and words, or looks at the limit"


async def test_a_sum_may_be_larger_than_its_numbers(store: Store) -> None:
    await put(store, *[noted(f"r{n}", cost=2**63 - 1) for n in range(3)], noted("r9", cost=-(2**63)))
    (tally,) = await store.tally(Query(kind="note"), [], ["cost"])
    assert tally.sums["cost"] == 3 * (2**63 - 1) - 2**63, "a sum beyond 64 bits is wrong"


async def test_groups_are_apart_by_type_and_in_order(store: Store) -> None:
    for n, value in enumerate([True, 1, "1", None, False, 0, 10, 2, "b", "B"]):
        await put(store, noted(f"r{n}", x=value, deep={"y": n % 2}))
    keys = [tally.key[0] for tally in await store.tally(Query(kind="note"), ["x"])]
    assert [repr(key) for key in keys] == [repr(key) for key in (None, 0, 1, 2, 10, "1", "B", "b", False, True)], (
        f"groups came as {keys}: null, numbers, texts, false, true, each kind in its order, is right"
    )
    pairs = [(tally.key, tally.count) for tally in await store.tally(Query(kind="note"), ["deep.y", "kind"])]
    assert pairs == [((0, None), 5), ((1, None), 5)], f"groups by two paths came as {pairs}"


TOOLS: list[tuple[str, str, list[Json], int | None]] = [
    ("r1", "mon", ["book", "book:failed"], 5),
    ("r2", "mon", ["book"], 7),
    ("r3", "tue", ["book", "book:failed", "send"], None),
    ("r4", "tue", [], 1),
    ("r5", "tue", ["send", None], 2),
    ("r6", "wed", ["a", "z"], 3),
]

OF_LISTS: list[tuple[Any, dict[str, tuple[int, int, int]]]] = [
    ("book", {"mon": (2, 12, 0), "tue": (1, 0, 1)}),
    ("book:failed", {"mon": (1, 5, 0), "tue": (1, 0, 1)}),
    (All(("book", "send")), {"tue": (1, 0, 1)}),
    (In(("send", "book:failed")), {"mon": (1, 5, 0), "tue": (2, 2, 1)}),
    (None, {"tue": (1, 2, 0)}),
    (Range(ge="s"), {"tue": (2, 2, 1), "wed": (1, 3, 0)}),
    (Range(ge="c", lt="d"), {}),
]


# Stores keep an index of a thread's tools, so that they may go another way for them.
@pytest.mark.parametrize(("kind", "path"), [("note", "tags"), ("thread", "tools")])
async def test_a_tally_filters_by_the_items_of_lists(store: Store, kind: str, path: str) -> None:
    for name, day, tags, cost in TOOLS:
        await put(store, Record(kind=kind, id=name, n=1, fields={"day": day, "cost": cost, path: tags}))
    for wanted, expected in OF_LISTS:
        tallies = await store.tally(Query(kind=kind, where={path: wanted}), ["day"], ["cost"])
        groups = {one.key[0]: (one.count, one.sums["cost"], one.unknown["cost"]) for one in tallies}
        assert groups == expected, f"the tally of {wanted} is {groups}: a list is filtered by its items"


async def test_a_list_or_an_object_is_none_to_a_tally(store: Store) -> None:
    values: list[Json] = [None, [], ["a"], {"b": 1}, "a", [{"b": 2}]]
    await put(store, *[noted(f"r{n}", x=value, cost=value) for n, value in enumerate(values)], noted("r9"))
    tallies = await store.tally(Query(kind="note"), ["x"], ["cost"])
    assert [(one.key, one.count) for one in tallies] == [((None,), 6), (("a",), 1)], "a list or an object is no None"
    inner = await store.tally(Query(kind="note"), ["x.b"])
    assert [(one.key, one.count) for one in inner] == [((None,), 6), ((1,), 1)], "a path went into a list"


async def test_what_is_no_integer_is_unknown_to_a_sum(store: Store) -> None:
    values: list[Json] = [2, 3, True, 1.0, 0.5, "4", [5], {"a": 6}, None]
    await put(store, *[noted(f"r{n}", group=n % 2, cost=value) for n, value in enumerate(values)])
    tallies = await store.tally(Query(kind="note"), ["group"], ["cost"])
    assert [(one.count, one.sums["cost"], one.unknown["cost"]) for one in tallies] == [(5, 2, 4), (4, 3, 3)], (
        "only integers are added up, and each other value is counted as unknown"
    )
