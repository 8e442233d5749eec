"""The next act on an open turn, and the reason to take it over, from its head record. Pure: same head, same act."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from core.log.records import OpenCall, OpenTurn
from core.values import ClaimReason

MAX_STARTS = 3
"""How often a read or idempotent call is started in all; an unsafe one starts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the turn's worker does next. `call` is the model or tool call it concerns, `calls` are the calls to run.

    `salvage` records a model call whose worker is gone as failed. `none` and `park` end the worker's part for now.
    """

    kind: Literal[
        "rewrite",
        "retrieve",
        "summarize",
        "request_model",
        "run_tools",
        "defer",
        "close_lost_call",
        "close_switched_off",
        "tell",
        "salvage",
        "park",
        "none",
    ]
    call: str = ""
    calls: tuple[str, ...] = ()
    step: int = 0
    attempt: int = 0


def plan(
    open_turn: OpenTurn,
    *,
    retrieves: bool,
    rewrites: bool = False,
    summarizes: bool = False,
    tells: bool = False,
    off: Collection[str] = (),
) -> Act:
    """The next act on an open turn, for the worker that holds it.

    Before the first request for the answer: `retrieves` searches for passages, `rewrites` first requests the query of
    a model, `summarizes` summarises older turns. `tells`: hooks decide what the model is told of each call that ran.
    `off` are the names of the tools that an administrator has switched off.
    """
    if open_turn.status == "awaiting_approval":
        return Act(kind="none")
    if open_turn.model_call:
        return Act(kind="salvage", call=open_turn.model_call.call)
    for call in open_turn.calls:
        if call.status == "running" and not _may_start(call):
            return Act(kind="close_lost_call", call=call.call)
    for call in open_turn.calls:
        if call.tool in off and (call.waits or _may_start(call)):
            return Act(kind="close_switched_off", call=call.call)
    if deferred := tuple(call.call for call in open_turn.calls if call.waits and call.approval == "approver"):
        return Act(kind="defer", calls=deferred)
    if ready := _ready(open_turn):
        return Act(kind="run_tools", calls=ready)
    if any(call.waits for call in open_turn.calls):
        return Act(kind="park")
    for call in open_turn.calls:
        if tells and call.attempts and not call.told:
            return Act(kind="tell", call=call.call)
    if retrieves and rewrites and open_turn.step == 0 and open_turn.retrievals == 0 and open_turn.queries == 0:
        return Act(kind="rewrite")
    if retrieves and open_turn.step == 0 and open_turn.retrievals == 0:
        return Act(kind="retrieve")
    if summarizes and open_turn.step == 0 and open_turn.summaries == 0:
        return Act(kind="summarize")
    if open_turn.failure:
        return Act(kind="request_model", step=open_turn.step, attempt=open_turn.attempts + 1)
    return Act(kind="request_model", step=open_turn.step + 1, attempt=1)


def take_over(open_turn: OpenTurn, *, gone: bool, silent: bool, sealed: bool = False) -> ClaimReason | None:
    """The reason for which an observer may claim a running turn; None if it must leave the turn alone.

    `gone`: the process of its last claim has certainly ended, or is done with the turn. `silent`: that process gave no
    sign of life for a lease. `sealed`: the turn's live stream was sealed by a process that then did not end the turn.
    """
    if open_turn.waiting:
        return "resumed" if gone or silent else None
    if open_turn.released:
        return "resumed"
    return "lost" if gone or silent or sealed else None


def _ready(open_turn: OpenTurn) -> tuple[str, ...]:
    """The next call that may run, with all reads that follow it directly if it is a read: they may run in any order."""
    able = [call for call in open_turn.calls if _may_start(call)]
    reads = list(takewhile(lambda call: call.effect == "read", able))
    return tuple(call.call for call in reads or able[:1])


def _may_start(call: OpenCall) -> bool:
    if call.status == "running":
        return call.effect in ("read", "idempotent") and call.attempts < MAX_STARTS
    return call.status == "planned" and not call.waits
