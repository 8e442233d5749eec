"""What an auditor finds among thousands of threads: filtered and paged in the store."""

from datetime import timedelta

import pytest

from backends import open_store
from core import Viewer
from core.desk.filters import CallFilter, ThreadFilter
from core.desk.oversight import Oversight
from tests.support.seeding import START, seed

AUDITOR = Viewer("e-900", roles={"auditor"}, purpose="quality sample")


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module", params=[2_000, pytest.param(10_000, marks=pytest.mark.torture)])
def count(request):
    return request.param


@pytest.fixture(scope="module")
async def oversight(count, tmp_path_factory):
    async with open_store(f"sqlite:///{tmp_path_factory.mktemp('many')}/desk.db") as store:
        await seed(store, count)
        yield Oversight(store)


async def test_the_newest_come_first_and_every_page_follows_the_one_before(oversight, count):
    seen, cursor = [], None
    for _ in range(3):
        page = await oversight.search_threads(AUDITOR, limit=50, cursor=cursor)
        seen += [row.thread.id for row in page.items]
        cursor = page.cursor
    assert seen == [f"t-{i}" for i in range(count - 1, count - 151, -1)]


async def test_a_filter_is_applied_before_the_limit(oversight, count):
    page = await oversight.search_threads(AUDITOR, ThreadFilter(owner="e-7"), limit=15)
    assert [row.thread.id for row in page.items] == [f"t-{count - 93 - 100 * n}" for n in range(15)]
    assert (await oversight.search_threads(AUDITOR, ThreadFilter(owner="nobody"))).items == []


async def test_words_find_the_one_thread_that_has_them(oversight):
    page = await oversight.search_threads(AUDITOR, ThreadFilter(words="number1711 leave"))
    assert [row.thread.id for row in page.items] == ["t-1711"]


async def test_times_are_a_half_open_range(oversight):
    since, until = START + timedelta(minutes=10), START + timedelta(minutes=13)
    page = await oversight.search_threads(AUDITOR, ThreadFilter(since=since, until=until))
    assert [row.thread.id for row in page.items] == ["t-12", "t-11", "t-10"]


async def test_metadata_finds_threads(oversight, count):
    page = await oversight.search_threads(AUDITOR, ThreadFilter(metadata={"department": "d-3"}), limit=2)
    newest = max(i for i in range(count) if i % 7 == 3)
    assert [row.thread.id for row in page.items] == [f"t-{newest}", f"t-{newest - 7}"]


async def test_calls_are_found_by_tool_status_person_and_time_together(oversight):
    page = await oversight.search_calls(
        AUDITOR,
        CallFilter(tools=("request_leave",), statuses=("unknown",), owner="e-7", until=START + timedelta(minutes=1900)),
    )
    expected = [i for i in range(1899, -1, -1) if i % 3 == 1 and i % 4 == 3 and i % 100 == 7]
    assert expected
    assert [call.thread for call in page.items] == [f"t-{i}" for i in expected]


async def test_all_calls_of_one_status_are_reached_page_by_page(oversight, count):
    found, cursor = 0, None
    while True:
        page = await oversight.search_calls(AUDITOR, CallFilter(statuses=("timed_out",)), limit=200, cursor=cursor)
        assert all(call.status == "timed_out" for call in page.items)
        found, cursor = found + len(page.items), page.cursor
        if cursor is None:
            break
    assert found == count // 4
