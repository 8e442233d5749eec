"""What must hold: of every commit when it stands in the log, of every effect, and of every moment.

A broken promise raises `Violation`, which names it.
"""

from collections.abc import Sequence

from core.log.fold import State
from core.log.records import ModelCall, OpenTurn, ToolCall, Turn
from core.turn.decide import MAX_LOST, MAX_RETRIED
from core.turn.plan import MAX_STARTS
from core.values import Entry
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
            opened = [e for log in node.commits() for e in log.entries if e.kind == "turn.opened"]
            if len({e.shell["request_id"] for e in opened}) < len(opened):
                raise Violation("one request is one turn", shell["request_id"])
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
    """All of an open turn that `plan` and `decide` look at: what its future depends on. None: no turn is open."""
    open: OpenTurn | None = world.tip.open
    if open is None:
        return None
    sealed = open.model_call and any(not said.call for said in world.stream((open.turn, open.model_call.fence)))
    calls = tuple((c.effect, c.status, c.approval, c.decision, c.attempts) for c in open.calls)
    counts = (open.lost, open.retried, open.step, open.attempts, open.failure, open.released, open.waiting)
    return (open.status, bool(open.model_call), sealed, calls, counts)
