"""The steps that the suite's tests are made of. A test of one store may use them, too."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from core.canonical import Json
from core.clock import SystemClock
from core.log.entry import Draft, chain
from core.store import Query, Record, Store
from core.values import GENESIS, Entry

MORNING = datetime(2026, 11, 24, 9, 30, 0, 123_000, tzinfo=UTC)


CLOCK = SystemClock()


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
    """The block raises `error`. The test fails with `otherwise` if it ends, and names any other error."""
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


def noted(record_id: str, n: int = 1, kind: str = "note", **fields: Json) -> Record:
    """A record of the kind that these tests use."""
    return Record(kind=kind, id=record_id, n=n, fields=fields)


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
