"""The suite's tests of `now` and `close`, of reopening, and of two stores on one medium."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
import anyio.lowlevel

from backends.stores.suite.fixtures import Reopen
from backends.stores.suite.steps import CLOCK, accepted, drafted, extend, first, found, noted, payloads, refused, whole
from core.errors import Conflict, StoreClosed, Unavailable
from core.log.entry import verify
from core.store import Query, Store
from core.values import GENESIS


async def test_now_is_utc_in_milliseconds(store: Store) -> None:
    now = await store.now()
    assert now.utcoffset() == timedelta(0), "the store's clock has another zone than UTC, or none"
    assert now.microsecond % 1000 == 0, "the store's clock is finer than what a store keeps"


async def test_a_closed_store_is_unavailable(store: Store) -> None:
    await extend(store, "thread:a", {})
    await store.close()
    await store.close()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.commit("thread:a", 1, drafted("thread:a", 1, GENESIS, [{}]), id="c2"),
        lambda: store.read("thread:a"),
        lambda: store.get("note", "r1"),
        lambda: store.find(Query(kind="note")),
        lambda: store.tally(Query(kind="note"), []),
        lambda: store.erase("thread:a"),
        lambda: store.now(),
    ]
    for number, call in enumerate(calls):
        with refused(StoreClosed, f"call {number} was answered by a closed store"):
            await call()


async def test_closing_finishes_what_was_accepted(store: Store) -> None:
    outcomes: list[str] = []

    async def commit(n: int) -> None:
        try:
            await store.commit(f"thread:s{n}", 0, first(f"thread:s{n}"), id="c1")
            outcomes.append("written")
        except Unavailable:
            outcomes.append("unavailable")

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for n in range(20):
                group.start_soon(commit, n)
            await anyio.lowlevel.checkpoint()
            await store.close()
    assert len(outcomes) == 20, "a commit was left without an answer by close"


async def test_what_was_acknowledged_is_there_after_reopening(store: Store, reopen: Reopen) -> None:
    entries = first("thread:a", {"i": 1}, {"i": 2})
    await store.commit("thread:a", 0, entries, [noted("r1", owner="x", text="some words")], id="c1")
    await extend(store, "thread:gone", {"secret": 1})
    await store.erase("thread:gone")
    page = await store.find(Query(kind="stream", limit=1))
    again = await reopen()
    assert await again.read("thread:a") == entries, "entries were lost, or changed, by closing and opening the store"
    assert await again.get("note", "r1") == noted("r1", owner="x", text="some words"), "a record was lost by reopening"
    assert await found(again, words="wor", where={"owner": "x"}) == ["r1"], "a record is not found after reopening"
    assert payloads(await again.read("thread:gone")) == [None], "reopening brought an erased payload back"
    with accepted("a commit repeated after reopening is no success"):
        await again.commit("thread:a", 0, entries, id="c1")
    with refused(Conflict, "after reopening, an entry's commit is not known by its id"):
        await again.commit("thread:a", 0, entries, id="c2")
    rest = await again.find(Query(kind="stream", limit=1, cursor=page.cursor))
    assert [record.id for record in rest.records] == ["thread:gone"], "a cursor does not outlive its store"


async def test_two_stores_on_one_medium_see_each_other(store: Store, second_store: Store) -> None:
    entries = await extend(store, "thread:a", {"i": 1}, records=[noted("r1", n=1)])
    assert await second_store.read("thread:a") == entries, (
        "what one store acknowledged, another on the medium does not see"
    )
    with refused(Conflict, "two stores on one medium both won a number"):
        await second_store.commit("thread:a", 0, first("thread:a"), id="c2")
    await extend(second_store, "thread:a", {"i": 2}, records=[noted("r1", n=2)])
    assert payloads(await store.read("thread:a")) == [{"i": 1}, {"i": 2}], "two stores on one medium do not share a log"
    assert await store.get("note", "r1") == noted("r1", n=2), "two stores on one medium do not share their records"
    assert await second_store.erase("thread:a") == 2
    assert payloads(await store.read("thread:a")) == [None, None], "an erasure by one store is not seen by another"


async def test_racers_on_two_stores_win_each_number_once(store: Store, second_store: Store) -> None:
    won: list[int] = []

    async def race(mine: Store, racer: int) -> None:
        n, prev = 0, GENESIS
        while n < 25:
            entries = drafted("thread:a", n, prev, [{"racer": racer}])
            try:
                await mine.commit("thread:a", n, entries, id=CLOCK.token())
                won.append(n + 1)
            except Conflict:
                entries = await mine.read("thread:a", n)
                assert entries, "a conflict was reported, and then there was nothing to read"
            n, prev = entries[-1].n, entries[-1].hash

    async with anyio.create_task_group() as group:
        for racer in range(6):
            group.start_soon(race, (store, second_store)[racer % 2], racer)
    read = await whole(store, "thread:a")
    assert sorted(won) == [entry.n for entry in read], "a number was won in two stores, or in none"
    verify(read)
