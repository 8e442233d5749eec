"""The journal: what one of its users reads takes back nothing that another one has written meanwhile."""

from collections.abc import Sequence

import anyio

from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Desk, tool
from core.store import Page, Query, Record, Store
from core.values import Entry
from tests.support.desks import APPROVER, ASKER, PATIENCE, QUICK, ended, events
from tests.support.wrapped import WrappedStore


class LateStore(WrappedStore):
    """A store that, from a decision in the thread on, gives the records of the turn `late` only once a tool has run.

    The worker reads the turns before its own after that.
    """

    late = ""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._decided, self._ran, self._given = anyio.Event(), anyio.Event(), anyio.Event()

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        await super().commit(stream, after, entries, records, id=id)
        for event, kind in ((self._decided, "approval.given"), (self._ran, "tool.finished")):
            if any(entry.kind == kind for entry in entries):
                event.set()

    async def find(self, query: Query) -> Page:
        with anyio.fail_after(PATIENCE):
            if self._decided.is_set() and query.where.get("turn") == self.late:
                await self._ran.wait()
            elif self._ran.is_set() and "first_n" in query.where:
                await self._given.wait()
        page = await super().find(query)
        if self._decided.is_set() and query.kind == "deferred_call":
            self._given.set()
        return page


async def test_a_decision_that_is_read_back_late_leaves_the_report_that_is_worked_on_as_it_is():
    store = LateStore(MemoryStore())

    @tool(effect="unsafe", approval="approver")
    def book(days: int) -> str:
        """Book days."""
        return f"{days} booked"

    model = ScriptedModel([[Call("book", {"days": 3})], [Say("It waits.")], [Say("Booked.")]])
    async with Desk(store, model, tools=[book], options=QUICK) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it")
        await ended(desk, turn)
        (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
        store.late = turn.id
        decided = await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert decided.decision.by == APPROVER.id
        report = (await desk.archive.deferred_call(ASKER, call.id)).report
        await events(desk, report)
    assert model.requests[2].messages[-1].report.content == "3 booked"
