"""What must hold: of every commit when it stands in the log, of every effect, and of every moment.

A broken promise raises `Violation`, which names it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.log.branches import is_shown
from core.log.fold import State
from core.log.records import DeferredCall, ModelCall, OpenTurn, ToolCall, Turn
from core.turn.decide import MAX_LOST, MAX_RETRIED
from core.turn.plan import MAX_STARTS
from core.values import Entry
from tests.checker.account import Account
from tests.checker.world import Actor, Log, Violation, World

BY_THE_HOLDER = frozenset(
    (
        "passages.retrieved",
        "model.asked",
        "model.answered",
        "model.failed",
        "tool.started",
        "tool.finished",
        "approval.asked",
        "call.deferred",
        "turn.released",
        "turn.ended",
    )
)
OPEN_CALL = ("planned", "awaiting_approval", "running")


def check_commit(node: Log, states: Sequence[State]) -> None:
    """The promises of one commit: `states` are those before, between and after its entries."""
    for entry, before, after in zip(node.entries, states, states[1:], strict=False):
        _check_entry(node, entry, before, after)
        _check_final(before, after)
    _check_head(node.state)
    _check_branch(node)
    _check_deferred(node)


def _check_entry(node: Log, entry: Entry, before: State, after: State) -> None:
    assert before.thread
    assert after.thread
    if after.thread.rejected > before.thread.rejected:
        raise Violation("what was decided is accepted", f"{entry.kind} by {node.author} was rejected")
    open, shell = before.thread.open, entry.shell
    if entry.kind in BY_THE_HOLDER:
        if open is None or open.turn != shell["turn"] or open.fence != shell["fence"]:
            raise Violation("nothing is accepted from below the highest fence", f"{entry.kind} by {node.author}")
        if open.worker is None or open.worker.nonce != node.author or open.released:
            raise Violation("only the holder of the claim works", f"{entry.kind} by {node.author}")
    match entry.kind:
        case "turn.opened":
            if open is not None:
                raise Violation("one turn is open at a time", shell["turn"])
            if shell["fork"]:
                _check_fork(node, shell["turn"], shell["fork"]["replaces"], before)
            if shell["report"]:
                _check_report(node, shell["report"], entry.n)
            opened = [e for log in node.commits() for e in log.entries if e.kind == "turn.opened"]
            if len({e.shell["request_id"] for e in opened}) < len(opened):
                raise Violation("one request is one turn", shell["request_id"])
        case "branch.shown" if open is not None:
            raise Violation("what is shown changes between turns", shell["version"])
        case "call.deferred":
            account = _account(node, entry.n)
            waiting = [one.digest for one in account.requests.values() if one.over is None and one.decision is None]
            if account.digests[shell["call"]] in waiting:
                raise Violation("a request waits once", shell["call"])
        case "approval.given" | "approval.denied" | "deferred.closed":
            request = _account(node, entry.n).requests.get(shell["call"])
            decided = request is not None and request.decision is not None
            if request and (request.over or (decided and shell.get("reason") != "tool_gone")):
                raise Violation("the first word on a deferred call counts", f"{entry.kind} after {request}")
        case "turn.claimed":
            if open is None or shell["fence"] != open.fence + 1 or shell["worker"]["nonce"] != node.author:
                raise Violation("a claim names its worker and the next fence", f"{shell['fence']} by {node.author}")
            if _waits(node, entry.n) and shell["reason"] in ("lost", "retried", "expired"):
                raise Violation("a wait counts for nothing", f"claimed as {shell['reason']} by {node.author}")
        case "tool.started":
            call = open.call(shell["call"]) if open else None
            if call is None or (call.effect == "unsafe" and call.attempts) or call.attempts >= MAX_STARTS:
                raise Violation("a call starts no more often than its effect allows", shell["call"])
            if call.approval and call.decision != "given":
                raise Violation("a call that needs a person waits for one", shell["call"])
        case "turn.ended":
            _check_ended(after, shell["turn"])


def _account(node: Log, n: int) -> Account:
    """The account before entry n, which is one of the node's commit."""
    assert node.parent
    return node.parent.account.after(entry for entry in node.entries if entry.n < n)


def _acted(state: State, turn: str) -> bool:
    """Whether a call of the turn has done something, or may have."""
    calls = [item for item in state.items.values() if isinstance(item, ToolCall) and item.turn == turn]
    return any(call.effect != "read" and call.status in ("succeeded", "unknown") for call in calls)


def _check_fork(node: Log, turn: str, replaced: str, before: State) -> None:
    """What another version may take out of the branch that is shown, or must not ask again beside another branch."""
    assert node.parent
    account = node.parent.account
    gone = {replaced, *account.path(account.last)} - {*node.account.path(turn)}
    begin = min(account.opened[one] for one in gone)
    for one in [one for one, n in account.opened.items() if n >= begin]:
        if _acted(before, one):
            raise Violation("what has acted stays in view", one)
        if any(request.turn == one and request.over is None for request in account.requests.values()):
            raise Violation("what waits for an approver stays in view", one)


def _check_report(node: Log, report: Mapping[str, Any], n: int) -> None:
    """A report comes once, of a decision that stands, and runs what was approved and nothing else."""
    request = _account(node, n).requests.get(report["deferred"])
    if request is None or request.decision is None or request.over not in (None, "reported"):
        raise Violation("a deferred call runs only as it was approved", f"{report['deferred']} is {request}")
    if request.over:
        raise Violation("one decision opens one turn", report["deferred"])
    call = report["call"]
    approved = request.decision == "given"
    if (call is not None) != approved or (call and call["digest"] != request.digest):
        raise Violation("a deferred call runs only as it was approved", f"{call} of {request}")


def _check_branch(node: Log) -> None:
    """The head shows one branch of the tree of turns, and the records lead back to every other one."""
    thread, account = node.state.thread, node.account
    assert thread
    path = account.path(account.last)
    shown = [turn for turn, n in account.opened.items() if is_shown(thread.hidden, n)]
    if thread.last != account.last or shown != path[::-1]:
        raise Violation("the head shows a branch of the tree", f"{shown} up to {thread.last}, not {path[::-1]}")
    open = thread.open.turn if thread.open else None
    acted = (account.opened[turn] for turn in account.opened if turn != open and _acted(node.state, turn))
    if thread.acted != max(acted, default=0):
        raise Violation("the head and the records agree", f"the newest act is not at {thread.acted}")
    for turn in account.opened:
        versions = account.versions(turn)
        original = node.state.items.get(versions[0])
        assert isinstance(original, Turn)
        kept = [(one.turn, one.last) for one in original.versions]
        if kept != [(one, account.left.get(one)) for one in versions if len(versions) > 1]:
            raise Violation("a version is never lost", f"{kept} of {versions}, left at {dict(account.left)}")
        seen = [one.turn for one in original.versions if one.seen and one.seen[-1].until is None]
        place_shown = account.parents[turn] in (None, *path)
        if original.versions and (len(seen) != 1 or (place_shown and seen[0] not in path)):
            raise Violation("a version is never lost", f"{seen} is seen, of {versions}")


def _check_deferred(node: Log) -> None:
    """The head holds exactly the deferred calls that are not over, and the records say the same of each."""
    thread, requests = node.state.thread, node.account.requests
    assert thread
    open = [(call, one.turn, one.digest, one.decision) for call, one in requests.items() if one.over is None]
    held = [(one.call, one.turn, one.digest, one.decision) for one in thread.deferred]
    if open != held:
        raise Violation("a deferred call is open until it is over", f"{held} is not {open}")
    records = {item.call: item for item in node.state.items.values() if isinstance(item, DeferredCall)}
    for call, one in requests.items():
        kept = records.get(call)
        if kept is None:
            raise Violation("the head and the records agree", f"{call} has no record")
        status = one.over if one.over == "reported" else "closed" if one.over else "decided" if one.decision else None
        closed = kept.closed if kept.closed else None
        decision = kept.decision.outcome if kept.decision else None
        same = kept.status == (status or "waiting") and decision == one.decision and kept.digest == one.digest
        if (
            not same
            or closed != (one.over if status == "closed" else None)
            or (status == "reported") != bool(kept.report)
        ):
            raise Violation("the head and the records agree", f"{kept.status} of {one}")


def _waits(node: Log, n: int) -> bool:
    """Whether the turn waits for a place at entry n, by the log itself: a fold that forgets the wait would hide it."""
    earlier = (entry for log in reversed(node.commits()) for entry in reversed(log.entries) if entry.n < n)
    newest = next((entry for entry in earlier if entry.kind in ("turn.claimed", "turn.released")), None)
    return newest is not None and newest.shell["reason"] == "waiting"


def _check_ended(state: State, turn: str) -> None:
    assert state.thread
    left = [
        item.id
        for item in state.items.values()
        if (isinstance(item, ToolCall) and item.turn == turn and item.status in OPEN_CALL)
        or (isinstance(item, ModelCall) and item.turn == turn and item.status == "asked")
    ]
    if left or state.thread.open is not None:
        raise Violation("an ended turn has no open call", ", ".join(left) or turn)


def _check_final(before: State, after: State) -> None:
    """What has ended stays as it is; what comes later stands beside it."""
    for id, old in before.items.items():
        new = after.items.get(id)
        if new is old:
            continue
        match old, new:
            case Turn(), Turn() if old.ended_at:
                same = (old.status, old.text, old.code, old.fence) == (new.status, new.text, new.code, new.fence)
            case ToolCall(), ToolCall() if old.status not in OPEN_CALL:
                same = (old.status, old.result, old.attempts) == (new.status, new.result, new.attempts)
            case ModelCall(), ModelCall() if old.status != "asked":
                same = (old.status, old.answer) == (new.status, new.answer)
            case _:
                same = new is not None
        if not same:
            raise Violation("terminal is final", id)


def _check_head(state: State) -> None:
    """The head says of the open turn what the records say, and what it says can go on."""
    assert state.thread
    open = state.thread.open
    for item in state.items.values():
        if isinstance(item, Turn) and (item.ended_at is None) != (open is not None and open.turn == item.id):
            raise Violation("one turn is open at a time", item.id)
    if open is None:
        return
    turn = state.items[open.turn]
    assert isinstance(turn, Turn)
    calls = [item for item in state.items.values() if isinstance(item, ToolCall) and item.turn == open.turn]
    recorded = [(c.id, c.status, c.attempts, c.digest) for c in sorted(calls, key=lambda c: c.number)]
    held = [(c.call, c.status, c.attempts, c.digest) for c in open.calls]
    if recorded != held or (turn.status, turn.fence) != (open.status, open.fence):
        raise Violation("the head and the records agree", f"{recorded} is not {held}")
    if open.status == "awaiting_approval" and not any(c.status == "awaiting_approval" for c in open.calls):
        raise Violation("a parked turn waits for somebody", open.turn)
    if open.lost > MAX_LOST or open.retried > MAX_RETRIED:
        raise Violation("claims are bounded", f"{open.lost} lost, {open.retried} retried")


def check_effect(world: World, actor: Actor, id: str) -> None:
    """The promises of an effect that was just performed."""
    call = world.tip.state.items.get(id)
    if not isinstance(call, ToolCall):
        raise Violation("no effect is off the committed plan", f"{id} by {actor.name}")
    if id not in actor.granted:
        raise Violation("no effect without an acknowledged start of its own", f"{id} by {actor.name}")
    if call.effect == "unsafe" and sum(done == id for done, _ in world.effects) > 1:
        raise Violation("an unsafe effect is attempted once at most", id)
    if call.carries_out and call.effect == "unsafe":
        others = (world.tip.state.items.get(done) for done, _ in world.effects)
        runs = [one for one in others if isinstance(one, ToolCall) and one.carries_out == call.carries_out]
        request = world.tip.account.requests[call.carries_out]
        if len(runs) > 1 or request.decision != "given" or request.over != "reported":
            raise Violation("a deferred call runs only as it was approved", f"{id} of {request}")


def check_moment(world: World) -> None:
    """Whatever anybody may have seen of a model call is in what is kept of it."""
    for _, items in world.live:
        for id in {said.call for said in items if said.call}:
            call = world.tip.state.items.get(id)
            if not isinstance(call, ModelCall) or call.status == "asked":
                continue
            shown = "".join(said.text for said in items if said.call == id)
            if not (call.answer or "").startswith(shown):
                raise Violation("shown text is kept", f"{shown!r} of {id} is not in {call.answer!r}")
            turn = world.tip.state.items.get(call.turn)
            stopped = isinstance(turn, Turn) and turn.ended_at and call.code == "cancelled"
            if stopped and shown not in turn.text:
                raise Violation("shown text is kept", f"{shown!r} of {id} is not in the turn's text")


def shape(world: World) -> tuple[object, ...] | None:
    """All of an open turn and of deferred calls that the rules look at. None: neither is there."""
    open: OpenTurn | None = world.tip.open
    deferred = tuple((item.decision, open is not None and item.turn == open.turn) for item in world.tip.deferred)
    if open is None:
        return (deferred,) if deferred else None
    sealed = open.model_call and any(not said.call for said in world.stream((open.turn, open.model_call.fence)))
    calls = tuple((c.effect, c.status, c.approval, c.decision, c.attempts) for c in open.calls)
    counts = (open.lost, open.retried, open.step, open.attempts, open.failure, open.released, open.waiting)
    return (open.status, bool(open.model_call), sealed, calls, counts, deferred)
