"""The suite's fixtures: each that a store's own tests do not define skips the tests that need it, and says why."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest

from core.store import Store

Reopen: TypeAlias = Callable[[], Awaitable[Store]]


Trouble: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def reopen() -> Reopen:
    """`await reopen()` closes the store and returns another on the same medium, which the fixture closes."""
    return pytest.skip("there is no fixture `reopen`: whether a store keeps what it acknowledged is not checked")


@pytest.fixture
def second_store() -> Store:
    """Another store on the same medium, open at the same time, as in a second process."""
    return pytest.skip("there is no fixture `second_store`: two stores on one medium are not checked")


@pytest.fixture
def outage() -> Trouble:
    """`async with outage():` makes the medium refuse commits, and lets it come back at the end of the block."""
    return pytest.skip("there is no fixture `outage`: a medium that goes away and comes back is not checked")


@pytest.fixture
def lost_records() -> Trouble:
    """`async with lost_records():` lets a commit's entries in and keeps its records out, as a crash between would."""
    return pytest.skip("there is no fixture `lost_records`: records that lag behind their log are not checked")
