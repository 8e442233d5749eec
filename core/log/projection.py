"""The records that a thread's facts make: one function for each record.

The head (`core.log.fold`) has already decided that a fact is legal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from core.canonical import Json
from core.clock import iso, moment
from core.log.buckets import bucket
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    BranchShown,
    CallDeferred,
    CallResolved,
    DeferredCallClosed,
    Erased,
    FeedbackGiven,
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
    TurnClaimed,
    TurnEnded,
    TurnOpened,
    TurnReleased,
)
from core.log.records import (
    MAX_FILTER,
    MAX_SEEN,
    Decision,
    DeferredCall,
    HandoverRecord,
    Item,
    Message,
    ModelCall,
    Retrieval,
    Seen,
    Summary,
    Thread,
    ToolCall,
    Totals,
    Turn,
    Version,
    Wait,
    filter_text,
)
from core.values import Entry, Outcome

SENT_OF_RESULT = 16_000
"""The most characters of a tool's result that count towards a turn's size: about what a model is sent of it."""

I = TypeVar("I", Turn, Message, ToolCall, ModelCall, Retrieval, HandoverRecord, DeferredCall)  # noqa: E741  # an item
D = TypeVar("D", ToolCall, ModelCall, Retrieval, DeferredCall)


def question_id(turn: str) -> str:
    """The id of the turn's question as a message."""
    return f"{turn}-q"


def answer_id(turn: str) -> str:
    """The id of the turn's answer as a message."""
    return f"{turn}-a"


def turn_of_call(call: str) -> str:
    """The id of the turn that a tool call belongs to, from the call's id."""
    return call.rpartition("-")[0]


def concerned(entry: Entry) -> list[str]:
    """The ids of the turns whose records an entry changes, [] for an entry of the thread alone."""
    shell = entry.shell
    fork, report = shell.get("fork"), shell.get("report")
    turns = (
        shell.get("turn"),
        fork["original"] if fork else None,
        turn_of_call(report["deferred"]) if report else None,
    )
    return [turn for turn in turns if turn]


def deferred_id(call: str) -> str:
    """The id of the record of a deferred call, from the call's id."""
    return f"{call}-d"


def joined(*texts: str) -> str:
    """The texts of a turn's model calls as one text: the empty ones left out, a blank line between the others."""
    return "\n\n".join(text for text in texts if text)


def project(thread: Thread, items: Mapping[str, Item], entry: Entry, fact: ThreadFact) -> Mapping[str, Item]:
    """The records by id after a fact that the head accepted; `thread` is the head after it."""
    turn_id = getattr(fact, "turn", None)
    if turn_id is None:
        return items
    changed = dict(items)
    for item in _changes(thread, _Items(items), entry, fact):
        # A store without joint writes can leave a record ahead of its head. Such a record has folded this entry
        # already: it must not count it twice.
        previous = items.get(item.id)
        if previous is None or previous.n < entry.n:
            changed[item.id] = item
    return changed


class _Items:
    """The loaded records, by type. A caller loads the records of a turn before it folds the turn's entries."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    def get(self, kind: type[I], item_id: str) -> I | None:
        item = self._items.get(item_id)
        return item if isinstance(item, kind) else None

    def of(self, kind: type[D], turn: str) -> list[D]:
        return [item for item in self._items.values() if isinstance(item, kind) and item.turn == turn]


def _changes(thread: Thread, items: _Items, entry: Entry, fact: ThreadFact) -> Iterator[Item]:
    if isinstance(fact, TurnOpened):
        yield from _opened(thread, items, entry, fact)
        return
    turn = items.get(Turn, fact.turn)  # type: ignore[union-attr]  # `project` let only facts of a turn through
    if turn is not None and turn.n < entry.n:
        last_n = turn.last_n if turn.ended_at else entry.n  # later entries, such as feedback, are among other turns'
        fields = _aside_fields(turn, fact) if _aside(items, fact) else _turn_fields(turn, entry, fact)
        if isinstance(fact, (ModelAnswered, ModelFailed)):
            totals: Totals = fields.get("totals", turn.totals)
            fields = {
                **fields,
                "totals": totals.billed(fact.usage, fact.cost),
                **_first_text(turn, items.get(ModelCall, fact.call), fact),
            }
        if isinstance(fact, TurnEnded):
            fields["acted"] = thread.acted
        turn = turn.model_copy(update={"n": entry.n, "last_n": last_n, **fields})
        outcome = _outcome(turn, items.of(Retrieval, turn.id))
        yield turn if turn.outcome == outcome else turn.model_copy(update={"outcome": outcome})
    # Messages repeat their turn. If the stored turn is ahead of this entry, they wait until the fold has reached its n.
    if turn is not None and turn.n == entry.n:
        yield from _messages(items, turn)
    yield from _details(thread, items, entry, fact)


def _messages(items: _Items, turn: Turn) -> Iterator[Message]:
    answer = items.get(Message, answer_id(turn.id))
    if answer is not None:
        yield answer.model_copy(
            update={
                "n": turn.n,
                "text": None if "turn.ended" in turn.erased else joined(turn.text, turn.partial),
                "status": turn.status,
                "citations": turn.citations,
            }
        )
    question = items.get(Message, question_id(turn.id))
    if question is not None and question.status != turn.status:
        yield question.model_copy(update={"n": turn.n, "status": turn.status})


def _opened(thread: Thread, items: _Items, entry: Entry, fact: TurnOpened) -> Iterator[Item]:
    at = iso(entry.at)
    text = fact.content.text if fact.content else None
    report, fork = fact.report, fact.fork
    deferred = items.get(DeferredCall, deferred_id(report.deferred)) if report else None
    if report and report.call:
        arguments = fact.content.arguments if fact.content else None
        call = _planned_call(thread, entry, fact.turn, report.call, arguments, number=1, model_call="", fence=0)
        decision = deferred.decision if deferred else None
        yield call.model_copy(update={"carries_out": report.deferred, "decision": decision})
    if report:
        yield from _with(deferred, entry, status="reported", report=fact.turn)
    if fork and (original := items.get(Turn, fork.original)):
        yield from _with(original, entry, versions=_versions(original, entry, fact.turn, fork.left))
    yield Turn(
        id=fact.turn,
        n=entry.n,
        thread=thread.id,
        owner=thread.owner,
        request_id=fact.request_id,
        snapshot=fact.snapshot,
        status="running",
        question=text,
        concern=fact.content.concern if fact.content else None,
        opened_at=at,
        first_n=entry.n,
        last_n=entry.n,
        size=len(text or ""),
        replaces=fork.replaces if fork else None,
        original=fork.original if fork else None,
        hidden=thread.hidden,
        acted=thread.acted,
        report=report.deferred if report else None,
        totals=Totals(tool_calls=int(report is not None and report.call is not None)),
        day=at[:10],
        country=fact.standing.country,
    )
    # A report is the desk's own word, and not the employee's.
    asker: Literal["user", "assistant"] = "assistant" if report else "user"
    # Both messages come from one entry: the answer after the question.
    for place, message_id, words in ((0, question_id(fact.turn), text), (1, answer_id(fact.turn), "")):
        yield Message(
            id=message_id,
            n=entry.n,
            thread=thread.id,
            turn=fact.turn,
            owner=thread.owner,
            role=asker if place == 0 else "assistant",
            text=words,
            status="running",
            at=at,
            at_n=2 * entry.n + place,
        )


def _versions(original: Turn, entry: Entry, shown: str, left: str) -> list[Version]:
    """The versions of the original's place, once the turn `shown` is the one shown there."""
    at = iso(entry.at)
    first = Version(turn=original.id, n=original.first_n, seen=[Seen(n=original.first_n, since=original.opened_at)])
    versions: list[Version] = []
    for version in original.versions or [first]:
        if version.seen and version.seen[-1].until is None:
            seen = [*version.seen[:-1], version.seen[-1].model_copy(update={"until": at})]
            version = version.model_copy(update={"last": left, "seen": seen})
        versions.append(version)
    if all(version.turn != shown for version in versions):
        versions.append(Version(turn=shown, n=entry.n))
    return [
        version.model_copy(update={"seen": [*version.seen, Seen(n=entry.n, since=at)][-MAX_SEEN:]})
        if version.turn == shown
        else version
        for version in versions
    ]


def _aside(items: _Items, fact: ThreadFact) -> bool:
    """Whether the fact concerns a side call (a summary or a query), which leaves the turn's text as it is."""
    if isinstance(fact, ModelAsked):
        return fact.purpose != "answer"
    if not isinstance(fact, (ModelAnswered, ModelFailed)):
        return False
    call = items.get(ModelCall, fact.call)
    return call is not None and call.purpose != "answer"


def _aside_fields(turn: Turn, fact: ThreadFact) -> dict[str, Any]:  # Any: fields of Turn
    if not isinstance(fact, ModelAsked):
        return {}
    return {"totals": turn.totals.model_copy(update={"model_calls": turn.totals.model_calls + 1})}


def _turn_fields(turn: Turn, entry: Entry, fact: ThreadFact) -> dict[str, Any]:  # Any: fields of Turn
    match fact:
        case BranchShown():
            return {"versions": _versions(turn, entry, fact.version, fact.left)}
        case TurnClaimed():
            waits = [wait if wait.until else wait.model_copy(update={"until": iso(entry.at)}) for wait in turn.waits]
            return {"fence": fact.fence, "status": "running", "waiting": [], "waits": waits}
        case TurnReleased() if fact.reason == "waiting":
            return {"waits": [*turn.waits, Wait(n=entry.n, since=iso(entry.at))]}
        case ModelAsked():
            calls = turn.totals.model_calls + 1
            return {"partial": "", "totals": turn.totals.model_copy(update={"model_calls": calls})}
        case ModelAnswered():
            text = fact.content.text if fact.content else ""
            totals = turn.totals.model_copy(update={"tool_calls": turn.totals.tool_calls + len(fact.calls)})
            size = (
                turn.size
                + len(text)
                + sum(len(str(a)) for a in (fact.content.arguments if fact.content else {}).values())
            )
            # An answer that did not fit its schema is given again. The first one stays in its model call as evidence.
            answer = turn.text if fact.repair == "output" else joined(turn.text, text)
            return {"text": answer, "partial": "", "totals": totals, "size": size}
        case ModelFailed():
            return {"partial": fact.content.text if fact.content else ""}
        case ToolFinished():
            return {"size": turn.size + min(fact.size, SENT_OF_RESULT)}
        case ApprovalAsked():
            return {"status": "awaiting_approval", "waiting": [asked.call for asked in fact.calls]}
        case ApprovalGiven() | ApprovalDenied():
            return {"waiting": [call for call in turn.waiting if call != fact.call]}
        case TurnEnded():
            content = fact.content
            return {
                "status": fact.status,
                "text": content.text if content else "",
                "partial": "",
                "citations": content.citations if content else [],
                "citations_left_out": fact.citations_left_out,
                "handbooks": sorted({citation.passage.document for citation in content.citations} if content else ()),
                # Includes the text shown of an answer that broke off: its own entry may be erased, this one is not.
                "size": turn.size + (len(content.text) - len(turn.text) if content else 0),
                "output": content.output if content else None,
                "message": content.message if content else None,
                "code": fact.code,
                "ended_at": iso(entry.at),
                "waiting": [],
            }
        case FeedbackGiven():
            return {"rating": fact.rating, "comment": fact.content.comment if fact.content else None}
        case Erased():
            return {"erased": sorted({*turn.erased, *fact.kinds})}
        case _:
            return {}


def _first_text(
    turn: Turn, call: ModelCall | None, fact: ModelAnswered | ModelFailed
) -> dict[str, Any]:  # Any: as above
    """The time to the turn's first text and the models that answered, after a model call that ended."""
    if call is None or call.purpose != "answer":
        return {}
    changes: dict[str, Any] = {}
    if turn.first_text_ms is None and fact.ttft_ms is not None:
        waited = moment(call.asked_at) - moment(turn.opened_at)
        # Another process may have asked, by a clock that is behind.
        first = max(0, round(waited.total_seconds() * 1000)) + fact.ttft_ms
        changes = {"first_text_ms": first, "first_text_bucket": bucket(first)}
    if isinstance(fact, ModelAnswered):
        changes["models"] = sorted({*turn.models, call.model})
    return changes


def _outcome(turn: Turn, searches: list[Retrieval]) -> Outcome:
    match turn.status:
        case "running":
            return "running"
        case "awaiting_approval":
            return "waiting"
        case "cancelled":
            return "stopped"
        case "completed" if turn.citations or turn.citations_left_out:
            return "sourced"
        case "completed" if any(search.call is None and search.answers is False for search in searches):
            return "not_found"
        case "completed":
            return "unsourced"
        case _:
            return "failed"


def _details(thread: Thread, items: _Items, entry: Entry, fact: ThreadFact) -> Iterable[Item]:
    """The changed calls, searches and summaries of a turn after a fact; [] if all stay as they are."""
    match fact:
        case PassagesRetrieved():
            return [_retrieval(thread, items, entry, fact)]
        case ModelAsked():
            return [_model_call(thread, entry, fact)]
        case ModelAnswered():
            return [*_answered(items.get(ModelCall, fact.call), entry, fact), *_planned(thread, items, entry, fact)]
        case ModelFailed():
            return _failed(items.get(ModelCall, fact.call), entry, fact)
        case ToolStarted():
            return _started(items.get(ToolCall, fact.call), entry, fact)
        case ToolFinished():
            return _finished(items.get(ToolCall, fact.call), entry, fact)
        case ToolTold():
            return _with(items.get(ToolCall, fact.call), entry, told=fact.content.text if fact.content else None)
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
            return _with(items.get(DeferredCall, deferred_id(fact.call)), entry, status="closed", closed=fact.reason)
        case Late():
            return _late(items, entry, fact)
        case CallResolved():
            return _resolved(items.get(ToolCall, fact.call), entry, fact)
        case Erased():
            return _erased(items, entry, fact)
        case _:
            return []


def _retrieval(thread: Thread, items: _Items, entry: Entry, fact: PassagesRetrieved) -> Retrieval:
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


def _model_call(thread: Thread, entry: Entry, fact: ModelAsked) -> ModelCall:
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
    )


def _failed(call: ModelCall | None, entry: Entry, fact: ModelFailed) -> list[ModelCall]:
    return _with(
        call,
        entry,
        status="failed",
        answer=fact.content.text if fact.content else None,
        message=fact.content.message if fact.content else None,
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
    return _with(call, entry, status="running", attempts=fact.attempt, fence=fact.fence, started_at=started_at)


def _finished(call: ToolCall | None, entry: Entry, fact: ToolFinished) -> list[ToolCall]:
    return _with(
        call,
        entry,
        status=fact.status,
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
    return _with(
        handover,
        entry,
        status=fact.status,
        reference=fact.content.reference if fact.content else None,
        message=fact.content.message if fact.content else None,
        ended_at=iso(entry.at),
    )


def _asked(items: _Items, entry: Entry, fact: ApprovalAsked) -> list[ToolCall]:
    asked = [items.get(ToolCall, waiting.call) for waiting in fact.calls]
    return [c for call in asked for c in _with(call, entry, status="awaiting_approval", expires=fact.expires)]


def _resolved(call: ToolCall | None, entry: Entry, fact: CallResolved) -> list[ToolCall]:
    evidence = fact.content.evidence if fact.content else None
    resolution = {"happened": fact.happened, "by": entry.by, "at": iso(entry.at), "evidence": evidence}
    return _with(call, entry, resolution=resolution)


def _with(item: I | None, entry: Entry, **changes: Any) -> list[I]:  # Any: fields of the item
    return [] if item is None else [item.model_copy(update={**changes, "n": entry.n})]


def _answered(call: ModelCall | None, entry: Entry, fact: ModelAnswered) -> list[ModelCall]:
    return _with(
        call,
        entry,
        status="answered",
        stop_reason=fact.stop_reason,
        answer=fact.content.text if fact.content else None,
        reasoning=fact.content.reasoning if fact.content else [],
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


def _hook_failed(items: _Items, entry: Entry, fact: HookFailed) -> list[ToolCall] | list[ModelCall]:
    failure = f"{fact.hook}: {fact.content.message}" if fact.content else fact.hook
    if (tool_call := items.get(ToolCall, fact.call)) is not None:
        return _with(tool_call, entry, hook_failures=[*tool_call.hook_failures, failure])
    model_call = items.get(ModelCall, fact.call)
    return _with(model_call, entry, hook_failures=[*model_call.hook_failures, failure]) if model_call else []


def _planned(thread: Thread, items: _Items, entry: Entry, fact: ModelAnswered) -> list[ToolCall]:
    earlier = sum(call.at_n < entry.n for call in items.of(ToolCall, fact.turn))
    arguments = fact.content.arguments if fact.content else {}
    return [
        _planned_call(
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


def _planned_call(
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
        **_found_by(thread.owner, call.filters, call.subject, arguments),
    )


def _found_by(
    owner: str, names: tuple[str, ...], subject: str | None, arguments: Json
) -> dict[str, Any]:  # Any: fields of ToolCall
    """What lists may filter a call with these arguments by."""
    values = arguments if isinstance(arguments, dict) else {}
    about = values.get(subject) if subject else None
    # An invalid argument may be anything that a model wrote.
    about = about if isinstance(about, str) and about and len(about) <= MAX_FILTER else None
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
        at_n=entry.n,
    )
    return [deferred, *_with(call, entry, status="deferred", expires=fact.expires, finished_at=iso(entry.at))]


def _decided(items: _Items, entry: Entry, fact: ApprovalGiven | ApprovalDenied) -> Sequence[ToolCall | DeferredCall]:
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
        return [*_with(deferred, entry, **run), *_with(call, entry, decision=decision)]
    changes: dict[str, Any] = {"decision": decision, "status": "planned" if approved else "denied"}  # Any: as in _with
    if isinstance(fact, ApprovalGiven) and fact.digest != fact.asked:
        # Once erased, the arguments are unknown. The planned ones would be wrong: others ran.
        arguments = fact.content.arguments if fact.content else None
        changes |= {"arguments": arguments, "digest": fact.digest}
        changes |= _found_by(call.owner, call.filter_names, call.subject, arguments)
    if not approved:
        changes |= {"finished_at": iso(entry.at), "code": "denied", "error": decision.reason}
    return _with(call, entry, **changes)


def _late(items: _Items, entry: Entry, fact: Late) -> list[ToolCall] | list[ModelCall]:
    call = items.get(ToolCall, fact.call)
    if call is None:
        model_call = items.get(ModelCall, fact.call)
        # A bill that arrives late is still the bill of that attempt. A known bill is never replaced.
        if model_call is None or model_call.cost is not None or fact.usage is None:
            return []
        return _with(model_call, entry, usage=fact.usage, cost=fact.cost)
    report = {"fence": fact.fence, "status": fact.status, "at": iso(entry.at)}
    content = fact.content.model_dump(mode="json") if fact.content else {"result": None, "error": None}
    if call.status == "running" and call.fence == fact.fence and fact.status:
        return _with(call, entry, status=fact.status, finished_at=iso(entry.at), late=[*call.late, report], **content)
    return _with(call, entry, late=[*call.late, {**report, **content}])


def _erased(items: _Items, entry: Entry, fact: Erased) -> list[Item]:
    emptied: list[Item] = []
    if "model.answered" in fact.kinds:
        for deferred in items.of(DeferredCall, fact.turn):
            closed = {"status": "closed", "closed": "erased"} if deferred.status in ("waiting", "decided") else {}
            emptied += _with(deferred, entry, arguments=None, **closed)
    if "tool.finished" in fact.kinds:
        for call in items.of(ToolCall, fact.turn):
            late = [
                {name: None if name in ("result", "error") else value for name, value in report.items()}
                for report in call.late
            ]
            emptied += _with(call, entry, result=None, error=None, told=None, late=late, erased=True)
    if "model.failed" in fact.kinds:
        for model_call in items.of(ModelCall, fact.turn):
            if model_call.status == "failed":
                emptied += _with(model_call, entry, answer=None, message=None, erased=True)
    if "passages.retrieved" in fact.kinds:
        for retrieval in items.of(Retrieval, fact.turn):
            emptied += _with(retrieval, entry, query=None, passages=[], erased=True)
    return emptied
