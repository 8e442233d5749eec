"""What a store says of itself, and what in it needs a person.

It only reads: no desk is made, so nothing is claimed, mended or swept away while it looks.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from backends.models.opening import open_model
from console.cli.output import harmless
from console.demo.mark import is_demo
from console.demo.records import HrRecords
from console.demo.tools import hr_tools
from console.settings import Settings
from core.clock import moment
from core.errors import Corrupt, InvalidInput
from core.log.commit import read_blob
from core.log.records import OpenTurn, Thread, Turn, item
from core.store import In, Query, Range, Record, Store, every
from core.worker.process import is_gone
from core.worker.recovery import LIVE_KEPT


@runtime_checkable
class Reports(Protocol):
    """A store that can say more than the protocol asks: a few words under a few names, for a person to read."""

    async def report(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing about a store; `trouble` when somebody has to do something, which `said` then names."""

    about: str
    said: str
    trouble: bool = False

    def __str__(self) -> str:
        return f"{'! ' if self.trouble else '  '}{self.about}: {harmless(self.said)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipped:
    """What a desk of these settings has: its models' names, in order, and its tools'. `fault` says why it has none.

    `demo`: its store is a demo.
    """

    models: tuple[str, ...]
    tools: frozenset[str]
    demo: bool = False
    fault: str = ""


async def equipment(settings: Settings, store: Store) -> Equipped:
    """What a desk of these settings would have on this store; its HR records are not opened.

    Raises Corrupt if the store's own mark, which tells whether it is a demo, cannot be read.
    """
    demo, tools = await is_demo(store), frozenset[str]()
    if demo:
        records = HrRecords(":memory:")
        tools = frozenset(tool.name for tool in hr_tools(records))
        records.close()
    names: list[str] = []
    try:
        for url in settings.models:
            model = open_model(url)
            names.append(model.name)
            await model.close()
    except InvalidInput as error:
        return Equipped(models=(), tools=tools, demo=demo, fault=str(error))
    return Equipped(models=tuple(names), tools=tools, demo=demo)


async def examine(store: Store, equipped: Equipped) -> AsyncIterator[Remark]:
    """Everything there is to say, the store's own words first."""
    if isinstance(store, Reports):
        for name, said in (await store.report()).items():
            yield Remark(about=name, said=said)
    yield Remark(about="promises", said=_promises(store))
    kind = "a demo: it has the sample handbooks and HR tools" if equipped.demo else "a company's: it has no HR tools"
    yield Remark(about="store", said=kind)
    if equipped.fault:
        yield Remark(about="desk", said=f"its model cannot be opened: {equipped.fault}", trouble=True)
    for look in (_lagging, _rejected, _left_live):
        async for remark in look(store):
            yield remark
    unfinished = Query(kind="turn", where={"status": In(("running", "awaiting_approval"))})
    now = await store.now()
    async for found in every(store, unfinished):
        yield await _open_turn(store, found, equipped, now)


def _promises(store: Store) -> str:
    can = store.capabilities
    promises = {
        "outlives its process": can.durable_on_ack,
        "may be shared by processes": can.multi_process,
        "writes entries and records together": can.atomic_records,
    }
    return "; ".join(f"{promise}: {'yes' if kept else 'no'}" for promise, kept in promises.items())


async def _lagging(store: Store) -> AsyncIterator[Remark]:
    async for head in every(store, Query(kind="stream", where={"dirty": True})):
        said = f"{head.id} ends at {head.n} and its records lag: a desk's next sweep or `rolltop rebuild` writes them"
        yield Remark(about="lagging", said=said, trouble=True)


async def _rejected(store: Store) -> AsyncIterator[Remark]:
    async for found in every(store, Query(kind="thread", where={"rejected": Range(ge=1)})):
        said = f"thread {found.id} holds entries from a fence no longer in force, {found.fields['rejected']} of them"
        yield Remark(
            about="rejected", said=f"{said}: a worker wrote what it should not have; read its log", trouble=True
        )


async def _left_live(store: Store) -> AsyncIterator[Remark]:
    before, left = await store.now() - LIVE_KEPT, 0
    async for stream in every(store, Query(kind="stream", where={"id": Range(ge="live:", lt="live;")})):
        found = await store.get("turn", stream.id.split(":")[1])
        if found is None:
            said = f"{stream.id} is of a turn that no record tells of: `rolltop rebuild` tells whether a log does"
            yield Remark(about="live", said=said, trouble=True)
        elif (ended := found.fields["ended_at"]) and moment(ended) < before:
            left += 1
    if left:
        yield Remark(about="live", said=f"live streams of ended turns, {left}: a desk's next sweep takes them away")


async def _open_turn(store: Store, found: Record, equipped: Equipped, now: datetime) -> Remark:
    turn = item(found)
    assert isinstance(turn, Turn)
    head = await store.get("thread", turn.thread)
    thread = item(head) if head else None
    said = f"turn {turn.id} of thread {turn.thread} is {turn.status}, asked {_ago(now - moment(turn.opened_at))}"
    if not isinstance(thread, Thread) or thread.open is None or thread.open.turn != turn.id:
        return Remark(about="open turn", said=f"{said}; its thread's head disagrees: rebuild the records", trouble=True)
    said += f", last heard of {_ago(now - moment(thread.open.last_at))}, with {', '.join(turn.snapshot.models)}"
    troubles = [*_stands_still(thread.open, now), *await _lacks(store, turn, equipped)]
    return Remark(about="open turn", said="; ".join([said, *troubles]), trouble=bool(troubles))


def _stands_still(open: OpenTurn, now: datetime) -> list[str]:
    if open.status == "awaiting_approval":
        overdue = open.expires is not None and moment(open.expires) <= now
        return ["nobody decided in time: start a desk, which ends it"] if overdue else []
    if open.released or open.worker is None or is_gone(open.worker):
        return ["nobody works on it: start a desk, which goes on with it"]
    return []


async def _lacks(store: Store, turn: Turn, equipped: Equipped) -> list[str]:
    lacks = [] if equipped.fault or turn.snapshot.models == equipped.models else ["these models"]
    try:
        tools = {tool["name"] for tool in await read_blob(store, turn.snapshot.tools)}
    except Corrupt as error:
        return [str(error)]
    lacks += [f"the tool {name}" for name in sorted(tools - equipped.tools)]
    return [f"the configured desk lacks {', '.join(lacks)}: start one that has them, or stop the turn"] if lacks else []


def _ago(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds())) // 60
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
