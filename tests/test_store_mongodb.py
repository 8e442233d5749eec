"""The suite over `mongodb:`, on a server of the tests' own, with a proxy that takes the network away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from proxy import Proxy
from pymongo import AsyncMongoClient

from backends import open_store, store_suite
from backends.mongodb import MongoStore
from backends.store_suite import *  # noqa: F403 # the suite's tests and fixtures
from backends.store_suite import Reopen, Trouble
from core.errors import Unavailable
from core.store import Record, Store

WAITS = "?serverSelectionTimeoutMS=700&socketTimeoutMS=700&connectTimeoutMS=700&retryWrites=false&retryReads=false"


@pytest.fixture
async def proxy(mongodb_url: str) -> AsyncIterator[Proxy]:
    server = urlsplit(mongodb_url)
    async with Proxy(server.hostname or "", server.port or 27017) as proxy:
        yield proxy


@pytest.fixture
def url(mongodb_url: str, proxy: Proxy) -> str:
    return f"mongodb://127.0.0.1:{proxy.port}{urlsplit(mongodb_url).path}{WAITS}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url) as store:
        yield store


@pytest.fixture
async def second_store(store: Store, url: str) -> AsyncIterator[Store]:
    async with open_store(url) as second:
        yield second


@pytest.fixture
async def reopen(store: Store, url: str) -> AsyncIterator[Reopen]:
    async with AsyncExitStack() as stack:

        async def again() -> Store:
            await store.close()
            return await stack.enter_async_context(open_store(url))

        yield again


@pytest.fixture
def outage(store: Store, proxy: Proxy) -> Trouble:
    @asynccontextmanager
    async def cut() -> AsyncIterator[None]:
        proxy.cut()
        yield
        proxy.mend()

    return cut


@pytest.fixture
def lost_records(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> Trouble:
    @asynccontextmanager
    async def lost() -> AsyncIterator[None]:
        async def away(record: Record, *, repair: bool) -> None:
            raise Unavailable("killed between the entries and their records")

        with monkeypatch.context() as patched:
            patched.setattr(store, "_write", away)
            yield

    return lost


@pytest.mark.usefixtures("java_order")
async def test_texts_are_ordered_by_code_point(store: Store) -> None:
    await store_suite.test_texts_are_ordered_by_code_point(store)


@pytest.fixture
async def java_order(mongodb_url: str) -> None:
    """The Java server orders texts by UTF-16, in which an emoji comes before U+FFFD; `mongod` does not."""
    client: AsyncMongoClient[dict[str, str]] = AsyncMongoClient(mongodb_url)
    try:
        letters = client.get_default_database()["letters"]
        await letters.insert_many([{"_id": "\ufffd"}, {"_id": "\U0001f600"}])
        order = [found["_id"] async for found in letters.find().sort("_id", 1)]
    finally:
        await client.close()
    if order != ["\ufffd", "\U0001f600"]:
        pytest.skip("this server orders texts by UTF-16 and not by code point, as mongod does")
