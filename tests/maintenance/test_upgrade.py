"""Records of an older fold are folded again, so that new filters find old threads."""

from dataclasses import replace

import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import NotReplaceable, tool
from core.clock import SystemClock
from core.desk.desk import Desk
from core.desk.filters import ThreadFilter
from core.desk.oversight import Oversight
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.entry import Draft, chain
from core.log.fold import State, fold_all
from core.log.records import FOLD
from core.maintenance.rebuild import Rebuild
from core.maintenance.upgrade import upgrade
from core.store import Query, every
from core.values import GENESIS
from tests.support.desks import QUICK, ended, log_of
from tests.support.papers import records
from tests.support.wrapped import WrappedStore

ASKER = Viewer("e-1042")
AUDITOR = Viewer("e-2001", {"auditor"}, purpose="upgrade")
NEW = ("outcomes", "outcome_counts", "ratings", "rating_counts", "tools", "handbooks", "models", "filters", "fold")
NEW_OF_VERSIONS = ("replaces", "original", "versions", "hidden", "acted", "report")
NEW_OF_BRANCHES = ("last", "hidden", "acted", "deferred")
NEW_OF_TURN = ("day", "outcome", "country", "handbooks", "models", "first_text_ms", "first_text_bucket")


async def made_by_an_older_fold(store):
    """Two threads whose records lack the newer fields."""
    async with Desk(store, ScriptedModel([[Say("Yes.")]] * 2), options=QUICK) as desk:
        threads = []
        for _ in range(2):
            threads.append((await desk.create_thread(ASKER)).id)
            await ended(desk, await desk.submit(ASKER, threads[-1], "Is it so?"), ASKER)
    await put_back(store, "turn", NEW_OF_TURN)
    await put_back(store, "thread", NEW)
    return threads


async def put_back(store, kind, new, **fields):
    """Write the records of this kind as an older fold did: without the new fields, and with these."""
    async for record in every(store, Query(kind=kind)):
        stream = f"thread:{record.id if kind == 'thread' else record.fields['thread']}"
        old = {k: v for k, v in record.fields.items() if k not in new} | fields
        end = (await store.get("stream", stream)).n
        await store.commit(stream, end, (), [replace(record, fields=old)], id=SystemClock().token())


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


@tool(effect="idempotent")
def note() -> str:
    """Note."""
    return "noted"


async def test_what_an_older_rolltop_answered_is_replaceable_after_the_upgrade_if_it_has_not_acted(store):
    script = [[Call("note", {})], [Say("Noted.")], [Say("Yes.")], [Say("No.")]]
    async with Desk(store, ScriptedModel(script), tools=[note], options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        acted, last = [await ended(desk, await desk.submit(ASKER, thread, text)) for text in ("Note it", "Is it so?")]
        right = await records(store)
        await put_back(store, "turn", NEW_OF_VERSIONS)
        await put_back(store, "thread", NEW_OF_BRANCHES, fold=3)
        await put_back(store, "tool_call", ("carries_out",))
        with pytest.raises(NotReplaceable, match="being brought up to date"):
            await desk.submit(ASKER, thread, "Is it?", replaces=last.id)
        assert await upgrade(store, SystemClock(), lambda *_: None) == 1
        assert await records(store) == right
        with pytest.raises(NotReplaceable, match="done twice"):
            await desk.submit(ASKER, thread, "Note that", replaces=acted.id)
        again = await ended(desk, await desk.submit(ASKER, thread, "Is it?", replaces=last.id))
        assert (again.text, again.original) == ("No.", last.id)


async def test_questions_that_were_put_on_record_before_there_were_versions_are_read(store):
    async with Desk(store, ScriptedModel([[Say("Yes.")]] * 2), options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        for text in ("Is it so?", "And that?"):
            await ended(desk, await desk.submit(ASKER, thread, text))
    entries = await log_of(store, thread)
    drafts = [Draft(kind=one.kind, v=one.v, shell=one.shell, payload=one.payload) for one in entries]
    older = [of_version_2(one) if one.kind == "turn.opened" else one for one in drafts]
    assert older != drafts
    salts = [one.salt for one in entries]
    rewritten = [
        replace(one, by=entry.by, at=entry.at)
        for one, entry in zip(
            chain(f"thread:{thread}", 0, GENESIS, older, by=ASKER.id, at=entries[0].at, salts=salts),
            entries,
            strict=True,
        )
    ]
    read, now = fold_all(State(), rewritten), fold_all(State(), entries)
    assert read.items == now.items
    assert read.thread == now.thread.model_copy(update={"hash": read.hash})


def of_version_2(opened):
    new = {"fork", "report"}
    assert new <= set(opened.shell)
    assert "arguments" in opened.payload
    shell = {name: value for name, value in opened.shell.items() if name not in new}
    payload = {name: value for name, value in opened.payload.items() if name != "arguments"}
    return replace(opened, v=2, shell=shell, payload=payload)
