"""Evidence of a turn and of a call: what the turn ran with, and the call's place in the log."""

from dataclasses import dataclass

from core.canonical import Json, digest
from core.clock import iso
from core.desk.unreadable import Unreadable, check_entries, read_entries
from core.errors import Corrupt
from core.log.commit import read_blob
from core.log.facts import (
    ApprovalAsked,
    Erased,
    Late,
    ModelAnswered,
    Snapshot,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    TurnOpened,
    thread_fact,
)
from core.log.records import ToolCall
from core.store import Store
from core.values import CallStatus, Entry

SHORT = 12
"""Characters of a hash that are shown: enough to see whether two are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One of the values that a turn ran with. `missing` says why `value` cannot be shown, None if it can."""

    digest: str
    value: Json = None
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What a turn ran with. `tools` are the schemas sent to the model, `handbooks` maps documents to versions.

    `output` is the schema that the answer had to fit, None for free text.
    """

    models: tuple[str, ...]
    instructions: Material
    tools: Material
    options: Material
    handbooks: Material
    output: Material | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep:
    """An entry of the log that concerns a call. `at` is a `core.clock.iso` text, `by` an id or a pseudonym.

    `hash` is the beginning of the entry's hash, `prev` that of the entry before it. `fence` and `attempt` are None if
    the entry has none; `status` is the one that the entry reports.
    """

    n: int
    kind: str
    at: str
    by: str
    fence: int | None
    attempt: int | None
    status: CallStatus | None
    hash: str
    prev: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHistory:
    """A call, and the entries of the log that concern it, in order. Entries among them may be `unreadable`."""

    call: ToolCall
    steps: list[CallStep]
    unreadable: list[Unreadable]


async def read_produced(store: Store, snapshot: Snapshot) -> Produced:
    """The values that the snapshot names by their digests."""
    return Produced(
        models=snapshot.models,
        instructions=await _material(store, snapshot.instructions),
        tools=await _material(store, snapshot.tools),
        options=await _material(store, snapshot.options),
        handbooks=await _material(store, snapshot.handbooks),
        output=await _material(store, snapshot.output) if snapshot.output else None,
    )


async def read_history(store: Store, call: ToolCall, end: int) -> CallHistory:
    """The entries from the call's plan to `end`, the last one of its turn, and the later ones that the call names."""
    stream = f"thread:{call.thread}"
    # One by one: between them may be as many turns as a thread has.
    spans = [(call.at_n - 1, end), *((n - 1, n) for n in call.later)]
    entries: list[Entry] = []
    broken: list[Unreadable] = []
    faults: list[Unreadable] = []
    for after, upto in spans:
        part, gaps = await read_entries(store, stream, after, upto)
        entries, broken, faults = entries + part, broken + gaps, faults + check_entries(part)
    bad = {fault.n for fault in faults}
    steps = [
        _step(entry, fact) for entry in entries if entry.n not in bad and _concerns(fact := thread_fact(entry), call)
    ]
    return CallHistory(call=call, steps=steps, unreadable=sorted([*broken, *faults], key=lambda one: one.n))


async def _material(store: Store, name: str) -> Material:
    try:
        value = await read_blob(store, name)
    except Corrupt as error:
        return Material(digest=name, missing=f"It {error.reason}.")
    if digest(value) != name:
        return Material(digest=name, missing="It was changed after the turn: its digest is another one.")
    return Material(digest=name, value=value)


def _concerns(fact: ThreadFact, call: ToolCall) -> bool:
    match fact:
        case ModelAnswered():
            return any(planned.call == call.id for planned in fact.calls)
        case ApprovalAsked():
            return any(asked.call == call.id for asked in fact.calls)
        case TurnOpened(report=report):
            # It carries the call out, or reports the decision on it.
            return report is not None and call.id in (report.deferred, report.call and report.call.call)
        case Erased():
            return fact.turn == call.turn and ("tool.finished" in fact.kinds or call.closed == "erased")
        case _:
            return getattr(fact, "call", None) == call.id


def _step(entry: Entry, fact: ThreadFact) -> CallStep:
    return CallStep(
        n=entry.n,
        kind=entry.kind,
        at=iso(entry.at),
        by=entry.by,
        fence=getattr(fact, "fence", None),
        attempt=fact.attempt if isinstance(fact, ToolStarted) else None,
        status=fact.status if isinstance(fact, ToolFinished | Late) else None,
        hash=entry.hash[:SHORT],
        prev=entry.prev[:SHORT],
    )
