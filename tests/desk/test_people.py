"""What people tell the desk about themselves is on record in a log of their own, and is read by them alone."""

from dataclasses import replace

import anyio
import pymongo
import pytest

from backends import open_store
from backends.models.scripted.model import ScriptedModel
from core import Desk, InvalidInput, Viewer
from core.clock import SystemClock
from core.errors import Corrupt, Denied
from core.log.entry import verify
from core.log.person import fold_person
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.store import Query, Range
from tests.support.desks import ASKER, OTHER, QUICK
from tests.support.wrapped import WrappedStore

LOG = f"person:{ASKER.id}"


def desk_of(store):
    return Desk(store, ScriptedModel([]), options=QUICK)


async def faults(store, *, mend=False):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=mend)
    return [(found.fault, found.kind, found.id) async for found in rebuild.findings()]


async def test_what_was_acknowledged_is_kept_with_its_time(store):
    async with desk_of(store) as desk:
        assert await desk.archive.person(ASKER) is None
        told = await desk.acknowledge(ASKER, "2026-11")
        assert (told.id, told.notice, told.n) == (ASKER.id, "2026-11", 1)
        assert await desk.archive.person(ASKER) == told
        assert await desk.archive.person(OTHER) is None
        (entry,) = await store.read(LOG)
        assert (entry.kind, entry.by, entry.shell) == ("notice.acknowledged", ASKER.id, {"notice": "2026-11"})


async def test_the_same_notice_again_adds_nothing_and_a_newer_one_takes_its_place(store):
    async with desk_of(store) as desk:
        first = await desk.acknowledge(ASKER, "1")
        assert await desk.acknowledge(ASKER, "1") == first
        second = await desk.acknowledge(ASKER, "2")
        assert await desk.archive.person(ASKER) == second
        assert (second.notice, second.n) == ("2", 2)
        await desk.acknowledge(ASKER, "1")  # a console that was not updated yet
    entries = await store.read(LOG)
    assert [entry.shell["notice"] for entry in entries] == ["1", "2", "1"]
    assert verify(entries) == (3, entries[-1].hash)


@pytest.mark.parametrize(("notices", "on_record"), [(("1", "1"), ["1"]), (("1", "2"), ["1", "2"])])
async def test_two_tabs_at_once_agree(tmp_path, notices, on_record):
    class Together(WrappedStore):
        """The first commits to a person's log wait for each other: both have read the same end."""

        def __init__(self, store):
            super().__init__(store)
            self.waiting, self.both = 0, anyio.Event()

        async def commit(self, stream, after, entries, records=(), *, id):
            if stream == LOG and not self.both.is_set():
                self.waiting += 1
                if self.waiting == 2:
                    self.both.set()
                await self.both.wait()
            await super().commit(stream, after, entries, records, id=id)

    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store, desk_of(Together(store)) as desk:
        async with anyio.create_task_group() as tasks:
            for notice in notices:
                tasks.start_soon(desk.acknowledge, ASKER, notice)
        entries = await store.read(LOG)
        assert sorted(entry.shell["notice"] for entry in entries) == on_record
        assert (await desk.archive.person(ASKER)).n == len(on_record)


async def test_without_the_role_of_an_employee_or_with_a_malformed_version_it_is_refused(store):
    async with desk_of(store) as desk:
        for viewer in (Viewer("e-2001", roles={"auditor"}, purpose="complaint 7"), None):
            with pytest.raises(Denied):
                await desk.acknowledge(viewer, "1")
            with pytest.raises(Denied):
                await desk.archive.person(viewer)
        with pytest.raises(InvalidInput, match="a notice is 1 to 128"):
            await desk.acknowledge(ASKER, "the one of today")
    assert not [one.id for one in (await store.find(Query(kind="stream"))).records if one.id.startswith("person:")]


async def test_a_record_that_lags_behind_its_log_is_written_by_recovery(mongodb_url):
    async with open_store(mongodb_url) as store, desk_of(store) as desk:
        told = await desk.acknowledge(ASKER, "1")
        with pymongo.MongoClient(mongodb_url) as client:  # as a writer leaves it that dies after the entry
            database = client.get_default_database()
            assert database["record.person"].delete_many({}).deleted_count == 1
            database["commits"].update_one({"stream": LOG}, {"$set": {"dirty": 1}})
        assert await desk.archive.person(ASKER) is None
        await desk.recover()
        assert await desk.archive.person(ASKER) == told
        assert (await store.get("stream", LOG)).fields == {"dirty": False}


async def test_a_log_that_cannot_be_folded_does_not_keep_another_from_being_written(store, caplog):
    async with desk_of(store) as desk:
        told = await desk.acknowledge(ASKER, "1")
        await desk.acknowledge(OTHER, "1")

        class Dirty(WrappedStore):
            """Both logs look as after a writer that died; one cannot be read."""

            async def find(self, query):
                page = await super().find(query)
                if query.where.get("id") != Range(ge="person:", lt="person;"):
                    return page
                both = [await self.get("stream", f"person:{person.id}") for person in (OTHER, ASKER)]
                return replace(page, records=both)

            async def read(self, stream, after=0, limit=500):
                if stream == f"person:{OTHER.id}":
                    raise Corrupt(stream, 1, "its payload was changed")
                return await super().read(stream, after, limit)

        await desk_of(Dirty(store)).recover()
        assert "person:* cannot be repaired" in caplog.text  # `rolltop rebuild --check` says whose it is
        assert await desk.archive.person(ASKER) == told


async def test_it_is_copied_rebuilt_and_compared(store, tmp_path):
    async with desk_of(store) as desk:
        told = await desk.acknowledge(ASKER, "1")
    assert await faults(store) == []
    async with open_store(f"sqlite:///{tmp_path}/copy.db") as target:
        copied = await copy(store, target, SystemClock(), lambda *_: None)
        assert (copied.entries, copied.records) == (1, 1)
        assert await desk_of(target).archive.person(ASKER) == told
        assert await faults(target) == []
    async with open_store("memory:") as lost:
        await lost.commit(LOG, 0, await store.read(LOG), id="c1")
        assert await faults(lost) == [("missing", "person", ASKER.id)]
        await faults(lost, mend=True)
        assert await desk_of(lost).archive.person(ASKER) == told
        assert await faults(lost) == []


async def test_an_entry_of_another_kind_or_out_of_order_is_refused_by_name(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.acknowledge(ASKER, "1")
        await desk.acknowledge(ASKER, "2")
        first, second = await store.read(LOG)
        (created,) = await store.read(f"thread:{thread}")
    person = fold_person(None, first)
    assert fold_person(person, second).notice == "2"
    with pytest.raises(Corrupt, match=r"thread\.created does not belong to a person"):
        fold_person(None, created)
    for before, odd in ((None, second), (person, first)):
        with pytest.raises(Corrupt, match="follows entry"):
            fold_person(before, odd)
    async with open_store("memory:") as odd:
        await odd.commit(LOG, 0, [replace(created, stream=LOG)], id="c1")
        with pytest.raises(Corrupt, match="does not belong to a person"):
            await desk_of(odd).acknowledge(ASKER, "1")
        assert [fault for fault, _, _ in await faults(odd)] == ["broken"]
