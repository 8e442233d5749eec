"""The records of a turn's calls, searches, summaries and hand-overs: what each fact makes of them.

`core.log.projection` has the turn itself and its messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from core.canonical import Json
from core.clock import iso
from core.ids import normalized
from core.log.buckets import bucket
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    CallDeferred,
    CallResolved,
    DeferredCallClosed,
    Erased,
    HandoverAsked,
    HandoverEnded,
    HistorySummarized,
    HookFailed,
    Late,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    PlannedCall,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    ToolTold,
)
from core.log.record_ids import deferred_id
from core.log.records import (
    MAX_FILTER,
    Decision,
    DeferredCall,
    HandoverRecord,
    Item,
    Message,
    ModelCall,
    Retrieval,
    Summary,
    Thread,
    ToolCall,
    Turn,
    filter_text,
)
from core.values import Entry

I = TypeVar("I", Turn, Message, ToolCall, ModelCall, Retrieval, HandoverRecord, DeferredCall)  # noqa: E741  # an item
D = TypeVar("D", ToolCall, ModelCall, Retrieval, DeferredCall)


class Items:
    """The loaded records, by type. A caller loads the records of a turn before it folds the turn's entries."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    def get(self, kind: type[I], item_id: str) -> I | None:
        item = self._items.get(item_id)
        return item if isinstance(item, kind) else None

    def of(self, kind: type[D], turn: str) -> list[D]:
        return [item for item in self._items.values() if isinstance(item, kind) and item.turn == turn]


def details(thread: Thread, items: Items, entry: Entry, fact: ThreadFact) -> Iterable[Item]:
    """The changed calls, searches and summaries of a turn after a fact; [] if all stay as they are."""
    match fact:
        case PassagesRetrieved():
            return [_retrieval(thread, items, entry, fact)]
        case ModelAsked():
            return [_model_call(thread, items.get(Turn, fact.turn), entry, fact)]
        case ModelAnswered():
            return [*_answered(items.get(ModelCall, fact.call), entry, fact), *_planned(thread, items, entry, fact)]
        case ModelFailed():
            return _failed(items.get(ModelCall, fact.call), entry, fact)
        case ToolStarted():
            return _started(items.get(ToolCall, fact.call), entry, fact)
        case ToolFinished():
            return _finished(items.get(ToolCall, fact.call), entry, fact)
        case ToolTold():
            return changed(items.get(ToolCall, fact.call), entry, told=fact.content.text if fact.content else None)
        case HookFailed():
            return _hook_failed(items, entry, fact)
        case HistorySummarized():
            return [_summary(thread, entry, fact)]
        case HandoverAsked():
            return [_handover(thread, entry, fact)]
        case HandoverEnded():
            return _handed_over(items.get(HandoverRecord, fact.handover), entry, fact)
        case ApprovalAsked():
            return _asked(items, entry, fact)
        case ApprovalGiven() | ApprovalDenied():
            return _decided(items, entry, fact)
        case CallDeferred():
            return _deferred(thread, items.get(ToolCall, fact.call), entry, fact)
        case DeferredCallClosed():
            return [
                *changed(items.get(DeferredCall, deferred_id(fact.call)), entry, status="closed", closed=fact.reason),
                *changed(items.get(ToolCall, fact.call), entry, waits=False, closed=fact.reason),
            ]
        case Late():
            return _late(items, entry, fact)
        case CallResolved():
            return _resolved(items.get(ToolCall, fact.call), entry, fact)
        case Erased():
            return _erased(items, entry, fact)
        case _:
            return []


def _retrieval(thread: Thread, items: Items, entry: Entry, fact: PassagesRetrieved) -> Retrieval:
    return Retrieval(
        id=fact.retrieval,
        n=entry.n,
        thread=thread.id,
        turn=fact.turn,
        owner=thread.owner,
        query=fact.content.query if fact.content else None,
        passages=fact.content.passages if fact.content else [],
        first_number=1 + sum(r.count for r in items.of(Retrieval, fact.turn) if r.at_n < entry.n),
        count=fact.count,
        error=fact.error,
        call=fact.call,
        judgement=fact.judgement,
        answers=fact.judgement.answers if fact.judgement else None,
        duration_ms=fact.duration_ms,
        at=iso(entry.at),
        at_n=entry.n,
        erased=fact.content is None,
    )


def _model_call(thread: Thread, turn: Turn | None, entry: Entry, fact: ModelAsked) -> ModelCall:
    return ModelCall(
        id=fact.call,
        n=entry.n,
        thread=thread.id,
        turn=fact.turn,
        owner=thread.owner,
        model=fact.model,
        step=fact.step,
        attempt=fact.attempt,
        fence=fact.fence,
        status="asked",
        request=fact.request,
        window=fact.window,
        purpose=fact.purpose,
        summary=fact.summary,
        changed=fact.changed,
        covers=fact.covers,
        asked_at=iso(entry.at),
        at_n=entry.n,
        day=iso(entry.at)[:10],
        entity=turn.entity if turn else None,
    )


def _failed(call: ModelCall | None, entry: Entry, fact: ModelFailed) -> list[ModelCall]:
    return changed(
        call,
        entry,
        status="failed",
        answer=fact.content.text if fact.content else None,
        message=fact.content.message if fact.content else None,
        reasoning_text=fact.content.reasoning_text if fact.content else "",
        left_out=fact.left_out,
        code=fact.code,
        usage=fact.usage,
        cost=fact.cost,
        ttft_ms=fact.ttft_ms,
        duration_ms=fact.duration_ms,
        ended_at=iso(entry.at),
        erased=fact.content is None,
    )


def _started(call: ToolCall | None, entry: Entry, fact: ToolStarted) -> list[ToolCall]:
    started_at = iso(entry.at)
    return changed(call, entry, status="running", attempts=fact.attempt, fence=fact.fence, started_at=started_at)


def _finished(call: ToolCall | None, entry: Entry, fact: ToolFinished) -> list[ToolCall]:
    return changed(
        call,
        entry,
        status=fact.status,
        waits=False,
        result=fact.content.result if fact.content else None,
        error=fact.content.error if fact.content else None,
        code=fact.code,
        size=fact.size,
        result_digest=fact.digest,
        cut=fact.cut,
        duration_ms=fact.duration_ms,
        duration_bucket=bucket(fact.duration_ms),
        finished_at=iso(entry.at),
        erased=fact.content is None,
    )


def _summary(thread: Thread, entry: Entry, fact: HistorySummarized) -> Summary:
    return Summary(
        id=fact.summary,
        n=entry.n,
        thread=thread.id,
        turn=fact.turn,
        owner=thread.owner,
        model_call=fact.call,
        first_n=fact.first_n,
        last_n=fact.last_n,
        text=fact.content.text if fact.content else None,
        at=iso(entry.at),
        at_n=entry.n,
    )


def _handover(thread: Thread, entry: Entry, fact: HandoverAsked) -> HandoverRecord:
    return HandoverRecord(
        id=fact.handover,
        n=entry.n,
        thread=thread.id,
        turn=fact.turn,
        owner=thread.owner,
        status="asked",
        attached=fact.attached,
        note=fact.content.note if fact.content else None,
        asked_at=iso(entry.at),
        at_n=entry.n,
    )


def _handed_over(handover: HandoverRecord | None, entry: Entry, fact: HandoverEnded) -> list[HandoverRecord]:
    return changed(
        handover,
        entry,
        status=fact.status,
        reference=fact.content.reference if fact.content else None,
        message=fact.content.message if fact.content else None,
        ended_at=iso(entry.at),
    )


def _asked(items: Items, entry: Entry, fact: ApprovalAsked) -> list[ToolCall]:
    asked = [items.get(ToolCall, waiting.call) for waiting in fact.calls]
    waits = {"status": "awaiting_approval", "waits": True, "expires": fact.expires}
    return [c for call in asked for c in changed(call, entry, **waits)]


def _resolved(call: ToolCall | None, entry: Entry, fact: CallResolved) -> list[ToolCall]:
    evidence = fact.content.evidence if fact.content else None
    resolution = {"happened": fact.happened, "by": entry.by, "at": iso(entry.at), "evidence": evidence}
    return changed(call, entry, resolution=resolution)


def changed(item: I | None, entry: Entry, **changes: Any) -> list[I]:  # Any: fields of the item
    """The record with these fields changed, as a list of one; [] if it is not loaded."""
    return [] if item is None else [item.model_copy(update={**changes, "n": entry.n})]


def _answered(call: ModelCall | None, entry: Entry, fact: ModelAnswered) -> list[ModelCall]:
    return changed(
        call,
        entry,
        status="answered",
        stop_reason=fact.stop_reason,
        answer=fact.content.text if fact.content else None,
        reasoning=fact.content.reasoning if fact.content else [],
        reasoning_text=fact.content.reasoning_text if fact.content else "",
        usage=fact.usage,
        cost=fact.cost,
        ttft_ms=fact.ttft_ms,
        duration_ms=fact.duration_ms,
        left_out=fact.left_out,
        repair=fact.repair,
        fault=fact.content.fault if fact.content else None,
        ended_at=iso(entry.at),
        erased=fact.content is None,
    )


def _hook_failed(items: Items, entry: Entry, fact: HookFailed) -> list[ToolCall] | list[ModelCall]:
    failure = f"{fact.hook}: {fact.content.message}" if fact.content else fact.hook
    if (tool_call := items.get(ToolCall, fact.call)) is not None:
        return changed(tool_call, entry, hook_failures=[*tool_call.hook_failures, failure])
    model_call = items.get(ModelCall, fact.call)
    return changed(model_call, entry, hook_failures=[*model_call.hook_failures, failure]) if model_call else []


def _planned(thread: Thread, items: Items, entry: Entry, fact: ModelAnswered) -> list[ToolCall]:
    earlier = sum(call.at_n < entry.n for call in items.of(ToolCall, fact.turn))
    arguments = fact.content.arguments if fact.content else {}
    return [
        planned_call(
            thread,
            entry,
            fact.turn,
            call,
            arguments.get(call.call),
            number=number,
            model_call=fact.call,
            fence=fact.fence,
        )
        for number, call in enumerate(fact.calls, earlier + 1)
    ]


def planned_call(
    thread: Thread,
    entry: Entry,
    turn: str,
    call: PlannedCall,
    arguments: Json,
    *,
    number: int,
    model_call: str,
    fence: int,
) -> ToolCall:
    """The record of a call that is planned. `model_call` is "" for the call of a report."""
    return ToolCall(
        id=call.call,
        n=entry.n,
        thread=thread.id,
        turn=turn,
        owner=thread.owner,
        model_call=model_call,
        number=number,
        tool=call.tool,
        effect=call.effect,
        status="planned",
        planned=arguments,
        arguments=arguments,
        digest=call.digest,
        approval=call.approval,
        fence=fence,
        planned_at=iso(entry.at),
        at_n=entry.n,
        day=iso(entry.at)[:10],
        filter_names=call.filters,
        subject=call.subject,
        outside=call.outside,
        **_found_by(thread.owner, call.filters, call.subject, arguments),
    )


def _found_by(
    owner: str, names: tuple[str, ...], subject: str | None, arguments: Json
) -> dict[str, Any]:  # Any: fields of ToolCall
    """What lists may filter a call with these arguments by."""
    values = arguments if isinstance(arguments, dict) else {}
    about = values.get(subject) if subject else None
    # An invalid argument may be anything that a model wrote.
    about = normalized(about) if isinstance(about, str) and about and len(about) <= MAX_FILTER else None
    filters = sorted({text for name in names if (text := filter_text(name, values.get(name)))})
    return {"about": about, "about_other": about is not None and about != owner, "filters": filters}


def _deferred(thread: Thread, call: ToolCall | None, entry: Entry, fact: CallDeferred) -> list[ToolCall | DeferredCall]:
    if call is None or thread.open is None:
        return []
    deferred = DeferredCall(
        id=deferred_id(call.id),
        call=call.id,
        n=entry.n,
        thread=thread.id,
        turn=fact.turn,
        owner=thread.owner,
        tool=call.tool,
        effect=call.effect,
        arguments=call.arguments,
        digest=call.digest,
        status="waiting",
        asked_at=iso(entry.at),
        expires=fact.expires,
        standing=thread.open.standing,
        filter_names=call.filter_names,
        subject=call.subject,
        outside=call.outside,
        at_n=entry.n,
    )
    left = {"status": "deferred", "waits": True, "expires": fact.expires, "finished_at": iso(entry.at)}
    return [deferred, *changed(call, entry, **left)]


def _decided(items: Items, entry: Entry, fact: ApprovalGiven | ApprovalDenied) -> Sequence[ToolCall | DeferredCall]:
    call, deferred = items.get(ToolCall, fact.call), items.get(DeferredCall, deferred_id(fact.call))
    if call is None:
        return []
    approved = isinstance(fact, ApprovalGiven)
    decision = Decision(
        outcome="given" if approved else "denied",
        by=entry.by,
        at=iso(entry.at),
        asked=fact.asked,
        digest=fact.digest if isinstance(fact, ApprovalGiven) else fact.asked,
        reason=fact.content.reason if fact.content else None,
    )
    if deferred is not None:
        # The call has its last status. What runs, if anything, is a call of the turn that reports the decision.
        run: dict[str, Any] = {"decision": decision, "status": "decided"}  # Any: as in _with
        if isinstance(fact, ApprovalGiven) and fact.digest != fact.asked:
            run |= {"arguments": fact.content.arguments if fact.content else None, "digest": fact.digest}
        return [*changed(deferred, entry, **run), *changed(call, entry, waits=False, decision=decision)]
    changes: dict[str, Any] = {"decision": decision, "waits": False}  # Any: as in _with
    changes["status"] = "planned" if approved else "denied"
    if isinstance(fact, ApprovalGiven) and fact.digest != fact.asked:
        # Once erased, the arguments are unknown. The planned ones would be wrong: others ran.
        arguments = fact.content.arguments if fact.content else None
        changes |= {"arguments": arguments, "digest": fact.digest}
        changes |= _found_by(call.owner, call.filter_names, call.subject, arguments)
    if not approved:
        changes |= {"finished_at": iso(entry.at), "code": "denied", "error": decision.reason}
    return changed(call, entry, **changes)


def _late(items: Items, entry: Entry, fact: Late) -> list[ToolCall] | list[ModelCall]:
    call = items.get(ToolCall, fact.call)
    if call is None:
        model_call = items.get(ModelCall, fact.call)
        # A bill that arrives late is still the bill of that attempt. A known bill is never replaced.
        if model_call is None or model_call.cost is not None or fact.usage is None:
            return []
        return changed(model_call, entry, usage=fact.usage, cost=fact.cost)
    report = {"fence": fact.fence, "status": fact.status, "at": iso(entry.at)}
    content = fact.content.model_dump(mode="json") if fact.content else {"result": None, "error": None}
    if call.status == "running" and call.fence == fact.fence and fact.status:
        return changed(call, entry, status=fact.status, finished_at=iso(entry.at), late=[*call.late, report], **content)
    return changed(call, entry, late=[*call.late, {**report, **content}])


def _erased(items: Items, entry: Entry, fact: Erased) -> list[Item]:
    emptied: list[Item] = []
    closed: set[str] = set()
    if "model.answered" in fact.kinds:
        for deferred in items.of(DeferredCall, fact.turn):
            close: dict[str, Any] = {}  # Any: as in _with
            if deferred.status in ("waiting", "decided"):
                close = {"status": "closed", "closed": "erased"}
                closed.add(deferred.call)
            emptied += changed(deferred, entry, arguments=None, **close)
    for call in items.of(ToolCall, fact.turn):
        changes: dict[str, Any] = {"waits": False, "closed": "erased"} if call.id in closed else {}  # Any: as in _with
        if "tool.finished" in fact.kinds:
            late = [
                {name: None if name in ("result", "error") else value for name, value in report.items()}
                for report in call.late
            ]
            changes |= {"result": None, "error": None, "told": None, "late": late, "erased": True}
        emptied += changed(call, entry, **changes) if changes else []
    if "model.failed" in fact.kinds:
        for model_call in items.of(ModelCall, fact.turn):
            if model_call.status == "failed":
                emptied += changed(model_call, entry, answer=None, message=None, erased=True)
    if "passages.retrieved" in fact.kinds:
        for retrieval in items.of(Retrieval, fact.turn):
            emptied += changed(retrieval, entry, query=None, passages=[], erased=True)
    return emptied
