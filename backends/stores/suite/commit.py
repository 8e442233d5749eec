"""The suite's tests of `commit`: conflicts, repeats, what is refused, size, and racing writers."""

from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel

from backends.stores.suite.fixtures import Trouble
from backends.stores.suite.steps import CLOCK, accepted, drafted, extend, first, noted, payloads, refused, whole
from core.errors import Conflict, Full, InvalidInput, Unavailable
from core.log.entry import verify
from core.store import MAX_COMMIT, Record, Store, commit_size
from core.values import GENESIS, Entry


async def test_the_second_to_write_a_number_gets_a_conflict(store: Store) -> None:
    await store.commit("thread:a", 0, first("thread:a", {"by": "one"}), id="c1")
    with refused(Conflict, "the second to write a number was let in"):
        await store.commit("thread:a", 0, first("thread:a", {"by": "two"}), id="c2")
    assert payloads(await store.read("thread:a")) == [{"by": "one"}], "the second writer of a number changed the log"


async def test_a_commit_that_starts_within_the_log_gets_a_conflict(store: Store) -> None:
    entries = await extend(store, "thread:a", {"i": 1}, {"i": 2}, {"i": 3})
    with refused(Conflict, "a commit that starts within the log was let in"):
        await store.commit("thread:a", 1, drafted("thread:a", 1, entries[0].hash, [{}] * 5), id="c2")
    assert await store.read("thread:a") == entries, "a commit that met a conflict left something behind"


async def test_a_commit_beyond_the_end_is_refused(store: Store) -> None:
    with refused(InvalidInput, "a commit beyond the end of an unknown stream was let in"):
        await store.commit("thread:a", 1, drafted("thread:a", 1, GENESIS, [{}]), id="c1")
    await extend(store, "thread:a", {})
    with refused(InvalidInput, "a commit beyond the end was let in"):
        await store.commit("thread:a", 2, drafted("thread:a", 2, GENESIS, [{}]), id="c2")
    assert len(await store.read("thread:a")) == 1, "a commit beyond the end was written, and the log has a gap"


async def test_entries_that_do_not_fit_are_refused(store: Store) -> None:
    good = first("thread:a", {}, {})
    for wrong in ([*good[:1], replace(good[1], stream="thread:b")], [good[0], replace(good[1], n=3)], good[1:]):
        with refused(InvalidInput, "entries that do not fit were let in"):
            await store.commit("thread:a", 0, wrong, id="c1")
    assert await store.read("thread:a") == [], "part of a commit that was refused is in the log"


NO_JSON: list[Any] = [float("nan"), float("inf"), 2**63, "\ud800", {1: 2}, {"a": {1, 2}}, b"bytes", {"\udfff": 1}]


async def test_what_is_no_json_is_refused(store: Store) -> None:
    (entry,) = first("thread:a", {})
    for payload in NO_JSON:
        with refused(InvalidInput, f"the payload {payload!r}, which is not JSON, was let in"):
            await store.commit("thread:a", 0, [replace(entry, payload=payload)], id="c1")
        with refused(InvalidInput, f"a record with {payload!r}, which is not JSON, was let in"):
            await store.commit("thread:a", 0, [entry], [noted("r1", field=payload)], id="c2")
        assert await store.read("thread:a") == [], "a commit that was refused wrote entries"


async def test_what_is_changed_outside_does_not_change_inside(store: Store) -> None:
    payload, items = {"list": [1]}, [1]
    await store.commit("thread:a", 0, first("thread:a", payload), [noted("r1", list=items)], id="c1")
    payload["list"].append(2)
    items.append(2)
    (entry,) = await store.read("thread:a")
    record = await store.get("note", "r1")
    assert entry.payload == {"list": [1]}, "a payload changed after its commit changed the log"
    assert record is not None
    assert record.fields == {"list": [1]}, "a field changed after its commit changed the record"
    entry.payload["list"].append(3)
    assert payloads(await store.read("thread:a")) == [{"list": [1]}], (
        "a payload that was read and changed changed the log"
    )


async def test_a_repeated_commit_is_a_success_that_changes_nothing(store: Store) -> None:
    entries = first("thread:a", {"i": 1}, {"i": 2})
    await store.commit("thread:a", 0, entries, id="c1")
    with accepted("a commit repeated after a lost acknowledgement is no success"):
        await store.commit("thread:a", 0, entries, id="c1")
    later = await extend(store, "thread:a", {"i": 3})
    with accepted("a commit repeated after a later one is no success"):
        await store.commit("thread:a", 0, entries, id="c1")
    assert await store.read("thread:a") == entries + later, (
        "a commit repeated after a lost acknowledgement changed the log"
    )


async def test_a_repeat_does_not_revive_what_was_erased(store: Store) -> None:
    entries = first("thread:a", {"secret": 1})
    await store.commit("thread:a", 0, entries, id="c1")
    await store.erase("thread:a")
    with accepted("a commit repeated after its erasure is no success"):
        await store.commit("thread:a", 0, entries, id="c1")
    assert payloads(await store.read("thread:a")) == [None], "a repeated commit brought an erased payload back"


async def test_equal_entries_under_another_id_are_a_conflict(store: Store) -> None:
    entries = first("thread:a", {"same": True})
    await store.commit("thread:a", 0, entries, id="c1")
    with refused(Conflict, "the same entries under another id were taken for a repeat"):
        await store.commit("thread:a", 0, entries, id="c2")


async def test_a_commit_id_counts_only_where_its_commit_began(store: Store) -> None:
    entries = first("thread:a", {"i": 1}, {"i": 2})
    await store.commit("thread:a", 0, entries, id="c1")
    with refused(Conflict, "a commit id counted in the middle of its commit"):
        await store.commit("thread:a", 1, drafted("thread:a", 1, entries[0].hash, [{"i": "other"}]), id="c1")
    await store.commit("thread:b", 0, first("thread:b", {"i": 1}), id="c1")
    assert len(await store.read("thread:b")) == 1, "a commit id used on another stream made a commit disappear"


async def test_a_commit_during_an_outage_can_be_repeated_after_it(store: Store, outage: Trouble) -> None:
    before = await extend(store, "thread:a", {"i": 1})
    entries = drafted("thread:a", 1, before[-1].hash, [{"i": 2}])
    async with outage():
        with refused(Unavailable, "a commit was acknowledged during the outage"):
            await store.commit("thread:a", 1, entries, [noted("r1")], id="c2")
    with accepted("a commit repeated after an outage is no success"):
        await store.commit("thread:a", 1, entries, [noted("r1")], id="c2")
    assert await store.read("thread:a") == before + entries, "after an outage the repeated commit is not there once"
    assert await store.get("note", "r1") == noted("r1"), "after an outage the repeated commit lacks its record"


def filled(over: int) -> tuple[list[Entry], list[Record]]:
    """A commit of MAX_COMMIT bytes and `over` more."""
    records = [noted("r1", filler="f" * 1000)]
    empty = commit_size(first("live:t1", {"text": ""}), records)
    return first("live:t1", {"text": "x" * (MAX_COMMIT - empty + over)}), records


async def test_a_commit_of_8_mb_is_taken(store: Store) -> None:
    entries, records = filled(0)
    assert commit_size(entries, records) == MAX_COMMIT
    with accepted("a commit of exactly MAX_COMMIT bytes was refused"):
        await store.commit("live:t1", 0, entries, records, id="c1")
    assert await store.read("live:t1") == entries, "a commit of exactly MAX_COMMIT bytes did not come back whole"


async def test_a_commit_of_one_byte_more_is_full_and_writes_nothing(store: Store) -> None:
    entries, records = filled(1)
    with refused(Full, "a commit of more than MAX_COMMIT bytes was let in"):
        await store.commit("live:t1", 0, entries, records, id="c1")
    assert await store.read("live:t1") == [], "a commit that was too large left entries behind"
    assert await store.get("note", "r1") is None, "a commit that was too large left a record behind"


async def test_of_eight_racers_one_wins_each_number(store: Store) -> None:
    won: list[tuple[int, int]] = []

    async def race(racer: int) -> None:
        n, prev = 0, GENESIS
        while n < 50:
            entries = drafted("thread:a", n, prev, [{"racer": racer}])
            try:
                await store.commit("thread:a", n, entries, id=CLOCK.token())
                won.append((n + 1, racer))
            except Conflict:
                entries = await store.read("thread:a", n)
                assert entries, "a conflict was reported, and then there was nothing to read"
            n, prev = entries[-1].n, entries[-1].hash

    async with anyio.create_task_group() as group:
        for racer in range(8):
            group.start_soon(race, racer)
    read = await whole(store, "thread:a")
    assert [entry.n for entry in read] == list(range(1, len(read) + 1)), "racing writers left the log with a gap"
    assert sorted(won) == [(entry.n, entry.payload["racer"]) for entry in read], (
        "a number was won by two, or by another"
    )
    verify(read)


async def test_a_conflict_on_one_stream_does_not_touch_the_others(store: Store) -> None:
    await extend(store, "thread:taken", {})
    lost: list[str] = []

    async def commit(stream: str) -> None:
        try:
            await store.commit(stream, 0, first(stream), [noted(stream[7:])], id=CLOCK.token())
        except Conflict:
            lost.append(stream)

    async with anyio.create_task_group() as group:
        for n in range(40):
            group.start_soon(commit, "thread:taken" if n % 4 == 0 else f"thread:s{n}")
    assert lost == ["thread:taken"] * 10, f"these met a conflict: {lost}; only thread:taken was taken"
    for n in range(40):
        if n % 4:
            assert len(await store.read(f"thread:s{n}")) == 1, "a commit was acknowledged and is not there"


async def test_a_caller_who_leaves_leaves_no_half_write(store: Store) -> None:
    for steps in range(12):
        stream = f"thread:s{steps}"
        entries, record = first(stream, {"i": 1}, {"i": 2}, {"i": 3}), noted(f"r{steps}", n=3)

        async def call(stream: str = stream, entries: list[Entry] = entries, record: Record = record) -> None:
            await store.commit(stream, 0, entries, [record], id="c1")

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        read = await store.read(stream)
        assert len(read) in (0, 3), f"a cancelled commit of 3 entries left {len(read)}"
        await call()
        assert await store.read(stream) == entries, (
            "a commit repeated after it was cancelled did not end as written once"
        )
        assert await store.get("note", record.id) == record, "a commit repeated after it was cancelled lacks its record"
