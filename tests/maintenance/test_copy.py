"""A store copied to another: all of it, from wherever an earlier copy was cut off, and never over what differs."""

import re
from dataclasses import replace

import anyio
import pytest

from backends import open_store
from backends.models.scripted.model import Say
from backends.stores.memory import MemoryStore
from core import InvalidInput, Viewer
from core.clock import SystemClock
from core.desk.filters import ThreadFilter
from core.desk.oversight import Oversight
from core.errors import Conflict, RolltopError, Unavailable
from core.ids import KINDS_OF_STREAM
from core.log.entry import chain, verify
from core.log.facts import LiveText, LiveTextContent, MetadataChanged, MetadataContent, draft
from core.maintenance.copy import COMMIT_SIZE, STREAMS_AT_ONCE, Copied, copy
from core.store import Query, commit_size
from core.values import GENESIS
from tests.support.desks import chatting
from tests.support.papers import SECRET, logs, papers, records
from tests.support.seeding import seed
from tests.support.wrapped import FaultyStore, WrappedStore

AUDITOR = Viewer("e-2001", roles={"auditor"}, purpose="complaint 7")


async def copied(source, target, tell=lambda phase, done, total: None) -> Copied:
    return await copy(source, target, SystemClock(), tell, patience=0)


async def append(store, stream, *facts) -> None:
    """Entries at the stream's end, without their records."""
    log = (await logs(store)).get(stream, [])
    n, prev = (log[-1].n, log[-1].hash) if log else (0, GENESIS)
    clock = SystemClock()
    salts = [clock.token() for _ in facts]
    entries = chain(stream, n, prev, [draft(fact) for fact in facts], by="e-0", at=clock.now(), salts=salts)
    await store.commit(stream, n, entries, id=clock.token())


def retitled(value: str) -> MetadataChanged:
    return MetadataChanged(content=MetadataContent(metadata={"case": value}))


async def test_all_of_a_store_goes_to_another_kind_and_back(url, monkeypatch):
    monkeypatch.setattr("core.maintenance.copy.COMMIT_ENTRIES", 4)
    monkeypatch.setattr("core.log.refold.PAGE", 4)
    first, last = MemoryStore(), MemoryStore()
    async with papers(first), open_store(url) as between:
        there = await copied(first, between)
        back = await copied(between, last)
        for store in (between, last):
            assert await logs(store) == await logs(first)
            assert await records(store) == await records(first)
        everything = await logs(first)
        assert there.appended == there.entries == back.entries == sum(map(len, everything.values()))
        assert there.streams == len(everything)
        assert {name.partition(":")[0] for name in everything} == set(KINDS_OF_STREAM)
        assert any(entry.erased for log in everything.values() for entry in log)
        assert SECRET not in repr(await logs(last)) + repr(await records(last))
        assert len(there.open_turns) == 2
        assert (there.changed, there.alone, there.erased) == ([], 0, 0)


async def test_a_copy_that_is_run_again_changes_nothing(store):
    source = MemoryStore()
    await seed(source, 3)
    await copied(source, store)
    again = await copied(source, store)
    assert (again.appended, again.records, again.entries) == (0, 0, sum(map(len, (await logs(source)).values())))


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_copy_cut_off_at_any_operation_goes_on_when_it_is_run_again(side, fault, monkeypatch):
    monkeypatch.setattr("core.maintenance.copy.COMMIT_ENTRIES", 4)
    monkeypatch.setattr("core.log.repair_commits.MOST", 3)
    monkeypatch.setattr("core.log.refold.PAGE", 4)
    source = MemoryStore()
    await seed(source, 2)
    await Oversight(source).search_threads(AUDITOR)
    whole, held = await logs(source), await records(source)
    for at in range(1, 1000):
        target = MemoryStore()
        faulty = FaultyStore(source if side == "source" else target, fault, at)
        try:
            await copied(*((faulty, target) if side == "source" else (source, faulty)))
        except Unavailable:
            await copied(source, target)
        assert await logs(target) == whole
        assert await records(target) == held
        if not faulty.struck:
            break
    assert at > 10


async def test_a_source_that_has_gone_on_is_caught_up_with():
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 2)
    await copied(source, target)
    await append(source, "thread:t-1", retitled("b"))
    await seed_one_more(source)
    assert (await copied(source, target)).appended > 1
    assert await logs(target) == await logs(source)
    assert b'"case":"b"' in (await records(target))["thread", "t-1"][1]


async def seed_one_more(source) -> None:
    more = MemoryStore()
    await seed(more, 3)
    for stream, log in (await logs(more)).items():
        if stream not in await logs(source):
            await source.commit(stream, 0, log, id="c-more")


async def test_a_source_that_changes_meanwhile_is_told_of_and_caught_up_with():
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 2)
    moved = []

    class Moving(WrappedStore):
        """Goes on once it has been read through."""

        async def tally(self, *given):
            if not moved and await target.get("stream", "thread:t-1"):
                moved.append(await append(source, "thread:t-0", retitled("late")))
            return await super().tally(*given)

    assert (await copied(Moving(source), target)).changed == ["thread:t-0"]
    assert moved
    assert (await copied(source, target)).changed == []
    assert await logs(target) == await logs(source)


@pytest.mark.parametrize("foreign", [1, 2])
async def test_a_target_that_differs_is_named_and_left_as_it_is(foreign):
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 1)
    if foreign == 1:
        await append(target, "thread:t-0", retitled("foreign"))
        at = 1
    else:
        await copied(source, target)
        await append(target, "thread:t-0", retitled("foreign"))
        at = len((await logs(target))["thread:t-0"])
    before = await logs(target), await records(target)
    with pytest.raises(InvalidInput, match=re.escape(f"thread:t-0 entry {at} of the target")):
        await copied(source, target)
    assert (await logs(target), await records(target)) == before


async def test_an_entry_that_differs_before_the_end_is_found():
    """As a store could have it whose chain was made to end alike."""
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 1)
    await copied(source, target)
    entry = target._streams["thread:t-0"].entries[3]
    target._streams["thread:t-0"].entries[3] = replace(entry, payload={"said": "something else"})
    with pytest.raises(RolltopError, match="thread:t-0 entry 4"):
        await copied(source, target)


async def test_a_source_that_was_changed_since_is_found():
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 1)
    await copied(source, target)
    log = source._streams["thread:t-0"].entries
    log[3] = replace(log[3], hash="0" * 64)
    with pytest.raises(InvalidInput, match="thread:t-0 entry 4"):
        await copied(source, target)


async def test_what_only_the_target_has_is_counted_and_left(store):
    source = MemoryStore()
    await seed(source, 1)
    await append(store, "thread:other", retitled("mine"))
    assert (await copied(source, store)).alone == 1
    assert (await copied(source, store)).alone == 1
    assert set(await logs(store)) == {"thread:t-0", "thread:other"}


async def test_the_words_of_a_look_that_are_erased_in_the_source_leave_the_targets_record_too(store):
    source = MemoryStore()
    await Oversight(source).search_threads(AUDITOR, ThreadFilter(words=SECRET))
    await copied(source, store)
    assert SECRET in repr(await records(store))
    await source.erase("audit:e-2001")
    await copied(source, store)
    assert SECRET not in repr(await records(store))
    assert len((await store.find(Query(kind="look"))).records) == 1


async def test_what_is_erased_in_the_source_after_it_was_copied_is_erased_in_the_target(store):
    source = MemoryStore()
    await seed(source, 2)
    await copied(source, store)
    await source.erase("thread:t-1", kinds=["turn.opened", "thread.created"])
    assert (await copied(source, store)).erased == 2
    assert await logs(store) == await logs(source)
    assert "number1" not in repr(await records(store))
    assert "number0" in repr(await records(store))


async def test_an_erasure_whose_records_were_not_reached_is_finished_by_the_next_run():
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 1)
    await copied(source, target)
    await source.erase("thread:t-0", kinds=["turn.opened"])
    await target.erase("thread:t-0", kinds=["turn.opened"])
    await copied(source, target)
    assert "number0" not in repr(await records(target))


async def test_large_entries_go_in_commits_that_every_store_takes(store):
    source = MemoryStore()
    piece = LiveText(call="c", content=LiveTextContent(text="x" * 3_000_000))
    for _ in range(4):
        await append(source, "live:t:1", piece)
    sizes = []

    class Measured(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            sizes.append(commit_size(entries, records))
            await super().commit(stream, after, entries, records, id=id)

    await copied(source, Measured(store))
    assert len(sizes) == 4
    assert max(sizes) < COMMIT_SIZE
    assert await logs(store) == await logs(source)


async def test_progress_is_told_in_two_passes():
    source = MemoryStore()
    await seed(source, STREAMS_AT_ONCE + 1)
    told = []
    await copied(source, MemoryStore(), lambda *progress: told.append(progress))
    assert told == [
        (phase, done, STREAMS_AT_ONCE + 1)
        for phase in ("copying", "checking")
        for done in (STREAMS_AT_ONCE, STREAMS_AT_ONCE + 1)
    ]


async def test_two_copies_to_one_target_leave_it_whole():
    source, target = MemoryStore(), MemoryStore()
    await seed(source, 20)
    cut = []

    async def one() -> None:
        try:
            await copied(source, target)
        except Conflict:
            cut.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        tasks.start_soon(one)
    await copied(source, target)
    assert await logs(target) == await logs(source)
    assert await records(target) == await records(source)
    for log in (await logs(target)).values():
        verify(log)


async def test_an_erased_verdict_reaches_a_copy_that_held_it(store):
    source = MemoryStore()
    async with chatting(source, [[Say("25 days.")]]) as chat:
        turn = (await chat.ask("How much leave?")).turn_id
        await chat.desk.judge(AUDITOR, turn, "wrong", cause="misread", note=SECRET)
    await copied(source, store)
    assert (await store.get("review", turn)).fields["given"][0]["note"] == SECRET
    await source.erase(f"review:{turn}")
    assert (await copied(source, store)).erased == 1
    given = (await store.get("review", turn)).fields["given"][0]
    assert (given["verdict"], given["cause"], given["note"], given["corrected"]) == ("wrong", "misread", None, None)
