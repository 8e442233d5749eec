"""A worker's steps: what `plan` says, one act after the other, as `core.worker.worker` carries it out."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from core.log.records import OpenTurn, Turn
from core.turn.commands import Defer, GiveUp, Park, Release, Start
from core.turn.decide import lost_call
from core.values import Usage
from tests.checker.promises import check_effect
from tests.checker.world import Actor, Answer, Model, Said, Sent, World, worker
from tests.support.commands import answered, failed, finished, requested

Move: TypeAlias = tuple[str, Callable[[], World]]

BILL = Usage(input=1, output=1)
EXPIRES = "2026-12-01T09:30:00.000Z"
SEAL = Said("", "", "")


def think(model: Model, world: World, index: int, actor: Actor) -> World:
    assert actor.view
    open = actor.view.open
    if open is None or open.worker is None or open.worker.nonce != actor.name:
        return world.with_actor(index, actor._replace(pc="done"))
    if actor.fence != open.fence:
        actor = actor._replace(fence=open.fence, live_n=0)
    if actor.granted:  # reads that were started together end in any order
        return world.with_actor(index, actor._replace(pc="effect"))
    me = worker(actor.name)
    act = model.rules.plan(open, retrieves=False)
    actor = actor._replace(then="think", call=act.call)
    match act.kind:
        case "run_tools":
            return world.with_actor(index, actor.wants(Start(worker=me, calls=act.calls)))
        case "close_lost_call":
            return world.with_actor(index, actor.wants(lost_call(open, act.call, me)))
        case "salvage":
            return world.with_actor(index, actor._replace(pc="salvage"))
        case "defer":
            return world.with_actor(index, actor.wants(Defer(worker=me, calls=act.calls, expires=EXPIRES)))
        case "park":
            return world.with_actor(index, actor.wants(Park(worker=me, expires=EXPIRES), "done"))
        case "request_model":
            tools = act.step <= model.scenario.options.max_steps
            request = requested(me, step=act.step, attempt=act.attempt, with_tools=tools)
            return world.with_actor(index, actor.wants(request))
    return world.with_actor(index, actor._replace(pc="done"))


def salvage(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    yield f"{actor.name} seals and salvages", partial(_salvaged, model, world, index, actor)


def _salvaged(model: Model, world: World, index: int, actor: Actor) -> World:
    assert actor.view
    assert actor.view.open
    world, text = sealed(model, world, actor.view.open, cautious=not model.habits.takes_over_unsealed)
    model.seen["take-over of a model call"] += 1
    return world.with_actor(index, actor.wants(failed(worker(actor.name), actor.call, "worker_lost", text), "think"))


def asking(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    assert actor.view
    assert actor.view.open
    said = _answer(model, actor)
    if actor.unheard:
        yield f"{actor.name} repeats a piece", partial(_say, model, world, index, actor)
    elif actor.spoken < len(said.pieces):
        more = actor._replace(spoken=actor.spoken + 1)
        yield f"{actor.name} says a piece", partial(_say, model, world, index, more)
        if world.faults:
            yield f"{actor.name} hears nothing of a piece", partial(_say_unheard, model, world, index, more)
    yield f"{actor.name} has the answer", partial(_answered, model, world, index, actor)
    if world.cuts:
        yield f"{actor.name} is cut off", partial(_cut, model, world, index, actor)
    if world.breaks:
        yield f"{actor.name} breaks", partial(break_down, model, world, index, actor)


def _answer(model: Model, actor: Actor) -> Answer:
    assert actor.view
    assert actor.view.open
    turn = actor.view.state.items[actor.view.open.turn]
    if isinstance(turn, Turn) and turn.report:
        return Answer()
    scenario = model.scenario
    answers = scenario.others if scenario.others and turn.id != "t-r1" else scenario.answers
    return answers[min(actor.view.open.step, len(answers)) - 1]


def _piece(model: Model, actor: Actor) -> Said:
    return Said(actor.call, _answer(model, actor).pieces[actor.spoken - 1], actor.name)


def _say(model: Model, world: World, index: int, actor: Actor) -> World:
    assert actor.view
    assert actor.view.open
    key, said = (actor.view.open.turn, actor.fence), _piece(model, actor)
    items = world.stream(key)
    heard = actor._replace(live_n=actor.live_n + 1, unheard=False)
    if len(items) == actor.live_n or (model.habits.writes_past_seals and items[actor.live_n] != said):
        return world.with_stream(key, (*items, said)).with_actor(index, heard)
    if items[actor.live_n] == said:
        return world.with_actor(index, heard)  # the repeat of what was never acknowledged
    model.seen["live text fenced off"] += 1
    return world.with_actor(index, actor._replace(pc="done"))


def _say_unheard(model: Model, world: World, index: int, actor: Actor) -> World:
    assert actor.view
    assert actor.view.open
    key = (actor.view.open.turn, actor.fence)
    sent = Sent(key, actor.live_n, _piece(model, actor), (actor.name, actor.live_n), actor.name)
    world = world._replace(faults=world.faults - 1, flight=world.flight | {sent})
    return world.with_actor(index, actor._replace(unheard=True))


def _answered(model: Model, world: World, index: int, actor: Actor) -> World:
    said = _answer(model, actor)
    calls = said.calls if actor.view.open.step <= model.scenario.options.max_steps else ()  # type: ignore[union-attr]
    if model.habits.acts_uncommitted:
        for number in range(1, len(calls) + 1):
            world = _effect(model, world, actor, f"{turn_of(actor.call)}-t{number}")
    command = answered(
        worker(actor.name),
        actor.call,
        "".join(said.pieces),
        "pause" if said.pauses else "tool_calls" if calls else "end",
        calls,
        usage=BILL,
        cost=1,
        turn=turn_of(actor.call),
        fence=actor.fence,
    )
    return world.with_actor(index, actor.wants(command, "think"))


def _cut(model: Model, world: World, index: int, actor: Actor) -> World:
    text = "".join(_answer(model, actor).pieces[: actor.spoken])
    model.seen["cut"] += 1
    here = {"turn": turn_of(actor.call), "fence": actor.fence}
    command = failed(worker(actor.name), actor.call, "connection", text, cost=1, **here)
    world = world._replace(cuts=world.cuts - 1)
    return world.with_actor(index, actor.wants(command, "think"))


def leave(world: World, index: int, actor: Actor) -> World:
    release = Release(worker=worker(actor.name))
    return world._replace(leaves=world.leaves - 1).with_actor(index, actor.wants(release, "done"))


def break_down(model: Model, world: World, index: int, actor: Actor) -> World:
    assert actor.view
    open, text = actor.view.open, ""
    assert open
    world = world._replace(breaks=world.breaks - 1)
    if open.model_call and not model.habits.gives_up_unsealed:
        world, text = sealed(model, world, open, cautious=True)
    command = GiveUp(worker=worker(actor.name), partial=text, code="internal", message="Fault")
    return world.with_actor(index, actor.wants(command, "done"))


def effecting(model: Model, world: World, index: int, actor: Actor) -> Iterator[Move]:
    for call in actor.granted or (actor.call,):
        yield f"{actor.name} runs {call}", partial(_run, model, world, index, actor, call)


def _run(model: Model, world: World, index: int, actor: Actor, call: str) -> World:
    world = _effect(model, world, actor, call)
    granted = tuple(other for other in actor.granted if other != call)
    command = finished(worker(actor.name), call, result="r", turn=turn_of(call), fence=actor.fence)
    return world.with_actor(index, actor._replace(granted=granted, call=call).wants(command, "think"))


def act_early(model: Model, world: World, index: int, actor: Actor) -> World:
    assert isinstance(actor.command, Start)
    for call in actor.command.calls:
        world = _effect(model, world, actor, call)
    return world.with_actor(index, actor._replace(pc="unsure"))


def _effect(model: Model, world: World, actor: Actor, call: str) -> World:
    world = world._replace(effects=(*world.effects, (call, actor.name)))
    check_effect(world, actor, call)
    model.seen["effect"] += 1
    if world.tip.open is None or world.tip.open.fence != actor.fence:
        model.seen["effect after the take-over"] += 1
    return world


def sealed(model: Model, world: World, open: OpenTurn, *, cautious: bool) -> tuple[World, str]:
    """The text that the open model call's stream shows, and the stream's end."""
    assert open.model_call
    key = (open.turn, open.model_call.fence)
    items = world.stream(key)
    text = "".join(said.text for said in items if said.call == open.model_call.call)
    if cautious and SEAL not in items:
        model.seen["seal"] += 1
        world = world.with_stream(key, (*items, SEAL))
    return world, text


def turn_of(call: str) -> str:
    return call.rpartition("-")[0]
