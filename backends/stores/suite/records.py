"""The suite's tests of records: what a commit does to them, `get`, and the streams that are listed as records."""

from contextlib import suppress

from backends.stores.suite.fixtures import Trouble
from backends.stores.suite.steps import accepted, drafted, extend, first, found, noted, put, refused
from core.errors import Conflict, Unavailable
from core.store import Query, Range, Store
from core.values import GENESIS


async def test_a_record_is_kept_under_kind_and_id(store: Store) -> None:
    mine, other = noted("r1", owner="a", tags=["x", None], deep={"a": {"b": 1.0}}), noted("r1", kind="other", owner="b")
    await put(store, mine, other)
    assert await store.get("note", "r1") == mine, "a record did not come back as it was written"
    assert await store.get("other", "r1") == other, "two kinds of record share their ids"
    assert await store.get("note", "r2") is None, "a record is there that was never written"
    assert await store.get("nothing", "r1") is None, "a record is there of a kind that was never written"


async def test_a_record_never_goes_back(store: Store) -> None:
    await put(store, noted("r1", n=5, text="new"))
    for n in (4, 5):
        await put(store, noted("r1", n=n, text="old"))
        assert await store.get("note", "r1") == noted("r1", n=5, text="new"), f"n 5 of a record was replaced by n {n}"
    await put(store, noted("r1", n=6, text="newer"))
    assert await store.get("note", "r1") == noted("r1", n=6, text="newer"), "a record of a higher n was not written"
    assert await found(store, words="new") == ["r1"]
    assert await found(store, words="old") == [], (
        "a record that was left alone is found by the words of the one refused"
    )


async def test_records_are_written_in_the_order_given(store: Store) -> None:
    await put(store, noted("r1", n=1, v="a"), noted("r1", n=3, v="b"), noted("r1", n=2, v="c"))
    assert await store.get("note", "r1") == noted("r1", n=3, v="b"), "of two records under one id the older one stayed"


async def test_a_conflict_writes_no_records(store: Store) -> None:
    await extend(store, "thread:a", {})
    with refused(Conflict, "the second to write a number was let in"):
        await store.commit("thread:a", 0, first("thread:a"), [noted("r1")], id="c2")
    assert await store.get("note", "r1") is None, "a commit that met a conflict wrote its records"


async def test_a_commit_without_entries_repairs_records(store: Store) -> None:
    await extend(store, "thread:a", {}, records=[noted("r1", n=1, v="wrong"), noted("r2", n=7, v="right")])
    await store.commit("thread:a", 1, [], [noted("r1", n=1, v="right"), noted("r2", n=6, v="older")], id="c2")
    assert await store.get("note", "r1") == noted("r1", n=1, v="right"), (
        "a repair did not replace a record of the same n"
    )
    assert await store.get("note", "r2") == noted("r2", n=7, v="right"), "a repair took a record back to an older n"
    assert len(await store.read("thread:a")) == 1, "a commit without entries added one"
    with accepted("the id of a repair was kept"):
        await store.commit("thread:a", 1, drafted("thread:a", 1, GENESIS, [{}]), id="c2")
    assert len(await store.read("thread:a")) == 2, "the id of a repair was kept, and a commit taken for its repeat"


async def test_streams_are_listed(store: Store) -> None:
    await put(store, noted("r1"))
    await extend(store, "live:t1", {}, {})
    page = await store.find(Query(kind="stream", where={"id": Range(ge="live:", lt="live;")}))
    assert [(record.id, record.n) for record in page.records] == [("live:t1", 2)], (
        "the live streams are not found by the start of their names, or not at their end"
    )
    assert page.records[0].fields == {"dirty": False}, (
        "a stream has other fields than `dirty`, or is dirty without records"
    )
    assert await found(store, kind="stream", where={"dirty": False}) == ["live:t1", "thread:records"]
    assert await found(store, kind="stream", order=("-id",), limit=1) == ["thread:records", "live:t1"]


async def test_no_stream_is_dirty_once_its_records_are_written(store: Store) -> None:
    await put(store, noted("r1"), noted("r2"))
    await extend(store, "thread:b", {})
    assert await found(store, kind="stream", where={"dirty": True}) == [], "a stream whose records are written is dirty"


async def test_a_stream_whose_records_lag_is_found_and_repaired(store: Store, lost_records: Trouble) -> None:
    async with lost_records():
        with suppress(Unavailable):
            await extend(store, "thread:a", {}, records=[noted("r1", n=1)])
    assert len(await store.read("thread:a")) == 1, "a commit lost its entries when its records were lost"
    assert await found(store, kind="stream", where={"dirty": True}) == ["thread:a"], (
        "a stream whose records lag is not marked dirty"
    )
    await store.commit("thread:a", 1, [], [noted("r1", n=1)], id="c2")
    assert await store.get("note", "r1") == noted("r1", n=1), "a repair did not write the record that lagged"
    assert await found(store, kind="stream", where={"dirty": True}) == [], "a stream is dirty after its repair"
