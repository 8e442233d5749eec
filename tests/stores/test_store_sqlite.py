"""The suite over `sqlite:`, with a second store on the same file, reopening, and a lock that another process holds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import apsw
import pytest

from backends import open_store
from backends.stores.sqlite import tables as sqlite_tables
from backends.stores.suite import *  # noqa: F403 # the suite's tests and fixtures
from backends.stores.suite import Reopen, Trouble
from core.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/desk.db"


@pytest.fixture
async def store(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr(sqlite_tables, "BUSY_MS", 1000)
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
def outage(store: Store, tmp_path: Path) -> Trouble:
    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        with closing(apsw.Connection(str(tmp_path / "desk.db"))) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    return locked
