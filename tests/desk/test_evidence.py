"""What an auditor reads: a page of a thread, what cannot be read, what a turn ran with, and a call in the log."""

from dataclasses import replace
from urllib.parse import urlsplit

import apsw
import pymongo
import pytest

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Archive, Corrupt, Desk, NotFound, Viewer, tool
from core.log.entry import chain
from core.log.facts import Renamed, TitleContent, draft
from tests.support.desks import ASKER, AUDITOR, OTHER, QUICK, ended, log_of, waiting
from tests.support.wrapped import CountingStore


@tool(effect="unsafe")
def book(days: int, kind: str = "annual") -> dict[str, int]:
    """Book days of leave."""
    return {"days": days}


@tool(effect="read")
def balance() -> int:
    """Days that are left."""
    return 13


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("Done.")]
    match request.messages[-1].text.split()[0]:
        case "Book":
            return [Call("book", {"days": 2})]
        case "Balance":
            return [Call("balance", {})]
        case _:
            return [Say("Yes.")]


def desk_of(store):
    return Desk(store, ScriptedModel(script), tools=[book, balance], options=QUICK, instructions="Be kind.")


async def asked(desk, thread, *questions):
    return [await ended(desk, await desk.submit(ASKER, thread, question)) for question in questions]


def ids(transcript):
    return [view.turn.id for view in transcript.turns]


async def test_a_link_to_a_turn_opens_the_page_that_begins_with_it_and_the_pages_go_both_ways(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turns = [turn.id for turn in await asked(desk, thread, *[f"Question {i}" for i in range(9)])]
        archive = desk.archive
        hit = await archive.transcript(AUDITOR, thread, last=3, at=turns[3])
        assert ids(hit) == turns[3:6]
        assert ids(await archive.transcript(AUDITOR, thread, last=3, before=hit.earlier)) == turns[:3]
        assert ids(await archive.transcript(AUDITOR, thread, last=3, at=hit.later)) == turns[6:]
        newest = await archive.transcript(AUDITOR, thread, last=3, at=turns[8])
        assert (ids(newest), newest.later) == (turns[6:], None)
        oldest = await archive.transcript(AUDITOR, thread, last=3, before=hit.earlier)
        assert (oldest.earlier, oldest.later) == (None, turns[3])
        everything = await archive.transcript(AUDITOR, thread)
        assert (ids(everything), everything.earlier, everything.later) == (turns, None, None)
        assert hit.unreadable == newest.unreadable == everything.unreadable == []


@pytest.mark.parametrize("turn", ["0" * 24, "../etc", "", "ü"])
async def test_a_turn_that_is_not_of_the_thread_is_not_found(turn):
    async with desk_of(MemoryStore()) as desk:
        thread, other = (await desk.create_thread(ASKER)).id, (await desk.create_thread(ASKER)).id
        [foreign] = await asked(desk, other, "Hello")
        for at in (turn, foreign.id):
            with pytest.raises(NotFound, match=r"^turn .* was not found$"):
                await desk.archive.transcript(AUDITOR, thread, at=at)


async def test_a_page_of_a_long_thread_reads_no_more_than_that_of_a_short_one():
    store = MemoryStore()
    counting = CountingStore(store)
    costs = []
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turns = await asked(desk, thread, *["Balance"] * 4)
        archive = Archive(counting)
        await archive.thread(AUDITOR, thread)  # makes the key of the pseudonyms
        for _ in range(2):
            counting.reset()
            page = await archive.transcript(AUDITOR, thread, last=2, at=turns[1].id)
            costs.append((counting.calls, counting.bytes))
            assert len(page.turns) == 2
            await asked(desk, thread, *["Balance"] * 12)
    (calls, size), (later_calls, later_size) = costs
    assert calls == later_calls
    assert later_size < 1.05 * size


async def test_what_a_turn_ran_with_is_read_as_text_and_what_is_gone_is_said(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        [turn] = await asked(desk, thread, "Hello")
        produced = await desk.archive.produced(AUDITOR, turn.id)
        assert produced.instructions.value == "Be kind."
        assert [schema["name"] for schema in produced.tools.value] == ["book", "balance"]
        assert produced.options.value["window_messages"] == QUICK.window_messages
        assert (produced.handbooks.value, produced.output) == ({}, None)
        assert produced.models == turn.snapshot.models
        await store.erase(f"blob:{turn.snapshot.instructions}")
        produced = await desk.archive.produced(AUDITOR, turn.id)
        assert (produced.instructions.value, produced.instructions.missing) == (
            None,
            "It was erased, and a turn names it.",
        )
        assert produced.tools.missing is None


async def test_a_calls_history_is_its_entries_in_the_order_of_the_log_with_their_place_in_the_chain(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "Book")
        [call] = await waiting(desk, turn)
        await desk.decide(ASKER, call.id, "approve", call.digest, arguments={"days": 3})
        await ended(desk, turn)
        history = await desk.archive.call_history(AUDITOR, call.id)
        log = {entry.n: entry for entry in await log_of(store, thread)}
        own = await desk.archive.call_history(ASKER, call.id)
    assert [step.kind for step in history.steps] == [
        "model.answered",
        "approval.asked",
        "approval.given",
        "tool.started",
        "tool.finished",
    ]
    assert [(step.hash, step.prev) for step in history.steps] == [
        (log[step.n].hash[:12], log[step.n].prev[:12]) for step in history.steps
    ]
    given, started, finished = history.steps[2:]
    assert (given.by, own.steps[2].by) == (history.call.owner, ASKER.id)
    assert given.by.startswith("EMP-")
    assert (started.attempt, finished.status, finished.fence) == (1, "succeeded", 2)
    assert (history.call.planned, history.call.arguments) == (
        {"days": 2, "kind": "annual"},
        {"days": 3, "kind": "annual"},
    )
    assert history.unreadable == []


async def test_a_thread_is_ones_own_only_if_one_is_its_owner_and_asking_is_no_look(store):
    auditor = Viewer("e-2001", {"employee", "auditor"}, purpose="complaint 7")
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        assert await desk.archive.owns(ASKER, thread)
        for viewer in (OTHER, auditor):
            assert not await desk.archive.owns(viewer, thread)
        assert not await desk.archive.owns(ASKER, "0" * 32)
    assert await store.read(f"audit:{auditor.id}") == []


class Broken:
    """A thread with two turns in a store of its own, whose tables can be written to."""

    def __init__(self, url, thread, first, second, call):
        self.url, self.thread, self.first, self.second, self.call = url, thread, first, second, call

    def change_record(self, kind, id, field):
        """Give a record's field a value that does not fit."""
        if self.url.startswith("sqlite"):
            with apsw.Connection(self.url.removeprefix("sqlite:///")) as db:
                where = "WHERE kind = ? AND id = ?"
                db.execute(f"UPDATE record SET fields = json_set(fields, ?, 7) {where}", (f"$.{field}", kind, id))
                assert db.changes() == 1
        else:
            with pymongo.MongoClient(self.url) as client:
                records = client[urlsplit(self.url).path[1:]][f"record.{kind}"]
                assert records.update_one({"_id": id}, {"$set": {f"fields.{field}": 7}}).modified_count == 1

    def change_entry(self, n):
        """Change the author of an entry, as a forger would."""
        stream = f"thread:{self.thread}"
        if self.url.startswith("sqlite"):
            with apsw.Connection(self.url.removeprefix("sqlite:///")) as db:
                num = db.execute("SELECT num FROM stream WHERE name = ?", (stream,)).get
                db.execute("UPDATE entry SET by = 'mallory' WHERE stream = ? AND n = ?", (num, n))
                assert db.changes() == 1
        else:
            with pymongo.MongoClient(self.url) as client:
                commits = client[urlsplit(self.url).path[1:]]["commits"]
                found = commits.find_one({"stream": stream, "n": {"$lte": n}, "last": {"$gte": n}})
                path = f"entries.{n - found['n']}.by"
                assert commits.update_one({"_id": found["_id"]}, {"$set": {path: "mallory"}}).modified_count == 1

    def remove_entry(self, n):
        """Take an entry out of the log; on MongoDB, the commit that holds it."""
        stream = f"thread:{self.thread}"
        if self.url.startswith("sqlite"):
            with apsw.Connection(self.url.removeprefix("sqlite:///")) as db:
                num = db.execute("SELECT num FROM stream WHERE name = ?", (stream,)).get
                db.execute("DELETE FROM entry WHERE stream = ? AND n = ?", (num, n))
                assert db.changes() == 1
        else:
            with pymongo.MongoClient(self.url) as client:
                commits = client[urlsplit(self.url).path[1:]]["commits"]
                where = {"stream": stream, "n": {"$lte": n}, "last": {"$gte": n}}
                assert commits.delete_one(where).deleted_count == 1


@pytest.fixture
async def broken(url):
    async with open_store(url) as store, desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        first, second = await asked(desk, thread, "Balance", "Hello")
        call = (await desk.archive.turn_view(ASKER, first.id)).calls[0]
    return Broken(url, thread, first, second, call)


async def read(broken, viewer=AUDITOR, **page):
    async with open_store(broken.url) as store:
        return await Archive(store).transcript(viewer, broken.thread, **page)


@pytest.mark.parametrize("viewer", [ASKER, AUDITOR], ids=["owner", "auditor"])
async def test_a_call_whose_record_does_not_fit_is_named_and_the_rest_of_the_thread_is_shown(broken, viewer):
    broken.change_record("tool_call", broken.call.id, "status")
    transcript = await read(broken, viewer)
    assert [view.turn.text for view in transcript.turns] == ["Done.", "Yes."]
    assert [view.calls for view in transcript.turns] == [[], []]
    [named] = transcript.unreadable
    assert (named.what, named.why) == (f"record tool_call:{broken.call.id}", "does not fit: rebuild the records")


async def test_a_turn_whose_record_does_not_fit_is_named_and_the_others_are_shown(broken):
    broken.change_record("turn", broken.first.id, "snapshot")
    transcript = await read(broken, last=1, before=broken.second.first_n)
    assert transcript.turns == []
    assert [named.what for named in transcript.unreadable] == [f"record turn:{broken.first.id}"]
    assert ids(await read(broken, last=1)) == [broken.second.id]
    async with open_store(broken.url) as store:
        with pytest.raises(Corrupt, match=broken.first.id):
            await Archive(store).turn(AUDITOR, broken.first.id)


async def test_an_entry_that_was_changed_is_named_to_an_auditor_on_its_page(broken):
    broken.change_entry(broken.first.first_n + 1)
    [named] = (await read(broken)).unreadable
    assert (named.what, named.n) == (f"thread:{broken.thread}", broken.first.first_n + 1)
    assert named.why == "its shell was changed"
    newest = await read(broken, at=broken.second.id, last=1)
    assert (ids(newest), newest.unreadable) == ([broken.second.id], [])


async def test_an_entry_that_is_gone_is_named_and_the_records_are_shown(broken):
    gone = broken.call.n
    broken.remove_entry(gone)
    transcript = await read(broken)
    assert len(transcript.turns) == 2
    assert gone in [named.n for named in transcript.unreadable]
    assert {named.why for named in transcript.unreadable} == {"is missing"}
    async with open_store(broken.url) as store:
        history = await Archive(store).call_history(AUDITOR, broken.call.id)
    assert [step.kind for step in history.steps] == ["model.answered", "tool.started"]
    assert history.unreadable[0].n == gone


async def test_an_entry_that_is_gone_right_after_the_head_is_named(broken):
    async with open_store(broken.url) as store:
        n = await newer_entry(store, broken)
        await newer_entry(store, broken)
    broken.remove_entry(n)
    transcript = await read(broken)
    assert len(transcript.turns) == 2
    assert [(named.n, named.why) for named in transcript.unreadable] == [(n, "is missing")]


async def newer_entry(store, broken, **shell):
    """An entry as a newer Rolltop would write it, after the head."""
    log = await log_of(store, broken.thread)
    fact = replace(draft(Renamed(content=TitleContent(title="New"))), kind="thread.future", shell=shell)
    entries = chain(log[-1].stream, log[-1].n, log[-1].hash, [fact], by="desk", at=log[-1].at, salts=["0" * 32])
    await store.commit(log[-1].stream, log[-1].n, entries, id=f"newer-{log[-1].n}")
    return entries[0].n


async def test_a_log_that_goes_on_in_an_unknown_way_shows_the_records_as_of_the_head(broken):
    async with open_store(broken.url) as store:
        n = await newer_entry(store, broken)
    for viewer in (AUDITOR, ASKER):
        transcript = await read(broken, viewer)
        assert ids(transcript) == [broken.first.id, broken.second.id]
        assert transcript.thread.n == n - 1
        [named] = transcript.unreadable
        assert (named.n, named.why) == (n, "unknown kind 'thread.future': written by a newer Rolltop?")
    async with open_store(broken.url) as store:
        assert (await Archive(store).call(AUDITOR, broken.call.id)).status == "succeeded"


async def test_an_entry_that_cannot_be_folded_but_seals_the_thread_closes_it_to_auditors(broken):
    async with open_store(broken.url) as store:
        await newer_entry(store, broken, sealed=True)
    with pytest.raises(NotFound):
        await read(broken)
    assert len((await read(broken, Viewer("e-5001", {"handler"}, purpose="on duty"))).turns) == 2
