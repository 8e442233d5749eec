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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Torture takes long, and runs only when it is asked for by name: `-m torture`."""
    if "torture" in config.getoption("-m"):
        return
    left = [item for item in items if item.get_closest_marker("torture")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
