"""What a store reports about itself, and the problems in it that need an operator.

It only reads: it does not open a desk, which would claim, repair or sweep away what the doctor looks at.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from console.cli.output import harmless
from console.demo.mark import is_demo
from console.demo.records import HrRecords
from console.demo.tools import hr_tools
from console.format import ago, counted
from console.model_settings import open_models
from console.settings import Settings
from core.clock import moment
from core.errors import Corrupt, InvalidInput
from core.log.commit import read_blob
from core.log.facts import Snapshot
from core.log.records import Decision, DeferredCall, OpenTurn, Thread, Turn, item, item_of
from core.question_back import ASK_BACK
from core.retrieval.search import SEARCH
from core.store import In, Query, Range, Record, Store, every
from core.worker.process import is_gone
from core.worker.recovery import LIVE_KEPT


@runtime_checkable
class Reports(Protocol):
    """A store that can report more than the protocol asks for: short texts by name, for a person to read."""

    async def report(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One line about a store. If `trouble` is true, an operator must act, and the text says how."""

    about: str
    text: str
    trouble: bool = False

    def __str__(self) -> str:
        return f"{'! ' if self.trouble else '  '}{self.about}: {harmless(self.text)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipped:
    """What a desk of these settings has: its models' names, in order, and its tools' names.

    `fault` says why the models could not be opened. `demo` says whether the store is a demo.
    """

    models: tuple[str, ...]
    tools: frozenset[str]
    demo: bool = False
    fault: str = ""


async def equipment(settings: Settings, store: Store) -> Equipped:
    """What a desk of these settings would have on this store; its HR records are not opened.

    Raises Corrupt if the store's own mark, which tells whether it is a demo, cannot be read.
    """
    # A desk of the console has handbooks, so it has their search in addition to its own tools; and it may ask back.
    demo, tools = await is_demo(store), frozenset({SEARCH, ASK_BACK})
    if demo:
        # The tools need records, and only their names matter here.
        records = HrRecords(":memory:")
        tools |= {tool.name for tool in hr_tools(records)}
        records.close()
    names: list[str] = []
    try:
        for model in open_models(settings.models):
            names.append(model.name)
            await model.close()
    except InvalidInput as error:
        return Equipped(models=(), tools=tools, demo=demo, fault=str(error))
    return Equipped(models=tuple(names), tools=tools, demo=demo)


async def examine(store: Store, equipped: Equipped) -> AsyncIterator[Remark]:
    """Every remark about the store; the store's own report comes first."""
    if isinstance(store, Reports):
        for name, text in (await store.report()).items():
            yield Remark(about=name, text=text)
    yield Remark(about="promises", text=_promises(store))
    demo = "a demo: it has the sample handbooks and HR tools" if equipped.demo else "a company's: it has no HR tools"
    yield Remark(about="store", text=demo)
    if equipped.fault:
        yield Remark(about="desk", text=f"its model cannot be opened: {equipped.fault}", trouble=True)
    for look in (_lagging, _rejected, _left_live):
        async for remark in look(store):
            yield remark
    unfinished = Query(kind="turn", where={"status": In(("running", "awaiting_approval"))})
    now = await store.now()
    async for record in every(store, unfinished):
        yield await _open_turn(store, record, equipped, now)
    async for remark in _requests(store, equipped, now):
        yield remark


def _promises(store: Store) -> str:
    can = store.capabilities
    promises = {
        "outlives its process": can.durable_on_ack,
        "may be shared by processes": can.multi_process,
        "writes entries and records together": can.atomic_records,
    }
    return "; ".join(f"{promise}: {'yes' if true else 'no'}" for promise, true in promises.items())


async def _lagging(store: Store) -> AsyncIterator[Remark]:
    async for head in every(store, Query(kind="stream", where={"dirty": True})):
        text = (
            f"the records of {head.id}, entry {head.n}, are older than its log: start a desk or run `rolltop rebuild`, "
            "which updates them"
        )
        yield Remark(about="lagging", text=text, trouble=True)


async def _rejected(store: Store) -> AsyncIterator[Remark]:
    async for thread in every(store, Query(kind="thread", where={"rejected": Range(ge=1)})):
        text = (
            f"thread {thread.id} has rejected entries, {thread.fields['rejected']} of them: a worker wrote after "
            "another one had taken its turn over. They do not count; its log shows what the worker did"
        )
        yield Remark(about="rejected", text=text, trouble=True)


async def _left_live(store: Store) -> AsyncIterator[Remark]:
    # Younger ones are normal: a follower of a turn that has just ended still reads its live text.
    before, left = await store.now() - LIVE_KEPT, 0
    async for stream in every(store, Query(kind="stream", where={"id": Range(ge="live:", lt="live;")})):
        turn = await store.get("turn", stream.id.split(":")[1])
        if turn is None:
            text = f"{stream.id} belongs to a turn without a record: `rolltop rebuild` finds the turn if a log has it"
            yield Remark(about="live", text=text, trouble=True)
        elif (ended := turn.fields["ended_at"]) and moment(ended) < before:
            left += 1
    if left:
        yield Remark(about="live", text=f"{counted(left, 'live stream')} of ended turns: the next desk removes them")


async def _open_turn(store: Store, record: Record, equipped: Equipped, now: datetime) -> Remark:
    turn = item(record)
    assert isinstance(turn, Turn)
    head = await store.get("thread", turn.thread)
    thread = item(head) if head else None
    text = f"turn {turn.id} of thread {turn.thread} is {turn.status}, asked {ago(now - moment(turn.opened_at))}"
    if not isinstance(thread, Thread) or thread.open is None or thread.open.turn != turn.id:
        text += "; its thread's record disagrees: run `rolltop rebuild`"
        return Remark(about="open turn", text=text, trouble=True)
    # The head of a turn that is worked on is written when it ends.
    later = await store.read(f"thread:{thread.id}", thread.n)
    last_at = later[-1].at if later else moment(thread.open.last_at)
    text += f", last active {ago(now - last_at)}, with {', '.join(thread.open.snapshot.models)}"
    if thread.open.waiting:
        text += ", waiting for a place"
    troubles = [*_stands_still(thread.open, now), *await _lacks(store, thread.open.snapshot, equipped)]
    return Remark(about="open turn", text="; ".join([text, *troubles]), trouble=bool(troubles))


async def _requests(store: Store, equipped: Equipped, now: datetime) -> AsyncIterator[Remark]:
    """The calls that wait for an approver, and the decided ones that no desk has reported in their thread."""
    waiting: list[datetime] = []
    async for record in every(store, Query(kind="deferred_call", where={"status": In(("waiting", "decided"))})):
        call = item_of(DeferredCall, record)
        about = f"call {call.call} of thread {call.thread}"
        if call.decision is None and moment(call.expires) > now:
            waiting.append(moment(call.asked_at))
        elif call.decision is None:
            text = f"{about} was not decided in time: start a desk, which closes it"
            yield Remark(about="request", text=text, trouble=True)
        else:
            yield await _decided(store, call, call.decision, equipped, now)
    if waiting:
        text = f"waiting for an approver: {counted(len(waiting), 'call')}, the oldest asked {ago(now - min(waiting))}"
        yield Remark(about="request", text=text)


async def _decided(store: Store, call: DeferredCall, decision: Decision, equipped: Equipped, now: datetime) -> Remark:
    """A decided call that no turn has reported yet."""
    outcome = "approved" if decision.outcome == "given" else "denied"
    text = f"call {call.call} of thread {call.thread} was {outcome} {ago(now - moment(decision.at))}"
    if outcome == "approved" and call.tool not in equipped.tools:
        text += f"; the configured desk lacks the tool {call.tool}: start one that has it before {call.expires}"
        return Remark(about="request", text=text, trouble=True)
    head = await store.get("thread", call.thread)
    if head and head.fields["open"]:
        return Remark(about="request", text=f"{text}; its thread says so once the open turn has ended")
    return Remark(
        about="request", text=f"{text}, and its thread does not say so: start a desk, which does", trouble=True
    )


def _stands_still(opened: OpenTurn, now: datetime) -> list[str]:
    if opened.status == "awaiting_approval":
        overdue = opened.expires is not None and moment(opened.expires) <= now
        return ["it was not approved in time: start a desk, which ends it"] if overdue else []
    left = opened.released and not opened.waiting
    if left or opened.worker is None or is_gone(opened.worker):
        return ["its worker is gone: start a desk, which continues it"]
    return []


async def _lacks(store: Store, snapshot: Snapshot, equipped: Equipped) -> list[str]:
    # With a fault the models are unknown, and the fault has a remark of its own.
    lacks = [] if equipped.fault or snapshot.models == equipped.models else ["these models"]
    try:
        tools = {tool["name"] for tool in await read_blob(store, snapshot.tools)}
    except Corrupt as error:
        return [str(error)]
    lacks += [f"the tool {name}" for name in sorted(tools - equipped.tools)]
    return [f"the configured desk lacks {', '.join(lacks)}: start one that has them, or stop the turn"] if lacks else []
