"""A thread in which everything that can be written holds the same word, so that an erasure can be searched for it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pymongo import monitoring

from backends import open_store
from backends.models.scripted.model import Answer, Call, Cut, Say, ScriptedModel, Think
from core import Concern, Desk, Hooks, OutcomeUnknown, Passage, SummarizingWindow, Ticket, Viewer, tool
from core.canonical import canonical
from core.model import Model, ModelRequest
from core.options import Options
from core.store import Query, Store, every
from tests.support.deferred_life import Writes
from tests.support.desks import APPROVER, ASKER, AUDITOR, ended
from tests.support.papers import RECORDED, logs
from tests.support.wrapped import LaterStore

CANARY = "zqxcanary"

HOUR = timedelta(hours=1)
"""A time to an erasure after which the open desks of a test do not carry it out by themselves: `sweep` does."""

SHORT = Options(retry_delay=0.001, window_tokens=20, on_interruption="retry")
"""The options of a desk that sums up what no longer fits, and asks again after an answer that broke off."""


class Shelf:
    """A retriever of one passage."""

    async def search(self, query: str, viewer: Viewer, limit: int, filters: Any = None, as_of: Any = None) -> Any:
        passage = Passage(id="p1", document=CANARY, title=CANARY, section=[], version="1", text=CANARY, score=1)
        return [passage]

    async def judge(self, query: str, passages: Any) -> None:
        return None

    async def versions(self) -> dict[str, str]:
        return {"leave": "1"}


class Worried:
    """A care that recognises a person in need in one word, and seals no thread."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        return Concern(topic=CANARY, seals=False) if "worry" in text else None


@tool(effect="read", filters=("of",), subject="employee")
def look(employee: str, of: str) -> dict[str, str]:
    """Look."""
    return {"note": f"{CANARY} {of} of {employee}"}


@tool(effect="unsafe")
def pay(to: str) -> None:
    """Pay."""
    raise OutcomeUnknown(f"lost contact with {to}")


@tool(effect="unsafe", approval="approver")
def book(days: str) -> str:
    """Book."""
    return f"{days} booked"


def script(request: ModelRequest) -> Answer:
    """What the model says to the last question, after the calls that it wants."""
    if "Write notes" in request.messages[-1].text:
        return [Say(f"Notes: {CANARY}")]
    question = [message.text for message in request.messages if message.role == "user"][-1]
    if request.messages[-1].role == "tool":
        return [Say(f"It is {CANARY} [1].")]
    arguments = {"look": {"employee": CANARY, "of": CANARY}, "pay": {"to": CANARY}, "book": {"days": CANARY}}
    if (call := question.split()[0]) in arguments:
        return [Think(f"Hm, {CANARY}"), Say(f"Let me, {CANARY}."), Call(call, arguments[call])]
    return [Say(f"You said {CANARY} [1].")]


class Sender:
    """A hand-over that answers with the word."""

    async def send(self, ticket: Ticket) -> str:
        return f"T-{CANARY}"


async def told(view: Any, outcome: Any) -> str:
    return f"{CANARY}: {outcome.result}"


class Cutting:
    """A script whose answer to one question breaks off the first time."""

    def __init__(self) -> None:
        self._cut = False

    def __call__(self, request: ModelRequest) -> Answer:
        if "break off" in request.messages[-1].text and not self._cut:
            self._cut = True
            return [Say(f"Half {CANARY}"), Cut()]
        return script(request)


@asynccontextmanager
async def desk_over(store: Store, *, model: Model | None = None, **given: Any) -> AsyncIterator[Desk]:
    """A desk that uses all of that, and erases at once what it is asked to."""
    everything: dict[str, Any] = {
        "tools": [look, pay, book],
        "retriever": Shelf(),
        "window": SummarizingWindow(),
        "hooks": [Hooks(after_tool_call=told)],
        "care": Worried(),
        "handover": Sender(),
        "options": SHORT,
        "erase_after": timedelta(0),
    }
    async with Desk(store, model or ScriptedModel(Cutting()), **{**everything, **given}) as desk:
        yield desk


async def written(desk: Desk, store: Store, title: str = CANARY) -> str:
    """A thread with everything in it, ended."""
    metadata = {"case": CANARY, "inner": {"of": CANARY}}
    thread = (await desk.create_thread(ASKER, title=title, metadata=metadata, instructions="Be brief.")).id
    for text in ("look", "pay", "break off", "worry"):
        turn = await ended(desk, await desk.submit(ASKER, thread, f"{text} {CANARY}"))
        if text == "pay":
            call = await desk.archive.call(ASKER, turn.waiting[0])
            await desk.decide(ASKER, call.id, "approve", call.digest, arguments={"to": f"not {CANARY}"}, reason=CANARY)
            await ended(desk, turn)
    again = await ended(desk, await desk.submit(ASKER, thread, f"again {CANARY}", replaces=turn.id))
    await desk.show(ASKER, turn.id)
    for decision, arguments in (("approve", {"days": f"{CANARY} more"}), ("deny", None)):
        await ended(desk, await desk.submit(ASKER, thread, f"book {CANARY} {decision}"))
        (call,) = (await desk.oversight.waiting_calls(APPROVER)).items
        await desk.decide(APPROVER, call.call, decision, call.digest, arguments=arguments, reason=f"because {CANARY}")  # type: ignore[arg-type]  # one of two
        (deferred,) = [view for view in await _deferred(store, thread) if view["call"] == call.call]
        await ended(desk, deferred["report"])
    await desk.give_feedback(ASKER, turn.id, "down", f"no {CANARY}", dislike="wrong")
    await desk.hand_over(ASKER, turn.id, attach="thread", note=f"call about {CANARY}")
    await desk.judge(AUDITOR, turn.id, "wrong", cause="tone", note=CANARY, corrected=f"say {CANARY}")
    await desk.judge(AUDITOR, again.id, "right", note=CANARY)
    (unknown,) = [one async for one in every(store, Query(kind="tool_call", where={"status": "unknown"}))]
    await desk.resolve(AUDITOR, unknown.id, True, f"the ledger has {CANARY}")
    await desk.rename(ASKER, thread, f"{CANARY} renamed")
    await desk.update_metadata(ASKER, thread, {"case": f"{CANARY}-2"})
    await desk.change_instructions(ASKER, thread, f"Be kind to {CANARY}.")
    return thread


async def sweep(store: Store) -> None:
    """What a desk does every 15 seconds, in an hour from now."""
    later = LaterStore(store)
    later.ahead = 3_660
    await Desk(later, ScriptedModel([]), options=SHORT).recover()


async def main(url: str, kill_at: str) -> None:
    """Sweep once, in a process that kills itself at this moment."""

    def moment(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    monitoring.register(Writes("", moment))
    async with open_store(url) as store:
        await sweep(store)


async def _deferred(store: Store, thread: str) -> list[Any]:
    found = [one.fields async for one in every(store, Query(kind="deferred_call", where={"thread": thread}))]
    return [fields for fields in found if fields["report"]]


async def held(store: Store) -> list[str]:
    """Where the store has the word: the names of entries and records."""
    found = [
        f"{name} {entry.n} {entry.kind}"
        for name, entries in (await logs(store)).items()
        for entry in entries
        if CANARY in canonical([entry.shell, entry.payload]).decode()
    ]
    for kind in (*RECORDED, "stream"):
        async for one in every(store, Query(kind=kind)):
            if CANARY in canonical([one.id, dict(one.fields)]).decode():
                found.append(f"record {kind} {one.id}")
    return found
