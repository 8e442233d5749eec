"""The next act on an open turn, from its head record alone. Pure: no await, no clock, no chance."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from core.log.records import OpenCall, OpenTurn

MAX_STARTS = 3
"""How often a read or idempotent call is started in all; an unsafe one starts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the holder of a claim does next; `call` is the tool call or model call it concerns, `calls` those to run."""

    kind: Literal[
        "rewrite",
        "retrieve",
        "summarize",
        "ask_model",
        "run_tools",
        "close_lost_call",
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
    open: OpenTurn, *, retrieves: bool, rewrites: bool = False, summarizes: bool = False, tells: bool = False
) -> Act:
    """The next act on an open turn, for whoever holds its claim. `salvage`: a model call's worker is gone.

    `retrieves`: passages are looked for before the model is first asked, and `rewrites`: with a query that a model is
    asked for. `summarizes`: before that, too, what no longer fits is summarised.
    `tells`: hooks say what the model is told of each call that ran.
    """
    if open.status == "awaiting_approval":
        return Act(kind="none")
    if open.model_call:
        return Act(kind="salvage", call=open.model_call.call)
    for call in open.calls:
        if call.status == "running" and not _may_start(call):
            return Act(kind="close_lost_call", call=call.call)
    if ready := _ready(open):
        return Act(kind="run_tools", calls=ready)
    if any(call.waits for call in open.calls):
        return Act(kind="park")
    for call in open.calls:
        if tells and call.attempts and not call.told:
            return Act(kind="tell", call=call.call)
    if retrieves and rewrites and open.step == 0 and open.retrievals == 0 and open.queries == 0:
        return Act(kind="rewrite")
    if retrieves and open.step == 0 and open.retrievals == 0:
        return Act(kind="retrieve")
    if summarizes and open.step == 0 and open.summaries == 0:
        return Act(kind="summarize")
    if open.failure:
        return Act(kind="ask_model", step=open.step, attempt=open.attempts + 1)
    return Act(kind="ask_model", step=open.step + 1, attempt=1)


def _ready(open: OpenTurn) -> tuple[str, ...]:
    """The next call that may run now. A read takes the reads that follow it along: their order makes no difference."""
    able = [call for call in open.calls if _may_start(call)]
    reads = list(takewhile(lambda call: call.effect == "read", able))
    return tuple(call.call for call in reads or able[:1])


def _may_start(call: OpenCall) -> bool:
    if call.status == "running":
        return call.effect in ("read", "idempotent") and call.attempts < MAX_STARTS
    return call.status == "planned" and not call.waits
