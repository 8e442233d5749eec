"""The suite's tests of `find`: order, limits and cursors."""

from dataclasses import replace
from typing import Any

import pytest

from backends.stores.suite.steps import each_finds, found, noted, put, refused, short
from core.canonical import Json
from core.errors import InvalidInput
from core.store import All, In, Query, Range, Store


async def test_filters_come_before_the_limit(store: Store) -> None:
    await put(store, *[noted(f"r{n:02}", odd=n % 2 == 1, i=n) for n in range(40)])
    page = await store.find(Query(kind="note", where={"odd": True}, order=("i",), limit=5))
    assert [record.id for record in page.records] == ["r01", "r03", "r05", "r07", "r09"], (
        "a page was cut before it was filtered"
    )


async def test_pages_give_every_record_once(store: Store) -> None:
    await put(store, *[noted(f"r{n:02}", group=n % 3, i=n) for n in range(36)])
    for limit in (1, 2, 3, 12, 13, 500):
        ids = await found(store, where={"group": 1}, order=("-i",), limit=limit)
        assert ids == [f"r{n:02}" for n in range(34, 0, -3)], f"pages of {limit} left records out, or gave them twice"


async def test_the_last_page_says_so(store: Store) -> None:
    await put(store, *[noted(f"r{n}") for n in range(4)])
    page = await store.find(Query(kind="note", limit=2))
    last = await store.find(Query(kind="note", limit=2, cursor=page.cursor))
    assert page.cursor is not None, "a page that is not the last has no cursor"
    assert last.cursor is None, "the last page, though full, has a cursor"


@pytest.mark.parametrize("order", [("i",), ("-i",)])
async def test_pages_stay_put_while_records_come_in(store: Store, order: tuple[str, ...]) -> None:
    await put(store, *[noted(f"r{n}", i=n) for n in range(10, 20)])
    page = await store.find(Query(kind="note", order=order, limit=4))
    await put(store, *[noted(f"r{n}", i=n) for n in (*range(0, 10), *range(20, 30))])
    rest = await store.find(Query(kind="note", order=order, limit=6, cursor=page.cursor))
    ids = [record.id for record in [*page.records, *rest.records]]
    expected = [f"r{n}" for n in range(10, 20)]
    assert ids == (expected if order == ("i",) else expected[::-1]), "records that came in moved the pages"


ORDERING = {"a": 2, "b": None, "c": 10, "e": 1, "f": 1.5, "g": 2, "h": -3}


ORDERS: list[tuple[tuple[str, ...], str]] = [
    ((), "abcdefgh"),
    (("i",), "bdhefagc"),
    (("-i",), "cgafehdb"),
    (("id",), "abcdefgh"),
    (("-id",), "hgfedcba"),
    (("-n",), "hgfedcba"),
    (("same",), "abcdefgh"),
    (("-same",), "hgfedcba"),
    (("parity", "-i"), "cgaehdbf"),
    (("-parity", "i"), "fbdheagc"),
]


async def test_order(store: Store) -> None:
    records = []
    for n, name in enumerate("abcdefgh", 1):
        fields: dict[str, Json] = {"i": ORDERING[name]} if name in ORDERING else {}
        records.append(noted(name, n=n, same=1, parity="x" if name == "f" else None, **fields))
    await put(store, *records)
    cases = [({"order": order, "limit": limit}, expected) for order, expected in ORDERS for limit in (1, 3, 50)]
    await each_finds(store, cases)


async def test_texts_are_ordered_by_code_point(store: Store) -> None:
    texts = ["", "A", "Z", "a", "a ", 'a"', "aa", "b\x00", "b\x00a", "ba", "ß", "\uffff", "😀"]
    await put(store, *[noted(f"r{n:02}", name=text) for n, text in enumerate(reversed(texts))])
    page = await store.find(Query(kind="note", order=("name",)))
    names = [record.fields["name"] for record in page.records]
    assert names == texts, "texts are not ordered by code point"
    ids = await found(store, order=("name",), limit=1)
    assert len(ids) == len(texts), "pages of one, ordered by hostile texts, left records out or gave them twice"
    for text in texts:
        at_least = await found(store, where={"name": Range(ge=text)}, order=("name",))
        assert len(at_least) == len(texts) - texts.index(text), f"a range from {text!r} does not go by code point"


async def test_limits_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [0, -1, 501, True, 1.5, None, "1"]
    for limit in wrong:
        with refused(InvalidInput, f"{limit!r} was taken for a limit"):
            await store.find(Query(kind="note", limit=limit))


NO_CURSOR: list[Any] = [
    "", "x", "\x00", "é", "W10=", "e30=", "bnVsbA==", "a" * 10_000, "W1tb" * 25_000, 7, b"W10="
]  # fmt: skip


async def test_what_is_no_cursor_is_refused(store: Store) -> None:
    await put(store, noted("r1"))
    for cursor in NO_CURSOR:
        with refused(InvalidInput, f"{short(cursor)} was taken for a cursor"):
            await store.find(Query(kind="note", cursor=cursor))


async def test_a_cursor_of_all_values_is_refused_for_others(store: Store) -> None:
    await put(store, *[noted(f"r{n}", tags=["a", "b"]) for n in range(3)])
    page = await store.find(Query(kind="note", where={"tags": All(("a", "b"))}, limit=1))
    for other in (All(("a",)), In(("a", "b")), "a"):
        with refused(InvalidInput, f"the cursor of a filter for all values was taken for that of {other}"):
            await store.find(Query(kind="note", where={"tags": other}, limit=1, cursor=page.cursor))


async def test_a_cursor_of_another_query_is_refused(store: Store) -> None:
    await put(store, *[noted(f"r{n}", i=n) for n in range(5)])
    mine = Query(kind="note", where={"i": Range(ge=0)}, order=("i",), limit=2)
    cursor = (await store.find(mine)).cursor
    assert cursor is not None, "a page that is not the last has no cursor"
    for other in (
        replace(mine, kind="other"),
        replace(mine, where={"i": Range(ge=1)}),
        replace(mine, where={}),
        replace(mine, order=("-i",)),
        replace(mine, order=()),
        replace(mine, words="x"),
    ):
        with refused(InvalidInput, "a cursor was taken for that of another query"):
            await store.find(replace(other, cursor=cursor))
    with refused(InvalidInput, "half a cursor was taken for one"):
        await store.find(replace(mine, cursor=cursor[:-5]))
