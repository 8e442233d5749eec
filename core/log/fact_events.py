"""The lines of the server's log that follow from facts which this process has put on record."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from core.clock import moment
from core.log.facts import AnyFact, ModelAnswered, ModelFailed
from core.log.fold import State
from core.log.records import ModelCall, ToolCall, Turn
from core.server_log import CallFields, ModelFields, listens, log_event
from core.values import Usage

_GOOD = ("succeeded", "denied", "deferred")
_QUIET = ("adapted", "worker_left", "superseded")
"""Failed model calls that nobody has to look at: the adapter has learnt how to ask, or another worker asks."""


def log_facts(thread_id: str, facts: Sequence[AnyFact], state: State, http_status: int | None) -> None:
    """Write a line for each fact that an operator needs. `state` is that after the facts.

    `http_status` is what the model's server answered, if a fact is a failed model call.
    """
    if listens(logging.ERROR):
        for fact in facts:
            _log_fact(thread_id, fact, state, http_status)


def _log_fact(thread_id: str, fact: AnyFact, state: State, http_status: int | None) -> None:
    match fact.kind:
        case "turn.opened":
            log_event("turn.opened", thread_id=thread_id, turn_id=fact.turn)
        case "turn.claimed" if fact.reason not in ("retried", "stop", "expired"):
            level = logging.WARNING if fact.reason == "lost" else logging.INFO
            log_event("turn.begun", level, thread_id=thread_id, turn_id=fact.turn, fence=fact.fence, reason=fact.reason)
        case "approval.asked":
            fence = state.open_turn.fence if state.open_turn else None
            log_event("turn.waiting", thread_id=thread_id, turn_id=fact.turn, fence=fence, reason="approval")
        case "turn.released":
            log_event("turn.released", thread_id=thread_id, turn_id=fact.turn, fence=fact.fence, reason=fact.reason)
        case "turn.ended":
            turn = state.items.get(fact.turn)
            took, waited = _times(turn) if isinstance(turn, Turn) else (None, None)
            log_event(
                "turn.ended",
                logging.WARNING if fact.status == "failed" else logging.INFO,
                thread_id=thread_id,
                turn_id=fact.turn,
                fence=fact.fence,
                status=fact.status,
                code=fact.code,
                duration_ms=took,
                waited_ms=waited,
            )
        case "model.answered":
            # The provider's reason to stop, for a complete answer too.
            log_event(
                "model.answered", **_model_call(thread_id, fact, state), status=fact.stop_reason, code=fact.repair
            )
        case "model.failed":
            call = state.items.get(fact.call)
            for_answer = isinstance(call, ModelCall) and call.purpose == "answer"
            log_event(
                "model.failed",
                logging.INFO if fact.code in _QUIET else logging.WARNING,
                **_model_call(thread_id, fact, state),
                code=fact.code,
                http_status=http_status,
                retry=for_answer and state.open_turn is not None,
            )
        case "tool.finished":
            log_event(
                "tool.finished",
                logging.INFO if fact.status in _GOOD else logging.WARNING,
                **_tool_call(thread_id, fact.turn, fact.call, state, fence=fact.fence),
                status=fact.status,
                code=fact.code,
                duration_ms=fact.duration_ms,
            )
        case "call.deferred":
            log_event("tool.deferred", **_tool_call(thread_id, fact.turn, fact.call, state, fence=fact.fence))
        case "approval.given" | "approval.denied":
            status = "approved" if fact.kind == "approval.given" else "denied"
            log_event("tool.decided", **_tool_call(thread_id, fact.turn, fact.call, state), status=status)
        case "passages.retrieved":
            log_event(
                "passages.retrieved",
                logging.WARNING if fact.error else logging.INFO,
                thread_id=thread_id,
                turn_id=fact.turn,
                fence=fact.fence,
                call_id=fact.call,
                count=fact.count,
                error=fact.error,
                duration_ms=fact.duration_ms,
            )
        case "hook.failed":
            ids: CallFields = {"thread_id": thread_id, "turn_id": fact.turn, "call_id": fact.call}
            log_event("hook.failed", logging.WARNING, **ids, hook=fact.hook)
        case "erasure.begun":
            log_event("erasure.begun", thread_id=thread_id)
        case "thread.erased":
            log_event("erasure.ended", thread_id=thread_id)


def _times(turn: Turn) -> tuple[int | None, int]:
    """How long a turn took, and how long it waited for a place meanwhile, in milliseconds."""
    waits = [moment(wait.until) - moment(wait.since) for wait in turn.waits if wait.until]
    took = moment(turn.ended_at) - moment(turn.opened_at) if turn.ended_at else None
    return _ms(took) if took is not None else None, _ms(sum(waits, timedelta()))


def _ms(time: timedelta) -> int:
    return round(time / timedelta(milliseconds=1))


def _model_call(thread_id: str, fact: ModelAnswered | ModelFailed, state: State) -> ModelFields:
    fields: ModelFields = {
        "thread_id": thread_id,
        "turn_id": fact.turn,
        "fence": fact.fence,
        "call_id": fact.call,
        "duration_ms": fact.duration_ms,
        "ttft_ms": fact.ttft_ms,
        **_bill(fact.usage, fact.cost),
    }
    call = state.items.get(fact.call)
    if isinstance(call, ModelCall):
        fields |= {"model": call.model, "purpose": call.purpose, "step": call.step, "attempt": call.attempt}
    return fields


def _bill(usage: Usage, cost: int | None) -> ModelFields:
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cached_tokens": usage.cached,
        "microdollars": None if cost is None else round(cost / 1000),
    }


def _tool_call(thread_id: str, turn: str, call_id: str, state: State, *, fence: int | None = None) -> CallFields:
    fields: CallFields = {"thread_id": thread_id, "turn_id": turn, "fence": fence, "call_id": call_id}
    call = state.items.get(call_id)
    # The name of a tool that does not exist is a word of the model's.
    if isinstance(call, ToolCall) and call.effect is not None:
        fields |= {"tool": call.tool, "effect": call.effect, "attempt": call.attempts or None}
    return fields
