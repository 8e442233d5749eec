"""What a store reports about itself, and the problems in it that need an operator.

An examination only reads: it does not open a desk, which would claim, repair or sweep away what is examined.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from console.demo.mark import is_demo
from console.doctor.finding import Finding
from console.format import ago, counted
from console.model_settings import open_models
from console.plugins import Plugin, make_plugins
from console.settings import Settings
from core.clock import iso, moment
from core.errors import Corrupt, InvalidInput
from core.log.commit import read_blob
from core.log.facts import Snapshot
from core.log.records import Decision, DeferredCall, OpenTurn, Thread, Turn, item, item_of
from core.question_back import ASK_BACK
from core.retrieval.search import SEARCH
from core.store import Capabilities, In, Query, Range, Record, Store, every, streams_of
from core.values import OPEN_TURN
from core.worker.process import is_gone
from core.worker.recovery import LIVE_KEPT

DUE_KEPT = timedelta(minutes=5)
"""How long after it is due an erasure may take: the next sweep of a desk carries it out."""


@runtime_checkable
class Reports(Protocol):
    """A store that can report more than the protocol asks for: short texts by name, for a person to read."""

    async def report(self) -> dict[str, str]: ...


@runtime_checkable
class Damageable(Protocol):
    """A store that can look for damage in its own file: a line for each, [] without any."""

    async def damages(self) -> list[str]: ...


@runtime_checkable
class Placed(Protocol):
    """A store that knows whether its file lies where it should: None if the file may lie there."""

    def misplaced(self) -> str | None: ...


@runtime_checkable
class Checkable(Protocol):
    """A store that can tell without a commit that it would refuse one: it raises what the commit would. It blocks."""

    def check_writable(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipped:
    """What a desk of these settings has: its models' names, in order, and its tools' names, also by their plug-in.

    `fault` says why the desk could not be opened, and what is missing here then. `demo` says whether the store is one.
    """

    models: tuple[str, ...]
    tools: frozenset[str]
    plugins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    demo: bool = False
    fault: str = ""


def equipped(models: Iterable[str], plugins: Mapping[str, Plugin], *, demo: bool, fault: str = "") -> Equipped:
    """A desk with these models and plug-ins, the search of its handbooks, and the question back."""
    brought = {name: tuple(tool.name for tool in plugin.tools) for name, plugin in plugins.items()}
    tools = frozenset({SEARCH, ASK_BACK}.union(*brought.values()))
    return Equipped(models=tuple(models), tools=tools, plugins=brought, demo=demo, fault=fault)


async def equipment(settings: Settings, store: Store) -> Equipped:
    """What a desk of these settings would have on this store.

    Raises Corrupt if the store's own mark, which tells whether it is a demo, cannot be read.
    """
    demo, plugins, names = await is_demo(store), dict[str, Plugin](), list[str]()
    try:
        plugins = make_plugins(settings.tools, demo=demo)
        for model in open_models(settings.models):
            names.append(model.name)
            await model.close()
    except InvalidInput as error:
        return equipped((), plugins, demo=demo, fault=str(error))
    return equipped(names, plugins, demo=demo)


async def examine_store(store: Store, equipped: Equipped) -> AsyncIterator[Finding]:
    """Every finding about the store; the store's own report comes first."""
    if isinstance(store, Reports):
        for name, text in (await store.report()).items():
            yield Finding(about=name, what=text)
    if isinstance(store, Placed) and (why := store.misplaced()):
        to_do = "move it onto a local disk, or use MongoDB; until then let processes of one host alone use it"
        yield Finding(about="store", what=why, to_do=to_do, level="trouble")
    if isinstance(store, Damageable):
        for line in await store.damages():
            yield Finding(
                about="damage",
                what=line,
                to_do="stop every process that uses the store, keep the file, and put it back from a copy",
                level="trouble",
            )
    demo = "a demo: it has the sample handbooks and HR tools" if equipped.demo else "a company's"
    yield Finding(about="store", what=demo)
    for plugin, tools in equipped.plugins.items():
        yield Finding(about="tools", what=f"{plugin}: {', '.join(tools) or 'none'}")
    if not equipped.plugins and not equipped.fault:
        yield Finding(
            about="tools",
            what="no tools of your own",
            to_do="name plug-ins in ROLLTOP_TOOLS, as docs/tools.md says",
            level="open",
        )
    if equipped.fault:
        yield Finding(
            about="desk",
            what=f"it cannot be opened: {equipped.fault}",
            to_do="docs/models.md says how models and keys are set, docs/tools.md how plug-ins are",
            level="trouble",
        )
    for look in (_lagging, _rejected, _left_live, _overdue):
        async for finding in look(store):
            yield finding
    unfinished = Query(kind="turn", where={"status": In(OPEN_TURN)})
    now = await store.now()
    async for record in every(store, unfinished):
        yield await _open_turn(store, record, equipped, now)
    async for finding in _requests(store, equipped, now):
        yield finding


def examine_promises(can: Capabilities) -> Iterator[Finding]:
    """What the store promises, and whether it lasts."""
    kept = (f"{promise}: {'yes' if true else 'no'}" for promise, true in promises(can).items())
    yield Finding(about="promises", what="; ".join(kept))
    if not can.durable_on_ack:
        yield Finding(
            about="store",
            what="it ends with its process",
            to_do="name one that lasts in ROLLTOP_STORE, as docs/stores.md says",
            level="open",
        )


def promises(can: Capabilities) -> dict[str, bool]:
    """What a store may promise beyond the protocol, in words, and whether this one does."""
    return {
        "outlives its process": can.durable_on_ack,
        "may be shared by processes": can.multi_process,
        "writes entries and records together": can.atomic_records,
    }


def address(url: str) -> str:
    """What kind of store the URL names, and where, without user, password and options."""
    scheme, _, rest = url.partition(":")
    match scheme:
        case "sqlite":
            return f"SQLite, {rest.removeprefix('///')}"
        case "mongodb" | "mongodb+srv":
            # Not by `urlsplit`, which ends the host at a # in a password; the driver does not.
            return f"MongoDB, {rest.removeprefix('//').rpartition('@')[2].partition('?')[0]}"
        case _:
            return "in memory"


async def _lagging(store: Store) -> AsyncIterator[Finding]:
    async for head in every(store, Query(kind="stream", where={"dirty": True})):
        yield Finding(
            about="lagging",
            what=f"the records of {head.id}, entry {head.n}, are older than its log",
            to_do="start a desk or run `rolltop rebuild`, which updates them",
            level="trouble",
        )


async def _rejected(store: Store) -> AsyncIterator[Finding]:
    async for thread in every(store, Query(kind="thread", where={"rejected": Range(ge=1)})):
        yield Finding(
            about="rejected",
            what=f"thread {thread.id} has rejected entries, {thread.fields['rejected']} of them: a worker wrote after "
            "another one had taken its turn over",
            to_do="they do not count; its log shows what the worker did",
            level="trouble",
        )


async def _left_live(store: Store) -> AsyncIterator[Finding]:
    # Younger ones are normal: a follower of a turn that has just ended still reads its live text.
    before, left = await store.now() - LIVE_KEPT, 0
    async for stream in every(store, streams_of("live")):
        turn = await store.get("turn", stream.id.split(":")[1])
        if turn is None:
            yield Finding(
                about="live",
                what=f"{stream.id} belongs to a turn without a record",
                to_do="`rolltop rebuild` finds the turn if a log has it",
                level="trouble",
            )
        elif (ended := turn.fields["ended_at"]) and moment(ended) < before:
            left += 1
    if left:
        yield Finding(about="live", what=f"{counted(left, 'live stream')} of ended turns: the next desk removes them")


async def _overdue(store: Store) -> AsyncIterator[Finding]:
    """The threads whose erasure is due, and has not happened."""
    now = await store.now()
    async for head in every(store, Query(kind="thread", where={"erase_due": Range(lt=iso(now))})):
        thread = item(head)
        assert isinstance(thread, Thread)
        assert thread.erase_due is not None
        due = moment(thread.erase_due)
        what = f"the erasure of thread {thread.id} was due {ago(now - due)}"
        if thread.open or thread.deferred:
            waits = "its open turn has ended" if thread.open else "its calls have been decided"
            yield Finding(about="erasure", what=f"{what}: it comes once {waits}")
        elif now - due > DUE_KEPT:
            yield Finding(
                about="erasure",
                what=what,
                to_do="start a desk, which carries it out; if one is running, its log says why it has failed",
                level="trouble",
            )


async def _open_turn(store: Store, record: Record, equipped: Equipped, now: datetime) -> Finding:
    turn = item(record)
    assert isinstance(turn, Turn)
    head = await store.get("thread", turn.thread)
    thread = item(head) if head else None
    text = f"turn {turn.id} of thread {turn.thread} is {turn.status}, asked {ago(now - moment(turn.opened_at))}"
    if not isinstance(thread, Thread) or thread.open is None or thread.open.turn != turn.id:
        text += "; its thread's record disagrees"
        return Finding(about="open turn", what=text, to_do="run `rolltop rebuild`", level="trouble")
    # The head of a turn that is worked on is written when it ends.
    later = await store.read(f"thread:{thread.id}", thread.n)
    last_at = later[-1].at if later else moment(thread.open.last_at)
    text += f", last active {ago(now - last_at)}, with {', '.join(thread.open.snapshot.models)}"
    if thread.open.waiting:
        text += ", waiting for a place"
    troubles = [*_stands_still(thread.open, now), *await _lacks(store, thread.open.snapshot, equipped)]
    if not troubles:
        return Finding(about="open turn", what=text)
    what, to_do = zip(*troubles, strict=True)
    return Finding(about="open turn", what="; ".join([text, *what]), to_do="; ".join(to_do), level="trouble")


async def _requests(store: Store, equipped: Equipped, now: datetime) -> AsyncIterator[Finding]:
    """The calls that wait for an approver, and the decided ones that are still to be reported in their thread."""
    waiting: list[datetime] = []
    async for record in every(store, Query(kind="deferred_call", where={"status": In(("waiting", "decided"))})):
        call = item_of(DeferredCall, record)
        if call.decision is None and moment(call.expires) > now:
            waiting.append(moment(call.asked_at))
        elif call.decision is None:
            yield Finding(
                about="request",
                what=f"call {call.call} of thread {call.thread} was not decided in time",
                to_do="start a desk, which closes it",
                level="trouble",
            )
        else:
            yield await _decided(store, call, call.decision, equipped, now)
    if waiting:
        text = f"waiting for an approver: {counted(len(waiting), 'call')}, the oldest asked {ago(now - min(waiting))}"
        yield Finding(about="request", what=text)


async def _decided(store: Store, call: DeferredCall, decision: Decision, equipped: Equipped, now: datetime) -> Finding:
    """A decided call that a turn still has to report."""
    outcome = "approved" if decision.outcome == "given" else "denied"
    text = f"call {call.call} of thread {call.thread} was {outcome} {ago(now - moment(decision.at))}"
    if outcome == "approved" and call.tool not in equipped.tools:
        return Finding(
            about="request",
            what=f"{text}; the configured desk lacks the tool {call.tool}",
            to_do=f"start one that has it before {call.expires}",
            level="trouble",
        )
    head = await store.get("thread", call.thread)
    if head and head.fields["open"]:
        return Finding(about="request", what=f"{text}; its thread says so once the open turn has ended")
    return Finding(
        about="request",
        what=f"{text}, and its thread does not say so",
        to_do="start a desk, which does",
        level="trouble",
    )


def _stands_still(opened: OpenTurn, now: datetime) -> list[tuple[str, str]]:
    if opened.status == "awaiting_approval":
        overdue = opened.expires is not None and moment(opened.expires) <= now
        return [("it was not approved in time", "start a desk, which ends it")] if overdue else []
    left = opened.released and not opened.waiting
    if left or opened.worker is None or is_gone(opened.worker):
        return [("its worker is gone", "start a desk, which continues it")]
    return []


async def _lacks(store: Store, snapshot: Snapshot, equipped: Equipped) -> list[tuple[str, str]]:
    # With a fault the models are unknown, and the fault has a finding of its own.
    lacks = [] if equipped.fault or snapshot.models == equipped.models else ["these models"]
    try:
        tools = {tool["name"] for tool in await read_blob(store, snapshot.tools)}
    except Corrupt as error:
        return [(str(error), "restore it from a copy of the store")]
    lacks += [f"the tool {name}" for name in sorted(tools - equipped.tools)]
    to_do = "start one that has them, or stop the turn"
    return [(f"the configured desk lacks {', '.join(lacks)}", to_do)] if lacks else []
