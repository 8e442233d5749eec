"""Backups and restores: whole copies of a store in use, never half of one, and nothing that acts a second time."""

import json
import os
import random
import shutil
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest
from anyio.to_thread import run_sync as blocking

from backends import open_store
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.models.scripted.model import Call, Say
from backends.stores.memory import MemoryStore
from backends.stores.sqlite.backup import copy_in_use
from console.account import this_account
from console.doctor.backups import OLD, examine_backups
from core import Desk, Viewer
from core.clock import SystemClock
from core.desk.archive import Archive
from core.desk.backups import Backups, last_backup
from core.errors import StoreRefused
from core.log.records import FOLD, DeferredCall, item_of
from core.log.refold import pages
from core.maintenance.contents import find_faults
from core.store import In, Query, every
from tests.console.test_command_line import rolltop
from tests.support.deferred_life import model
from tests.support.desks import APPROVER, ASKER, AUDITOR, PATIENCE, QUICK, chatting, ended
from tests.support.erasable import desk_over, held, written
from tests.support.forked import Forked
from tests.support.grants import OPERATING, grant
from tests.support.killed_backup import run_until
from tests.support.papers import ADMINISTRATOR, booked, logs, papers, travel
from tests.support.seeding import seed
from tests.support.wrapped import LaterStore


def ran(*arguments, status=0, **settings):
    ran = rolltop(*map(str, arguments), **settings)
    assert ran.status == status, ran
    return ran


def failed(ran, *words):
    """Check that the last line says why; on a slow machine lines of progress come before it."""
    assert (ran.status, ran.out) == (2, ""), ran
    last = ran.err.splitlines()[-1]
    assert last.startswith("rolltop: ")
    assert all(word in last for word in words), ran


async def command(*arguments, status=0, **settings):
    """The command, while this process's desks go on."""
    return await blocking(lambda: ran(*arguments, status=status, **settings))


@pytest.fixture
def url(tmp_path):
    """A store of 3 threads with an administrator on record, and a catalogue of handbooks beside it."""
    url = f"sqlite:///{tmp_path}/desk.db"
    fill(url, tmp_path / "desk.db-handbooks")
    return url


def fill(url, index):
    async def make():
        async with open_store(url) as store:
            await grant(store)
            await seed(store, 3)

    anyio.run(make)
    Catalogue(index).close()


@pytest.fixture
def made(url, tmp_path):
    """A backup of that store."""
    ran("backup", tmp_path / "made", "--store", url, *OPERATING)
    return tmp_path / "made"


@asynccontextmanager
async def opened(path):
    async with open_store(f"sqlite:///{path}") as store:
        yield store


def names(folder):
    return sorted(os.listdir(folder))


async def prefixes(older, newer, kinds=("thread", "review", "person", "blob", "installation", "administration")):
    """Check that every log of one store begins each log of the same name of another, and return how many do."""
    begun = await logs(older)
    goes_on = await logs(newer)
    checked = 0
    for name, log in begun.items():
        if name.partition(":")[0] in kinds:
            there = goes_on[name]
            assert [entry.hash for entry in there[: len(log)]] == [entry.hash for entry in log], name
            checked += 1
    return checked


async def transcripts(store):
    """What an auditor reads of each turn that has ended, by turn."""
    archive, found = Archive(store), {}
    for thread in [one.id async for one in every(store, Query(kind="thread"))]:
        head = await store.get("thread", thread)
        if not head.fields["sealed"]:
            read = await archive.transcript(AUDITOR, thread, 100)
            found |= {view.turn.id: view for view in read.turns if view.turn.ended_at}
    return found


async def test_a_file_copied_without_its_log_is_refused_and_a_backup_is_whole(tmp_path):
    async with opened(tmp_path / "desk.db") as store:
        await grant(store)
        await seed(store, 3)
        shutil.copy(tmp_path / "desk.db", tmp_path / "copied.db")
        await command("backup", tmp_path / "made", "--store", f"sqlite:///{tmp_path}/desk.db", *OPERATING)
        whole = await logs(store)
    with pytest.raises(StoreRefused, match="has lost its log"):
        async with opened(tmp_path / "copied.db"):
            pass
    async with opened(tmp_path / "made" / "store.db") as held:
        assert {name: log for name, log in whole.items() if name.startswith("thread:")}.items() <= (
            await logs(held)
        ).items()


async def test_a_restored_store_says_what_was_on_record_and_does_nothing_again(new_url, tmp_path):
    source, target = new_url(), new_url()
    index = tmp_path / "index.db"
    Catalogue(index).close()
    async with open_store(source) as store, papers(store):  # within, a turn is streaming
        as_made = await logs(store)
        told = await blocking(
            lambda: rolltop(
                "backup", str(tmp_path / "made"), "--json", "--store", source, *OPERATING, ROLLTOP_INDEX=str(index)
            )
        )
        assert told.status == 0, told
        shown = await transcripts(store)
        backup, none = await last_backup(store)
    assert none is None
    assert (backup.by, backup.account, backup.manifest) == ("e-7001", this_account(), told.lines[-1]["manifest"])
    assert backup.entries == sum(told.lines[-1]["entries"].values())
    assert backup.entries >= sum(map(len, as_made.values()))
    index.unlink()
    restored = await blocking(
        lambda: rolltop(
            "restore", str(tmp_path / "made"), "--json", "--store", target, *OPERATING, ROLLTOP_INDEX=str(index)
        )
    )
    assert restored.status == 0, restored
    assert index.exists()
    async with open_store(target) as store:
        assert await prefixes(await in_memory(as_made), store) > 10
        assert await find_faults(store, SystemClock(), lambda *_: None) == []
        again = await transcripts(store)
        # The one turn whose record is another is that of the request that the restore has closed.
        assert {turn for turn, view in shown.items() if again[turn] != view} == {await closed_request(store)}
        newest, restore = await last_backup(store)
        assert newest.manifest == restore.backup.manifest == backup.manifest
        assert (restore.by, restore.why) == ("e-7001", "move")
        # 2 turns were open, one with a waiting call of its asker's; and one request waited for an approver.
        assert (restore.turns, restore.calls) == (2, 1)
        assert (restored.lines[-1]["turns"], restored.lines[-1]["calls"]) == (2, 1)
        await closed(store)


async def closed_request(store):
    """The turn of the one request that a restore has closed."""
    requests = [item_of(DeferredCall, one) async for one in every(store, Query(kind="deferred_call"))]
    (closed,) = [one for one in requests if one.closed == "restored"]
    return closed.turn


async def in_memory(streams):
    store = MemoryStore()
    for name, log in streams.items():
        if log:
            await store.commit(name, 0, log, id=f"c-{len(name)}")
    return store


async def closed(store):
    """Check that nothing of the backup goes on, that nobody can approve what waited in it, and that people can ask."""
    open_turns = Query(kind="turn", where={"status": In(("running", "awaiting_approval"))})
    assert [turn.id async for turn in every(store, open_turns)] == []
    failed_turns = [one async for one in every(store, Query(kind="turn", where={"code": "restored"}))]
    assert {one.fields["status"] for one in failed_turns} == {"failed"}
    calls = [one async for one in every(store, Query(kind="tool_call", where={"code": "restored"}))]
    assert [(one.fields["tool"], one.fields["status"]) for one in calls] == [("travel", "unknown")]
    requests = [item_of(DeferredCall, one) async for one in every(store, Query(kind="deferred_call"))]
    (waited,) = [one for one in requests if one.closed == "restored"]
    async with Desk(store, model(), tools=[booked, travel], options=QUICK) as desk:
        assert (await desk.oversight.waiting_calls(APPROVER)).items == []
        late = await desk.decide(APPROVER, waited.call, "approve", waited.digest)
        assert (late.decision, late.closed) == (None, "restored")
        turn = await ended(
            desk, await desk.submit(Viewer(waited.owner), waited.thread, "And now?"), Viewer(waited.owner)
        )
        assert turn.status == "completed"


async def test_each_backup_is_whole_while_turns_stream_and_commits_go_on(url, tmp_path, monkeypatch):
    monkeypatch.setattr("backends.stores.sqlite.backup.PAGES", 1)  # many steps, with commits between
    path = url.removeprefix("sqlite:///")
    words = [Say(f"word{number} ", delay=0.001) for number in range(100_000)]
    steps = []
    async with open_store(url) as store, chatting(store, [words]) as chat:
        turn = await chat.desk.submit(chat.viewer, chat.id, "Talk")
        live = f"live:{turn.id}:1"
        for number in range(3):
            before = (await store.get("stream", live)).n if await store.get("stream", live) else 0
            target = str(tmp_path / f"copy{number}.db")
            await blocking(copy_in_use, path, target, lambda done, total: steps.append(done))
            async with opened(target) as copied:
                assert await find_faults(copied, SystemClock(), lambda *_: None) == []
                head = await copied.get("stream", live)
                assert head is None or head.n >= before
        await chat.desk.stop(chat.viewer, turn.id)
    assert len(steps) > 30


def killed(step, out, *arguments, **settings):
    """How the command ended, killed before this step, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLTOP_")}
    process = Forked(run_until, step, tuple(map(str, arguments)), environment | settings, out)
    process.wait(PATIENCE)
    return process.poll(), out.read_text() if out.exists() else ""


def kills(out, *arguments, most, **settings):
    """The steps of the command before which it can be killed: `most` of them, others in each run. It is run whole."""
    status, said = killed(0, out, *arguments, **settings)
    assert status == 0, said
    steps = range(1, int(said.split()[-2]) + 1)
    assert len(steps) > 5
    chosen = sorted(random.sample(steps, min(most, len(steps))))
    print("killed before steps", chosen, "of", len(steps))
    return chosen


SOME = pytest.mark.parametrize("most", [2, pytest.param(100, marks=pytest.mark.torture)])
"""How many kills there are: a few, or one before each step."""


@SOME
def test_a_backup_killed_at_any_step_never_passes_for_whole(new_url, tmp_path, most):
    url, index, folder = new_url(), str(tmp_path / "index.db"), tmp_path / "backups"
    fill(url, index)
    folder.mkdir()
    as_usual = ("--store", url, *OPERATING)
    for step in kills(tmp_path / "out", "backup", tmp_path / "first", *as_usual, most=most, ROLLTOP_INDEX=index):
        status, said = killed(step, tmp_path / "out", "backup", folder / "one", *as_usual, ROLLTOP_INDEX=index)
        assert status == -9, said
        if (folder / "one").is_dir():  # it has its name: then all of it is there
            ran("backup", "--check", folder / "one")
            shutil.rmtree(folder / "one")
        for left in names(folder):
            if not (folder / left / "manifest.json").exists():
                failed(rolltop("backup", "--check", str(folder / left)), "is no whole backup", "delete this folder")
                target = f"sqlite:///{tmp_path}/new.db"
                failed(rolltop("restore", str(folder / left), "--store", target, *OPERATING), "is no whole backup")
                assert not (tmp_path / "new.db").exists()
            else:
                ran("backup", "--check", folder / left)
            shutil.rmtree(folder / left)
        again = rolltop("backup", str(folder / "one"), *as_usual, ROLLTOP_INDEX=index)
        assert again.status == 0, again
        shutil.rmtree(folder / "one")


async def _waiting(url):
    """The turns in the store that a desk would go on with."""
    async with open_store(url) as store:
        return [
            turn.id
            async for turn in every(store, Query(kind="turn", where={"status": In(("running", "awaiting_approval"))}))
        ]


async def _wait(url):
    """Leave a turn that waits for an approval."""
    async with open_store(url) as store, chatting(store, [[Call("travel", {"days": 2})]], tools=[travel]) as chat:
        assert (await chat.ask("Travel!")).status == "awaiting_approval"


async def no_half(url):
    """Check that nobody takes a half of the store for a store: it is absent, refused, or holds nothing yet."""
    if url.startswith("sqlite"):
        assert not await anyio.Path(url.removeprefix("sqlite:///")).exists()
        return "absent"
    with suppress(StoreRefused):
        async with open_store(url) as store:
            assert [stream.id async for stream in every(store, Query(kind="stream"))] == []
        return "empty"
    with pytest.raises(StoreRefused, match=r"a restore into it has not ended.* run `rolltop restore` again"):
        async with open_store(url):
            pass
    return "refused"


@SOME
def test_a_restore_killed_at_any_step_leaves_no_half_store_and_is_run_again(url, new_url, tmp_path, most):
    anyio.run(_wait, url)
    assert anyio.run(_waiting, url)
    made = tmp_path / "made"
    ran("backup", made, "--store", url, *OPERATING)
    whole = ("restore", made, "--store", new_url(), *OPERATING)
    found = set()
    for step in kills(tmp_path / "out", *whole, most=most, ROLLTOP_INDEX=str(tmp_path / "index0")):
        target, index = new_url(), str(tmp_path / f"index{step}")
        restore = ("restore", made, "--store", target, *OPERATING)
        status, said = killed(step, tmp_path / "out", *restore, ROLLTOP_INDEX=index)
        assert status == -9, said
        found.add(anyio.run(no_half, target))
        again = rolltop(*map(str, restore), ROLLTOP_INDEX=index)
        assert again.status == 0, again
        path = target.removeprefix("sqlite:///")
        lefts = [left for left in names(tmp_path) if f"{tmp_path}/{left}".startswith(f"{path}.unfinished")]
        assert all(left in again.err for left in lefts)
        assert anyio.run(_waiting, target) == []
        ran("rebuild", "--check", "--store", target)
    assert most < 10 or found in ({"absent"}, {"empty", "refused"})


async def test_what_people_had_erased_since_is_erased_in_the_restored_store_too(url, new_mongodb_url, tmp_path):
    replaced, made, index = url, tmp_path / "made", str(tmp_path / "index.db")
    restore = ("restore", str(made), *OPERATING)
    async with open_store(replaced) as store:
        async with desk_over(store) as desk:
            gone = await written(desk, store)
        async with desk_over(store, erase_after=timedelta(days=30)) as desk:
            to_go = (await desk.create_thread(ASKER)).id
            await command("backup", made, "--store", replaced, *OPERATING)
            due = (await desk.ask_erasure(ASKER, to_go)).erase_due
        async with desk_over(store) as desk:
            await desk.ask_erasure(ASKER, gone)
            await desk.recover()
        assert await held(store) == []
    targets = (f"sqlite:///{tmp_path}/second.db", (), None), (new_mongodb_url(), ("--replaces", replaced), 1)
    for target, more, erased in targets:
        told = await command(*restore, "--store", target, *more, ROLLTOP_INDEX=index)
        assert ("erased again, as in the store that it replaces: 1 thread" in told.out) == bool(erased)
        assert ("what people had erased since is back" in told.out) == (erased is None)
        async with open_store(target) as store:
            assert bool(await held(store)) == (erased is None)
            (on_record,) = [one for one in await log(store, "administration:desk") if one.kind == "store.restored"]
            assert on_record.shell["erased"] == erased
            assert (await store.get("thread", to_go)).fields["erase_due"] == (due if erased else None)
            assert await find_faults(store, SystemClock(), lambda *_: None) == []
    wrong = ("--replaces", f"sqlite:///{tmp_path}/typo.db")
    target = f"sqlite:///{tmp_path}/fourth.db"
    failed(await blocking(lambda: rolltop(*restore, "--store", target, *wrong)), "typo.db does not exist")
    assert not [name for name in names(tmp_path) if name.startswith(("typo", "fourth.db"))]


async def log(store, stream):
    return [entry async for entries in pages(store, stream) for entry in entries]


def test_a_backup_of_a_store_that_an_older_version_left_is_sound(url, tmp_path):
    async def left():
        async with open_store(url) as store:
            (head, *_) = (await store.find(Query(kind="thread"))).records
            older = {name: value for name, value in head.fields.items() if name != "models"} | {"fold": FOLD - 1}
            assert "models" in head.fields
            records = [replace(head, fields=older)]
            await store.commit(f"thread:{head.id}", head.n, (), records, id=SystemClock().token())

    anyio.run(left)
    ran("backup", tmp_path / "made", "--store", url, *OPERATING)
    ran("backup", "--check", tmp_path / "made")


def test_what_was_changed_in_a_backup_is_named_and_not_restored(made, tmp_path):
    target = ("--store", f"sqlite:///{tmp_path}/new/desk.db", *OPERATING)
    (tmp_path / "new").mkdir()

    def refused(*words):
        checked = ran("backup", "--check", made, status=1)
        for word in words:
            assert word in checked.out
        failed(rolltop("restore", str(made), *target), "is not sound, so nothing was restored", *words)
        assert names(tmp_path / "new") == []

    store, manifest = made / "store.db", made / "manifest.json"
    whole, text = store.read_bytes(), manifest.read_text()
    store.write_bytes(whole[:5000] + b"\xff" + whole[5001:])
    refused("store.db is not as it was when the backup was made")
    store.write_bytes(whole[:-4096])
    refused("store.db is not as it was")
    store.unlink()
    refused("store.db", "No such file")
    store.write_bytes(whole)
    held = json.loads(text)
    manifest.write_text(json.dumps(held | {"entries": {**held["entries"], "thread": 1}}))
    refused("the store does not hold as many streams, entries and records as the manifest says")
    manifest.write_text(text)
    ran("backup", "--check", made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "was made by a newer Rolltop"),
        ({"fold": 1000}, "this one is older"),
        ({"schema_version": 1000}, "this one is older"),
        ({"entries": "many"}, "is damaged"),
        (None, "is damaged"),
    ],
)
def test_a_newer_or_unreadable_backup_is_refused_in_words(change, words, made, tmp_path):
    manifest = made / "manifest.json"
    held = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(held | change) if change else "{")
    failed(rolltop("backup", "--check", str(made)), words)
    failed(rolltop("restore", str(made), "--store", f"sqlite:///{tmp_path}/new.db", *OPERATING), words)
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("there", ["desk.db", "desk.db-wal", "desk.db-journal", "desk.db-handbooks"])
def test_a_restore_writes_over_nothing(there, made, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    (place / there).write_bytes(b"mine")
    restore = ("restore", str(made), "--store", f"sqlite:///{place}/desk.db", *OPERATING)
    failed(rolltop(*restore), f"{place}/{there} is there already", "move it away")
    assert (place / there).read_bytes() == b"mine"
    (place / there).unlink()
    ran(*restore)
    assert names(place) == ["desk.db", "desk.db-handbooks"]
    for name in names(place):
        assert (place / name).stat().st_mode & 0o777 == 0o600


def test_a_store_with_other_content_is_not_restored_into(made, new_mongodb_url):
    target = new_mongodb_url()

    async def fill():
        async with open_store(target) as store:
            await seed(store, 5)

    anyio.run(fill)
    refused = rolltop("restore", str(made), "--store", target, *OPERATING, ROLLTOP_INDEX=str(made.parent / "i.db"))
    failed(refused, "the store holds other content already", "name an empty database")


def test_backups_are_private_and_never_written_over(made, url):
    assert made.stat().st_mode & 0o777 == 0o700
    assert names(made) == ["handbooks.db", "manifest.json", "store.db"]
    for name in names(made):
        assert (made / name).stat().st_mode & 0o777 == 0o600
    failed(rolltop("backup", str(made), "--store", url, *OPERATING), "exists already", "name a new folder")
    failed(rolltop("backup", str(made / "no" / "folder"), "--store", url, *OPERATING), "does not exist: make it first")
    failed(rolltop("backup", str(made / "new"), "--store", "memory:", *OPERATING), "ends with its process")
    failed(rolltop("backup", str(made / "new"), "--store", url), "a backup is on record: give --as and --purpose")
    failed(rolltop("backup", str(made / "new"), "--store", url, "--as", "e-9", "--purpose", "x"), "is not allowed")
    assert names(made) == ["handbooks.db", "manifest.json", "store.db"]


def test_a_backup_without_handbooks_says_so_and_where_it_looked(url, tmp_path):
    """Without a setting the catalogue of a MongoDB store is looked for in the working folder of whoever backs it up."""
    index = tmp_path / "elsewhere.db"
    told = rolltop("backup", str(tmp_path / "made"), "--store", url, *OPERATING, ROLLTOP_INDEX=str(index))
    assert told.status == 0
    assert f"no handbooks are in it, because there is no {index}" in told.err
    assert names(tmp_path / "made") == ["manifest.json", "store.db"]


def test_a_person_without_a_role_in_the_backup_restores_nothing(made, tmp_path):
    target = f"sqlite:///{tmp_path}/new.db"
    failed(rolltop("restore", str(made), "--store", target, "--as", "e-9", "--purpose", "x"), "is not allowed")
    assert not [name for name in names(tmp_path) if name.startswith("new")]


async def test_the_age_of_the_newest_backup_is_found_and_what_to_do():
    store, now = MemoryStore(), SystemClock().now()

    async def found(ahead=timedelta(), demo=False):
        lasting = LaterStore(store)
        lasting.ahead = ahead.total_seconds()
        lasting.capabilities = replace(store.capabilities, durable_on_ack=True)
        return [(one.level, one.text) async for one in examine_backups(lasting, demo=demo)]

    assert [one async for one in examine_backups(store, demo=False)] == []  # it ends with its process anyway
    ((level, text),) = await found()
    assert (level, "`rolltop backup PATH`" in text) == ("open", True)
    assert await found(demo=True) == []
    backups = Backups(store)
    viewer = Viewer(ADMINISTRATOR.id, ADMINISTRATOR.roles, purpose="nightly")
    await backups.made(viewer, "d" * 64, taken_at=now, entries=7)
    ((level, text),) = await found()
    assert (level, "with 7 entries" in text) == ("fact", True)
    ((level, text),) = await found(ahead=OLD * 2)
    assert (level, "`rolltop backup PATH`" in text) == ("trouble", True)
    await backups.restored(viewer, "d" * 64, taken_at=now, entries=7, turns=2, calls=1)
    first, _ = await found()
    assert "2 open turns and 1 request were closed for it" in first[1]
