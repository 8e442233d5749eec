"""The turn, decided: what may be written next, given what is on record. Pure: no await, no clock, no chance.

`decide` turns a wish (something that happened, or that somebody wants) into the facts to append, from the folded state
only. After a `Conflict` the driver folds what
came in between and decides again, so a wish is kept, and an intent never is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from core.canonical import Json, canonical, digest
from core.errors import InvalidInput, NotFound, RequestMismatch, Superseded, TurnInProgress
from core.log.facts import (
    AnswerContent,
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    AskedCall,
    DecisionContent,
    EndContent,
    FailureContent,
    HistorySummarized,
    Late,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesContent,
    PassagesRetrieved,
    PlannedCall,
    QuestionContent,
    ResultContent,
    SummaryContent,
    ThreadFact,
    ToldContent,
    ToolFinished,
    ToolStarted,
    ToolTold,
    TurnClaimed,
    TurnEnded,
    TurnOpened,
    TurnReleased,
)
from core.log.fold import State
from core.log.projection import joined
from core.log.records import OpenCall, OpenModelCall, OpenTurn, Turn
from core.options import Options
from core.retrieval.citations import citations, fitting
from core.retrieval.numbering import numbered
from core.retrieval.search import Found
from core.turn.commands import (
    Answered,
    Ask,
    Claim,
    Close,
    Decide,
    Failed,
    Finished,
    GiveUp,
    Note,
    Park,
    Release,
    Retrieved,
    Start,
    Submit,
    Tell,
    Wish,
    WrittenCall,
)
from core.values import CallStatus, ClaimReason, Passage, Repair, TurnStatus, Usage, Worker

MAX_LOST = 5
MAX_RETRIED = 3
MAX_REPAIRS: Mapping[Repair, int] = {"cut_calls": 1, "calls": 2, "output": 1}
"""How often a turn's model is told what was wrong with an answer, and asked again."""


def decide(state: State, wish: Wish, options: Options) -> tuple[ThreadFact, ...]:
    """The facts to append, all in one commit; () when the record says already what the wish wants.

    Raises Superseded when the wish is a worker's that no longer holds the turn; TurnInProgress, RequestMismatch,
    NotFound, InvalidInput as `Desk` documents them.
    """
    match wish:
        case Note():
            return (wish.fact,)
        case Submit():
            return _submit(state, wish)
        case Decide():
            return _decide(state, wish)
        case Close():
            return _close(state, wish)
        case Claim():
            open = _open(state)
            if open is None or open.turn != wish.turn or open.fence != wish.fence or state.n != wish.n:
                raise Superseded(wish.turn)
            return (_claim(open, wish.worker, wish.reason),)
    open = _open(state)
    if open is None or open.worker is None or open.worker.nonce != wish.worker.nonce:
        raise Superseded("the turn is another worker's")
    return _work(state, open, wish, options)


def _open(state: State) -> OpenTurn | None:
    return state.thread.open if state.thread else None


def _turn(state: State, id: str) -> Turn:
    turn = state.items.get(id)
    if not isinstance(turn, Turn):
        raise NotFound("turn", id)
    return turn


def _claim(open: OpenTurn, worker: Worker, reason: ClaimReason, ahead: int = 1) -> TurnClaimed:
    return TurnClaimed(turn=open.turn, fence=open.fence + ahead, worker=worker, reason=reason)


def _submit(state: State, wish: Submit) -> tuple[ThreadFact, ...]:
    earlier = state.items.get(wish.turn)
    if isinstance(earlier, Turn):
        changed = earlier.question is not None and earlier.question != wish.text
        if changed or earlier.snapshot.output != wish.snapshot.output:
            raise RequestMismatch(wish.request_id)
        return ()
    if open := _open(state):
        raise TurnInProgress(open.turn, open.status)
    return (
        TurnOpened(
            turn=wish.turn,
            request_id=wish.request_id,
            snapshot=wish.snapshot,
            standing=wish.standing,
            content=QuestionContent(text=wish.text),
        ),
        TurnClaimed(turn=wish.turn, fence=1, worker=wish.worker, reason="opened"),
    )


def _work(state: State, open: OpenTurn, wish: Wish, options: Options) -> tuple[ThreadFact, ...]:
    """What the holder of the claim may say."""
    turn, fence = open.turn, open.fence
    match wish:
        case Retrieved():
            return (_retrieved(state, open, wish.found, call=None, duration_ms=wish.duration_ms, error=wish.error),)
        case Ask():
            asked = _turn(state, turn).totals.model_calls
            return (
                ModelAsked(
                    turn=turn,
                    fence=fence,
                    call=f"{turn}-m{asked + 1}",
                    step=wish.step,
                    attempt=wish.attempt,
                    model=wish.model,
                    with_tools=wish.with_tools,
                    window=wish.window,
                    request=wish.request,
                    purpose=wish.purpose,
                    summary=wish.summary,
                    changed=list(wish.changed),
                    covers=wish.covers,
                ),
            )
        case Answered():
            return _answered(state, open, wish, options)
        case Failed():
            return _failed(state, open, wish, options)
        case Start():
            calls = [call for call in open.calls if call.call in wish.calls and not call.closed]
            return tuple(
                ToolStarted(turn=turn, fence=fence, call=call.call, attempt=call.attempts + 1) for call in calls
            )
        case Finished():
            call = open.call(wish.call)
            # A call that is closed already got its status from elsewhere: this worker's word is evidence at most.
            if call is None or call.closed:
                return (late(turn, fence, wish),)
            if wish.found:
                return _found(state, open, wish, wish.found)
            return (finished(turn, fence, wish),)
        case Tell():
            content = ToldContent(text=wish.text)
            return (ToolTold(turn=turn, fence=fence, call=wish.call, replaced=wish.text is not None, content=content),)
        case Park():
            waiting = [call for call in open.calls if call.waits]
            asked_calls = [AskedCall(call=c.call, digest=c.digest, by=c.approval or "asker") for c in waiting]
            return (ApprovalAsked(turn=turn, fence=fence, calls=asked_calls, expires=wish.expires),)
        case Release():
            return (TurnReleased(turn=turn, fence=fence),)
        case GiveUp():
            text = joined(_turn(state, turn).text, _partial(state, open, wish.partial))
            return (
                *_closed_calls(open, fence, "lost", wish.partial),
                _ended(state, turn, fence, "failed", text, code=wish.code, message=wish.message),
            )
    raise TypeError(f"no rule for {type(wish).__name__}")


def _retrieved(
    state: State, open: OpenTurn, found: Found, *, call: str | None, duration_ms: int, error: str | None
) -> PassagesRetrieved:
    """A search, with the passages that the turn has not found before."""
    known = {_edition(passage) for passage in numbered(state.items, open.turn).values()}
    new = [passage for passage in found.passages if _edition(passage) not in known]
    return PassagesRetrieved(
        turn=open.turn,
        fence=open.fence,
        retrieval=f"{open.turn}-r{open.retrievals + 1}",
        count=len(new),
        duration_ms=duration_ms,
        error=error,
        call=call,
        judgement=found.judgement,
        content=PassagesContent(query=found.query, passages=new),
    )


def _found(state: State, open: OpenTurn, wish: Finished, found: Found) -> tuple[ThreadFact, ...]:
    """A call that searched: its passages, and as its result the numbers that they have in this turn."""
    retrieved = _retrieved(state, open, found, call=wish.call, duration_ms=wish.duration_ms or 0, error=None)
    assert retrieved.content
    known = {_edition(passage): number for number, passage in numbered(state.items, open.turn).items()}
    known |= {_edition(passage): open.passages + k for k, passage in enumerate(retrieved.content.passages, 1)}
    result: Json = {"passages": [known[_edition(passage)] for passage in found.passages]}
    said = replace(wish, result=result, size=len(canonical(result)), digest=digest(result))
    return retrieved, finished(open.turn, open.fence, said)


def _edition(passage: Passage) -> tuple[str, str, str]:
    return passage.document, passage.version, passage.id


def _answered(state: State, open: OpenTurn, wish: Answered, options: Options) -> tuple[ThreadFact, ...]:
    turn, fence, asked = open.turn, open.fence, open.model_call
    if asked is None or asked.call != wish.call:
        raise Superseded(wish.call)
    # A cut-off answer's calls may be cut off too, even where they parse: none of them is what the model meant.
    written = () if wish.stop_reason == "length" or not asked.with_tools else wish.calls
    repair = _repair(wish, written, asked.with_tools)
    again = repair is not None and open.repairs.count(repair) < MAX_REPAIRS[repair]
    earlier = len(open.calls)
    ids = [f"{turn}-t{earlier + k}" for k in range(1, len(written) + 1)]
    answered = ModelAnswered(
        turn=turn,
        fence=fence,
        call=wish.call,
        stop_reason=wish.stop_reason,
        usage=wish.usage,
        cost=wish.cost,
        ttft_ms=wish.ttft_ms,
        duration_ms=wish.duration_ms,
        calls=[
            PlannedCall(
                call=id, tool=call.tool, effect=call.effect, approval=call.approval, digest=digest(call.arguments)
            )
            for id, call in zip(ids, written, strict=True)
        ],
        repair=repair,
        left_out=list(wish.left_out),
        content=AnswerContent(
            text=wish.text,
            reasoning=list(wish.reasoning),
            arguments={id: call.arguments for id, call in zip(ids, written, strict=True)},
            fault=wish.misfit,
        ),
    )
    if asked.purpose != "answer":
        return (answered, *_summarized(open, asked, wish))
    faults = [
        ToolFinished(
            turn=turn,
            fence=fence,
            call=id,
            status=call.fault,
            code=call.fault,
            content=ResultContent(error=call.message),
        )
        for id, call in zip(ids, written, strict=True)
        if call.fault
    ]
    may_ask = asked.step <= options.max_steps
    if written or (may_ask and (wish.stop_reason == "pause" or again)):
        return (answered, *faults)
    text = joined(_turn(state, turn).text, wish.text)
    status, code = _ending(wish, asked, may_ask)
    return (answered, _ended(state, turn, fence, status, text, code=code, message=wish.misfit, output=wish.output))


def _repair(wish: Answered, written: tuple[WrittenCall, ...], with_tools: bool) -> Repair | None:
    """What is wrong with an answer, if it is something that the model can be told."""
    if wish.misfit is not None:
        return "output"
    if wish.stop_reason == "length" and wish.calls and with_tools:
        return "cut_calls"
    return "calls" if written and all(call.fault for call in written) else None


def _summarized(open: OpenTurn, asked: OpenModelCall, wish: Answered) -> tuple[ThreadFact, ...]:
    """The summary, if the answer is a whole one; without it the turn goes on as it can."""
    if wish.stop_reason != "end" or not wish.text.strip() or asked.covers is None:
        return ()
    first_n, last_n = asked.covers
    return (
        HistorySummarized(
            turn=open.turn,
            fence=open.fence,
            summary=f"{open.turn}-s{open.summaries}",
            call=asked.call,
            first_n=first_n,
            last_n=last_n,
            content=SummaryContent(text=wish.text),
        ),
    )


def _ending(wish: Answered, asked: OpenModelCall, may_ask: bool) -> tuple[TurnStatus, str | None]:
    """How an answer without calls ends its turn. An end that nobody knows is never taken for a completion."""
    if not asked.with_tools and not wish.text:
        return "failed", "bad_calls" if may_ask else "step_limit"
    match wish.stop_reason:
        case "length":
            return "truncated", "length"
        case "pause":
            return "truncated", "step_limit"  # it would have gone on: only the last call comes here
        case "refusal":
            return "refused", "refusal"
        case "other":
            return "interrupted", "unknown_stop"
        case _:
            return ("failed", "invalid_output") if wish.misfit is not None else ("completed", None)


def _failed(state: State, open: OpenTurn, wish: Failed, options: Options) -> tuple[ThreadFact, ...]:
    turn, fence = open.turn, open.fence
    if open.model_call is None or open.model_call.call != wish.call:
        raise Superseded(wish.call)
    failed = ModelFailed(
        turn=turn,
        fence=fence,
        call=wish.call,
        code=wish.code,
        shown=bool(wish.text),
        usage=wish.usage,
        cost=wish.cost,
        ttft_ms=wish.ttft_ms,
        duration_ms=wish.duration_ms,
        left_out=list(wish.left_out),
        content=FailureContent(text=wish.text, message=wish.message),
    )
    if open.model_call.purpose != "answer":
        return (failed,)
    text = joined(_turn(state, turn).text, wish.text)
    if wish.code == "answer_too_large":  # another attempt, or another model, would only be paid for as well
        return (failed, _ended(state, turn, fence, "failed", text, code=wish.code, message=wish.message))
    if wish.text:
        if options.on_interruption == "retry" and open.retried < MAX_RETRIED and open.worker:
            return (failed, _claim(open, open.worker, "retried"))
        return (failed, _ended(state, turn, fence, "interrupted", text, code=wish.code, message=wish.message))
    # A worker that is gone says nothing about the model: how often that may happen is counted by its claims.
    again = wish.untried or (wish.retryable and open.attempts < options.max_attempts)
    if wish.code in ("worker_lost", "worker_left") or again:
        return (failed,)
    return (failed, _ended(state, turn, fence, "failed", text, code=wish.code, message=wish.message))


def _decide(state: State, wish: Decide) -> tuple[ThreadFact, ...]:
    open = _open(state)
    call = open.call(wish.call) if open else None
    if open is None or call is None or call.status != "awaiting_approval":
        return ()  # decided already, expired or stopped: the first in the log has won, and the record says which
    if wish.digest != call.digest:
        raise InvalidInput("the call's arguments are not those that were shown: look again, then decide")
    if wish.outcome == "approve":
        new = call.digest if wish.arguments is None else digest(wish.arguments)
        decision: ThreadFact = ApprovalGiven(
            turn=open.turn,
            call=call.call,
            asked=call.digest,
            digest=new,
            content=DecisionContent(arguments=wish.arguments if new != call.digest else None, reason=wish.reason),
        )
    else:
        decision = ApprovalDenied(
            turn=open.turn, call=call.call, asked=call.digest, content=DecisionContent(reason=wish.reason)
        )
    others = any(c.status == "awaiting_approval" and c.call != call.call for c in open.calls)
    return (decision,) if others else (decision, _claim(open, wish.worker, "resumed"))


def _close(state: State, wish: Close) -> tuple[ThreadFact, ...]:
    open = _open(state)
    if open is None or open.turn != wish.turn or wish.n not in (None, state.n):
        return ()
    fence = open.fence + 1
    text = joined(_turn(state, open.turn).text, _partial(state, open, wish.partial))
    return (
        _claim(open, wish.worker, wish.reason),
        *_closed_calls(open, fence, wish.reason, wish.partial),
        _ended(state, open.turn, fence, wish.status, text, code=wish.code, message=wish.message),
    )


def _partial(state: State, open: OpenTurn, sealed: str) -> str:
    """What is shown of an answer that did not come to its end: `sealed`, if the open model call is for the answer."""
    under_way = open.model_call is not None and open.model_call.purpose == "answer"
    return sealed if under_way else _turn(state, open.turn).partial


def _closed_calls(
    open: OpenTurn, fence: int, reason: Literal["stop", "expired", "lost"], partial: str
) -> list[ThreadFact]:
    """The last word on every call that is open, when the turn ends before they do."""
    facts: list[ThreadFact] = []
    if open.model_call:
        facts.append(
            ModelFailed(
                turn=open.turn,
                fence=fence,
                call=open.model_call.call,
                code="cancelled" if reason == "stop" else "worker_lost",
                shown=bool(partial),
                usage=Usage(),
                cost=None,
                ttft_ms=None,
                duration_ms=None,
                content=FailureContent(text=partial, message="stopped" if reason == "stop" else "the worker is gone"),
            )
        )
    for call in open.calls:
        if not call.closed:
            status, code = _last_word(call, reason)
            facts.append(
                ToolFinished(
                    turn=open.turn, fence=fence, call=call.call, status=status, code=code, content=ResultContent()
                )
            )
    return facts


def _last_word(call: OpenCall, reason: Literal["stop", "expired", "lost"]) -> tuple[CallStatus, str | None]:
    if call.status != "running":
        return ("denied", "approval_expired") if reason == "expired" else ("cancelled", reason)
    if call.effect == "read":
        return ("cancelled", "stop") if reason == "stop" else ("failed", "worker_lost")
    return "unknown", "stop" if reason == "stop" else "worker_lost"


def lost_call(open: OpenTurn, call: OpenCall, worker: Worker) -> Finished:
    """The last word on a call that ran under an older fence and may not be started again."""
    status, code = _last_word(call, "lost")
    return Finished(worker=worker, call=call.call, status=status, code=code)


def finished(turn: str, fence: int, wish: Finished) -> ToolFinished:
    """The outcome of a call, from the fence in force."""
    return ToolFinished(
        turn=turn,
        fence=fence,
        call=wish.call,
        status=wish.status,
        code=wish.code,
        duration_ms=wish.duration_ms,
        size=wish.size,
        digest=wish.digest,
        cut=wish.cut,
        content=ResultContent(result=wish.result, error=wish.error),
    )


def late(turn: str, fence: int, wish: Finished) -> Late:
    """The outcome of a call, from a worker that held the turn under `fence` and no longer does."""
    result = {"found": [passage.id for passage in wish.found.passages]} if wish.found else wish.result
    content = ResultContent(result=result, error=wish.error)
    return Late(turn=turn, fence=fence, call=wish.call, status=wish.status, content=content)


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
) -> TurnEnded:
    found = citations(text, list(numbered(state.items, turn).values()))
    kept = fitting(found)
    content = EndContent(text=text, citations=kept, message=message, output=output)
    return TurnEnded(
        turn=turn, fence=fence, status=status, code=code, citations_left_out=len(found) - len(kept), content=content
    )
