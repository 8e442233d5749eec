"""Calls that an earlier version left parked for an approver: their turns are open, and nothing else decides on them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, NotFound, tool
from core.turn.plan import plan
from core.worker import worker
from tests.support.desks import APPROVER, ASKER, OTHER, QUICK, check, ended, waiting
from tests.support.wrapped import LaterStore


@tool(effect="unsafe", approval="approver")
def book(days: int) -> str:
    """Book days."""
    return f"{days} booked"


@pytest.fixture
async def parked(store, monkeypatch):
    """A store whose time can be set, and a desk with a turn that waits for an approver, as an earlier version did."""
    earlier = lambda *given, **named: as_before(plan(*given, **named))  # noqa: E731
    store = LaterStore(store)
    model = ScriptedModel([[Call("book", {"days": 3})], [Say("Booked.")]])
    async with Desk(store, model, tools=[book], options=QUICK) as desk:
        with monkeypatch.context() as patched:
            patched.setattr(worker, "plan", earlier)
            turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it")
            (call,) = await waiting(desk, turn)
        yield store, desk, turn, call


def as_before(act):
    return replace(act, kind="park", calls=()) if act.kind == "defer" else act


async def test_it_is_decided_by_its_id_and_listed_no_more(parked):
    store, desk, turn, call = parked
    assert (call.status, call.approval) == ("awaiting_approval", "approver")
    assert (await desk.oversight.waiting_calls(APPROVER)).items == []
    for person in (ASKER, OTHER):
        with pytest.raises(NotFound):
            await desk.decide(person, call.id, "approve", call.digest)
    await desk.decide(APPROVER, call.id, "approve", call.digest)
    assert (await ended(desk, turn)).text == "Booked."
    assert (await desk.archive.call(ASKER, call.id)).result == "3 booked"
    await check(store, turn.thread)


async def test_it_expires_and_its_turn_with_it(parked):
    store, desk, turn, call = parked
    store.ahead = timedelta(days=QUICK.approval_days, hours=1).total_seconds()
    await desk.recover()
    assert (await desk.archive.turn(ASKER, turn.id)).status == "cancelled"
    assert (await desk.archive.call(ASKER, call.id)).code == "approval_expired"
    await check(store, turn.thread)
