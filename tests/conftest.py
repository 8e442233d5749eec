"""What every test shares."""

import fcntl
import gc
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import anyio
import hypothesis
import pymongo
import pytest

from backends import open_store
from backends.handbooks.opening import open_handbooks
from core.store import Store
from tests.servers.mongodb import server as mongodb_server
from tests.support.handbook_folders import KEEPER
from tests.support.paths import SAMPLES

gc.disable()  # until all tests are collected: nearly all that is made until then is kept

# Hypothesis measures how long an example takes, and how long it takes to draw: on a busy machine that fails right code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """All clients of providers share a TLS context: each would read all root certificates, which tests do not need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind that needs no server."""
    async with open_store(_url(request, tmp_path)) as store:
        yield store


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
async def every_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    async with open_store(_url(request, tmp_path)) as store:
        yield store


def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongodb":
        return str(request.getfixturevalue("mongodb_url"))
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/desk.db"


@pytest.fixture(scope="session")
def sample_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample handbooks, taken in once for all tests: what a console would do at its first start. Copy it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the one folder of all workers of this run
    made, path = folder / "handbooks.db", tmp_path_factory.mktemp("catalogue") / "handbooks.db"

    async def take_in() -> None:
        async with open_handbooks(path) as handbooks:
            await handbooks.ingest(KEEPER, SAMPLES)

    with (folder / "handbooks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            shutil.copy(made, path)
        else:
            anyio.run(take_in)
            shutil.copy(path, made)
    return path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """The processes that the test starts take SIGINT, also where this one ignores it: a shell's background job does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def java() -> None:
    """A server of MongoDB's protocol can be started here. Where it cannot, the test skips; in CI it fails."""
    if reason := mongodb_server.missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@pytest.fixture(scope="session")
def mongodb_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that MONGODB_URI names, or one that is started for all tests and killed after the last."""
    if uri := os.environ.get("MONGODB_URI"):
        yield uri
        return
    request.getfixturevalue("java")
    with mongodb_server.serving(tmp_path_factory.mktemp("mongodb")) as server:
        yield server.uri


@pytest.fixture
def new_mongodb_url(mongodb_uri: str) -> Iterator[Callable[[], str]]:
    """Each call gives a database of its own, for `open_store`; they go with the test."""
    names = []

    def new() -> str:
        names.append(f"rolltop_test_{uuid4().hex}")
        return mongodb_server.database(mongodb_uri, names[-1])

    yield new
    with pymongo.MongoClient(mongodb_uri) as client:
        for name in names:
            client.drop_database(name)


@pytest.fixture
def mongodb_url(new_mongodb_url: Callable[[], str]) -> str:
    """A database of this test alone, for `open_store`."""
    return new_mongodb_url()


@pytest.fixture(params=["sqlite", "mongodb"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Each call gives the URL of an empty store that several processes can share, of each kind of these."""
    if request.param == "mongodb":
        new: Callable[[], str] = request.getfixturevalue("new_mongodb_url")
        return new
    return lambda: f"sqlite:///{tmp_path}/{uuid4().hex}.db"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """One of these."""
    return new_url()


@pytest.fixture
def mongodb_to_kill(java: None, tmp_path: Path) -> Iterator[mongodb_server.MongoServer]:
    """A server of this test alone, to be killed and started again."""
    folder = tmp_path / "mongodb"
    folder.mkdir()
    with mongodb_server.serving(folder) as server:
        yield server


LONGEST = 900
"""Seconds after which whatever a test still waits for is given up: many times what any takes, on a busy machine too."""


def _bounded(item: pytest.Item) -> Generator[None, None, None]:
    """A setup, a test or a teardown that waits for ever fails by name, and the run goes on."""

    def give_up(*_: object) -> None:
        pytest.fail(f"after {LONGEST} seconds it still waits")

    if item.get_closest_marker("torture"):
        return (yield)
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, LONGEST, 10)  # again and again: what is given up may wait while it cleans up
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


pytest_runtest_setup = pytest_runtest_call = pytest_runtest_teardown = pytest.hookimpl(wrapper=True)(_bounded)


LONGEST_FILES = (
    "test_protocol_model.py",
    "test_many_threads.py",
    "test_kill.py",
    "test_demo_history.py",
    "test_deferred_kills.py",
    "test_two_processes.py",
    "test_suspended_writer.py",
    "test_backup.py",
)
"""They begin first, so that a worker is not left alone with one of them at the end."""


def pytest_collection_finish() -> None:
    """Garbage is not looked for among what all tests are made of: thousands of items, and every module."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 100)  # Full collections are the dear ones: a tenth of them is enough.
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Torture runs only when it is asked for by name, `-m torture`; the longest files begin first."""
    if "torture" in config.getoption("-m"):
        return
    left = [item for item in items if item.get_closest_marker("torture")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: item.path.name not in LONGEST_FILES)
