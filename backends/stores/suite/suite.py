"""What every store must do, as tests: import them all, below them define a fixture `store`, and run pytest.

    from backends.stores.suite.suite import *

    @pytest.fixture
    async def store():
        async with open_store("mine:...") as store:
            yield store

The store is empty at the start of each test. Further fixtures, defined after the import, let more be checked; without
them those tests skip, and say which one they miss: `reopen`, `second_store`, `outage`, `lost_records`. A test never
looks inside a store, and each failure says in words what the store did wrong.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import pytest

from core.canonical import Json, canonical
from core.clock import SystemClock
from core.errors import Conflict, Corrupt, Full, InvalidInput, Unavailable
from core.log.entry import Draft, chain, verify
from core.store import MAX_COMMIT, In, Query, Range, Record, Store, Tally, commit_size
from core.values import GENESIS, Entry

Reopen: TypeAlias = Callable[[], Awaitable[Store]]
Trouble: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]

MORNING = datetime(2026, 11, 24, 9, 30, 0, 123_000, tzinfo=UTC)
CLOCK = SystemClock()

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def reopen() -> Reopen:
    """`await reopen()` closes the store and returns another on the same medium, which the fixture closes."""
    return pytest.skip("there is no fixture `reopen`: whether a store keeps what it acknowledged is not checked")


@pytest.fixture
def second_store() -> Store:
    """Another store on the same medium, open at the same time, as in a second process."""
    return pytest.skip("there is no fixture `second_store`: two stores on one medium are not checked")


@pytest.fixture
def outage() -> Trouble:
    """`async with outage():` makes the medium refuse commits, and lets it come back at the end of the block."""
    return pytest.skip("there is no fixture `outage`: a medium that goes away and comes back is not checked")


@pytest.fixture
def lost_records() -> Trouble:
    """`async with lost_records():` lets a commit's entries in and keeps its records out, as a crash between would."""
    return pytest.skip("there is no fixture `lost_records`: records that lag behind their log are not checked")


def short(value: object) -> str:
    return repr(value)[:30]


def drafted(
    stream: str,
    after: int,
    prev: str,
    payloads: Sequence[Json],
    *,
    kind: str = "thread.renamed",
    at: datetime = MORNING,
) -> list[Entry]:
    """Entries after+1 and up, one a payload."""
    drafts = [Draft(kind=kind, v=1, shell={"turn": "t1", "n": after}, payload=payload) for payload in payloads]
    return chain(stream, after, prev, drafts, by="user@example.com", at=at, salts=[CLOCK.token() for _ in drafts])


def first(stream: str, *payloads: Json) -> list[Entry]:
    """The entries that begin a stream."""
    return drafted(stream, 0, GENESIS, payloads or [{}])


@contextmanager
def refused(error: type[Exception], otherwise: str) -> Iterator[None]:
    """The block raises `error`, or the test fails: with `otherwise` if nothing was raised."""
    try:
        yield
    except error:
        return
    except Exception as other:
        pytest.fail(f"{type(other).__name__} came out where {error.__name__} is right: {other}")
    pytest.fail(otherwise)


@contextmanager
def accepted(otherwise: str) -> Iterator[None]:
    """The test fails with `otherwise` if the block raises."""
    try:
        yield
    except Exception as error:
        pytest.fail(f"{otherwise}: {type(error).__name__}: {error}")


async def whole(store: Store, stream: str) -> list[Entry]:
    """All entries of a stream, page by page."""
    entries: list[Entry] = []
    while page := await store.read(stream, len(entries)):
        entries += page
    return entries


async def extend(
    store: Store, stream: str, *payloads: Json, records: Sequence[Record] = (), kind: str = "thread.renamed"
) -> list[Entry]:
    """Commit one entry a payload at the end of the stream; returns them."""
    so_far = await whole(store, stream)
    prev = so_far[-1].hash if so_far else GENESIS
    entries = drafted(stream, len(so_far), prev, payloads, kind=kind)
    await store.commit(stream, len(so_far), entries, records, id=CLOCK.token())
    return entries


def noted(id: str, n: int = 1, kind: str = "note", **fields: Json) -> Record:
    """A record of the kind that these tests use."""
    return Record(kind=kind, id=id, n=n, fields=fields)


async def put(store: Store, *records: Record) -> None:
    """Write the records, together with an entry."""
    await extend(store, "thread:records", {}, records=records)


async def found(store: Store, **query: Any) -> list[str]:
    """The ids of all records that the query finds, page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await store.find(Query(**{"kind": "note", **query}, cursor=cursor))
        ids += [record.id for record in page.records]
        cursor = page.cursor
        if cursor is None:
            return ids
        assert page.records, "a page says that there is a next one, and holds no record"


async def each_finds(store: Store, cases: Iterable[tuple[dict[str, Any], Iterable[str]]]) -> None:
    """Each query finds the ids beside it, or the test fails and names every query that did not."""
    wrong = []
    for query, expected in cases:
        ids = await found(store, **query)
        if ids != list(expected):
            wrong.append(f"{query} found {ids}; {list(expected)} is right")
    if wrong:
        pytest.fail("\n".join(wrong))


def payloads(entries: Sequence[Entry]) -> list[Json]:
    return [entry.payload for entry in entries]


# The log


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
    assert await store.read("thread:nobody") == [], "a stream that nobody wrote to is not empty"
    assert await store.read("thread:nobody", 7) == [], "a stream that nobody wrote to is not empty past 7"
    await extend(store, "thread:a", {})
    assert await store.read("thread:a", 1) == [], "something was read past the end"
    assert await store.read("thread:a", 99) == [], "something was read far past the end"


async def test_a_stream_holds_its_own_entries_only(store: Store) -> None:
    names = ["thread:a", "thread:A", "thread:a:b", "thread:a.b", "thread:a_b", "thread:axb", "live:a", "audit:a"]
    names += ["blob:a", "administration:a"]
    for name in names:
        await extend(store, name, {"of": name})
    for name in names:
        assert payloads(await store.read(name)) == [{"of": name}], f"{name} was mixed up with a stream of a like name"


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


async def test_entries_that_do_not_fit_are_refused(store: Store) -> None:
    good = first("thread:a", {}, {})
    for wrong in ([*good[:1], replace(good[1], stream="thread:b")], [good[0], replace(good[1], n=3)], good[1:]):
        with refused(InvalidInput, "entries that do not fit were let in"):
            await store.commit("thread:a", 0, wrong, id="c1")
    assert await store.read("thread:a") == [], "part of a commit that was refused is in the log"


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


NO_JSON: list[Any] = [float("nan"), float("inf"), 2**63, "\ud800", {1: 2}, {"a": {1, 2}}, b"bytes", {"\udfff": 1}]


async def test_what_is_no_json_is_refused(store: Store) -> None:
    (entry,) = first("thread:a", {})
    for payload in NO_JSON:
        with refused(InvalidInput, f"the payload {payload!r}, which is no JSON, was let in"):
            await store.commit("thread:a", 0, [replace(entry, payload=payload)], id="c1")
        with refused(InvalidInput, f"a record with {payload!r}, which is no JSON, was let in"):
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


async def test_what_is_read_back_verifies(store: Store) -> None:
    for n in range(5):
        await extend(store, "thread:a", {"i": n}, {"text": "é" * n})
    read = await whole(store, "thread:a")
    try:
        assert verify(read) == (10, read[-1].hash)
    except Corrupt as error:
        pytest.fail(f"what was read back does not verify: {error}")


HOSTILE = [
    "",
    "a" * 10_000,
    "a b",
    "' OR 1=1 --",
    '"; DROP TABLE entry',
    "../a",
    "a\x00b",
    "é",
    "%",
    "$gt",
    "a\n",
    "a:b:c:d",
]


async def test_names_of_a_wrong_form_are_refused(store: Store) -> None:
    for id in [*HOSTILE, None, 7, True, {"$gt": ""}, ["a"]]:
        await refuses_the_name(store, id)
    assert await store.read("thread:a") == [], "a commit that was refused wrote entries"


async def refuses_the_name(store: Store, id: Any) -> None:
    stream = f"thread:{id}" if isinstance(id, str) else id
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.read(stream),
        lambda: store.erase(stream),
        lambda: store.commit(stream, 0, [], id="c1"),
        lambda: store.commit("thread:a", 0, first("thread:a"), id=id),
        lambda: store.commit("thread:a", 0, first("thread:a"), [noted(id)], id="c1"),
        lambda: store.get("note", id),
        lambda: store.get(id, "r1"),
        lambda: store.find(Query(kind=id)),
    ]
    for number, call in enumerate(calls):
        with refused(InvalidInput, f"call {number} took {short(id)} for a name"):
            await call()


async def test_streams_of_a_wrong_form_are_refused(store: Store) -> None:
    for stream in ("a", "thread", "thread:", ":a", "entry:a", "THREAD:a", "thread:a:", "thread:a\n"):
        with refused(InvalidInput, f"{stream!r} was taken for a stream"):
            await store.read(stream)


async def test_numbers_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [-1, True, 1.0, None, "1", 2**63]
    for number in wrong:
        with refused(InvalidInput, f"{number!r} was taken for an n to read after"):
            await store.read("thread:a", number)
        with refused(InvalidInput, f"{number!r} was taken for a limit"):
            await store.read("thread:a", 0, number)
        with refused(InvalidInput, f"{number!r} was taken for an n to commit after"):
            await store.commit("thread:a", number, [], id="c1")
        with refused(InvalidInput, f"{number!r} was taken for an n to erase after"):
            await store.erase("thread:a", number)
        with refused(InvalidInput, f"{number!r} was taken for a record's n"):
            await store.commit("thread:a", 0, first("thread:a"), [noted("r1", n=number)], id="c1")


# Size


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


# Racing, and callers who leave


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


# Records


async def test_a_record_is_kept_under_kind_and_id(store: Store) -> None:
    mine, other = noted("r1", owner="a", tags=["x", None], deep={"a": {"b": 1.0}}), noted("r1", kind="other", owner="b")
    await put(store, mine, other)
    assert await store.get("note", "r1") == mine, "a record did not come back as it was written"
    assert await store.get("other", "r1") == other, "two kinds of record share their ids"
    assert await store.get("note", "r2") is None, "a record that nobody wrote is there"
    assert await store.get("nothing", "r1") is None, "a record of a kind that nobody wrote is there"


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
    assert [record.id for record in page.records] == ["live:t1"], (
        "the live streams are not found by the start of their names"
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
    assert await found(store, kind="stream", where={"dirty": True}) == ["thread:a"], "nobody can tell that records lag"
    await store.commit("thread:a", 1, [], [noted("r1", n=1)], id="c2")
    assert await store.get("note", "r1") == noted("r1", n=1), "a repair did not write the record that lagged"
    assert await found(store, kind="stream", where={"dirty": True}) == [], "a stream is dirty after its repair"


# Finding


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
    for n, id in enumerate("abcdefgh", 1):
        fields: dict[str, Json] = {"i": ORDERING[id]} if id in ORDERING else {}
        records.append(noted(id, n=n, same=1, parity="x" if id == "f" else None, **fields))
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
    values = {id: {"a": value} if path == "a" else {"deep": {"down": {"a": value}}} for id, value in TYPED.items()}
    await put(store, *[noted(id, **fields) for id, fields in values.items()], noted("absent", b=1))
    await each_finds(store, [({"where": {path: filter}}, sorted(expected.split())) for filter, expected in FILTERS])


INNER_PATHS: list[tuple[str, Any, str]] = [
    ("a.b", 1, "object objects"),
    ("a.b", 2, "objects"),
    ("a.b", Range(ge=2), "objects"),
    ("a.c", 1, ""),
    ("a.b.c", 1, ""),
    ("b", 1, ""),
]


async def test_paths_go_into_objects_and_lists(store: Store) -> None:
    await put(store, *[noted(id, a=value) for id, value in TYPED.items()])
    await each_finds(store, [({"where": {path: filter}}, expected.split()) for path, filter, expected in INNER_PATHS])


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
    Range(),
    Range(ge=True),
    Range(lt=float("nan")),
    Range(ge={"$gt": ""}),  # type: ignore[arg-type] # likewise
]


async def test_filters_of_a_wrong_form_are_refused(store: Store) -> None:
    for filter in WRONG_FILTERS:
        for path in ("a", "a.b", "id"):
            with refused(InvalidInput, f"{filter!r} was taken for a filter"):
                await store.find(Query(kind="note", where={path: filter}))
            with refused(InvalidInput, f"{filter!r} was taken for a filter of a tally"):
                await store.tally(Query(kind="note", where={path: filter}), [])


async def test_limits_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [0, -1, 501, True, 1.5, None, "1"]
    for limit in wrong:
        with refused(InvalidInput, f"{limit!r} was taken for a limit"):
            await store.find(Query(kind="note", limit=limit))


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


NO_CURSOR: list[Any] = [
    "", "x", "\x00", "é", "W10=", "e30=", "bnVsbA==", "a" * 10_000, "W1tb" * 25_000, 7, b"W10="
]  # fmt: skip


async def test_what_is_no_cursor_is_refused(store: Store) -> None:
    await put(store, noted("r1"))
    for cursor in NO_CURSOR:
        with refused(InvalidInput, f"{short(cursor)} was taken for a cursor"):
            await store.find(Query(kind="note", cursor=cursor))


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


TEXTS = {
    "vacation": "How many vacation days?",
    "vacant": "A vacant desk; DAYS go by",
    "street": "Hauptstraße 12a",
    "istanbul": "İstanbul office",
    "number": "form 4711 and 4712-b",
    "under": "snake_case words",
    "emoji": "party 🎉 naïve café",
    "cjk": "請假 規定",
    "NUL": "be\x00fore",
    "quotes": 'say "or" not',
}


WORDS: list[tuple[str, list[str]]] = [
    ("", [*TEXTS, "list", "nothing"]),
    (" ?! ", [*TEXTS, "list", "nothing"]),
    ("vacation", ["vacation"]),
    ("vaca", ["vacant", "vacation"]),
    ("vaca days", []),
    ("days vaca", ["vacant", "vacation"]),
    ("Days VACATION", ["vacation"]),
    ("acation", []),
    ("vacations", []),
    ("day", ["vacant", "vacation"]),
    ("strasse", []),
    ("hauptstrasse", ["street"]),
    ("HAUPTSTRASSE 12", ["street"]),
    ("hauptstraße", ["street"]),
    ("12", ["street"]),
    ("İstanbul", ["istanbul"]),
    ("4711", ["number"]),
    ("471 form", []),
    ("form 471", ["number"]),
    ("4712-b", ["number"]),
    ("snake", ["under"]),
    ("case", ["under"]),
    ("snake_case", ["under"]),
    ("naive", []),
    ("naïve CAFÉ", ["emoji"]),
    ("party party", ["emoji"]),
    ("請", ["cjk"]),
    ("fore", ["NUL"]),
    ("before", []),
    ('"or"', ["quotes"]),
    ("vacation OR", []),
    ("form* NEAR(", []),
    ("say: -not", ["quotes"]),
    ("text:say", []),
    ("vacation AND days", []),
    ("%", [*TEXTS, "list", "nothing"]),
]


async def test_words(store: Store) -> None:
    await put(
        store, *[noted(id, text=text) for id, text in TEXTS.items()], noted("list", text=["vacation"]), noted("nothing")
    )
    await each_finds(store, [({"words": words, "limit": 5}, sorted(expected)) for words, expected in WORDS])


async def test_words_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [None, 7, ["a"], "\ud800"]
    for words in wrong:
        with refused(InvalidInput, f"{words!r} was taken for words"):
            await store.find(Query(kind="note", words=words))


async def test_words_are_found_in_their_kind_and_order(store: Store) -> None:
    await put(
        store, noted("other", kind="other", text="leave"), *[noted(f"r{n}", i=-n, text="leave days") for n in range(7)]
    )
    ids = await found(store, words="leave", order=("i",), limit=3)
    assert ids == [f"r{n}" for n in range(6, -1, -1)], "a search by words left its kind, its order or its pages"


# Tallies


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


# Erasing


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
    assert await store.erase("thread:nobody") == 0, "something was erased from a stream that nobody wrote to"
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
    for stream in ("thread:a", "audit:a", "blob:a", "administration:a"):
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


# The store as a whole


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
        with refused(Unavailable, f"call {number} was answered by a closed store"):
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
