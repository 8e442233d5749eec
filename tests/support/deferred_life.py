"""The life of two deferred calls on one thread, in a process that kills itself at a moment of the test's choice.

`tests.support.forked` runs it. Its requests have ids, so that playing it again, on another desk, goes on from wherever
the log ends. Its tool keeps a ledger: a line for each effect, on disk before the tool returns.
"""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
from pymongo import monitoring
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from backends import open_store
from backends.models.scripted.model import Answer, Call, Say, ScriptedModel, Wait
from core import Desk, Tool, ToolContext, Turn, TurnInProgress, tool
from core.log.records import DeferredCall, item_of, record_kind
from core.model import ModelRequest
from core.store import Query, Record, Store, every
from core.turn.deferred import report_turn
from core.values import Entry
from tests.support.desks import APPROVER, ASKER, QUICK, ended
from tests.support.wrapped import WrappedStore

Order: TypeAlias = Literal["while a turn runs", "between turns"]
"""When the approver decides."""

APPROVED, DENIED = 3, 5
"""The days that are asked for: the approver allows the first and denies the second."""


def book(folder: Path, moment: Callable[[str], None] = lambda name: None) -> Tool:
    """The tool that acts: the ledger in `folder` is the thread's. `moment` is called right before and after it acts."""

    @tool(effect="unsafe", approval="approver")
    def book(days: int, context: ToolContext) -> str:
        """Book."""
        moment("before the effect")
        with (folder / context.thread_id).open("a") as file:
            file.write(f"{context.key}\n")
            file.flush()
            os.fsync(file.fileno())
        moment("after the effect")
        return f"{days} booked"

    return book


def model(decided: anyio.Event | None = None) -> ScriptedModel:
    """Two calls for the first question, words for all else; the answer to `Meanwhile` waits for `decided`."""

    def answer(request: ModelRequest) -> Answer:
        question = [message.text for message in request.messages if message.role == "user"][-1]
        if question == "Book" and request.messages[-1].role == "user":
            return [Call("book", {"days": days}) for days in (APPROVED, DENIED)]
        if question == "Meanwhile" and decided:
            return [Wait(decided), Say("Here.", 1)]
        return [Say("Noted.", 1)]

    return ScriptedModel(answer)


class Life:
    """`play` plays it on a desk from wherever the thread's log ends."""

    def __init__(self, desk: Desk, store: Store, thread: str, order: Order, decided: anyio.Event) -> None:
        self._desk = desk
        self._store = store
        self._thread = thread
        self._order = order
        self._decided = decided

    async def play(self) -> None:
        await self._asked("Book")
        if self._order == "while a turn runs":
            meanwhile = await self._begun("Meanwhile")
            await self._decide()
            await ended(self._desk, meanwhile)
            await self._reported()
            await self._another_version()
        else:
            await self._another_version()
            await self._decide()
            await self._reported()
            await self._asked("Meanwhile")

    async def _another_version(self) -> None:
        first = await self._asked("Draft")
        await self._asked("Draft again", replaces=first.id)
        await self._desk.show(ASKER, first.id)

    async def _decide(self) -> None:
        for call in await deferred_calls(self._store, self._thread):
            approved = call.arguments == {"days": APPROVED}
            await self._desk.decide(APPROVER, call.call, "approve" if approved else "deny", call.digest)
            if self._order != "while a turn runs":
                await self._reported()
        self._decided.set()

    async def _reported(self) -> None:
        """The decisions on record are reported, each in its turn, as soon as no other is open."""
        for call in await deferred_calls(self._store, self._thread):
            turn = report_turn(self._thread, call.call)[0]
            if call.status in ("decided", "reported"):
                while await self._store.get("turn", turn) is None:  # noqa: ASYNC110  # the store sets no event
                    await anyio.sleep(0.001)
                await ended(self._desk, turn)

    async def _asked(self, text: str, *, replaces: str | None = None) -> Turn:
        return await ended(self._desk, await self._begun(text, replaces=replaces))

    async def _begun(self, text: str, *, replaces: str | None = None) -> Turn:
        while True:
            try:
                request = text.lower().replace(" ", "-")
                return await self._desk.submit(ASKER, self._thread, text, request, replaces=replaces)
            except TurnInProgress as error:
                await ended(self._desk, error.turn_id)


async def deferred_calls(store: Store, thread: str) -> list[DeferredCall]:
    """The deferred calls of a thread, in the order in which they were asked for."""
    query = Query(kind=record_kind(DeferredCall), where={"thread": thread}, order=("at_n",))
    found = [item_of(DeferredCall, record) async for record in every(store, query)]
    return sorted(found, key=lambda call: call.call)


class MortalStore(WrappedStore):
    """A store that calls `moment` right before and right after each commit to the stream is acknowledged.

    `kinds` are those of the entries of each commit to the stream, in their order.
    """

    def __init__(self, store: Store, stream: str, moment: Callable[[str], None] = lambda name: None) -> None:
        super().__init__(store)
        self._stream = stream
        self._moment = moment
        self.kinds: list[tuple[str, ...]] = []

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        if stream != self._stream:
            await super().commit(stream, after, entries, records, id=id)
            return
        self.kinds.append(tuple(entry.kind for entry in entries))
        number = len(self.kinds)
        self._moment(f"before commit {number}")
        await super().commit(stream, after, entries, records, id=id)
        self._moment(f"after commit {number}")


class Writes(CommandListener):
    """Calls `moment` right after MongoDB has acknowledged a write; entries are written before their records."""

    def __init__(self, stream: str, moment: Callable[[str], None]) -> None:
        self._stream = stream
        self._moment = moment
        self._inserts: set[int] = set()
        self._commits = self._writes = 0

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "insert" and event.command["documents"][0].get("stream") == self._stream:
            self._inserts.add(event.request_id)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in ("insert", "update") and event.reply["n"]:
            self._writes += 1
            self._moment(f"after write {self._writes}")
            if event.request_id in self._inserts:
                self._commits += 1
                self._moment(f"inside commit {self._commits}")

    def failed(self, event: object) -> None:
        pass


async def main(url: str, folder: str, thread: str, order: Order, kill_at: str) -> None:
    """Play the life on a thread that exists, up to the moment `kill_at`; an unknown moment never comes."""

    def moment(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    decided = anyio.Event()
    monitoring.register(Writes(f"thread:{thread}", moment))
    async with open_store(url) as store:
        mortal = MortalStore(store, f"thread:{thread}", moment)
        desk = Desk(mortal, model(decided), tools=[book(Path(folder), moment)], options=QUICK)
        await desk.start(thread)  # it is not to recover what others have left
        await Life(desk, mortal, thread, order, decided).play()
        await desk.close()
