"""A turn that has everything, as followers saw it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from backends import open_store
from backends.models.scripted.model import Bill, Call, Say, ScriptedModel
from console.frontends import ag_ui, ai_sdk
from console.frontends.playback import parked_id
from core import Desk, Event, Turn, Usage, tool
from tests.desk.test_care import Listening
from tests.support.desks import ASKER, QUICK, events
from tests.support.shelf import Shelf


@tool(effect="read")
def look(day: str) -> dict:
    """Look."""
    return {"day": day, "left": 12.5, "note": "Zwölf\u2028\n 😀"}


@tool(effect="unsafe")
def book(days: int) -> str:
    """Book days."""
    if days > 20:
        raise ValueError("too many")
    return f"{days} booked"


@dataclass
class Played:
    """A turn, and what followers saw of it: live up to its approval, then from the record, to its end.

    `parked` is the id, by protocol, after which a client goes on that posts its decisions.
    """

    turn: Turn
    live: list[Event]
    again: list[Event]
    parked: dict[str, str]


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
async def played(anyio_backend: str) -> AsyncIterator[Played]:
    """A turn with care, texts, reads in parallel, approvals of which one is denied, a failed call and a citation."""
    bill = Bill(Usage(input=10, output=5), cost=700)
    script = [
        [Say("Let me see\n\n... 😀. "), Call("look", {"day": "Mon"}), Call("look", {"day": "Tue"}), bill],
        [Call("book", {"days": 3}), Call("book", {"days": 30}), Call("book", {"days": 4}), bill],
        [Say("You have 30 days. [1] Done.", pieces=6), bill],
    ]
    given = {"tools": [look, book], "retriever": Shelf(), "care": Listening(seals=False)}
    async with open_store("memory:") as store, Desk(store, ScriptedModel(script), options=QUICK, **given) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "I am desperate: book leave of 30 days")
        live = await events(desk, turn)
        view = await desk.archive.turn_view(ASKER, turn.id)
        parked = {name: parked_id(name, view.turn, view.calls) for name in (ag_ui.PROTOCOL, ai_sdk.PROTOCOL)}
        # In another order than they were asked.
        for call, decision in zip(reversed(view.calls[2:]), ("approve", "approve", "deny"), strict=True):
            await desk.decide(ASKER, call.id, decision, call.digest)
        yield Played(turn=turn, live=live, again=await events(desk, turn), parked=parked)
