"""The suite over an application's own mongomock-motor client, which awaits nothing unless it is made to."""

from collections.abc import AsyncIterator

import anyio.lowlevel
import pytest
from mongomock_motor import AsyncMongoMockClient

from backends.stores.mongodb.store import MongoStore
from backends.stores.suite import *  # noqa: F403 # the suite's tests and fixtures
from backends.stores.suite import Reopen
from core.store import Store


class Yielding:
    """A client, database or collection whose calls let others run before and after: so races show."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def get_database(self, name: str, **options: object) -> "Yielding":
        return Yielding(self._inner.get_database(name, **options))

    def get_collection(self, name: str) -> "Yielding":
        return Yielding(self._inner.get_collection(name))

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if not name.startswith(("insert_", "update_", "delete_", "find_one", "distinct")):
            return found

        async def call(*given: object, **options: object) -> object:
            await anyio.lowlevel.checkpoint()
            answer = await found(*given, **options)
            await anyio.lowlevel.checkpoint()
            return answer

        return call


@pytest.fixture
def client() -> Yielding:
    return Yielding(AsyncMongoMockClient())


@pytest.fixture
async def store(client: Yielding) -> AsyncIterator[Store]:
    store = await MongoStore.over(client, "desk")
    yield store
    await store.close()


@pytest.fixture
async def second_store(store: Store, client: Yielding) -> AsyncIterator[Store]:
    second = await MongoStore.over(client, "desk")
    yield second
    await second.close()


@pytest.fixture
def reopen(store: Store, client: Yielding) -> Reopen:
    async def again() -> Store:
        await store.close()
        return await MongoStore.over(client, "desk")

    return again
