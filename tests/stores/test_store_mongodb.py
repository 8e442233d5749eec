"""The suite over `mongodb:`, on the tests' own server or that of MONGODB_URI, by way of a network that fails."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pymongo
import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from backends import open_store
from backends.stores.mongodb.store import MongoStore
from backends.stores.suite import *  # noqa: F403 # the suite's tests and fixtures
from backends.stores.suite import Reopen, Trouble
from backends.stores.suite import test_texts_are_ordered_by_code_point as by_code_point
from core.store import Store
from tests.support.proxy import Proxy


class Fall(CommandListener):
    """The network goes, if it is `armed`, when a commit's entries are in and its records are not."""

    def __init__(self, proxy: Proxy) -> None:
        self.armed = False
        self._proxy = proxy

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if self.armed and event.command_name == "insert":
            self._proxy.cut()

    def started(self, event: CommandStartedEvent) -> None:
        pass

    failed = started


@pytest.fixture
async def proxy(mongodb_url: str) -> AsyncIterator[Proxy]:
    server = urlsplit(mongodb_url)
    if server.scheme != "mongodb" or "," in server.netloc:
        pytest.skip("the network can be taken away only from a single server that a mongodb: URL names")
    async with Proxy(server.hostname or "", server.port or 27017) as proxy:
        yield proxy


@pytest.fixture
def fall(proxy: Proxy) -> Fall:
    return Fall(proxy)


@pytest.fixture
async def store(mongodb_url: str, proxy: Proxy, fall: Fall) -> AsyncIterator[Store]:
    url = f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true&serverSelectionTimeoutMS=500"
    client = AsyncMongoClient(url, event_listeners=[fall])
    store = await MongoStore.over(client, urlsplit(mongodb_url).path[1:])
    yield store
    await store.close()
    await client.close()


@pytest.fixture
async def second_store(store: Store, mongodb_url: str) -> AsyncIterator[Store]:
    async with open_store(mongodb_url) as second:
        yield second


@pytest.fixture
async def reopen(store: Store, mongodb_url: str) -> AsyncIterator[Reopen]:
    async with AsyncExitStack() as stack:

        async def again() -> Store:
            await store.close()
            return await stack.enter_async_context(open_store(mongodb_url))

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
def lost_records(store: Store, proxy: Proxy, fall: Fall) -> Trouble:
    @asynccontextmanager
    async def armed() -> AsyncIterator[None]:
        fall.armed = True
        yield
        fall.armed = False
        proxy.mend()

    return armed


@pytest.fixture
def sorts_by_code_point(mongodb_uri: str) -> Iterator[bool]:
    """As mongod does; a Java server sorts by UTF-16, in which what lies beyond U+FFFF comes before it."""
    with pymongo.MongoClient(mongodb_uri) as client:
        texts = client["rolltop_test_order"]["texts"]
        texts.insert_many([{"_id": "\uffff"}, {"_id": "😀"}])
        yield [one["_id"] for one in texts.find().sort("_id", 1)] == ["\uffff", "😀"]
        client.drop_database("rolltop_test_order")


async def test_texts_are_ordered_by_code_point(store: Store, sorts_by_code_point: bool) -> None:
    if not sorts_by_code_point:
        pytest.skip("this server orders texts by UTF-16, not by code point as mongod does")
    await by_code_point(store)
