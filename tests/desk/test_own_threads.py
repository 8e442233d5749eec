"""A person's list of their own threads: its shelves, its search, and what both cost."""

import gc
from datetime import timedelta
from time import process_time

import pytest

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel
from core import Desk
from core.clock import iso
from core.desk.archive import Archive
from core.desk.own_threads import ROUNDS
from core.desk.snippets import Hit, Snippet
from core.errors import InvalidInput
from core.log.records import Message, Thread, record
from core.values import GENESIS
from tests.support.desks import ASKER, OTHER, QUICK, check, ended
from tests.support.seeding import START, seed_thread
from tests.support.wrapped import CountingStore

MANY = 10_000
TOGETHER = 1_000
"""Threads that are written in one commit."""


@pytest.fixture
def store(every_store):
    return every_store


@pytest.fixture
async def desk(store):
    async with Desk(store, ScriptedModel([[Say("Twelve days.")]] * 3), options=QUICK) as desk:
        yield desk


def ids(listing):
    return [thread.id for thread in listing.items]


def found(listing):
    return [one.thread.id for one in listing.items]


async def test_each_shelf_lists_its_own_threads_newest_first_page_by_page(store, desk):
    for n in range(9):
        await seed_thread(store, f"t{n}", ASKER.id, 1, START + timedelta(days=n))
    await seed_thread(store, "other", OTHER.id, 1)
    for n in (2, 5):
        await desk.shelve(ASKER, f"t{n}", "pinned")
    for n in (3, 6):
        await desk.shelve(ASKER, f"t{n}", "archived")
    threads = desk.archive.threads
    assert ids(await threads(ASKER, "pinned")) == ["t5", "t2"]
    assert ids(await threads(ASKER, "archived")) == ["t6", "t3"]
    first = await threads(ASKER, "listed", limit=3)
    assert ids(first) == ["t8", "t7", "t4"]
    assert ids(await threads(ASKER, "listed", limit=3, cursor=first.cursor)) == ["t1", "t0"]
    assert ids(await threads(ASKER)) == [f"t{n}" for n in range(8, -1, -1)]
    await desk.shelve(ASKER, "t6", "listed")
    assert ids(await threads(ASKER, "archived")) == ["t3"]
    assert ids(await threads(ASKER, "listed", limit=3)) == ["t8", "t7", "t6"]


async def test_only_what_is_asked_and_answered_brings_a_thread_to_the_top(store, desk):
    for n in range(2):
        await seed_thread(store, f"t{n}", ASKER.id, 1, START + timedelta(days=n))
    before = (await desk.archive.thread(ASKER, "t0")).updated_at
    await desk.rename(ASKER, "t0", "Bonus")
    await desk.shelve(ASKER, "t0", "pinned")
    await desk.ask_erasure(ASKER, "t0")
    await desk.withdraw_erasure(ASKER, "t0")
    await desk.shelve(ASKER, "t0", "listed")
    head = await desk.archive.thread(ASKER, "t0")
    assert (head.title, head.shelf, head.erase_due, head.updated_at) == ("Bonus", None, None, before)
    await check(store, "t0")
    assert ids(await desk.archive.threads(ASKER, "listed")) == ["t1", "t0"]
    await ended(desk, await desk.submit(ASKER, "t0", "How much is it?"))
    assert ids(await desk.archive.threads(ASKER, "listed")) == ["t0", "t1"]


async def test_a_search_finds_given_titles_and_what_was_said_each_thread_once(store, desk):
    search = desk.archive.search_threads
    asked = await desk.create_thread(ASKER)
    turn = await ended(desk, await desk.submit(ASKER, asked.id, "How much vacation is left?"))
    await seed_thread(store, "named", ASKER.id, 1, title="The vacation of next year")
    await seed_thread(store, "other", OTHER.id, 1, title="Vacation")
    await desk.shelve(ASKER, "named", "archived")
    listing = await search(ASKER, "vacat")
    assert found(listing) == ["named", asked.id]
    assert [one.hit for one in listing.items] == [
        Hit(turn=None, snippet=Snippet(text="The vacation of next year", marks=[(4, 12)])),
        Hit(turn=turn.id, snippet=Snippet(text="How much vacation is left?", marks=[(9, 17)])),
    ]
    # A thread with the words in its title and in a message comes once.
    await desk.rename(ASKER, asked.id, "My vacation")
    assert set(found(await search(ASKER, "vacation"))) == {asked.id, "named"}
    assert len(found(await search(ASKER, "vacation"))) == 2
    # What it was called before is not found, what was said in it is.
    await desk.rename(ASKER, "named", "Sabbatical")
    assert found(await search(ASKER, "year")) == []
    assert found(await search(ASKER, "question")) == ["named"]
    assert found(await search(ASKER, "sabbatical")) == ["named"]
    assert (await search(ASKER, "?!")).items == []
    with pytest.raises(InvalidInput):
        await search(ASKER, "vacation", cursor="else")


@pytest.mark.parametrize("limit", [1, 3, 5, 100])
async def test_the_pages_of_a_search_have_every_thread(store, desk, limit):
    for n in range(5):
        await seed_thread(store, f"titled-{n}", ASKER.id, 1, START + timedelta(days=n), title=f"Question of year {n}")
        await seed_thread(store, f"said-{n}", ASKER.id, 1, START + timedelta(days=n))
    seen, cursor = [], None
    while True:
        page = await desk.archive.search_threads(ASKER, "question", limit=limit, cursor=cursor)
        assert 1 <= len(page.items) <= limit
        assert len(set(found(page))) == len(page.items)
        seen += found(page)
        if (cursor := page.cursor) is None:
            break
    assert seen[:5] == [f"titled-{n}" for n in range(4, -1, -1)]
    assert [one for one in seen[5:] if one.startswith("said")] == [f"said-{n}" for n in range(4, -1, -1)]


async def test_a_long_thread_with_the_words_in_each_turn_does_not_make_a_search_long(store):
    await seed_thread(store, "long", ASKER.id, 300, START + timedelta(days=1))
    await seed_thread(store, "short", ASKER.id, 1)
    counting = CountingStore(store)
    archive = Archive(counting)
    await archive.search_threads(ASKER, "question", limit=3)  # the first is on record, and the pseudonyms' key is made
    seen, cursor, pages = set(), None, 0
    while pages == 0 or cursor:
        counting.reset()
        page = await archive.search_threads(ASKER, "question", limit=20, cursor=cursor)
        assert sum(counting.calls.values()) <= 1 + 2 * ROUNDS
        seen, cursor, pages = seen | set(found(page)), page.cursor, pages + 1
    assert seen == {"long", "short"}


async def fill(store, count):
    """So many threads of one person, each with a title that was given to it, one after the other."""
    for first in range(0, count, TOGETHER):
        records = []
        for n in range(first, min(first + TOGETHER, count)):
            at = iso(START + timedelta(minutes=n))
            title = f"{('Leave', 'Bonus')[n % 2]} of year {n}"
            head = Thread(
                id=f"t{n}",
                n=2,
                hash=GENESIS,
                owner=ASKER.id,
                title=title,
                text=title,
                metadata={},
                instructions="",
                created_at=at,
                updated_at=at,
                turns=1,
                shelf=(None, "pinned", "archived")[n % 3],
            )
            said = Message(
                id=f"m{n}",
                n=2,
                thread=head.id,
                turn=f"q{n}",
                owner=ASKER.id,
                role="user",
                text=f"What about moving to house {n}?",
                status="completed",
                at=at,
                at_n=2,
            )
            records += [record(head), record(said)]
        await store.commit(f"thread:filled-{first}", 0, [], records, id=f"made-{first}")


async def test_a_list_and_a_search_cost_as_much_among_ten_thousand_threads_as_among_sixty(tmp_path):
    async with open_store(f"sqlite:///{tmp_path}/few.db") as few, open_store(f"sqlite:///{tmp_path}/many.db") as many:
        await fill(few, 60)
        await fill(many, MANY)
        stores = [CountingStore(few), CountingStore(many)]
        archives = [Archive(store) for store in stores]
        asked = {
            "list": lambda archive, cursor: archive.threads(ASKER, "listed", limit=10, cursor=cursor),
            "pinned": lambda archive, cursor: archive.threads(ASKER, "pinned", limit=10, cursor=cursor),
            "titles": lambda archive, cursor: archive.search_threads(ASKER, "leave", limit=10, cursor=cursor),
            "one title": lambda archive, cursor: archive.search_threads(ASKER, "57 bonus", limit=10, cursor=cursor),
            "messages": lambda archive, cursor: archive.search_threads(ASKER, "moving", limit=10, cursor=cursor),
        }
        for name, ask in asked.items():
            nexts = [(await ask(archive, None)).cursor for archive in archives]
            for cursors in ((None, None), nexts):
                best, calls = [9.0, 9.0], [{}, {}]
                gc.collect()
                for _ in range(15):
                    for i in (0, 1):
                        stores[i].reset()
                        begun = process_time()
                        page = await ask(archives[i], cursors[i])
                        best[i] = min(best[i], process_time() - begun)
                        calls[i] = stores[i].calls
                        assert page.items
                assert calls[0] == calls[1], name
                # A scan would cost fifty times as much. A planner may count up to 2,000 of what could lead.
                assert best[1] < 8 * best[0], (name, best)
