"""The suite's tests of `erase`."""

from dataclasses import replace

import anyio

from backends.stores.suite.steps import extend, first, found, noted, payloads, refused
from core.errors import InvalidInput
from core.ids import KINDS_OF_STREAM
from core.log.entry import verify
from core.store import Range, Store


async def test_erasing_takes_payloads_and_leaves_shells(store: Store) -> None:
    entries = await extend(store, "thread:a", {"secret": 1}, {"secret": 2})
    assert await store.erase("thread:a") == 2, "erase did not say that two entries lost their payloads"
    read = await store.read("thread:a")
    assert len(read) == 2, "erasing payloads removed entries"
    assert all(entry.payload is None and entry.salt is None for entry in read), (
        "an erased payload, or its salt, is still there"
    )
    assert read == [replace(entry, payload=None, salt=None) for entry in entries], "erasing changed a shell"
    assert verify(read) == (2, entries[-1].hash), "the chain is broken by an erasure"
    assert await store.erase("thread:a") == 0, "erasing again erased something"


async def test_erasing_takes_the_range_it_is_given(store: Store) -> None:
    await extend(store, "thread:a", *[{"i": n} for n in range(1, 7)])
    await extend(store, "thread:b", {"i": 1})
    assert await store.erase("thread:a", 1, 3) == 2, "erase(1, 3) is entries 2 and 3"
    assert [entry.n for entry in await store.read("thread:a") if entry.erased] == [2, 3], (
        "other entries than asked were erased"
    )
    assert await store.erase("thread:a", 4) == 2, "erase(4) is entry 5 and up"
    assert await store.erase("thread:a", 0, 99) == 2, "erase(0, 99) is all that is left"
    assert await store.erase("thread:a", 6) == 0, "something was erased past the end"
    assert await store.erase("thread:nobody") == 0, "something was erased from a stream that was never written"
    assert payloads(await store.read("thread:b")) == [{"i": 1}], "erasing one stream touched another"


async def test_erasing_takes_the_kinds_it_is_given(store: Store) -> None:
    for kind in ("turn.opened", "thread.renamed", "turn.ended"):
        await extend(store, "thread:a", {"of": kind}, kind=kind)
    assert await store.erase("thread:a", kinds=[]) == 0, "no kinds are not all kinds"
    assert await store.erase("thread:a", kinds=["turn.opened", "turn.ended", "' OR 1=1 --"]) == 2
    assert payloads(await store.read("thread:a")) == [None, {"of": "thread.renamed"}, None], (
        "other kinds than asked were erased"
    )


async def test_erasing_leaves_commits_whole_and_records_alone(store: Store) -> None:
    await extend(store, "thread:a", {}, {}, {}, records=[noted("r1", text="secret")])
    await extend(store, "thread:a", {})
    await store.erase("thread:a", 0, 1)
    assert [entry.n for entry in await store.read("thread:a", 0, 1)] == [1, 2, 3], "an erased commit is not read whole"
    assert await store.get("note", "r1") == noted("r1", text="secret"), "erasing entries touched a record"
    assert len(await extend(store, "thread:a", {})) == 1, "nothing can be committed after an erasure"


async def test_only_a_live_stream_is_erased_whole(store: Store) -> None:
    await extend(store, "thread:a", {})
    for stream in [f"{kind}:a" for kind, of in KINDS_OF_STREAM.items() if of.erase != "whole"]:
        with refused(InvalidInput, f"{stream} was erased whole"):
            await store.erase(stream, whole=True)
    assert len(await store.read("thread:a")) == 1, "a thread was erased whole"
    await extend(store, "live:t:1", {}, {})
    await extend(store, "live:t:2", {})
    assert await store.erase("live:t:1", whole=True) == 2, "erase did not say that two entries lost their payloads"
    assert await store.read("live:t:1") == [], "a live stream that was erased whole has entries"
    assert await found(store, kind="stream", where={"id": Range(ge="live:", lt="live;")}) == ["live:t:2"], (
        "a live stream that was erased whole is still listed"
    )
    assert await store.erase("live:t:1", whole=True) == 0, "erasing again erased something"
    await store.commit("live:t:1", 0, first("live:t:1", {"again": 1}), id="c9")
    assert payloads(await store.read("live:t:1")) == [{"again": 1}], (
        "a live stream cannot begin again after its erasure"
    )


async def test_erasures_at_once_take_what_each_was_given(store: Store) -> None:
    names = [f"live:t{number}:1" for number in range(8)]
    for name in (*names, "live:t:kept"):
        await extend(store, name, {"text": name}, {"text": name})
    await extend(store, "thread:a", {"secret": 1}, {"kept": 2})
    erased: dict[str, int] = {}

    async def erase(stream: str) -> None:
        whole = stream.startswith("live:")
        erased[stream] = await store.erase(stream, upto=None if whole else 1, whole=whole)

    async with anyio.create_task_group() as group:
        for name in (*names, "thread:a"):
            group.start_soon(erase, name)
    assert erased == {**dict.fromkeys(names, 2), "thread:a": 1}, f"erasures at once said that they took {erased}"
    assert await found(store, kind="stream") == ["live:t:kept", "thread:a"], "erasures at once left a stream"
    assert payloads(await store.read("thread:a")) == [None, {"kept": 2}]
