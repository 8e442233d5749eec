"""A search uses one core's worth of numpy, and leaves the application's own setting as it was."""

import anyio
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.search.retriever import HandbookRetriever
from backends.vectors.single_thread import single_thread
from core.gate import Viewer
from tests.support.handbook_folders import handbook, take_in, write

OWN = 2
"""What the application has set."""


def threads() -> int:
    """How many threads numpy's products use."""
    assert np.__version__
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.fixture(autouse=True)
def _application():
    if not any(pool["user_api"] == "blas" for pool in threadpool_info()):
        pytest.skip("this numpy's products are done by a library whose threads cannot be set")
    with threadpool_limits(limits=OWN, user_api="blas"):
        yield


def test_the_last_one_out_gives_the_applications_setting_back():
    first, second = single_thread(), single_thread()
    with first:
        assert threads() == 1
        second.__enter__()
    assert threads() == 1
    second.__exit__(None, None, None)
    assert threads() == OWN


def test_it_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), single_thread():
        assert 1 / 0
    assert threads() == OWN


async def test_searches_at_once_run_on_one_thread_each(tmp_path):
    seen: list[int] = []

    class Watched:
        async def nearest(self, query, vector, versions, limit):
            await anyio.sleep(0.01 * len(seen))
            seen.append(threads())
            return []

    write(tmp_path / "books", {"leave.md": handbook("Annual leave", "Booking\nAsk your line manager.")})
    catalogue = Catalogue(":memory:")
    try:
        await take_in(catalogue, tmp_path / "books", tokens=None)
        retriever = HandbookRetriever(catalogue, vectors=Watched(), embedder=None, tokens=None)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(retriever.search, "leave", Viewer("e-1"), 5)
    finally:
        catalogue.close()
    assert seen == [1, 1, 1]
    assert threads() == OWN
