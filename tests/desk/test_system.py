"""The state of an installation: what is open and since when, what is behind, and what the recovery did."""

from dataclasses import replace
from datetime import timedelta

import anyio

from backends.models.scripted.model import Say, ScriptedModel, Wait
from core import Desk, Viewer
from core.clock import SystemClock
from core.desk.system import System
from core.log.records import FOLD
from tests.support.desks import ASKER, QUICK, logged, until
from tests.support.papers import papers
from tests.support.seeding import seed
from tests.support.wrapped import LaterStore

ADMIN = Viewer("e-7001", {"administrator"})


async def test_what_is_open_is_counted_with_its_oldest(store):
    system = System(store)
    empty = await system.state(ADMIN)
    counts = (empty.running, empty.awaiting_approval, empty.deferred, empty.overdue)
    assert [(one.count, one.oldest) for one in counts] == [(0, None)] * 4
    assert (empty.outdated, empty.lagging, empty.fold, empty.recovered) == (0, 0, FOLD, None)
    async with papers(store):
        state = await system.state(ADMIN)
        assert (state.running.count, state.awaiting_approval.count, state.deferred.count) == (1, 1, 1)
        assert state.awaiting_approval.oldest < state.running.oldest <= state.at
    assert state.capabilities == store.capabilities


async def test_erasures_that_are_due_and_records_of_an_older_fold_are_counted(store):
    await seed(store, 2)
    later = LaterStore(store)
    async with Desk(store, ScriptedModel([]), options=QUICK, erase_after=timedelta(hours=1)) as desk:
        thread = (await desk.create_thread(ASKER)).id
        due = (await desk.ask_erasure(ASKER, thread)).erase_due
    assert (await System(later).state(ADMIN)).overdue.count == 0
    later.ahead = 3601
    state = await System(later).state(ADMIN)
    assert (state.overdue.count, state.overdue.oldest.isoformat()[:19]) == (1, due[:19])
    head = await store.get("thread", "t-1")
    await store.commit(
        "thread:t-1", 0, (), [replace(head, fields={**head.fields, "fold": FOLD - 1})], id=SystemClock().token()
    )
    assert (await System(store).state(ADMIN)).outdated == 1


async def test_a_turn_that_was_taken_over_is_told_with_the_reason(store):
    async with Desk(store, ScriptedModel([[Wait(anyio.Event())]]), options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.submit(ASKER, thread, "May I?")
        await until(lambda: logged(store, thread, "model.asked"))
    async with Desk(store, ScriptedModel([[Say("Yes.")]]), options=QUICK) as desk:
        await desk.recover()
        done = (await desk.system.state(ADMIN)).recovered
        assert (done.broken, done.taken_over, done.reason) == (0, 1, "resumed")
        assert done.took_over_at <= done.at
