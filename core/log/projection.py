"""The records that a thread's facts make: one function a record, none of which decides what is legal.

A record that has folded an entry already is left alone, so that records ahead of their head, which a store without
joint writes can leave behind, are never counted twice and never go back.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from core.clock import iso
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    CallResolved,
    Erased,
    FeedbackGiven,
    HistorySummarized,
    HookFailed,
    Late,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesRetrieved,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    ToolTold,
    TurnClaimed,
    TurnEnded,
    TurnOpened,
)
from core.log.records import Decision, Item, Message, ModelCall, Retrieval, Summary, Thread, ToolCall, Turn
from core.values import Entry

I = TypeVar("I", Turn, Message, ToolCall, ModelCall, Retrieval)  # noqa: E741  # an item
SENT_OF_RESULT = 16_000
"""Characters of a tool's result that count towards a turn's size: about what a model is sent of a larger one."""

D = TypeVar("D", ToolCall, ModelCall, Retrieval)


def question_id(turn: str) -> str:
    """The id of the message that asks."""
    return f"{turn}-q"


def answer_id(turn: str) -> str:
    """The id of the message that answers."""
    return f"{turn}-a"


def joined(*texts: str) -> str:
    """The texts of a turn's model calls as one: a blank line between those that say something."""
    return "\n\n".join(text for text in texts if text)


def project(thread: Thread, items: Mapping[str, Item], entry: Entry, fact: ThreadFact) -> Mapping[str, Item]:
    """The items after a fact that the head accepted; `thread` is the head after it."""
    turn_id = getattr(fact, "turn", None)
    if turn_id is None:
        return items
    changed = dict(items)
    for item in _changes(thread, _Items(items), entry, fact):
        held = items.get(item.id)
        if held is None or held.n < entry.n:
            changed[item.id] = item
    return changed


class _Items:
    """The items by id and type; a missing one is a bug of the caller, who loads a turn's items before folding."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    def get(self, type: type[I], id: str) -> I | None:
        item = self._items.get(id)
        return item if isinstance(item, type) else None

    def of(self, type: type[D], turn: str) -> list[D]:
        return [item for item in self._items.values() if isinstance(item, type) and item.turn == turn]


def _changes(thread: Thread, items: _Items, entry: Entry, fact: ThreadFact) -> Iterator[Item]:
    if isinstance(fact, TurnOpened):
        yield from _opened(thread, entry, fact)
        return
    turn = items.get(Turn, fact.turn)  # type: ignore[union-attr]  # `project` let only facts of a turn through
    if turn is not None and turn.n < entry.n:
        last_n = turn.last_n if turn.ended_at else entry.n  # what comes later stands among other turns' entries
        fields = _aside_fields(turn, fact) if _aside(items, fact) else _turn_fields(turn, entry, fact)
        turn = turn.model_copy(update={"n": entry.n, "last_n": last_n, **fields})
        if isinstance(fact, (ModelAnswered, ModelFailed)):
            turn = turn.model_copy(update={"totals": turn.totals.billed(fact.usage, fact.cost)})
        yield turn
    # Messages say what their turn says: of one that is ahead of this entry, they say it once the fold has come so far.
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


def _opened(thread: Thread, entry: Entry, fact: TurnOpened) -> Iterator[Item]:
    at = iso(entry.at)
    text = fact.content.text if fact.content else None
    yield Turn(
        id=fact.turn,
        n=entry.n,
        thread=thread.id,
        owner=thread.owner,
        request_id=fact.request_id,
        snapshot=fact.snapshot,
        status="running",
        question=text,
        opened_at=at,
        first_n=entry.n,
        last_n=entry.n,
        size=len(text or ""),
    )
    for id, role, said in ((question_id(fact.turn), "user", text), (answer_id(fact.turn), "assistant", "")):
        yield Message(
            id=id,
            n=entry.n,
            thread=thread.id,
            turn=fact.turn,
            owner=thread.owner,
            role="user" if role == "user" else "assistant",
            text=said,
            status="running",
            at=at,
            at_n=2 * entry.n + (role == "assistant"),
        )


def _aside(items: _Items, fact: ThreadFact) -> bool:
    """Whether the fact is about a model call that is not for the answer, of which the turn shows nothing."""
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
        case TurnClaimed():
            return {"fence": fact.fence, "status": "running", "waiting": []}
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
            # What did not fit is said again, and stays in its model call as evidence.
            counts = turn.text if fact.repair == "output" else joined(turn.text, text)
            return {"text": counts, "partial": "", "totals": totals, "size": size}
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
                # With what was shown of an answer that broke off: its own entry may be erased, which this one is not.
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


def _details(thread: Thread, items: _Items, entry: Entry, fact: ThreadFact) -> Iterable[Item]:
    """The calls, searches and summaries of a turn after a fact; [] if the fact changes none of them."""
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
        case ApprovalAsked():
            return _asked(items, entry, fact)
        case ApprovalGiven() | ApprovalDenied():
            return _decided(items.get(ToolCall, fact.call), entry, fact)
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
    said = f"{fact.hook}: {fact.content.message}" if fact.content else fact.hook
    if (tool_call := items.get(ToolCall, fact.call)) is not None:
        return _with(tool_call, entry, hook_failures=[*tool_call.hook_failures, said])
    model_call = items.get(ModelCall, fact.call)
    return _with(model_call, entry, hook_failures=[*model_call.hook_failures, said]) if model_call else []


def _planned(thread: Thread, items: _Items, entry: Entry, fact: ModelAnswered) -> list[ToolCall]:
    earlier = sum(call.at_n < entry.n for call in items.of(ToolCall, fact.turn))
    arguments = fact.content.arguments if fact.content else {}
    return [
        ToolCall(
            id=call.call,
            n=entry.n,
            thread=thread.id,
            turn=fact.turn,
            owner=thread.owner,
            model_call=fact.call,
            number=number,
            tool=call.tool,
            effect=call.effect,
            status="planned",
            planned=arguments.get(call.call),
            arguments=arguments.get(call.call),
            digest=call.digest,
            approval=call.approval,
            fence=fact.fence,
            planned_at=iso(entry.at),
            at_n=entry.n,
        )
        for number, call in enumerate(fact.calls, earlier + 1)
    ]


def _decided(call: ToolCall | None, entry: Entry, fact: ApprovalGiven | ApprovalDenied) -> list[ToolCall]:
    if call is None:
        return []
    given = isinstance(fact, ApprovalGiven)
    decision = Decision(
        outcome="given" if given else "denied",
        by=entry.by,
        at=iso(entry.at),
        asked=fact.asked,
        digest=fact.digest if isinstance(fact, ApprovalGiven) else fact.asked,
        reason=fact.content.reason if fact.content else None,
    )
    changes: dict[str, Any] = {"decision": decision, "status": "planned" if given else "denied"}  # Any: as in _with
    if isinstance(fact, ApprovalGiven) and fact.digest != fact.asked:
        # Erased, they are unknown: the planned ones are not what ran.
        changes |= {"arguments": fact.content.arguments if fact.content else None, "digest": fact.digest}
    if not given:
        changes |= {"finished_at": iso(entry.at), "code": "denied", "error": decision.reason}
    return _with(call, entry, **changes)


def _late(items: _Items, entry: Entry, fact: Late) -> list[ToolCall] | list[ModelCall]:
    call = items.get(ToolCall, fact.call)
    if call is None:
        model_call = items.get(ModelCall, fact.call)
        # A bill that came late is still the bill of that attempt; a known one is never replaced.
        if model_call is None or model_call.cost is not None or fact.usage is None:
            return []
        return _with(model_call, entry, usage=fact.usage, cost=fact.cost)
    said = {"fence": fact.fence, "status": fact.status, "at": iso(entry.at)}
    content = fact.content.model_dump(mode="json") if fact.content else {"result": None, "error": None}
    if call.status == "running" and call.fence == fact.fence and fact.status:
        return _with(call, entry, status=fact.status, finished_at=iso(entry.at), late=[*call.late, said], **content)
    return _with(call, entry, late=[*call.late, {**said, **content}])


def _erased(items: _Items, entry: Entry, fact: Erased) -> list[Item]:
    gone: list[Item] = []
    if "tool.finished" in fact.kinds:
        for call in items.of(ToolCall, fact.turn):
            late = [
                {key: None if key in ("result", "error") else said for key, said in one.items()} for one in call.late
            ]
            gone += _with(call, entry, result=None, error=None, told=None, late=late, erased=True)
    if "model.failed" in fact.kinds:
        for asked in items.of(ModelCall, fact.turn):
            if asked.status == "failed":
                gone += _with(asked, entry, answer=None, message=None, erased=True)
    if "passages.retrieved" in fact.kinds:
        for found in items.of(Retrieval, fact.turn):
            gone += _with(found, entry, query=None, passages=[], erased=True)
    return gone
