"""The suite's tests of `read`: order, whole commits, limits, and payloads that come back as they were."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.stores.suite.steps import MORNING, drafted, extend, first, noted, payloads, whole
from core.canonical import Json, canonical
from core.errors import Corrupt
from core.ids import KINDS_OF_STREAM
from core.log.entry import verify
from core.store import Store
from core.values import GENESIS, Entry


async def test_entries_come_back_in_order_and_as_they_were(store: Store) -> None:
    entries = drafted("thread:a", 0, GENESIS, [{"i": 1}, {"i": 2}, {"i": 3}])
    await store.commit("thread:a", 0, entries[:1], id="c1")
    await store.commit("thread:a", 1, entries[1:], id="c2")
    assert await store.read("thread:a") == entries, "the entries read are not the entries committed"


async def test_order_is_by_number_whatever_the_clock_said(store: Store) -> None:
    entries: list[Entry] = []
    for n in range(6):
        prev = entries[-1].hash if entries else GENESIS
        later = drafted("thread:a", n, prev, [{"i": n}], at=MORNING - timedelta(hours=n // 2))
        await store.commit("thread:a", n, later, id=f"c{n}")
        entries += later
    read = await store.read("thread:a")
    assert [entry.n for entry in read] == [1, 2, 3, 4, 5, 6], "a clock that ran backwards changed the order of entries"


async def test_times_keep_their_milliseconds(store: Store) -> None:
    entries = drafted("thread:a", 0, GENESIS, [{}], at=datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC))
    await store.commit("thread:a", 0, entries, id="c1")
    (read,) = await store.read("thread:a")
    assert read.at == entries[0].at, "an entry's time came back as another one"
    assert read.at.utcoffset() == timedelta(0), "an entry's time came back without UTC"


async def test_an_unknown_stream_is_an_empty_one(store: Store) -> None:
    assert await store.read("thread:nobody") == [], "a stream that was never written is not empty"
    assert await store.read("thread:nobody", 7) == [], "a stream that was never written is not empty past 7"
    await extend(store, "thread:a", {})
    assert await store.read("thread:a", 1) == [], "something was read past the end"
    assert await store.read("thread:a", 99) == [], "something was read far past the end"


async def test_a_stream_holds_its_own_entries_only(store: Store) -> None:
    names = ["thread:A", "thread:a:b", "thread:a.b", "thread:a_b", "thread:axb"]
    names += [f"{kind}:a" for kind in KINDS_OF_STREAM]
    for name in names:
        await extend(store, name, {"of": name})
    for name in names:
        assert payloads(await store.read(name)) == [{"of": name}], f"{name} was mixed up with a stream of a like name"


async def test_a_commit_is_read_whole(store: Store) -> None:
    for _ in range(4):
        await extend(store, "thread:a", {}, {}, {})
    for limit, numbers in ((1, [1, 2, 3]), (3, [1, 2, 3]), (4, [1, 2, 3, 4, 5, 6])):
        read = [entry.n for entry in await store.read("thread:a", 0, limit)]
        assert read == numbers, f"read with limit {limit} gave {read}: a limit is rounded up to the end of a commit"
    read = [entry.n for entry in await store.read("thread:a", 4, 1)]
    assert read == [5, 6], f"read after 4, which is within a commit, gave {read} and not the rest of it"


async def test_a_limit_is_a_limit(store: Store) -> None:
    for n in range(8):
        await extend(store, "thread:a", {"i": n})
    read = [entry.n for entry in await store.read("thread:a", 2, 3)]
    assert read == [3, 4, 5], f"read after 2 with limit 3 of commits of one entry gave {read}"


async def test_the_pages_of_a_long_log_are_dense(store: Store) -> None:
    entries = drafted("thread:a", 0, GENESIS, [{"i": n} for n in range(1100)])
    for after in range(0, 1100, 275):
        await store.commit("thread:a", after, entries[after : after + 275], id=f"c{after}")
    assert [entry.n for entry in await whole(store, "thread:a")] == list(range(1, 1101)), "pages left entries out"


async def test_a_damaged_log_comes_back_as_it_was_given(store: Store) -> None:
    one, two, three, four, five = first("thread:a", *[{"i": n} for n in range(5)])
    damaged = [
        replace(one, prev="ab" * 32),
        replace(two, hash="AB" * 32, commitment="no hash"),
        replace(three, prev="", salt="0" * 31),
        replace(four, payload=None, salt=None, hash="ß"),
        replace(five, prev="ab cd", salt=" "),
    ]
    await store.commit("thread:a", 0, damaged, id="c1")
    read = await store.read("thread:a")
    assert read == damaged, "a store mends or changes hashes: then a copy hides what was done to its log"
    assert await store.read("thread:a", 4) == damaged[4:], "an entry that is read alone is another one"


PAYLOADS: list[Json] = [
    {"text": "naïve ﷽ 👩‍👩‍👧 \u202e \u2028 \x1b[0m"},
    {"text": "before\x00after", "\x00": 1},
    {"big": 2**63 - 1, "small": -(2**63), "beyond a double": 2**53 + 1},
    {"floats": [1.0, -0.0, 0.1, 1e300, 5e-324, 1e16, -1.5]},
    {"kept apart": [1, 1.0, True, "1", None, [], {}, ""]},
    {"$where": "1", "a.b": {"$gt": ""}, "": 0, "__proto__": {}, "_id": 1, "constructor": None, "'; --": 1},
    [],
    "text",
    None,
    {"deep": [[[[[[{"deeper": [[[[]]]]}]]]]]]},
]


async def test_a_payload_comes_back_byte_for_byte(store: Store) -> None:
    entries = first("thread:a", *PAYLOADS)
    records = [noted(f"r{number}", payload=payload) for number, payload in enumerate(PAYLOADS)]
    await store.commit("thread:a", 0, entries, records, id="c1")
    read = await store.read("thread:a")
    assert len(read) == len(PAYLOADS), "a commit did not come back whole"
    for number, payload in enumerate(PAYLOADS):
        assert canonical(read[number].payload) == canonical(payload), (
            f"the payload {payload!r} came back as other bytes than were committed"
        )
        record = await store.get("note", f"r{number}")
        assert record is not None, "a record that was committed is not there"
        assert canonical(record.fields) == canonical({"payload": payload}), (
            f"the record of {payload!r} came back as other bytes than written"
        )
    try:
        verify(read)
    except Corrupt as error:
        pytest.fail(f"what was read back does not verify: {error}")


async def test_what_is_read_back_verifies(store: Store) -> None:
    for n in range(5):
        await extend(store, "thread:a", {"i": n}, {"text": "é" * n})
    read = await whole(store, "thread:a")
    try:
        assert verify(read) == (10, read[-1].hash)
    except Corrupt as error:
        pytest.fail(f"what was read back does not verify: {error}")
