"""Records of an older fold are folded again, so that new filters find old threads."""

from dataclasses import replace

import pytest

from backends.models.scripted.model import Say, ScriptedModel
from backends.stores.opening import open_store
from core.clock import SystemClock
from core.desk.desk import Desk
from core.desk.filters import ThreadFilter
from core.desk.oversight import Oversight
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.records import FOLD
from core.maintenance.rebuild import Rebuild
from core.maintenance.upgrade import upgrade
from core.store import Query, every
from tests.support.desks import QUICK, ended
from tests.support.wrapped import WrappedStore

ASKER = Viewer("e-1042")
AUDITOR = Viewer("e-2001", {"auditor"}, purpose="upgrade")
NEW = ("outcomes", "outcome_counts", "ratings", "rating_counts", "tools", "handbooks", "models", "filters", "fold")
NEW_OF_TURN = ("day", "outcome", "country", "handbooks", "models", "first_text_ms", "first_text_bucket")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/desk.db"
    async with open_store(url) as store:
        yield store


async def made_by_an_older_fold(store):
    """Two threads whose records lack the newer fields."""
    async with Desk(store, ScriptedModel([[Say("Yes.")]] * 2), options=QUICK) as desk:
        threads = []
        for _ in range(2):
            threads.append((await desk.create_thread(ASKER)).id)
            await ended(desk, await desk.submit(ASKER, threads[-1], "Is it so?"), ASKER)
    for kind, new in (("turn", NEW_OF_TURN), ("thread", NEW)):
        async for record in every(store, Query(kind=kind)):
            thread = record.id if kind == "thread" else record.fields["thread"]
            old = replace(record, fields={k: v for k, v in record.fields.items() if k not in new})
            head = await store.get("stream", f"thread:{thread}")
            await store.commit(f"thread:{thread}", head.n, (), [old], id=SystemClock().token())
    return threads


async def test_old_threads_are_found_by_new_filters_after_the_upgrade_and_lists_say_so_until_then(store):
    threads = await made_by_an_older_fold(store)
    oversight, told = Oversight(store), []
    assert await oversight.outdated() == 2
    assert (await oversight.search_threads(AUDITOR, ThreadFilter(outcomes=("unsourced",)))).items == []
    assert await upgrade(store, SystemClock(), lambda done, of: told.append((done, of))) == 2
    assert told == [(1, 2), (2, 2)]
    found = await oversight.search_threads(AUDITOR, ThreadFilter(outcomes=("unsourced",)))
    assert {row.thread.id for row in found.items} == {*threads}
    assert {row.thread.fold for row in found.items} == {FOLD}
    assert await Oversight(store).outdated() == 0
    assert await upgrade(store, SystemClock(), lambda done, of: told.append((done, of))) == 0


async def looks_of_an_older_rolltop(store):
    """Two looks of an auditor as they were on record before looks had records."""

    class Older(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            heads = [replace(one, fields={**one.fields, "fold": None}) for one in records if one.kind == "audit"]
            await super().commit(stream, after, entries, heads, id=id)

    for words in "ab":
        await AuditLog(Older(store), SystemClock()).record(AUDITOR, "audit.search", words=words)


async def listed(store):
    looks = await store.find(Query(kind="look", order=("n",)))
    return [look.fields["words"] for look in looks.records]


async def test_looks_of_an_older_rolltop_are_listed_after_the_upgrade(store):
    await looks_of_an_older_rolltop(store)
    assert await listed(store) == []
    assert await upgrade(store, SystemClock(), lambda *_: None) == 1
    assert await listed(store) == ["a", "b"]
    assert await upgrade(store, SystemClock(), lambda *_: None) == 0
    assert [found async for found in Rebuild(store, SystemClock(), lambda *_: None, mend=False).findings()] == []


async def test_a_viewer_who_looks_before_the_upgrade_hides_no_earlier_look_from_it(store, monkeypatch):
    monkeypatch.setattr("core.log.audit._REMEMBERED", 1)
    await looks_of_an_older_rolltop(store)
    await AuditLog(store, SystemClock()).record(AUDITOR, "audit.search", words="c")
    await upgrade(store, SystemClock(), lambda *_: None)
    assert await listed(store) == ["a", "b", "c"]


async def test_a_thread_that_goes_on_is_still_upgraded(store):
    thread, _ = await made_by_an_older_fold(store)
    async with Desk(store, ScriptedModel([[Say("Yes again.")]]), options=QUICK) as desk:
        await ended(desk, await desk.submit(ASKER, thread, "And now?"), ASKER)
        assert await desk.oversight.outdated() == 2
        await upgrade(store, SystemClock(), lambda *_: None)
        assert (await desk.archive.thread(ASKER, thread)).outcome_counts == {"unsourced": 2}
