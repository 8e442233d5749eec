"""A store with something of everything in it; and all that a store holds, to be held against another's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from backends.models.scripted.model import Call, Say, Wait
from core import Administration, Concern, Desk, Limits, Options, Ticket, Viewer, tool
from core.canonical import canonical
from core.clock import SystemClock
from core.desk.filters import ThreadFilter
from core.desk.oversight import Oversight
from core.log.commit import begin_stream
from core.log.facts import DemoMarked
from core.log.refold import FOLDINGS, KINDS, pages
from core.store import Query, Store, every
from core.values import Entry
from tests.support.deferred_life import Life, Order, model
from tests.support.desks import APPROVER, ASKER, AUDITOR, QUICK, chatting, ended, live_text, until
from tests.turn.test_transcripts import conversation

SECRET = "canary-7f3a"
"""What a tool said that is erased since, and must come back from nowhere."""

RECORDED = (*KINDS, *(kind for folding in FOLDINGS.values() for kind in folding.records))
"""Every kind of record that a log makes."""

SLOW = Options(beat=3_000, lease=9_000, between_contents=3_000, model_call=3_000, turn_deadline=3_000)
"""The options of a turn whose worker writes nothing while it waits, not even that its model is silent."""

ADMINISTRATOR = Viewer("e-7001", roles={"administrator"})
HANDLER = Viewer("e-5001", roles={"handler"}, purpose="on duty")


class Worried:
    """A care that finds a person in need behind every message."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern:
        return Concern(topic="self_harm")


class Inbox:
    """A hand-over that keeps its tickets."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []

    async def send(self, ticket: Ticket) -> str:
        self.tickets.append(ticket)
        return f"T-{len(self.tickets)}"


@tool(effect="read")
def secret() -> str:
    """Tell."""
    return SECRET


@tool(effect="unsafe")
async def travel(days: int) -> str:
    """Travel."""
    return f"{days} away"


@tool(effect="unsafe", approval="approver", name="book")
async def booked(days: int) -> str:
    """Book."""
    return f"{days} booked"


async def deferrals(store: Store, order: Order) -> str:
    """A thread with another version of a question, two deferred calls that were decided on, and one that waits."""
    async with Desk(store, model(), tools=[booked], options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await Life(desk, store, thread, order, anyio.Event()).play()
        await ended(desk, await desk.submit(ASKER, thread, "Book"))
        first, _ = (await desk.oversight.waiting_calls(APPROVER)).items
        await desk.withdraw(ASKER, first.call)
    return thread


@asynccontextmanager
async def papers(store: Store) -> AsyncIterator[None]:
    """A demo's mark, tools, approvals, deferred calls, versions, a stop, verdicts, a sealed thread and what is erased.

    A notice is acknowledged, roles are granted, people are blocked. A turn is parked, and in the block a turn runs.
    """
    await begin_stream(store, SystemClock(), "administration:desk", [DemoMarked()], patience=0)
    administration = Administration(store)
    await administration.install(["e-7001"])
    await administration.grant(ADMINISTRATOR, AUDITOR.id, "auditor", "spring audit")
    await administration.grant(ADMINISTRATOR, AUDITOR.id, "handler", "on duty")
    await administration.end_grant(ADMINISTRATOR, AUDITOR.id, "handler", "off duty")
    for person in ("e-1099", "e-1100"):
        await administration.block(ADMINISTRATOR, person, "left")
    await administration.unblock(ADMINISTRATOR, "e-1099", "came back")
    await conversation(store)
    await deferrals(store, "between turns")
    forgetting = Options(forget=("tool.finished",))
    async with chatting(store, [[Call("secret", {})], [Say("Told.")]], tools=[secret], options=forgetting) as chat:
        reply = await chat.ask("What is it?")
        await chat.desk.judge(AUDITOR, reply.turn_id, "wrong", cause="tone", note="Curt", corrected="It is told.")
        await chat.desk.judge(AUDITOR, reply.turn_id, "right")
        await until(lambda: _erased(store))
        await chat.desk.shelve(ASKER, chat.id, "pinned")
        await chat.desk.ask_erasure(ASKER, chat.id)
        await chat.desk.withdraw_erasure(ASKER, chat.id)
        await chat.desk.give_feedback(ASKER, reply.turn_id, "down", "Curt", dislike="unclear")
        await chat.desk.acknowledge(ASKER, "1")
    async with chatting(store, [[Say("Twelve.")]], limits=Limits(person_turns_a_day=9, desk_turns_a_day=9)) as chat:
        await chat.ask("How many?")
    async with chatting(store, [[Say("May I?"), Call("travel", {"days": 3})]], tools=[travel]) as chat:
        assert (await chat.ask("Three days in Graz")).waiting
    async with chatting(store, [[Say("You are not alone.")]], care=Worried(), handover=Inbox()) as chat:
        reply = await chat.ask("I cannot go on")
        await chat.desk.hand_over(chat.viewer, reply.turn_id, attach="answer", note="Please call")
        await chat.desk.lift_seal(HANDLER, chat.id, "a song that was quoted")
    await Oversight(store).search_threads(AUDITOR, ThreadFilter(words="days"))
    async with chatting(store, [[Say("Half an ans"), Wait(anyio.Event())]], options=SLOW) as chat:
        turn = await chat.desk.submit(chat.viewer, chat.id, "And?")
        await until(lambda: live_text(store, turn.id))
        await chat.desk.archive.turn(chat.viewer, turn.id)  # reading it writes the records that wait for its end
        yield


async def _erased(store: Store) -> bool:
    found = await store.find(Query(kind="tool_call", where={"tool": "secret", "erased": True}))
    return bool(found.records)


async def logs(store: Store) -> dict[str, list[Entry]]:
    """Every stream, whole."""
    names = [head.id async for head in every(store, Query(kind="stream"))]
    return {name: [entry async for page in pages(store, name) for entry in page] for name in names}


async def records(store: Store) -> dict[tuple[str, str], tuple[int, bytes]]:
    """Every record that a log makes, as its bytes."""
    return {
        (kind, record.id): (record.n, canonical(dict(record.fields)))
        for kind in RECORDED
        async for record in every(store, Query(kind=kind))
    }
