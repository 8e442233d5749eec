"""The rules of a turn: what may be written next, given what is on record. Pure: the same input, the same facts.

`decide` turns a command into the facts to append, from the folded state only. After a `Conflict` the journal folds what
came in between and decides the same command again. The facts of the first decision are thrown away.
"""

from collections.abc import Mapping

from core.canonical import Json, canonical, digest
from core.errors import InvalidInput, NotFound, RequestMismatch, Superseded, TurnInProgress
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    AskedCall,
    DecisionContent,
    EndContent,
    ErasureBegun,
    ErasureWithdrawn,
    FailureContent,
    FeedbackGiven,
    HandoverAsked,
    HistorySummarized,
    InstructionsChanged,
    Late,
    ModelAnswered,
    ModelFailed,
    PassagesContent,
    PassagesRetrieved,
    PlannedCall,
    ResultContent,
    SummaryContent,
    ThreadErased,
    ThreadFact,
    ToolFinished,
    ToolStarted,
    TurnClaimed,
    TurnEnded,
    TurnReleased,
)
from core.log.fold import State, may_erase
from core.log.projection import joined
from core.log.records import HandoverRecord, ModelCall, OpenCall, OpenModelCall, OpenTurn, Turn
from core.options import Options
from core.retrieval.citations import citations, fitting
from core.retrieval.numbering import numbered
from core.retrieval.search import Found
from core.turn.branches import fork, shown
from core.turn.commands import (
    Answered,
    Approval,
    Begin,
    BeginErasure,
    Claim,
    Close,
    CloseDeferred,
    Command,
    Defer,
    EndErasure,
    Failed,
    Finished,
    GiveUp,
    HandOver,
    Note,
    Park,
    Release,
    ReportDecision,
    Request,
    Retrieved,
    Show,
    Start,
    Submit,
    Tell,
    WrittenCall,
)
from core.turn.deferred import closed, decided, deferrals, reported
from core.turn.openings import opening, released
from core.values import CallStatus, ClaimReason, CloseReason, Passage, Repair, TurnStatus, Usage, Worker

MAX_LOST = 5
MAX_RETRIED = 3

MAX_ADAPTED = 16
"""How often the request of one step is written otherwise: more than there are ways to write it."""

MAX_REPAIRS: Mapping[Repair, int] = {"cut_calls": 1, "calls": 2, "output": 1}
"""How often a turn's model is told what was wrong with an answer, and is to answer again."""


def decide(state: State, command: Command, options: Options) -> tuple[ThreadFact, ...]:
    """The facts to append, all in one commit; () if the record already says what the command wants.

    Raises Superseded if the command's worker does not hold the turn; TurnInProgress, RequestMismatch, NotFound and
    InvalidInput as `Desk` documents them.
    """
    match command:
        case Note(fact=FeedbackGiven() as rated):
            turn = state.item(Turn, rated.turn)
            return (rated.model_copy(update={"previous": turn.rating}),)
        case Note(fact=InstructionsChanged(content=content)):
            same = state.thread and content and content.instructions == state.thread.instructions
            return () if same else (command.fact,)
        case Note(fact=ErasureWithdrawn()):
            thread = state.thread
            return (command.fact,) if thread and thread.erase_due and not thread.erasing else ()
        case Note(fact=Late() as report):
            reported_on = state.items.get(report.turn)
            erased = isinstance(reported_on, Turn) and "tool.finished" in reported_on.erased
            # What was erased must not come back with a worker that reports it once more.
            return (report.model_copy(update={"content": None}) if erased else report,)
        case BeginErasure():
            thread = state.thread
            due = thread and may_erase(thread) and thread.erase_due and thread.erase_due < command.before
            return (ErasureBegun(),) if due else ()
        case EndErasure():
            begun = state.thread is not None and state.thread.erasing and state.thread.erased_upto == command.upto
            return (ThreadErased(upto=command.upto),) if begun else ()
        case Note():
            return (command.fact,)
        case Begin():
            return (command.created, *command.imported)
        case HandOver():
            return _handed_over(state, command)
        case Submit():
            return _submitted(state, command)
        case Show():
            return shown(state, command)
        case Approval():
            if state.thread and (deferred := state.thread.waiting_for(command.call)):
                return decided(state, deferred, command)
            return _approval(state, command)
        case ReportDecision():
            return reported(state, command)
        case CloseDeferred():
            return closed(state, command)
        case Close():
            return _close(state, command)
        case Claim():
            open_turn = state.open_turn
            if (
                open_turn is None
                or (open_turn.turn, open_turn.fence) != (command.turn, command.fence)
                or state.n != command.n
            ):
                raise Superseded(command.turn)
            return (_claim(open_turn, command.worker, command.reason),)
    open_turn = state.open_turn
    if open_turn is None or open_turn.worker is None or open_turn.worker.nonce != command.worker.nonce:
        raise Superseded("the turn is another worker's")
    if open_turn.released:
        raise Superseded("the turn was released: it needs a new claim")
    return _of_holder(state, open_turn, command, options)


def _claim(open_turn: OpenTurn, worker: Worker, reason: ClaimReason) -> TurnClaimed:
    return TurnClaimed(turn=open_turn.turn, fence=open_turn.fence + 1, worker=worker, reason=reason)


def _submitted(state: State, command: Submit) -> tuple[ThreadFact, ...]:
    opened = command.opened
    earlier = state.items.get(opened.turn)
    if isinstance(earlier, Turn):
        changed = earlier.question is not None and earlier.question != opened.text
        other_place = earlier.replaces != command.replaces
        if changed or other_place or not earlier.snapshot or earlier.snapshot.output != opened.snapshot.output:
            raise RequestMismatch(opened.request_id)
        return ()
    if open_turn := state.open_turn:
        raise TurnInProgress(open_turn.turn, open_turn.status)
    if state.thread and state.thread.erasing:
        # Its worker might still read, and send to a model, what is erased just now.
        raise InvalidInput(f"thread {state.thread.id} is being erased: ask again in a minute")
    if command.replaces is not None:
        opened = opened.model_copy(update={"fork": fork(state, command.replaces)})
    return opening(opened, command.worker, command.release)


def _handed_over(state: State, command: HandOver) -> tuple[ThreadFact, ...]:
    earlier = state.items.get(command.fact.handover)
    if isinstance(command.fact, HandoverAsked):
        return () if earlier else (command.fact,)
    # `unknown` is what recovery wrote of a sender that was silent: what the sender knows is better, even if it is late.
    open_ended = isinstance(earlier, HandoverRecord) and earlier.status in ("asked", "unknown")
    return (command.fact,) if open_ended else ()


def _of_holder(state: State, open_turn: OpenTurn, command: Command, options: Options) -> tuple[ThreadFact, ...]:
    """The facts of a command that only the holder of the turn may give."""
    turn, fence = open_turn.turn, open_turn.fence
    stamp = {"turn": turn, "fence": fence}
    match command:
        case Retrieved():
            return (
                _retrieved(
                    state,
                    open_turn,
                    command.search,
                    call=None,
                    duration_ms=command.duration_ms,
                    error=command.error,
                ),
            )
        case Request():
            requests = state.item(Turn, turn).totals.model_calls
            return (command.requested.model_copy(update={**stamp, "call": f"{turn}-m{requests + 1}"}),)
        case Answered():
            return _answered(state, open_turn, command, options)
        case Failed():
            return _failed(state, open_turn, command, options)
        case Start():
            calls = [call for call in open_turn.calls if call.call in command.calls and not call.closed]
            return tuple(
                ToolStarted(turn=turn, fence=fence, call=call.call, attempt=call.attempts + 1) for call in calls
            )
        case Finished():
            return _finished(state, open_turn, command)
        case Tell():
            return (command.told.model_copy(update=stamp),)
        case Defer():
            return deferrals(state, open_turn, command)
        case Park():
            waiting = [call for call in open_turn.calls if call.waits]
            asked_calls = [AskedCall(call=c.call, digest=c.digest, by=c.approval or "asker") for c in waiting]
            return (ApprovalAsked(turn=turn, fence=fence, calls=asked_calls, expires=command.expires),)
        case Release():
            return (TurnReleased(turn=turn, fence=fence),)
        case GiveUp():
            text = joined(state.item(Turn, turn).text, _partial(state, open_turn, command.partial))
            return (
                *_closed_calls(open_turn, fence, "lost", command),
                _ended(
                    state,
                    turn,
                    fence,
                    command.status,
                    text,
                    code=command.code,
                    message=command.message,
                    until=command.until,
                ),
            )
    raise TypeError(f"decide has no rule for {type(command).__name__}")


def _retrieved(
    state: State, open_turn: OpenTurn, search: Found, *, call: str | None, duration_ms: int, error: str | None
) -> PassagesRetrieved:
    """A search, with the passages that the turn did not have before."""
    earlier = {_edition(passage) for passage in numbered(state.items, open_turn.turn).values()}
    new = [passage for passage in search.passages if _edition(passage) not in earlier]
    return PassagesRetrieved(
        turn=open_turn.turn,
        fence=open_turn.fence,
        retrieval=f"{open_turn.turn}-r{open_turn.retrievals + 1}",
        count=len(new),
        duration_ms=duration_ms,
        error=error,
        call=call,
        judgement=search.judgement,
        content=PassagesContent(query=search.query, passages=new),
    )


def _finished(state: State, open_turn: OpenTurn, command: Finished) -> tuple[ThreadFact, ...]:
    finished = command.finished.model_copy(update={"turn": open_turn.turn, "fence": open_turn.fence})
    call = open_turn.call(finished.call)
    if call is None or call.closed:
        # The call has its last status from elsewhere, and keeps it: what this worker reports is evidence.
        return (late(finished, command.search),)
    if command.search is None:
        return (finished,)
    return _searched(state, open_turn, finished, command.search)


def _searched(
    state: State, open_turn: OpenTurn, finished: ToolFinished, search: Found
) -> tuple[PassagesRetrieved, ToolFinished]:
    """A call that searched: its passages, and as its result the numbers that they have in this turn."""
    retrieved = _retrieved(
        state, open_turn, search, call=finished.call, duration_ms=finished.duration_ms or 0, error=None
    )
    numbers = {_edition(passage): number for number, passage in numbered(state.items, open_turn.turn).items()}
    numbers |= {_edition(passage): open_turn.passages + k for k, passage in enumerate(retrieved.passages, 1)}
    result: Json = {"passages": [numbers[_edition(passage)] for passage in search.passages]}
    content = ResultContent(result=result, error=finished.error)
    measured = {"size": len(canonical(result)), "digest": digest(result), "content": content}
    return retrieved, finished.model_copy(update=measured)


def _edition(passage: Passage) -> tuple[str, str, str]:
    return passage.document, passage.version, passage.id


def _answered(state: State, open_turn: OpenTurn, command: Answered, options: Options) -> tuple[ThreadFact, ...]:
    turn, fence, request = open_turn.turn, open_turn.fence, open_turn.model_call
    if request is None or request.call != command.answered.call:
        raise Superseded(command.answered.call)
    content = command.answered.content
    if content is None:
        raise TypeError("an answer is recorded with its content")
    # A cut-off answer's calls may be cut off too, even if they parse: the model meant none of them as they are.
    cut_off = command.answered.stop_reason == "length"
    written = () if cut_off or not request.with_tools else command.calls
    repair = _repair(command, written, request.with_tools)
    again = repair is not None and open_turn.repairs.count(repair) < MAX_REPAIRS[repair]
    calls = {f"{turn}-t{number}": call for number, call in enumerate(written, len(open_turn.calls) + 1)}
    arguments = {call_id: call.arguments for call_id, call in calls.items()}
    answered = command.answered.model_copy(
        update={
            "turn": turn,
            "fence": fence,
            "calls": [
                PlannedCall(
                    call=call_id,
                    tool=call.tool,
                    effect=call.effect,
                    approval=call.approval,
                    digest=digest(call.arguments),
                    filters=call.filters,
                    subject=call.subject,
                    outside=call.outside,
                )
                for call_id, call in calls.items()
            ],
            "repair": repair,
            "content": content.model_copy(update={"arguments": arguments, "fault": command.misfit}),
        }
    )
    if request.purpose != "answer":
        return (answered, *_summarized(open_turn, request, answered))
    faults = [
        ToolFinished(
            turn=turn,
            fence=fence,
            call=call_id,
            status=call.fault,
            code=call.fault,
            content=ResultContent(error=call.message),
        )
        for call_id, call in calls.items()
        if call.fault
    ]
    may_request = request.step <= options.max_steps
    if written or (may_request and (answered.stop_reason == "pause" or again)):
        return (answered, *faults)
    text = joined(state.item(Turn, turn).text, answered.text)
    status, code = _ending(command, request, may_request)
    message = command.misfit or command.unjudged
    end = _ended(state, turn, fence, status, text, code=code, message=message, output=command.output)
    return answered, end


def _repair(command: Answered, written: tuple[WrittenCall, ...], with_tools: bool) -> Repair | None:
    """What is wrong with an answer, if the model can be told of it and answer again."""
    if command.misfit is not None:
        return "output"
    if command.answered.stop_reason == "length" and command.calls and with_tools:
        return "cut_calls"
    return "calls" if written and all(call.fault for call in written) else None


def _summarized(open_turn: OpenTurn, request: OpenModelCall, answered: ModelAnswered) -> tuple[ThreadFact, ...]:
    """The summary, if the answer is a complete one; () otherwise, and the turn goes on without it."""
    if answered.stop_reason != "end" or not answered.text.strip() or request.covers is None:
        return ()
    first_n, last_n = request.covers
    return (
        HistorySummarized(
            turn=open_turn.turn,
            fence=open_turn.fence,
            summary=f"{open_turn.turn}-s{open_turn.summaries}",
            call=request.call,
            first_n=first_n,
            last_n=last_n,
            content=SummaryContent(text=answered.text),
        ),
    )


def _ending(command: Answered, request: OpenModelCall, may_request: bool) -> tuple[TurnStatus, str | None]:
    """How an answer without calls ends its turn, as status and code."""
    if not request.with_tools and not command.answered.text:
        return "failed", "bad_calls" if may_request else "step_limit"
    match command.answered.stop_reason:
        case "length":
            return "truncated", "length"
        case "pause":
            return "truncated", "step_limit"  # it would have gone on: only the last step comes here
        case "refusal":
            return "refused", "refusal"
        case "other":
            return "interrupted", "unknown_stop"  # a stop reason that is new to us may mean that the text is cut
        case _:
            if command.unjudged is not None:
                return "failed", "schema_failed"
            return ("failed", "invalid_output") if command.misfit is not None else ("completed", None)


def _failed(state: State, open_turn: OpenTurn, command: Failed, options: Options) -> tuple[ThreadFact, ...]:
    turn, fence, failed = open_turn.turn, open_turn.fence, command.failed
    if open_turn.model_call is None or open_turn.model_call.call != failed.call:
        raise Superseded(failed.call)
    failed = failed.model_copy(update={"turn": turn, "fence": fence})
    if open_turn.model_call.purpose != "answer":
        return (failed,)
    code, message = failed.code, failed.message
    text = joined(state.item(Turn, turn).text, failed.text)
    if code == "answer_too_large":  # another attempt, or another model, would only be paid for as well
        return (failed, _ended(state, turn, fence, "failed", text, code=code, message=message))
    if code == "refusal":  # another model is not asked either: what one provider refuses is not passed on to the next
        return (failed, _ended(state, turn, fence, "refused", text, code=code, message=message))
    learnt = code == "adapted" and _adapted(state, open_turn) < MAX_ADAPTED
    if failed.shown:
        if (learnt or options.on_interruption == "retry") and open_turn.retried < MAX_RETRIED and open_turn.worker:
            return (failed, _claim(open_turn, open_turn.worker, "retried"))
        return (failed, _ended(state, turn, fence, "interrupted", text, code=code, message=message))
    # A worker that is gone says nothing about the model: how often that may happen is counted by its claims.
    attempts = open_turn.attempts - _adapted(state, open_turn)
    again = command.untried or (command.retryable and attempts < options.max_attempts)
    if code in ("worker_lost", "worker_left") or learnt or (again and code != "adapted"):
        return (failed,)
    return (failed, _ended(state, turn, fence, "failed", text, code=code, message=message))


def _adapted(state: State, open_turn: OpenTurn) -> int:
    """The attempts of this step so far after which the adapter wrote the request otherwise."""
    calls = [item for item in state.items.values() if isinstance(item, ModelCall) and item.turn == open_turn.turn]
    return sum(call.step == open_turn.step and call.code == "adapted" for call in calls)


def _approval(state: State, command: Approval) -> tuple[ThreadFact, ...]:
    open_turn = state.open_turn
    call = open_turn.call(command.call) if open_turn else None
    if open_turn is None or call is None or call.status != "awaiting_approval":
        return ()  # decided already, expired or stopped: the first in the log has won, and the record says which
    if command.digest != call.digest:
        raise InvalidInput("the call's arguments are not those that were shown: look again, then decide")
    approval: ThreadFact
    if command.outcome == "approve":
        new = call.digest if command.arguments is None else digest(command.arguments)
        arguments = command.arguments if new != call.digest else None
        approval = ApprovalGiven(
            turn=open_turn.turn,
            call=call.call,
            asked=call.digest,
            digest=new,
            content=DecisionContent(arguments=arguments, reason=command.reason),
        )
    else:
        approval = ApprovalDenied(
            turn=open_turn.turn, call=call.call, asked=call.digest, content=DecisionContent(reason=command.reason)
        )
    others = any(c.status == "awaiting_approval" and c.call != call.call for c in open_turn.calls)
    if others:
        return (approval,)
    claim = _claim(open_turn, command.worker, "resumed")
    return (approval, claim, *released(claim, command.release))


def _close(state: State, command: Close) -> tuple[ThreadFact, ...]:
    open_turn = state.open_turn
    if open_turn is None or open_turn.turn != command.turn or command.n not in (None, state.n):
        return ()
    turn, fence = open_turn.turn, open_turn.fence + 1
    text = joined(state.item(Turn, turn).text, _partial(state, open_turn, command.partial))
    return (
        _claim(open_turn, command.worker, command.reason),
        *_closed_calls(open_turn, fence, command.reason, command),
        _ended(state, turn, fence, command.status, text, code=command.code, message=command.message),
    )


def _partial(state: State, open_turn: OpenTurn, sealed: str) -> str:
    """What was shown of an unfinished answer: `sealed`, if the open model call is for the answer."""
    under_way = open_turn.model_call is not None and open_turn.model_call.purpose == "answer"
    return sealed if under_way else state.item(Turn, open_turn.turn).partial


def _closed_calls(open_turn: OpenTurn, fence: int, reason: CloseReason, shown: Close | GiveUp) -> list[ThreadFact]:
    """The last status of every call that is still open when its turn ends."""
    facts: list[ThreadFact] = []
    if open_turn.model_call:
        code, message = ("cancelled", "stopped") if reason == "stop" else ("worker_lost", "the worker is gone")
        content = FailureContent(text=shown.partial, message=message, reasoning_text=shown.reasoning)
        facts.append(broken_off(open_turn.turn, fence, open_turn.model_call, code, content))
    for call in open_turn.calls:
        if not call.closed:
            facts.append(_unfinished(open_turn.turn, fence, call, reason))
    return facts


def broken_off(turn: str, fence: int, call: OpenModelCall, code: str, content: FailureContent) -> ModelFailed:
    """A model call whose end its worker did not see: its cost is unknown, `content` has what it has shown."""
    return ModelFailed(
        turn=turn,
        fence=fence,
        call=call.call,
        code=code,
        shown=bool(content.text),
        usage=Usage(),
        cost=None,
        ttft_ms=None,
        duration_ms=None,
        content=content,
    )


def _unfinished(turn: str, fence: int, call: OpenCall, reason: CloseReason) -> ToolFinished:
    status, code = _last_status(call, reason)
    return ToolFinished(turn=turn, fence=fence, call=call.call, status=status, code=code, content=ResultContent())


def _last_status(call: OpenCall, reason: CloseReason) -> tuple[CallStatus, str]:
    if reason == "restored":
        # What was done after the backup is not on record: even a call that had not begun may have run since.
        return "cancelled" if call.effect == "read" else "unknown", reason
    if call.status != "running":
        return ("denied", "approval_expired") if reason == "expired" else ("cancelled", reason)
    if call.effect == "read":
        return ("cancelled", "stop") if reason == "stop" else ("failed", "worker_lost")
    return "unknown", "stop" if reason == "stop" else "worker_lost"


def lost_call(open_turn: OpenTurn, call_id: str, worker: Worker) -> Finished:
    """The end of a call that ran under an older fence and may not be started again."""
    call = open_turn.call(call_id)
    if call is None:
        raise NotFound("tool_call", call_id)
    return Finished(worker=worker, finished=_unfinished(open_turn.turn, open_turn.fence, call, "lost"))


def switched_off_call(open_turn: OpenTurn, call_id: str, worker: Worker) -> Finished:
    """The end of a call that is not started, or not started again, because its tool is switched off."""
    call = open_turn.call(call_id)
    if call is None:
        raise NotFound("tool_call", call_id)
    status: CallStatus = "denied"
    error = "An administrator has switched this tool off, so it was not run."
    if call.attempts:
        status = "failed" if call.effect == "read" else "unknown"
        error = "It began and did not end. An administrator has switched the tool off, so it was not run again."
    finished = ToolFinished(
        turn=open_turn.turn,
        fence=open_turn.fence,
        call=call_id,
        status=status,
        code="switched_off",
        content=ResultContent(error=error),
    )
    return Finished(worker=worker, finished=finished)


def late(finished: ToolFinished, search: Found | None) -> Late:
    """The outcome of a call as evidence: its worker held the turn under the outcome's fence, and has lost it since."""
    result = {"found": [passage.id for passage in search.passages]} if search else finished.result
    return Late(
        turn=finished.turn,
        fence=finished.fence,
        call=finished.call,
        status=finished.status,
        content=ResultContent(result=result, error=finished.error),
    )


def _ended(
    state: State,
    turn: str,
    fence: int,
    status: TurnStatus,
    text: str,
    *,
    code: str | None = None,
    message: str | None = None,
    output: Json = None,
    until: str | None = None,
) -> TurnEnded:
    every = citations(text, list(numbered(state.items, turn).values()))
    fit = fitting(every)
    content = EndContent(text=text, citations=fit, message=message, output=output)
    return TurnEnded(
        turn=turn,
        fence=fence,
        status=status,
        code=code,
        citations_left_out=len(every) - len(fit),
        cited=len(fit),
        until=until,
        content=content,
    )
