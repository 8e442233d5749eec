"""The fold: a thread's state follows from its entries alone, taken in order.

There are two layers. The head (this file) holds ids and statuses, and decides which facts are legal. The records
(`core.log.projection`) take the facts that the head accepted. Both are pure: the same entries give the same state in
every process and on every store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.canonical import Json
from core.clock import iso
from core.errors import Corrupt, NotFound
from core.log.emptied import emptied_head
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    BranchShown,
    CallDeferred,
    DeferredCallClosed,
    Erased,
    ErasureAsked,
    ErasureBegun,
    ErasureWithdrawn,
    FeedbackGiven,
    HandoverAsked,
    HandoverEnded,
    HistorySummarized,
    HookFailed,
    InstructionsChanged,
    Late,
    MetadataChanged,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    PlannedCall,
    Renamed,
    SealLifted,
    Shelved,
    ThreadCreated,
    ThreadErased,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    ToolTold,
    TurnClaimed,
    TurnEnded,
    TurnImported,
    TurnOpened,
    TurnReleased,
    thread_fact,
)
from core.log.projection import project
from core.log.records import (
    FOLD,
    MAX_DISTINCT,
    MAX_FILTER,
    DeferredCall,
    HandoverRecord,
    Item,
    Message,
    ModelCall,
    OpenCall,
    OpenDeferred,
    OpenModelCall,
    OpenTurn,
    Retrieval,
    Summary,
    Thread,
    ToolCall,
    Turn,
    filter_text,
    record_kind,
)
from core.values import GENESIS, Concern, Entry, Outcome

TITLE_LENGTH = 60
"""Characters of the first question that become the title of a thread without one."""

HOUSEKEEPING = (
    InstructionsChanged,
    Renamed,
    Shelved,
    ErasureAsked,
    ErasureWithdrawn,
    ErasureBegun,
    ThreadErased,
    Erased,
)
"""Facts that do not make a thread newer. A thread that is erased keeps the time of what was said in it."""

I = TypeVar(  # noqa: E741  # an item
    "I", Turn, Message, ToolCall, ModelCall, Retrieval, Summary, HandoverRecord, DeferredCall
)


@dataclass(frozen=True, slots=True)
class State:
    """A thread folded up to `n`: its head, None before entry 1, and the loaded or changed records by id."""

    thread: Thread | None = None
    items: Mapping[str, Item] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The last entry folded, 0 before entry 1; a writer appends after it."""
        return self.thread.n if self.thread else 0

    @property
    def hash(self) -> str:
        """The hash of that entry."""
        return self.thread.hash if self.thread else GENESIS

    @property
    def open_turn(self) -> OpenTurn | None:
        """The turn that has not ended, None without one."""
        return self.thread.open if self.thread else None

    def item(self, kind: type[I], item_id: str) -> I:
        """The record of this type and id. Raises NotFound if it was not loaded or has another type."""
        item = self.items.get(item_id)
        if not isinstance(item, kind):
            raise NotFound(record_kind(kind), item_id)
        return item


def fold(state: State, entry: Entry) -> State:
    """The state after one more entry. Raises Corrupt for a gap, a broken link, or a kind of another stream."""
    if entry.n != state.n + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {state.n}")
    if entry.prev != state.hash:
        raise Corrupt(entry.stream, entry.n, "does not hold the hash of the entry before it")
    fact = thread_fact(entry)
    if state.thread is None:
        if not isinstance(fact, ThreadCreated):
            raise Corrupt(entry.stream, entry.n, "a thread begins with thread.created")
        return State(_created(entry, fact), {})
    at = state.thread.updated_at if isinstance(fact, HOUSEKEEPING) else iso(entry.at)
    before = state.thread.model_copy(update={"n": entry.n, "hash": entry.hash, "updated_at": at})
    after = _head(before, entry, fact)
    if after is None:
        # Counted, and otherwise without effect: an entry of an old fence must not change a turn that another worker
        # has claimed. Writers prevent such entries, so a count above 0 is an alarm.
        return replace(state, thread=before.model_copy(update={"rejected": before.rejected + 1}))
    items = project(after, state.items, entry, fact)
    return State(_summed_up(after, items, fact), items)


def fold_all(state: State, entries: Iterable[Entry]) -> State:
    """`fold` each of the entries, in order."""
    for entry in entries:
        state = fold(state, entry)
    return state


def _created(entry: Entry, fact: ThreadCreated) -> Thread:
    at = iso(entry.at)
    title = fact.content.title if fact.content else None
    return Thread(
        id=fact.thread,
        n=entry.n,
        hash=entry.hash,
        owner=fact.owner,
        title=title,
        text=title,
        metadata=fact.content.metadata if fact.content else {},
        instructions=fact.content.instructions if fact.content else "",
        created_at=at,
        updated_at=at,
        filters=_filters(fact.content.metadata if fact.content else {}),
        fold=FOLD,
    )


def _summed_up(thread: Thread, items: Mapping[str, Item], fact: ThreadFact) -> Thread:
    """The head with what lists filter threads by, after a fact that it accepted."""
    changes: dict[str, Any] = {}  # Any: fields of Thread
    counts = thread.outcome_counts
    if isinstance(fact, TurnEnded) and isinstance(turn := items.get(fact.turn), Turn):
        # From the turn's records, which may be ahead of this entry: what they hold of an ended turn does not change.
        counts = {**counts, turn.outcome: counts.get(turn.outcome, 0) + 1}
        calls = [call for call in items.values() if isinstance(call, ToolCall) and call.turn == turn.id]
        tools = {text for call in calls for text in (call.tool, f"{call.tool}:{call.status}", f":{call.status}")}
        changes = {
            "outcome_counts": counts,
            "tools": _merged(thread.tools, tools),
            "handbooks": _merged(thread.handbooks, turn.handbooks),
            "models": _merged(thread.models, turn.models),
        }
    if isinstance(fact, TurnImported):
        counts = {**counts, "imported": counts.get("imported", 0) + 1}
        cited = fact.content.citations if fact.content else []
        handbooks = _merged(thread.handbooks, {citation.passage.document for citation in cited})
        changes = {"outcome_counts": counts, "handbooks": handbooks}
    current: Outcome | None = None
    if thread.open:
        current = "waiting" if thread.open.status == "awaiting_approval" else "running"
    outcomes = sorted({*counts, *([current] if current else [])})
    if outcomes != thread.outcomes:
        changes["outcomes"] = outcomes
    if isinstance(fact, FeedbackGiven):
        rated = dict(thread.rating_counts)
        for rating, change in ((fact.previous, -1), (fact.rating, 1)):
            if rating:
                rated[rating] = rated.get(rating, 0) + change
        rated = {rating: count for rating, count in rated.items() if count > 0}
        changes |= {"rating_counts": rated, "ratings": sorted(rated)}
    return thread.model_copy(update=changes) if changes else thread


def _merged(known: Sequence[str], new: Iterable[str]) -> list[str]:
    return sorted({*known, *sorted({*new} - {*known})[: max(0, MAX_DISTINCT - len(known))]})


def _filters(metadata: Mapping[str, Json]) -> list[str]:
    """The metadata's scalars as texts; a field within a field is named `a.b`."""
    texts: set[str] = set()
    for name, value in metadata.items():
        if isinstance(value, dict):
            texts |= {f"{name}.{text}" for text in _filters(value) if len(name) + 1 + len(text) <= MAX_FILTER}
        elif text := filter_text(name, value):
            texts.add(text)
    return sorted(texts)[:MAX_DISTINCT]


def _head(thread: Thread, entry: Entry, fact: ThreadFact) -> Thread | None:
    """The head after a fact, or None if the fact is illegal."""
    match fact:
        case ThreadCreated():
            return None
        case MetadataChanged():
            metadata = fact.content.metadata if fact.content else {}
            return thread.model_copy(update={"metadata": metadata, "filters": _filters(metadata)})
        case InstructionsChanged():
            return thread.model_copy(update={"instructions": fact.content.instructions if fact.content else ""})
        case Renamed():
            title = fact.content.title if fact.content else None
            return thread.model_copy(update={"title": title, "text": title})
        case Shelved():
            return thread.model_copy(update={"shelf": None if fact.shelf == "listed" else fact.shelf})
        case ErasureAsked():
            return thread.model_copy(update={"erase_due": fact.due, "erase_asked": iso(entry.at)})
        case ErasureWithdrawn():
            return thread.model_copy(update={"erase_due": None, "erase_asked": None})
        case ErasureBegun():
            return emptied_head(thread) if may_erase(thread) else None
        case ThreadErased():
            erased = {"erase_due": None, "erased_upto": fact.upto, "erased_at": iso(entry.at), "erasing": False}
            return thread.model_copy(update=erased)
        case TurnOpened():
            return None if thread.open else _opened(thread, entry, fact)
        case TurnImported():
            return None if thread.open else _imported(thread, entry, fact)
        case BranchShown():
            shown = {"last": fact.last, "hidden": fact.hidden}
            return None if thread.open else thread.model_copy(update=shown)
        case SealLifted():
            return thread.model_copy(update={"sealed": None})
        case Erased():
            # Without its arguments nobody can decide on a call.
            gone = {item.call for item in thread.deferred if item.turn == fact.turn and "model.answered" in fact.kinds}
            return _settled(thread, gone)
        case FeedbackGiven() | HandoverAsked() | HandoverEnded() | HookFailed():
            return thread
        case DeferredCallClosed():
            return _settled(thread, {fact.call}) if thread.waiting_for(fact.call) else None
        case ApprovalGiven() | ApprovalDenied() if deferred := thread.waiting_for(fact.call):
            return _decided(thread, deferred, fact)
        case Late():
            return _late(thread, fact)
    turn = thread.open
    if turn is None or fact.turn != turn.turn:
        # A person may resolve an unknown call at any time after its turn has ended.
        return thread if fact.kind == "call.resolved" else None
    if isinstance(fact, TurnClaimed):
        return _claimed(thread, turn, fact) if fact.fence == turn.fence + 1 and _may_claim(turn, fact) else None
    # A decision carries no fence: a person makes it, and not the worker that holds the turn.
    if (fence := getattr(fact, "fence", None)) is not None and fence != turn.fence:
        return None
    return _step(thread, turn, fact)


def may_erase(thread: Thread) -> bool:
    """Whether the erasure that the owner has asked for may begin: work that goes on needs what is written."""
    return thread.erase_due is not None and not thread.erasing and thread.open is None and not thread.deferred


def _opened(thread: Thread, entry: Entry, fact: TurnOpened) -> Thread:
    report, totals = fact.report, thread.totals
    calls: list[OpenCall] = []
    if report and report.call:
        calls = [_planned(report.call).model_copy(update={"decision": "given"})]
        totals = totals.model_copy(update={"tool_calls": totals.tool_calls + 1})
    turn = OpenTurn(
        turn=fact.turn,
        request_id=fact.request_id,
        # What an approver has decided is done for the person who asked for it.
        asker=thread.owner if report else entry.by,
        calls=calls,
        standing=fact.standing,
        snapshot=fact.snapshot,
        first_n=entry.n,
        status="running",
        last_at=iso(entry.at),
        outside_history=thread.outside_history,
    )
    concern = fact.content.concern if fact.content else None
    changes = _asked(thread, fact.turn, fact.text, concern, sealed=fact.sealed)
    changes |= {"open": turn, "status": "running", "totals": totals}
    if fact.fork:
        changes["hidden"] = fact.fork.hidden
    if report:
        changes["deferred"] = _settled(thread, {report.deferred}).deferred
    return thread.model_copy(update=changes)


def _imported(thread: Thread, entry: Entry, fact: TurnImported) -> Thread:
    question, concern = (fact.content.question, fact.content.concern) if fact.content else (None, None)
    changes = _asked(thread, fact.turn, question, concern, sealed=fact.sealed)
    changes["status"] = "completed"
    if fact.acted:
        changes["acted"] = entry.n
    if fact.outside:
        changes["outside_history"] = True
    return thread.model_copy(update=changes)


def _asked(
    thread: Thread, turn: str, question: str | None, concern: Concern | None, *, sealed: bool
) -> dict[str, Any]:  # Any: fields of Thread
    """What a question changes in the head, whether it is answered here or was elsewhere."""
    changes: dict[str, Any] = {"turns": thread.turns + 1, "last": turn}
    if thread.title is None and question:
        changes["title"] = " ".join(question.split())[:TITLE_LENGTH] or None
    if sealed:
        changes["sealed"] = True
    if concern:
        changes["topic"] = concern.topic
    return changes


def _planned(call: PlannedCall) -> OpenCall:
    return OpenCall(
        call=call.call,
        tool=call.tool,
        effect=call.effect,
        status="planned",
        digest=call.digest,
        approval=call.approval,
        outside=call.outside,
    )


def _settled(thread: Thread, calls: set[str]) -> Thread:
    """The head without these deferred calls."""
    left = [item for item in thread.deferred if item.call not in calls]
    return thread.model_copy(update={"deferred": left})


def _decided(thread: Thread, deferred: OpenDeferred, fact: ApprovalGiven | ApprovalDenied) -> Thread | None:
    # As for a call that its turn waits for: the digest binds the decision, and the first one counts.
    if deferred.decision or deferred.digest != fact.asked:
        return None
    if isinstance(fact, ApprovalGiven):
        decided = deferred.model_copy(update={"decision": "given", "digest": fact.digest})
    else:
        decided = deferred.model_copy(update={"decision": "denied"})
    items = [decided if item.call == deferred.call else item for item in thread.deferred]
    return thread.model_copy(update={"deferred": items})


def _may_claim(turn: OpenTurn, fact: TurnClaimed) -> bool:
    # While a call waits for a decision, a worker could only wait too: the turn may be claimed to end it.
    waits = any(call.status == "awaiting_approval" for call in turn.calls)
    return not waits or fact.reason in ("stop", "expired", "restored")


def _claimed(thread: Thread, turn: OpenTurn, fact: TurnClaimed) -> Thread:
    return _turn(
        thread,
        turn,
        fence=fact.fence,
        worker=fact.worker,
        released=False,
        waiting=False,
        status="running",
        expires=None,
        lost=turn.lost + (fact.reason == "lost"),
        retried=turn.retried + (fact.reason == "retried"),
    )


def _late(thread: Thread, fact: Late) -> Thread:
    turn = thread.open
    call = turn.call(fact.call) if turn and turn.turn == fact.turn else None
    if turn and call and fact.status and call.status == "running" and call.fence == fact.fence:
        return _turn(thread, turn, calls=_changed(turn, call, status=fact.status))
    return thread


def _step(thread: Thread, turn: OpenTurn, fact: ThreadFact) -> Thread | None:
    """The head after a decision or a fact of the current fence, or None if it is illegal."""
    match fact:
        case PassagesRetrieved():
            return _turn(thread, turn, retrievals=turn.retrievals + 1, passages=turn.passages + fact.count)
        case ModelAsked():
            if turn.model_call:
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
            # A summary or a query is not a step: whether it succeeds or fails, the answer is still to be requested.
            match fact.purpose:
                case "summary":
                    counted = {"summaries": turn.summaries + 1}
                case "query":
                    counted = {"queries": turn.queries + 1}
                case "answer":
                    counted = {"step": fact.step, "attempts": fact.attempt}
            return _turn(thread, turn, model_call=asked, failure=None, **counted).model_copy(update={"totals": totals})
        case ModelAnswered() | ModelFailed():
            return _closed_model_call(thread, turn, fact)
        case ToolStarted():
            call = turn.call(fact.call)
            if call is None or call.closed:
                return None
            calls = _changed(turn, call, status="running", attempts=fact.attempt, fence=fact.fence)
            return _turn(thread, turn, calls=calls)
        case ToolFinished():
            call = turn.call(fact.call)
            if call is None or call.closed:
                return None
            return _turn(thread, turn, calls=_changed(turn, call, status=fact.status))
        case ToolTold():
            call = turn.call(fact.call)
            return _turn(thread, turn, calls=_changed(turn, call, told=True)) if call and call.closed else None
        case HistorySummarized():
            return thread
        case ApprovalAsked():
            asked_calls = {asked.call for asked in fact.calls}
            calls = [
                call.model_copy(update={"status": "awaiting_approval"}) if call.call in asked_calls else call
                for call in turn.calls
            ]
            return _turn(thread, turn, calls=calls, status="awaiting_approval", expires=fact.expires)
        case ApprovalGiven() | ApprovalDenied():
            call = turn.call(fact.call)
            # The digest binds the decision to the arguments that the person was shown; the first decision counts.
            if call is None or call.status != "awaiting_approval" or call.decision or call.digest != fact.asked:
                return None
            if isinstance(fact, ApprovalGiven):
                changes = {"decision": "given", "status": "planned", "digest": fact.digest}
            else:
                changes = {"decision": "denied", "status": "denied"}
            return _turn(thread, turn, calls=_changed(turn, call, **changes))
        case CallDeferred():
            call = turn.call(fact.call)
            if call is None or not call.waits:
                return None
            deferred = OpenDeferred(
                call=fact.call,
                turn=turn.turn,
                first_n=turn.first_n,
                tool=call.tool,
                digest=call.digest,
                expires=fact.expires,
            )
            head = _turn(thread, turn, calls=_changed(turn, call, status="deferred"))
            return head.model_copy(update={"deferred": [*thread.deferred, deferred]})
        case TurnReleased():
            return _turn(thread, turn, released=True, waiting=fact.reason == "waiting")
        case TurnEnded():
            # A turn ends after everything it started is closed, or a record would say "running" for ever.
            if turn.model_call or any(not call.closed for call in turn.calls):
                return None
            acted = any(call.effect != "read" and call.status in ("succeeded", "unknown") for call in turn.calls)
            ended = {"open": None, "status": fact.status, "acted": turn.first_n if acted else thread.acted}
            return thread.model_copy(update=ended)
        case _:
            return thread


def _closed_model_call(thread: Thread, turn: OpenTurn, fact: ModelAnswered | ModelFailed) -> Thread | None:
    if turn.model_call is None or turn.model_call.call != fact.call:
        return None
    totals = thread.totals.billed(fact.usage, fact.cost)
    if turn.model_call.purpose != "answer":
        head = _turn(thread, turn, model_call=None)
    elif isinstance(fact, ModelFailed):
        head = _turn(thread, turn, model_call=None, failure=fact.code, failure_shown=fact.shown)
    else:
        planned = [_planned(call) for call in fact.calls]
        totals = totals.model_copy(update={"tool_calls": totals.tool_calls + len(planned)})
        repairs = [*turn.repairs, fact.repair] if fact.repair else turn.repairs
        calls = [*turn.calls, *planned]
        head = _turn(thread, turn, model_call=None, failure=None, attempts=0, calls=calls, repairs=repairs)
    return head.model_copy(update={"totals": totals})


def _turn(thread: Thread, turn: OpenTurn, **changes: Any) -> Thread:  # Any: fields of OpenTurn, checked by the tests
    update = {**changes, "last_at": thread.updated_at}
    head = turn.model_copy(update=update)
    return thread.model_copy(update={"open": head, "status": head.status})


def _changed(turn: OpenTurn, call: OpenCall, **changes: Any) -> list[OpenCall]:  # Any: as above
    return [c.model_copy(update=changes) if c.call == call.call else c for c in turn.calls]
