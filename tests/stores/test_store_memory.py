"""The suite over `memory:`."""

from collections.abc import AsyncIterator

import pytest

from backends import open_store
from backends.stores.suite import *  # noqa: F403 # the suite's tests and fixtures
from core.store import Store


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_store("memory:") as store:
        yield store
