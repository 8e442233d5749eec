"""The suite over a client of Motor's kind that an application hands over: mongomock-motor's, in this process."""

import asyncio

import pytest
from mongomock_motor import AsyncMongoMockClient
from wrapped import WrappedStore

from backends.mongodb import MongoStore
from backends.store_suite import *  # noqa: F403 # the suite's tests and fixtures
from core.store import Store


class Yielding(WrappedStore):
    """The mock awaits nothing, and so hides every race: here others get their turn before each operation."""

    async def _call(self, operation: str, *given: object, **named: object) -> object:
        await asyncio.sleep(0)
        return await super()._call(operation, *given, **named)

    async def close(self) -> None:
        await self._store.close()


@pytest.fixture
async def store() -> Store:
    return Yielding(await MongoStore.over(AsyncMongoMockClient(), "desk"))


@pytest.mark.skip(reason="mongomock does not find what is absent from one object of a list; servers do")
async def test_none_on_a_path_matches_null_and_absent() -> None:
    """Asked on the server, in test_store_mongodb.py."""
