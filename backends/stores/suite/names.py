"""The suite's tests of names and numbers of a wrong form, which every method refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

from backends.stores.suite.steps import accepted, first, noted, refused, short
from core.errors import InvalidInput
from core.ids import MAX_USER_ID, OF_DAYS, OF_PEOPLE
from core.store import Query, Store

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
    for name in [*HOSTILE, None, 7, True, {"$gt": ""}, ["a"]]:
        await refuses_the_name(store, name)
    assert await store.read("thread:a") == [], "a commit that was refused wrote entries"


async def refuses_the_name(store: Store, name: Any) -> None:
    stream = f"thread:{name}" if isinstance(name, str) else name
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.read(stream),
        lambda: store.erase(stream),
        lambda: store.commit(stream, 0, [], id="c1"),
        lambda: store.commit("thread:a", 0, first("thread:a"), id=name),
        lambda: store.commit("thread:a", 0, first("thread:a"), [noted(name)], id="c1"),
        lambda: store.get("note", name),
        lambda: store.get(name, "r1"),
        lambda: store.find(Query(kind=name)),
    ]
    for number, call in enumerate(calls):
        with refused(InvalidInput, f"call {number} took {short(name)} for a name"):
            await call()


async def test_streams_of_a_wrong_form_are_refused(store: Store) -> None:
    for stream in ("a", "thread", "thread:", ":a", "entry:a", "THREAD:a", "thread:a:", "thread:a\n"):
        with refused(InvalidInput, f"{stream!r} was taken for a stream"):
            await store.read(stream)


async def test_streams_and_records_may_be_named_after_people(store: Store) -> None:
    people = ("auth0~7c5f", "auth0~7c5F", "~f0~90~80~80" * MAX_USER_ID)
    for kind in OF_PEOPLE:
        for name in people:
            stream = f"{kind}:{name}"
            with accepted(f"{short(stream)} was not taken for a stream"):
                await store.commit(stream, 0, first(stream), [noted(name, kind=kind, of=name)], id="c1")
        for name in people:
            assert await store.get(kind, name) == noted(name, kind=kind, of=name), "two people share a record"
            assert len(await store.read(f"{kind}:{name}")) == 1, "two people share a stream"
    for kind in OF_DAYS:
        for name in (*(f"{one}:2026-11-30" for one in people), "desk-2026-11-30"):
            stream = f"{kind}:{name}"
            with accepted(f"{short(stream)} was not taken for a stream"):
                await store.commit(stream, 0, first(stream), [noted(name, kind=kind, of=name)], id="c1")
            assert await store.get(kind, name) == noted(name, kind=kind, of=name), "two days share a record"
    for stream in ("thread:a~7c", "person:~", "person:~7", "person:~7C", "person:a|b", "person:é"):
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
