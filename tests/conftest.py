"""What every test shares."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends import open_store
from core.store import Store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind that needs no server."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/desk.db"
    async with open_store(url) as store:
        yield store
