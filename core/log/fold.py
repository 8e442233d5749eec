"""The fold: a thread's state is what its entries say, one after the other, and nothing else.

Two layers. The head (this file) holds no content and decides what is legal: an entry of a turn counts only from the
fence in force, any other is `rejected` and changes nothing but that counter. The records (`core.log.projection`) take
what the head accepted. Both are pure: the same entries give the same state in every process, on every store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.clock import iso
from core.errors import Corrupt, NotFound
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    Erased,
    FeedbackGiven,
    HistorySummarized,
    HookFailed,
    Late,
    MetadataChanged,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    Renamed,
    ThreadCreated,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    ToolTold,
    TurnClaimed,
    TurnEnded,
    TurnOpened,
    TurnReleased,
    thread_fact,
)
from core.log.projection import project
from core.log.records import Item, ModelCall, OpenCall, OpenModelCall, OpenTurn, Thread, ToolCall, Turn
from core.values import GENESIS, Entry

TITLE_LENGTH = 60
I = TypeVar("I", Turn, ToolCall, ModelCall)  # noqa: E741  # an item


@dataclass(frozen=True, slots=True)
class State:
    """A thread folded up to `n`: its head (None before entry 1) and the records that were loaded or touched, by id."""

    thread: Thread | None = None
    items: Mapping[str, Item] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The last entry folded, 0 for none: what a writer's `after` is."""
        return self.thread.n if self.thread else 0

    @property
    def hash(self) -> str:
        """The hash of that entry."""
        return self.thread.hash if self.thread else GENESIS

    @property
    def open_turn(self) -> OpenTurn | None:
        """The turn that has not ended, None without one."""
        return self.thread.open if self.thread else None

    def item(self, item_type: type[I], item_id: str) -> I:
        """The record of this type and id. Raises NotFound if it does not exist, or was not loaded."""
        item = self.items.get(item_id)
        if not isinstance(item, item_type):
            raise NotFound(item_type.model_fields["kind"].default, item_id)
        return item


def fold(state: State, entry: Entry) -> State:
    """The state after one entry more. Raises Corrupt for a gap, a broken link, and a kind that is no thread's."""
    if entry.n != state.n + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {state.n}")
    if entry.prev != state.hash:
        raise Corrupt(entry.stream, entry.n, "does not hold the hash of the entry before it")
    fact = thread_fact(entry)
    if state.thread is None:
        if not isinstance(fact, ThreadCreated):
            raise Corrupt(entry.stream, entry.n, "a thread begins with thread.created")
        return State(_created(entry, fact), {})
    before = state.thread.model_copy(update={"n": entry.n, "hash": entry.hash, "updated_at": iso(entry.at)})
    after = _head(before, entry, fact)
    if after is None:
        return replace(state, thread=before.model_copy(update={"rejected": before.rejected + 1}))
    return State(after, project(after, state.items, entry, fact))


def fold_all(state: State, entries: Iterable[Entry]) -> State:
    """`fold`, over entries in order."""
    for entry in entries:
        state = fold(state, entry)
    return state


def _created(entry: Entry, fact: ThreadCreated) -> Thread:
    at = iso(entry.at)
    return Thread(
        id=fact.thread,
        n=entry.n,
        hash=entry.hash,
        owner=fact.owner,
        title=fact.content.title if fact.content else None,
        metadata=fact.content.metadata if fact.content else {},
        instructions=fact.content.instructions if fact.content else "",
        created_at=at,
        updated_at=at,
    )


def _head(thread: Thread, entry: Entry, fact: ThreadFact) -> Thread | None:
    """The head after a fact, or None where the fact is not legal."""
    match fact:
        case ThreadCreated():
            return None
        case MetadataChanged():
            return thread.model_copy(update={"metadata": fact.content.metadata if fact.content else {}})
        case Renamed():
            return thread.model_copy(update={"title": fact.content.title if fact.content else None})
        case TurnOpened():
            return None if thread.open else _opened(thread, entry, fact)
        case FeedbackGiven() | Erased() | HookFailed():
            return thread
        case Late():
            return _late(thread, fact)
    open = thread.open
    if open is None or fact.turn != open.turn:
        return thread if fact.kind == "call.resolved" else None
    if isinstance(fact, TurnClaimed):
        return _claimed(thread, open, fact) if fact.fence == open.fence + 1 and _may_claim(open, fact) else None
    if (fence := getattr(fact, "fence", None)) is not None and fence != open.fence:
        return None
    return _step(thread, open, entry, fact)


def _opened(thread: Thread, entry: Entry, fact: TurnOpened) -> Thread:
    title = thread.title
    if title is None and fact.content:
        title = " ".join(fact.content.text.split())[:TITLE_LENGTH] or None
    open = OpenTurn(
        turn=fact.turn,
        request_id=fact.request_id,
        asker=entry.by,
        standing=fact.standing,
        snapshot=fact.snapshot,
        first_n=entry.n,
        status="running",
        last_at=iso(entry.at),
    )
    return thread.model_copy(update={"open": open, "turns": thread.turns + 1, "status": "running", "title": title})


def _may_claim(open: OpenTurn, fact: TurnClaimed) -> bool:
    """While a call waits for a person, only who ends the turn may claim it: nobody else has anything to go on with."""
    waits = any(call.status == "awaiting_approval" for call in open.calls)
    return not waits or fact.reason in ("stop", "expired")


def _claimed(thread: Thread, open: OpenTurn, fact: TurnClaimed) -> Thread:
    return _turn(
        thread,
        open,
        fence=fact.fence,
        worker=fact.worker,
        released=False,
        status="running",
        expires=None,
        lost=open.lost + (fact.reason == "lost"),
        retried=open.retried + (fact.reason == "retried"),
    )


def _late(thread: Thread, fact: Late) -> Thread:
    open = thread.open
    call = open.call(fact.call) if open and open.turn == fact.turn else None
    if open and call and fact.status and call.status == "running" and call.fence == fact.fence:
        return _turn(thread, open, calls=_changed(open, call, status=fact.status))
    return thread


def _step(thread: Thread, open: OpenTurn, entry: Entry, fact: ThreadFact) -> Thread | None:
    """What a fact from the fence in force, or a decision, does to the open turn."""
    match fact:
        case PassagesRetrieved():
            return _turn(thread, open, retrievals=open.retrievals + 1, passages=open.passages + fact.count)
        case ModelAsked():
            if open.model_call:
                return None
            asked = OpenModelCall(
                call=fact.call,
                fence=fact.fence,
                step=fact.step,
                attempt=fact.attempt,
                with_tools=fact.with_tools,
                purpose=fact.purpose,
                covers=fact.covers,
            )
            totals = thread.totals.model_copy(update={"model_calls": thread.totals.model_calls + 1})
            # What is not for the answer is no step: whatever becomes of it, the first answer is still to be asked for.
            match fact.purpose:
                case "summary":
                    counted = {"summaries": open.summaries + 1}
                case "query":
                    counted = {"queries": open.queries + 1}
                case "answer":
                    counted = {"step": fact.step, "attempts": fact.attempt}
            return _turn(thread, open, model_call=asked, failure=None, **counted).model_copy(update={"totals": totals})
        case ModelAnswered() | ModelFailed():
            return _closed_model_call(thread, open, fact)
        case ToolStarted():
            call = open.call(fact.call)
            if call is None or call.closed:
                return None
            calls = _changed(open, call, status="running", attempts=fact.attempt, fence=fact.fence)
            return _turn(thread, open, calls=calls)
        case ToolFinished():
            call = open.call(fact.call)
            if call is None or call.closed:
                return None
            return _turn(thread, open, calls=_changed(open, call, status=fact.status))
        case ToolTold():
            call = open.call(fact.call)
            return _turn(thread, open, calls=_changed(open, call, told=True)) if call and call.closed else None
        case HistorySummarized():
            return thread
        case ApprovalAsked():
            asked_calls = {asked.call for asked in fact.calls}
            calls = [
                call.model_copy(update={"status": "awaiting_approval"}) if call.call in asked_calls else call
                for call in open.calls
            ]
            return _turn(thread, open, calls=calls, status="awaiting_approval", expires=fact.expires)
        case ApprovalGiven() | ApprovalDenied():
            call = open.call(fact.call)
            if call is None or call.status != "awaiting_approval" or call.decision or call.digest != fact.asked:
                return None
            if isinstance(fact, ApprovalGiven):
                changes = {"decision": "given", "status": "planned", "digest": fact.digest}
            else:
                changes = {"decision": "denied", "status": "denied"}
            return _turn(thread, open, calls=_changed(open, call, **changes))
        case TurnReleased():
            return _turn(thread, open, released=True)
        case TurnEnded():
            if open.model_call or any(not call.closed for call in open.calls):
                return None
            return thread.model_copy(update={"open": None, "status": fact.status})
        case _:
            return thread


def _closed_model_call(thread: Thread, open: OpenTurn, fact: ModelAnswered | ModelFailed) -> Thread | None:
    if open.model_call is None or open.model_call.call != fact.call:
        return None
    totals = thread.totals.billed(fact.usage, fact.cost)
    if open.model_call.purpose != "answer":
        head = _turn(thread, open, model_call=None)
    elif isinstance(fact, ModelFailed):
        head = _turn(thread, open, model_call=None, failure=fact.code, failure_shown=fact.shown)
    else:
        planned = [
            OpenCall(
                call=call.call,
                tool=call.tool,
                effect=call.effect,
                status="planned",
                digest=call.digest,
                approval=call.approval,
            )
            for call in fact.calls
        ]
        totals = totals.model_copy(update={"tool_calls": totals.tool_calls + len(planned)})
        repairs = [*open.repairs, fact.repair] if fact.repair else open.repairs
        head = _turn(
            thread, open, model_call=None, failure=None, attempts=0, calls=[*open.calls, *planned], repairs=repairs
        )
    return head.model_copy(update={"totals": totals})


def _turn(thread: Thread, open: OpenTurn, **changes: Any) -> Thread:  # Any: fields of OpenTurn, checked by the tests
    update = {**changes, "last_at": thread.updated_at}
    head = open.model_copy(update=update)
    return thread.model_copy(update={"open": head, "status": head.status})


def _changed(open: OpenTurn, call: OpenCall, **changes: Any) -> list[OpenCall]:  # Any: as above
    return [c.model_copy(update=changes) if c.call == call.call else c for c in open.calls]
