"""What each actor may do next: the steps of a desk, its recovery and its people, cut where others can act.

A step is one act on the store or the world: load, commit, catch up, a piece of live text, a seal, an effect. Deciding
is no step of its own: it sees nothing but the actor's own view, which may be old by the time its commit arrives.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from core.errors import Superseded
from core.log.branches import is_shown
from core.log.facts import Late, Renamed, ResultContent, TitleContent
from core.log.records import Turn
from core.turn.branches import left_at
from core.turn.commands import (
    Answered,
    Approval,
    Claim,
    Close,
    CloseDeferred,
    Command,
    Defer,
    Failed,
    Finished,
    Note,
    Park,
    ReportDecision,
    Request,
    Show,
    Start,
)
from core.turn.decide import MAX_LOST, late
from tests.checker.working import Move, act_early, asking, break_down, effecting, leave, salvage, sealed, think
from tests.checker.world import SNAPSHOT, Actor, Entries, Log, Model, Sent, Violation, World, worker
from tests.support.commands import submitted

REQUESTS = {
    "opener": ("r1", None),
    "again": ("r1", None),
    "second": ("r2", None),
    "later": ("r3", None),
    "regenerator": ("r1b", "t-r1"),
    "repeater": ("r1c", "t-r1"),
    "reviser": ("r3b", "t-r3"),
}
"""The request of each asker, and the turn whose place the new one takes. The last four ask once a turn was asked."""

DECIDERS = ("approver", "denier", "editor", "misled", "tardy")
AFTER = "2026-12-02T09:30:00.000Z"


def moves(model: Model, world: World) -> Iterator[Move]:
    """Every step that may come next, those of a calm world first."""
    for index, actor in enumerate(world.actors):
        if not actor.over:
            yield from _PHASES[actor.pc](model, world, index, actor)
    for sent in world.flight:
        yield f"{sent.author}'s commit arrives late", partial(_arrive, model, world, sent)
    for index, actor in enumerate(world.actors):
        if world.crashes and not actor.over and actor.pc != "load":
            yield f"{actor.name} crashes", partial(_crash, world, index, actor)


def _crash(world: World, index: int, actor: Actor) -> World:
    return world._replace(crashes=world.crashes - 1).with_actor(index, actor._replace(pc="dead"))


# Loading: what a person, or recovery, finds and then wants.


def _load(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    open = world.tip.open
    undecided = [item for item in world.tip.deferred if item.decision is None]
    match actor.role:
        case "opener" | "again" | "second" | "renamer":
            ready = True
        case "later" | "regenerator" | "repeater":
            ready = open is None and "t-r1" in world.tip.account.opened
        case "reviser":
            ready = open is None and "t-r3" in world.tip.account.opened
        case "shower":
            ready = open is None and _other_version(world.tip) is not None
        case "withdrawer":
            ready = bool(undecided)
        case "recoverer" | "stopper":
            ready = open is not None
        case _:
            ready = open is not None and any(call.status == "awaiting_approval" for call in open.calls)
            ready = ready or bool(undecided)
    if ready:
        yield f"{actor.name} loads", partial(_loaded, model, world, index, actor)
    if actor.role == "recoverer" and open is not None and open.waiting:
        silent = actor._replace(silent=True)
        yield f"{actor.name} loads after a lease", partial(_loaded, model, world, index, silent)
    if actor.role == "recoverer":
        me = actor._replace(name=_named(actor), view=world.tip, then="work")
        for what, command in _see_to_deferred(model, world, me):
            wants = me.wants(command)
            yield f"{actor.name} {what}", partial(world.with_actor, index, wants)


def _named(actor: Actor) -> str:
    """The recoverer as another worker than in the round before."""
    return f"{actor.name.partition('.')[0]}.{actor.round}"


def _other_version(view: Log) -> str | None:
    """A version of the first turn that is not shown."""
    original = view.state.items.get("t-r1")
    hidden = view.state.thread.hidden if view.state.thread else []
    versions = original.versions if isinstance(original, Turn) else []
    return next((one.turn for one in versions if not is_shown(hidden, one.n)), None)


def _see_to_deferred(model: Model, world: World, actor: Actor) -> Iterator[tuple[str, Command]]:
    """What recovery may want of a deferred call: its time may be over at any moment, and its tool be gone by then."""
    for item in world.tip.deferred:
        if item.decision is not None and world.tip.open is None:
            yield "reports", ReportDecision(call=item.call, worker=worker(actor.name), snapshot=SNAPSHOT)
        if item.decision == "given":
            yield "misses its tool", CloseDeferred(call=item.call, reason="tool_gone")
        if item.decision is None and not model.habits.never_expires:
            yield "finds it expired", CloseDeferred(call=item.call, reason="expired")


def _showing(model: Model, world: World, index: int, actor: Actor) -> World:
    """The command to show a version with what followed it; made anew after each Conflict."""
    assert actor.view
    other = _other_version(actor.view) or "t-r1"
    version = actor.command.version if isinstance(actor.command, Show) else other
    original = actor.view.state.item(Turn, "t-r1")
    last = version if model.habits.shows_only_the_version else left_at(original, version)
    return world.with_actor(index, actor.wants(Show(version=version, last=last), "done"))


def _loaded(model: Model, world: World, index: int, actor: Actor) -> World:
    tip, open = world.tip, world.tip.open
    actor = actor._replace(view=tip, then="work")
    command: Command
    match actor.role:
        case "opener" | "again" | "second" | "later" | "regenerator" | "repeater" | "reviser":
            request, replaces = REQUESTS[actor.role]
            full = actor.role in model.scenario.full
            asked = submitted(worker(actor.name), f"t-{request}", request, "why?", SNAPSHOT, waits=full)
            command = replace(asked, replaces=replaces)
        case "shower":
            return _showing(model, world, index, actor)
        case "withdrawer":
            item = next(item for item in tip.deferred if item.decision is None)
            command = CloseDeferred(call=item.call, reason="withdrawn")
            actor = actor._replace(then="done")
        case "renamer":
            command = Note(fact=Renamed(content=TitleContent(title="other")))
            actor = actor._replace(then="done")
        case "stopper":
            return _closing(model, world, index, actor)
        case "recoverer":
            assert open
            actor = actor._replace(name=_named(actor), judged=tip.n)
            if open.status == "awaiting_approval":
                if model.habits.never_expires:
                    return world.with_actor(index, actor._replace(pc="done"))
                return _closing(model, world, index, actor)
            assert open.worker
            gone = not world.lives(open.worker.nonce)
            # A lease may be over at any moment. It is a step of its own only if the turn waits, because others take
            # such a turn for no other reason while its process lives.
            reason = model.rules.take_over(open, gone=gone, silent=actor.silent or not open.waiting)
            if reason is None:
                return world.with_actor(index, actor._replace(pc="done"))
            if reason == "lost" and open.lost >= MAX_LOST and not model.habits.counts_no_losses:
                return _closing(model, world, index, actor)
            if open.waiting:
                model.seen[f"waiting turn taken, {'gone' if gone else 'silent'}"] += 1
            command = Claim(turn=open.turn, worker=worker(actor.name), reason=reason, fence=open.fence, n=tip.n)
        case _:
            waiting = [call for call in open.calls if call.status == "awaiting_approval"] if open else []
            waiting += [item for item in tip.deferred if item.decision is None]
            # The approver begins with the first call, the denier with the last: they race for one when one is left.
            call = waiting[-1] if actor.role == "denier" else waiting[0]
            saw = "stale" if actor.role == "misled" else call.digest
            outcome: Literal["approve", "deny"] = "deny" if actor.role == "denier" else "approve"
            actor = actor._replace(saw=saw)
            command = Approval(
                call=call.call,
                outcome=outcome,
                digest=saw,
                arguments="y" if actor.role == "editor" else None,
                reason=None,
                worker=worker(actor.name),
                release="waiting" if actor.role in model.scenario.full else None,
                now=AFTER if actor.role == "tardy" else "",
                snapshot=SNAPSHOT,
            )
    return world.with_actor(index, actor.wants(command))


def _queued(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    yield f"{actor.name} gets a place", partial(_resuming, model, world, index, actor)
    if world.leaves:
        gone = world._replace(leaves=world.leaves - 1).with_actor(index, actor._replace(pc="done"))
        yield f"{actor.name} closes while its turn waits", lambda: gone


def _resuming(model: Model, world: World, index: int, actor: Actor) -> World:
    """The claim of a turn that waited in this process; made anew after each Conflict."""
    assert actor.view
    open = actor.view.open
    if open is None or not open.waiting or open.worker is None or open.worker.nonce != actor.name:
        model.seen["a wait that another has ended"] += 1
        return world.with_actor(index, actor._replace(pc="done"))
    n = actor.view.n
    command = Claim(turn=open.turn, worker=worker(actor.name), reason="resumed", fence=open.fence, n=n)
    return world.with_actor(index, actor._replace(judged=n).wants(command, "work"))


def _closing(model: Model, world: World, index: int, actor: Actor) -> World:
    """The command to end the turn, with the text up to the seal; made anew after each Conflict."""
    assert actor.view
    open = actor.view.open
    if open is None:
        return world.with_actor(index, actor._replace(pc="done"))
    stop = actor.role == "stopper"
    partial_text = ""
    if open.model_call and (stop or actor.judged == actor.view.n):
        world, partial_text = sealed(model, world, open, cautious=not model.habits.stops_unsealed)
    reason: Literal["stop", "expired", "lost"] = (
        "stop" if stop else "expired" if open.status == "awaiting_approval" else "lost"
    )
    if model.habits.keeps_partial and isinstance(actor.command, Close):
        partial_text = actor.command.partial
    command = Close(
        turn=open.turn,
        worker=worker(actor.name),
        reason=reason,
        status="failed" if reason == "lost" else "cancelled",
        code=reason,
        message=None,
        partial=partial_text,
        n=None if stop else actor.judged,
    )
    model.seen[f"close: {reason}"] += 1
    return world.with_actor(index, actor.wants(command, "done"))


# Committing: decide from the view, send, and hear of it, or not.


def _commit(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    assert actor.view
    assert actor.wanted
    decided = model.decided(actor.view, actor.wanted, actor.name)
    if isinstance(decided, Exception):
        yield f"{actor.name} is refused", partial(_refused, model, world, index, actor, decided)
        return
    if not decided:
        yield f"{actor.name} has nothing to add", partial(_nothing, model, world, index, actor)
        return
    what = "+".join(entry.kind for entry in decided)
    yield f"{actor.name} commits {what}", partial(_send, model, world, index, actor)
    if world.faults:
        yield f"{actor.name} hears nothing of {what}", partial(_lose, model, world, index, actor)
    if model.habits.acts_unacknowledged and isinstance(actor.command, Start):
        yield f"{actor.name} acts early", partial(act_early, model, world, index, actor)
    if actor.then == "think" and isinstance(actor.command, (Request, Start, Defer, Park)):
        open = actor.view.open
        assert open
        idle = not open.model_call and all(call.status != "running" for call in open.calls)
        if world.leaves and idle:
            yield f"{actor.name} is told to leave", partial(leave, world, index, actor)
        if world.breaks:
            yield f"{actor.name} breaks", partial(break_down, model, world, index, actor)


def _nothing(model: Model, world: World, index: int, actor: Actor) -> World:
    model.seen[f"nothing left of {type(actor.command).__name__}"] += 1
    if isinstance(actor.command, Start):
        return think(model, world, index, actor)
    return _finish(model, world, index, actor)


def _entries(model: Model, world: World, actor: Actor) -> tuple[Log, Entries]:
    """The position and the entries that the actor commits."""
    assert actor.view
    assert actor.wanted
    decided = model.decided(actor.view, actor.wanted, actor.name)
    assert isinstance(decided, tuple)
    if model.habits.appends_unread:
        return world.tip, model.rechained(world.tip, decided, actor.name)
    return actor.view, decided


def _id(model: Model, actor: Actor, view: Log) -> object:
    if model.habits.derives_ids and isinstance(actor.command, Claim):
        return ("claim", actor.command.turn, actor.command.fence)
    return (actor.name, view.n)


def _send(model: Model, world: World, index: int, actor: Actor) -> World:
    view, entries = _entries(model, world, actor)
    id = _id(model, actor, view)
    tip = world.tip
    if view.n == tip.n:
        tip = model.append(tip, entries, id, actor.name)
        _check_said(world, actor, entries)
        world = world._replace(tip=tip)
    elif (own := tip.after(view.n)) is None or own.id != id:
        model.seen["conflict"] += 1
        return world.with_actor(index, actor._replace(pc="conflict", view=view))
    else:
        model.seen["lost ack, found by its id"] += 1
    mine = view.children.get((entries[-1].hash, id, actor.name)) or model.append(view, entries, id, actor.name)
    return _acknowledged(model, world, index, actor._replace(view=mine), entries)


def _check_said(world: World, actor: Actor, entries: Entries) -> None:
    """What must hold of a commit beside the log, of which `world` has all entries before it."""
    open = world.tip.open
    for entry in entries:
        if entry.kind == "turn.claimed":
            judges = isinstance(actor.command, Claim) or entry.shell["reason"] in ("lost", "expired")
            if judges and entry.n - 1 != actor.judged:
                raise Violation("a turn is taken from others only as it was judged", f"{actor.name}, entry {entry.n}")
            # A stop ends a waiting turn at any time.
            if isinstance(actor.command, Claim) and open and open.waiting and open.worker:
                others = open.worker.nonce != actor.name and world.lives(open.worker.nonce)
                if others and not actor.silent:
                    raise Violation("a waiting turn is left to its process", f"{actor.name}, entry {entry.n}")
        if entry.kind.startswith("approval.") and entry.shell.get("asked", actor.saw) != actor.saw:
            raise Violation("a decision is on the arguments that were shown", entry.shell["call"])
        if entry.kind in ("approval.given", "approval.denied") and isinstance(actor.command, Approval):
            item = next((item for item in world.tip.deferred if item.call == entry.shell["call"]), None)
            if item and item.expires <= actor.command.now:
                raise Violation("a decision comes before its call expires", entry.shell["call"])


def _lose(model: Model, world: World, index: int, actor: Actor) -> World:
    view, entries = _entries(model, world, actor)
    model.letters[entries[-1].hash] = entries
    sent = Sent(None, view.n, entries[-1].hash, _id(model, actor, view), actor.name)
    if view.n == world.tip.n:
        _check_said(world, actor, entries)
    world = world._replace(faults=world.faults - 1, flight=world.flight | {sent})
    return world.with_actor(index, actor._replace(pc="unsure", view=view))


def _unsure(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    yield f"{actor.name} repeats", partial(_send, model, world, index, actor)
    yield f"{actor.name} gives up as if dead", lambda: world.with_actor(index, actor._replace(pc="dead"))


def _arrive(model: Model, world: World, sent: Sent) -> World:
    world = world._replace(flight=world.flight - {sent})
    if sent.live is not None:
        items = world.stream(sent.live)
        if len(items) != sent.after:
            return world
        model.seen["late live text"] += 1
        return world.with_stream(sent.live, (*items, sent.content))
    if sent.after != world.tip.n:
        return world
    model.seen["late commit"] += 1
    return world._replace(tip=model.append(world.tip, model.letters[sent.content], sent.id, sent.author))


def _conflict(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    assert actor.view
    following = world.tip.after(actor.view.n)
    if following is None:
        raise Violation("the log can be read", f"{actor.name} holds entries that are not in it")
    # A read may be a short one; whatever it brought is folded, and the command decided from there.
    for view in {following: None, world.tip: None}:
        yield f"{actor.name} catches up to {view.n}", partial(_caught_up, model, world, index, actor, view)


def _caught_up(model: Model, world: World, index: int, actor: Actor, view: Log) -> World:
    assert actor.view
    if world.tip.after(actor.view.n).parent is not actor.view:  # type: ignore[union-attr]  # checked by _conflict
        raise Violation("the log can be read", f"{actor.name} holds entries that are not in it")
    if model.habits.keeps_intent:
        assert actor.wanted
        kept = model.decided(actor.view, actor.wanted, actor.name)
        assert isinstance(kept, tuple)
        model.remember(view, actor.wanted, actor.name, model.rechained(view, kept, actor.name))
    actor = actor._replace(view=view)
    if isinstance(actor.command, Close):
        return _closing(model, world, index, actor)
    if isinstance(actor.command, Show):
        return _showing(model, world, index, actor)
    if isinstance(actor.command, Claim) and actor.role != "recoverer":
        return _resuming(model, world, index, actor)
    again = model.habits.repeats_acts and isinstance(actor.command, Finished)
    return world.with_actor(index, actor._replace(pc="effect" if again else "commit"))


def _refused(model: Model, world: World, index: int, actor: Actor, refusal: Exception) -> World:
    model.seen[f"refused: {type(refusal).__name__}"] += 1
    command = actor.command
    if isinstance(refusal, Superseded) and actor.then == "think":
        model.seen["fenced off"] += 1
        if isinstance(command, Finished) and command.finished.code != "worker_lost":
            return world.with_actor(index, actor.wants(Note(fact=late(command.finished, command.search)), "done"))
        if isinstance(command, (Answered, Failed)):
            fact = command.answered if isinstance(command, Answered) else command.failed
            if fact.cost is not None:
                bill = Late(
                    turn=fact.turn,
                    fence=fact.fence,
                    call=fact.call,
                    usage=fact.usage,
                    cost=fact.cost,
                    content=ResultContent(),
                )
                return world.with_actor(index, actor.wants(Note(fact=bill), "done"))
    return _finish(model, world, index, actor)


def _finish(model: Model, world: World, index: int, actor: Actor) -> World:
    again = actor.role == "recoverer" and actor.round + 1 < model.scenario.rounds and actor.then != "think"
    if again:
        return world.with_actor(index, Actor(actor.name, actor.role, round=actor.round + 1))
    return world.with_actor(index, actor._replace(pc="done"))


def _acknowledged(model: Model, world: World, index: int, actor: Actor, entries: Entries) -> World:
    assert actor.view
    starts = tuple(entry.shell["call"] for entry in entries if entry.kind == "tool.started")
    actor = actor._replace(granted=actor.granted + starts)
    match actor.then:
        case "work":
            if not any(entry.kind == "turn.claimed" for entry in entries):
                return world.with_actor(index, actor._replace(pc="done"))
            if entries[-1].kind == "turn.released" and not model.habits.works_while_it_waits:
                return world.with_actor(index, actor._replace(pc="queued"))
            if isinstance(actor.command, Claim) and actor.role != "recoverer":
                model.seen["waiting turn resumed"] += 1
            return think(model, world, index, actor)
        case "think" if isinstance(actor.command, Start):
            return world.with_actor(index, actor._replace(pc="effect"))
        case "think" if isinstance(actor.command, Request):
            open = actor.view.open
            if open is None or open.model_call is None:
                raise Violation("what was decided is accepted", "a model call was asked for and is not open")
            return world.with_actor(
                index, actor._replace(pc="asking", call=open.model_call.call, spoken=0, unheard=False)
            )
        case "think":
            return think(model, world, index, actor)
        case _:
            return _finish(model, world, index, actor)


_PHASES: dict[str, Callable[[Model, World, int, Actor], Iterator[Move]]] = {
    "load": _load,
    "queued": _queued,
    "commit": _commit,
    "unsure": _unsure,
    "conflict": _conflict,
    "salvage": salvage,
    "asking": asking,
    "effect": effecting,
}
