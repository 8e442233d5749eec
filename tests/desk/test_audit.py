"""The audit log: each look and each denial is on record once, and can be listed."""

import logging
from datetime import timedelta

import anyio
import pymongo
import pytest

import core.log.audit
from backends import open_store
from backends.models.scripted.model import ScriptedModel
from backends.stores.memory import MemoryStore
from core import Archive, Denied, Desk, InvalidInput, NotFound, Unavailable, Viewer
from core.canonical import digest
from core.clock import moment
from core.desk.filters import LookFilter, ThreadFilter
from core.desk.oversight import Oversight
from core.gate import Owned
from core.log.audit import MOST_DENIALS, AuditLog
from core.log.pseudonyms import Pseudonyms
from core.store import Query
from tests.support.desks import APPROVER, ASKER, AUDITOR, OFFICER, OTHER, HandClock
from tests.support.wrapped import WrappedStore

THREAD = Owned(kind="thread", id="t-1", owner=ASKER.id)
TEN_MINUTES = 600


@pytest.fixture
def clock():
    return HandClock()


async def entries(store, viewer=AUDITOR):
    return await store.read(f"audit:{viewer.id}")


async def looks(store):
    """The fields of all look records, oldest first."""
    page = await store.find(Query(kind="look", order=("at", "n"), limit=500))
    return [one.fields for one in page.records]


async def fails(archive, viewer, thread):
    with pytest.raises(NotFound):
        await archive.thread(viewer, thread)


async def test_the_same_look_within_ten_minutes_is_one_entry(store, clock):
    audit = AuditLog(store, clock)
    for _ in range(3):
        await audit.record(AUDITOR, "thread.read", THREAD)
        clock.advance(TEN_MINUTES / 3 - 10)
    assert len(await entries(store)) == len(await looks(store)) == 1


async def test_after_ten_minutes_the_same_look_is_on_record_again(store, clock):
    audit = AuditLog(store, clock)
    await audit.record(AUDITOR, "thread.read", THREAD)
    clock.advance(TEN_MINUTES + 1)
    await audit.record(AUDITOR, "thread.read", THREAD)
    assert len(await entries(store)) == len(await looks(store)) == 2


async def test_a_clock_that_is_set_back_leaves_no_look_out(store, clock):
    audit = AuditLog(store, clock)
    clock.advance(6 * TEN_MINUTES)
    await audit.record(AUDITOR, "thread.read", THREAD)
    clock.advance(-6 * TEN_MINUTES)
    await audit.record(AUDITOR, "thread.read", THREAD)
    assert len(await entries(store)) == 2


@pytest.mark.parametrize(
    ("viewer", "action", "owned", "given"),
    [
        (Viewer("e-2001", roles={"auditor"}, purpose="complaint 8"), "audit.search", None, {}),
        (AUDITOR, "audit.search", None, {"words": "leave"}),
        (AUDITOR, "audit.search", None, {"filters": {"status": "failed"}}),
        (AUDITOR, "export", None, {}),
        (AUDITOR, "thread.read", THREAD, {}),
        (AUDITOR, "export", None, {"owners": ["e-1042"], "manifest": "0" * 64}),
    ],
)
async def test_a_look_that_differs_in_anything_is_an_entry_of_its_own(clock, viewer, action, owned, given):
    store = MemoryStore()
    audit = AuditLog(store, clock)
    await audit.record(AUDITOR, "audit.search")
    await audit.record(viewer, action, owned, **given)
    assert len(await entries(store)) == 2


async def test_two_tabs_and_two_processes_agree_on_one_entry(tmp_path):
    url = f"sqlite:///{tmp_path}/desk.db"
    async with open_store(url) as one, open_store(url) as other, anyio.create_task_group() as tasks:
        for store in (one, other):
            for _ in range(5):
                tasks.start_soon(Oversight(store).search_threads, AUDITOR)
    async with open_store(url) as store:
        assert [entry.n for entry in await entries(store)] == [1]
        assert len(await looks(store)) == 1


async def test_a_process_that_begins_later_knows_the_looks_of_the_last_ten_minutes(clock, monkeypatch):
    monkeypatch.setattr(core.log.audit, "_REMEMBERED", 3)
    store = MemoryStore()
    for words in "abcdef":
        await AuditLog(store, clock).record(AUDITOR, "audit.search", words=words)
    for words in "def":
        await AuditLog(store, clock).record(AUDITOR, "audit.search", words=words)
    assert [entry.payload["words"] for entry in await entries(store)] == list("abcdef")


async def test_a_process_remembers_few_viewers_and_still_repeats_no_entry(clock, monkeypatch):
    monkeypatch.setattr(core.log.audit, "_VIEWERS", 2)
    store = MemoryStore()
    audit = AuditLog(store, clock)
    auditors = [Viewer(f"e-200{i}", roles={"auditor"}, purpose="complaint 7") for i in range(5)]
    for _ in range(2):
        for auditor in auditors:
            await audit.record(auditor, "audit.search")
    assert len(audit._trails) == 2
    assert [len(await entries(store, auditor)) for auditor in auditors] == [1] * 5


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_look_whose_content_was_erased_is_not_taken_for_the_same(store, clock, restarted):
    audit = AuditLog(store, clock)
    await audit.record(AUDITOR, "audit.search", words="leave")
    await store.erase("audit:e-2001")
    await (AuditLog(store, clock) if restarted else audit).record(AUDITOR, "audit.search", words="leave")
    assert [entry.erased for entry in await entries(store)] == [True, False]


async def test_an_export_names_the_people_whose_content_it_holds(store, clock):
    await AuditLog(store, clock).record(AUDITOR, "export", owners=["e-1042", "e-1077"], manifest="a" * 64)
    (look,) = await looks(store)
    assert (look["action"], look["owners"], look["manifest"]) == ("export", ["e-1042", "e-1077"], "a" * 64)
    assert (look["object"], look["denied"], look["purpose"]) == (None, False, "complaint 7")


async def test_the_record_of_a_writer_that_died_is_written_by_the_next(clock):
    class Dying(WrappedStore):
        """A store that writes entries first, and loses its writer before the records."""

        async def commit(self, stream, after, entries, records=(), *, id):
            await super().commit(stream, after, entries, (), id=id)

    store = MemoryStore()
    await AuditLog(Dying(store), clock).record(AUDITOR, "audit.search", words="a")
    assert await looks(store) == []
    await AuditLog(store, clock).record(AUDITOR, "audit.search", words="b")
    assert sorted(look["words"] for look in await looks(store)) == ["a", "b"]
    assert (await store.get("audit", AUDITOR.id)).n == 2


async def test_an_entry_whose_writer_died_before_its_record_is_repaired_by_recovery(mongodb_url):
    async with open_store(mongodb_url) as store:
        await Oversight(store).search_threads(AUDITOR)
        await Oversight(store).search_calls(AUDITOR)
        held = await looks(store), await store.get("audit", AUDITOR.id)
        with pymongo.MongoClient(mongodb_url) as client:  # as a writer leaves it that dies after the entries
            database = client.get_default_database()
            database["record.look"].delete_many({})
            database["record.audit"].delete_many({})
            database["commits"].update_many({"stream": "audit:e-2001"}, {"$set": {"dirty": 1}})
        assert await looks(store) == []
        # Opened only now: the sweep of an open desk would be at work on what is taken away.
        async with Desk(store, ScriptedModel([])) as desk:
            await desk.recover()
        assert (await looks(store), await store.get("audit", AUDITOR.id)) == held
        assert (await store.get("stream", "audit:e-2001")).fields == {"dirty": False}


async def test_a_denial_is_on_record_once_in_ten_minutes(store, clock):
    archive, oversight = Archive(store, clock=clock), Oversight(store, clock=clock)
    for _ in range(2):
        for _ in range(3):
            await fails(archive, OTHER, "t-1")
            with pytest.raises(Denied):
                await oversight.search_threads(OTHER, ThreadFilter(words="how much does she earn"))
        clock.advance(TEN_MINUTES + 1)
    seen = await entries(store, OTHER)
    assert [(entry.kind, entry.shell["action"], entry.shell["object"]) for entry in seen] == [
        ("audit.denied", "thread.read", "thread:t-1"),
        ("audit.denied", "audit.search", None),
    ] * 2
    assert "earn" not in repr(seen)


async def test_of_many_denials_the_first_twenty_are_entries_and_the_others_are_counted_at_powers_of_ten(store, clock):
    archive = Archive(store, clock=clock)
    for i in range(MOST_DENIALS + 15):
        await fails(archive, OTHER, f"t-{i}")
    seen = [entry.shell for entry in await entries(store, OTHER)]
    assert [shell["object"] for shell in seen[:MOST_DENIALS]] == [f"thread:t-{i}" for i in range(MOST_DENIALS)]
    assert [(shell["object"], shell["more"]) for shell in seen[MOST_DENIALS:]] == [(None, 1), (None, 10)]
    clock.advance(TEN_MINUTES + 1)
    for i in range(MOST_DENIALS + 1):
        await fails(archive, OTHER, f"t-{i}")
    again = [entry.shell["more"] for entry in await entries(store, OTHER)][len(seen) :]
    assert again == [0] * MOST_DENIALS + [1]


async def test_denials_older_than_ten_minutes_make_room_for_as_many(clock):
    store = MemoryStore()
    archive = Archive(store, clock=clock)
    for i in range(10):
        await fails(archive, OTHER, f"t-{i}")
    clock.advance(TEN_MINUTES / 2)
    for i in range(10, 21):
        await fails(archive, OTHER, f"t-{i}")
    clock.advance(TEN_MINUTES / 2 + 1)
    for i in range(21, 32):
        await fails(archive, OTHER, f"t-{i}")
    assert [entry.shell["more"] for entry in await entries(store, OTHER)] == [0] * 20 + [1] + [0] * 10


async def test_denials_are_counted_although_another_process_writes_first(clock):
    class Contended(WrappedStore):
        """A store to which another process commits just before the count of ten."""

        async def commit(self, stream, after, entries, records=(), *, id):
            if any(entry.shell.get("more") == 10 for entry in entries) and len(await super().read(stream)) == 21:
                await AuditLog(store, clock).record(OTHER, "gaps.list")
            await super().commit(stream, after, entries, records, id=id)

    store = MemoryStore()
    archive = Archive(Contended(store), clock=clock)
    for i in range(MOST_DENIALS + 10):
        await fails(archive, OTHER, f"t-{i}")
    assert [entry.shell.get("more") for entry in await entries(store, OTHER)][MOST_DENIALS:] == [1, None, 10]


async def test_two_processes_keep_the_bound_of_denials_together(clock):
    store = MemoryStore()
    archives = [Archive(store, clock=clock), Archive(store, clock=clock)]
    for i in range(MOST_DENIALS + 5):
        await fails(archives[i % 2], OTHER, f"t-{i}")
    assert [entry.shell["more"] for entry in await entries(store, OTHER)] == [0] * MOST_DENIALS + [1]


async def test_denials_at_the_same_time_are_each_counted(clock):
    store = MemoryStore()
    archive = Archive(store, clock=clock)
    async with anyio.create_task_group() as tasks:
        for i in range(MOST_DENIALS + 10):
            tasks.start_soon(fails, archive, OTHER, f"t-{i}")
    counts = [entry.shell["more"] for entry in await entries(store, OTHER)]
    assert counts[:MOST_DENIALS] == [0] * MOST_DENIALS
    assert counts[-1] == 10


@pytest.mark.parametrize("typed", ["Anna Huber", "../t-1", '{"$gt": ""}', "ü" * 9, "x" * 129, ""])
async def test_what_was_typed_in_place_of_an_id_is_not_on_record(typed, clock):
    store = MemoryStore()
    await fails(Archive(store, clock=clock), OTHER, typed)
    (entry,) = await entries(store, OTHER)
    assert entry.shell == {"action": "thread.read", "object": "thread:malformed", "more": 0, "account": None}
    assert entry.payload == {}


async def test_a_caller_who_is_not_signed_in_leaves_a_line_in_the_servers_log_alone(caplog):
    store = MemoryStore()
    with caplog.at_level(logging.WARNING, "rolltop.events"):
        await fails(Archive(store), None, "t-secret")
    assert caplog.messages == ["denied action=thread.read kind=thread roles=not signed in"]
    assert (await store.find(Query(kind="stream"))).records == []


async def test_a_store_that_cannot_take_a_denial_does_not_change_it(caplog):
    class Away(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            raise Unavailable("away")

    archive = Archive(Away(MemoryStore()), clock=StillClock())
    await fails(archive, OTHER, "t-1")
    with pytest.raises(Denied):
        await archive.gaps(OTHER)
    lines = [line.split(": Unavailable")[0] for line in caplog.messages if "could not be put on record" in line]
    assert lines == [f"a denial of {action} could not be put on record" for action in ("thread.read", "gaps.list")]
    assert OTHER.id not in caplog.text


class StillClock(HandClock):
    """A clock whose waits are over at once: each look at it is a minute later."""

    def monotonic(self):
        self.advance(60)
        return super().monotonic()


async def written(store, clock):
    """Looks of two auditors, a search, an export and a denial, a minute apart."""
    audit = AuditLog(store, clock)
    other = Viewer("e-2002", roles={"auditor"}, purpose="sample")
    await audit.record(AUDITOR, "thread.read", THREAD)
    clock.advance(60)
    await audit.record(other, "audit.search", words="leave", filters={"status": "failed"})
    clock.advance(60)
    await audit.record(other, "export", owners=["e-1042", "e-1077"], manifest="a" * 64)
    clock.advance(60)
    await fails(Archive(store, clock=clock, audit=audit), OTHER, "t-1")
    clock.advance(60)
    return Oversight(store, clock=clock, audit=audit)


def told(listing):
    return [(look.by, look.action) for look in listing.items]


ALL = [
    ("e-6001", "audit.list"),
    ("e-1077", "thread.read"),
    ("e-2002", "export"),
    ("e-2002", "audit.search"),
    ("e-2001", "thread.read"),
]


async def test_a_data_protection_officer_lists_the_entries_of_all_newest_first_and_is_on_record_too(store, clock):
    oversight = await written(store, clock)
    assert told(await oversight.looks(OFFICER)) == ALL
    (entry,) = await entries(store, OFFICER)
    assert (entry.shell["action"], entry.payload["purpose"]) == ("audit.list", "yearly check")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"by": "e-2002"}, ALL[2:4]),
        ({"actions": ("thread.read", "export")}, [ALL[1], ALL[2], ALL[4]]),
        ({"denied": True}, [ALL[1]]),
        ({"denied": False, "actions": ("thread.read",)}, [ALL[4]]),
        ({"owner": "e-1042"}, [ALL[0], ALL[2], ALL[4]]),
        ({"by": "nobody"}, []),
    ],
)
async def test_the_audit_log_is_filtered_and_the_filters_are_on_record(store, clock, given, found):
    oversight = await written(store, clock)
    assert told(await oversight.looks(OFFICER, LookFilter(**given))) == found
    (entry,) = await entries(store, OFFICER)
    kept = {name: list(value) if name == "actions" else value for name, value in given.items() if name != "owner"}
    assert entry.shell["filters"] == kept


async def test_a_filter_by_a_person_is_a_look_at_that_person_and_shows_a_pseudonym(store, clock):
    oversight = await written(store, clock)
    await oversight.looks(OFFICER, LookFilter(owner="e-1042"))
    (look, *_) = (await oversight.looks(OFFICER, LookFilter(owner="e-1042"))).items
    name = await Pseudonyms(store, clock).of("e-1042")
    assert (look.by, look.object, look.owners) == (OFFICER.id, f"person:{name}", [name])
    assert "e-1042" not in repr(look)
    with pytest.raises(InvalidInput, match="person's id"):
        await oversight.looks(OFFICER, LookFilter(owner="any\ntext"))


async def test_the_audit_log_is_filtered_by_time(store, clock):
    oversight = await written(store, clock)
    page = (await oversight.looks(OFFICER)).items
    since, until = (moment(page[i].at) for i in (3, 1))
    assert told(await oversight.looks(OFFICER, LookFilter(since=since, until=until))) == ALL[2:4]
    assert told(await oversight.looks(OFFICER, LookFilter(until=since - timedelta(seconds=1)))) == ALL[4:]


async def test_the_audit_log_has_pages_and_they_are_one_look(store, clock):
    oversight = await written(store, clock)
    seen, cursor = [], None
    while True:
        page = await oversight.looks(OFFICER, limit=2, cursor=cursor)
        seen += told(page)
        if (cursor := page.cursor) is None:
            break
    assert seen == ALL


@pytest.mark.parametrize("viewer", [AUDITOR, APPROVER, Viewer("e-5001", roles={"handler"})])
async def test_other_viewers_list_their_own_entries_and_that_is_no_look(store, clock, viewer):
    oversight = await written(store, clock)
    await oversight._audit.record(viewer, "gaps.list")
    before = len(await entries(store, viewer))
    listing = await oversight.looks(viewer)
    assert {look.by for look in listing.items} == {viewer.id}
    assert told(await oversight.looks(viewer, LookFilter(by=viewer.id))) == told(listing)
    assert len(await entries(store, viewer)) == before == len(listing.items)


@pytest.mark.parametrize("given", [{"by": "e-2002"}, {"owner": "e-1042"}])
async def test_other_viewers_cannot_ask_for_looks_of_others_or_about_one_person(store, clock, given):
    oversight = await written(store, clock)
    with pytest.raises(InvalidInput, match="only a data protection officer"):
        await oversight.looks(AUDITOR, LookFilter(**given))


async def test_people_whose_content_was_shown_go_by_their_pseudonyms(store, clock):
    oversight = await written(store, clock)
    await oversight.search_threads(AUDITOR, ThreadFilter(owner="e-1077"))
    of = Pseudonyms(store, clock).of
    _, search, _, export, _, opened = (await oversight.looks(OFFICER)).items
    assert (search.action, search.object) == ("person.search", f"person:{await of('e-1077')}")
    assert search.owners == [await of("e-1077")]
    assert opened.owners == [await of("e-1042")]
    assert export.owners == [await of("e-1042"), await of("e-1077")]
    (mine, *_) = (await oversight.looks(AUDITOR)).items
    assert mine == search


async def test_a_desk_and_its_archive_put_a_look_on_record_once(store):
    async with Desk(store, ScriptedModel([])) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.archive.thread(AUDITOR, thread)
        with pytest.raises(NotFound):
            await desk.rename(AUDITOR, thread, "Title")
        with pytest.raises(NotFound):
            await desk.archive.turn(AUDITOR, "t-2")
    assert [entry.shell["action"] for entry in await entries(store)] == ["thread.read", "thread.write", "thread.read"]


async def test_ids_of_looks_are_those_of_viewer_and_number(clock):
    store = MemoryStore()
    longest = Viewer("e" * 128, roles={"auditor"}, purpose="sample")
    await AuditLog(store, clock).record(longest, "audit.search")
    assert (await store.get("look", digest([longest.id, 1]))).n == 1
