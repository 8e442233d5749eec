"""What every store must do, as tests: import them all, below them define a fixture `store`, and run pytest.

    from backends.stores.suite import *

    @pytest.fixture
    async def store():
        async with open_store("mine:...") as store:
            yield store

The store is empty at the start of each test. Define `reopen`, `second_store`, `outage` and `lost_records` after the
import, too, and more is checked; without one of these fixtures, the tests that need it skip and say so. A test never
looks inside a store. Each failure says in words what the store did wrong.
"""

# ruff: noqa: E402, F403, F405 -- the tests are imported after their asserts are registered, and all of them are
import pytest

_TESTS = ("commit", "read", "records", "filters", "pages", "words", "tally", "erase", "names", "lifetime")
# pytest explains the asserts of test files only; these modules are imported by them, so they have to be named first.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in (*_TESTS, "steps")))

from backends.stores.suite.commit import *
from backends.stores.suite.erase import *
from backends.stores.suite.filters import *
from backends.stores.suite.fixtures import *
from backends.stores.suite.lifetime import *
from backends.stores.suite.names import *
from backends.stores.suite.pages import *
from backends.stores.suite.read import *
from backends.stores.suite.records import *
from backends.stores.suite.tally import *
from backends.stores.suite.words import *

# The caller's file needs the mark, because pytest looks for it beside the tests that it collects.
pytestmark = pytest.mark.anyio

__all__ = ["Reopen", "Trouble", "anyio_backend", "lost_records", "outage", "pytestmark", "reopen", "second_store"]
__all__ += [name for name in dir() if name.startswith("test_")]
