"""The rules of deferred calls: they wait for an approver while their thread goes on. Pure, as `decide` is.

A decision is reported in a turn of its own. It is opened in the commit of the decision, or else once no other turn is
open: until then the head holds the call, so that no kill loses it.
"""

from core.canonical import Json, digest
from core.errors import InvalidInput
from core.log.facts import (
    ApprovalDenied,
    ApprovalGiven,
    CallDeferred,
    DecisionContent,
    DeferredCallClosed,
    PlannedCall,
    QuestionContent,
    Report,
    ResultContent,
    Snapshot,
    ThreadFact,
    ToolFinished,
    TurnOpened,
)
from core.log.fold import State
from core.log.record_ids import deferred_id
from core.log.records import DeferredCall, OpenDeferred, OpenTurn, carrying_call
from core.turn.commands import Approval, CloseDeferred, Defer, ReportDecision
from core.turn.openings import opening

MAX_DEFERRED = 20
"""The most calls of a thread that wait for an approver: its head, which every operation reads, holds their ids."""


def report_turn(thread: str, call: str) -> tuple[str, str]:
    """The ids of the turn that reports the decision on a deferred call, and of its request."""
    # Derived, as every turn's id is: whoever opens it second finds it there.
    # The colon keeps it apart from every id that a caller may send.
    request = f"{call}:decided"
    return digest([thread, request])[:24], request


def deferrals(state: State, open_turn: OpenTurn, command: Defer) -> tuple[ThreadFact, ...]:
    """The fact for each of the calls. A call that waits already is not asked for twice, and too many are refused."""
    facts: list[ThreadFact] = []
    deferred = list(state.thread.deferred) if state.thread else []
    asked = {(one.tool, one.digest) for one in deferred if one.decision != "denied"}
    left = MAX_DEFERRED - len(deferred)
    here = {"turn": open_turn.turn, "fence": open_turn.fence}
    for call in open_turn.calls:
        if call.call not in command.calls or not call.waits:
            continue
        if (call.tool, call.digest) in asked:
            error = "The same request waits for an approver already. It was not made a second time."
            code = "asked_already"
        elif not left:
            error, code = f"{MAX_DEFERRED} requests of this thread wait for an approver. No more are taken.", "too_many"
        else:
            facts.append(CallDeferred(call=call.call, expires=command.expires, **here))
            asked.add((call.tool, call.digest))
            left -= 1
            continue
        content = ResultContent(error=error)
        facts.append(ToolFinished(call=call.call, status="denied", code=code, content=content, **here))
    return tuple(facts)


def decided(state: State, deferred: OpenDeferred, command: Approval) -> tuple[ThreadFact, ...]:
    """The decision and, if no turn is open, the turn that reports it; () after another person's decision.

    Raises InvalidInput if the digest differs from that of the arguments that wait.
    """
    if deferred.decision is not None:
        return ()
    if deferred.expires <= command.now:
        return (DeferredCallClosed(turn=deferred.turn, call=deferred.call, reason="expired"),)
    if command.digest != deferred.digest:
        raise InvalidInput("the call's arguments are not those that were shown: look again, then decide")
    call = state.item(DeferredCall, deferred_id(deferred.call))
    arguments, new = call.arguments, deferred.digest
    if command.outcome == "approve":
        if command.arguments is not None:
            arguments, new = command.arguments, digest(command.arguments)
        changed = arguments if new != deferred.digest else None
        decision: ThreadFact = ApprovalGiven(
            turn=deferred.turn,
            call=deferred.call,
            asked=deferred.digest,
            digest=new,
            content=DecisionContent(arguments=changed, reason=command.reason),
        )
    else:
        content = DecisionContent(reason=command.reason)
        decision = ApprovalDenied(turn=deferred.turn, call=deferred.call, asked=deferred.digest, content=content)
    if state.open_turn is not None or command.snapshot is None:
        return (decision,)
    approved = command.outcome == "approve"
    opened = _opened(call, approved, arguments, new, command.reason, command.snapshot)
    return (decision, *opening(opened, command.worker, command.release))


def reported(state: State, command: ReportDecision) -> tuple[ThreadFact, ...]:
    """The turn that reports a decision; () while another turn is open, and if it was opened before."""
    deferred = state.thread.waiting_for(command.call) if state.thread else None
    if deferred is None or deferred.decision is None or state.open_turn is not None:
        return ()
    call = state.item(DeferredCall, deferred_id(deferred.call))
    approved, reason = deferred.decision == "given", call.decision.reason if call.decision else None
    opened = _opened(call, approved, call.arguments, deferred.digest, reason, command.snapshot)
    return opening(opened, command.worker, command.release)


def closed(state: State, command: CloseDeferred) -> tuple[ThreadFact, ...]:
    """The end of a deferred call that is not run; () if it has been reported or closed.

    A person's decision stands: after it a call is closed only because its tool is gone, or the store was restored.
    """
    deferred = state.thread.waiting_for(command.call) if state.thread else None
    gone = command.reason == "tool_gone"
    if deferred is None or (command.reason != "restored" and (deferred.decision is not None) != gone):
        return ()
    if gone and state.open_turn is not None:
        return ()  # until that turn ends no desk could run it, so none is known to be missing
    return (DeferredCallClosed(turn=deferred.turn, call=deferred.call, reason=command.reason),)


def _opened(
    call: DeferredCall, approved: bool, arguments: Json, arguments_digest: str, reason: str | None, snapshot: Snapshot
) -> TurnOpened:
    turn, request = report_turn(call.thread, call.call)
    planned = PlannedCall(
        call=carrying_call(turn),
        tool=call.tool,
        effect=call.effect,
        approval="approver",
        digest=arguments_digest,
        filters=call.filter_names,
        subject=call.subject,
        outside=call.outside,
    )
    because = f" Reason: {reason}" if reason else ""
    text = f"The request {call.tool} was {'approved' if approved else 'denied'}.{because}"
    return TurnOpened(
        turn=turn,
        request_id=request,
        snapshot=snapshot,
        standing=call.standing,
        report=Report(deferred=call.call, call=planned if approved else None),
        content=QuestionContent(text=text, arguments=arguments if approved else None),
    )
