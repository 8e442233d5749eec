"""Walks through what may happen: every schedule within bounds, or many schedules drawn at random."""

from functools import cache
from random import Random
from typing import NamedTuple

from tests.checker.actors import moves
from tests.checker.promises import check_moment, shape
from tests.checker.world import Actor, Model, Violation, World

PATIENCE = 200
"""Steps within which a recovery that nobody disturbs ends any turn."""


class Explored(NamedTuple):
    """How much was seen: distinct moments, steps between them, and walks to an end."""

    states: int
    steps: int
    ends: int


def explore(model: Model, *, limit: int) -> Explored:
    """Every schedule there is. Raises Violation with its trail, and OverflowError beyond `limit` moments."""
    start = model.start()
    seen = {hash(start)}
    stack: list[tuple[World, tuple | None]] = [(start, None)]
    steps = ends = 0
    while stack:
        world, trail = stack.pop()
        label = ""
        try:
            over = True
            for label, step in moves(model, world):
                over = False
                steps += 1
                after = _pruned(step())
                key = hash(after)
                if key not in seen:
                    seen.add(key)
                    check(model, after)
                    stack.append((after, (label, trail)))
            ends += over
        except Violation as violation:
            violation.trail = [*_unrolled(trail), label]
            raise
        if len(seen) > limit:
            raise OverflowError(f"{model.scenario.name}: more than {limit} moments")
    return Explored(len(seen), steps, ends)


def walk(model: Model, random: Random) -> tuple[World, int]:
    """One schedule drawn at random, and its number of steps. Raises Violation with its trail."""
    world = model.start()
    trail: list[str] = []
    try:
        while choices := list(moves(model, world)):
            label, step = choices[_drawn(random, choices)]
            trail.append(label)
            world = _pruned(step())
            check(model, world)
    except Violation as violation:
        violation.trail = trail
        raise
    return world, len(trail)


def walks(model: Model, random: Random, count: int) -> Explored:
    """Many of them."""
    steps = sum(walk(model, random)[1] for _ in range(count))
    return Explored(0, steps, count)


def check(model: Model, world: World) -> None:
    """The promises of a moment; that its turn and deferred calls can end is judged once for each shape of them."""
    check_moment(world)
    form = shape(world)
    if form is not None and form not in model.judged:
        model.judged[form] = True
        _check_end(model, world)


def _drawn(random: Random, choices: list) -> int:
    """A step."""
    return random.choices(range(len(choices)), [_weight(label) for label, _ in choices])[0]


@cache
def _weight(label: str) -> float:
    """Misfortune is rarer than work, or every schedule would be over before it began."""
    return 0.25 if any(word in label for word in ("crash", "nothing", "leave", "breaks")) else 1.0


def _check_end(model: Model, world: World) -> None:
    """Everybody who is at work now dies, nobody decides; recoverers come one after the other.

    The turn ends, and each deferred call is reported if it was decided on, else closed.
    """
    decided = [item.call for item in world.tip.deferred if item.decision]
    world = World(world.tip, (), world.live)
    seen = model.seen.copy()
    for number in range(PATIENCE):
        if world.tip.open is None and not world.tip.deferred:
            model.seen = seen
            lost = [call for call in decided if world.tip.account.requests[call].over != "reported"]
            if lost:
                raise Violation("every decision is reported in the end", ", ".join(lost))
            return
        if all(actor.over for actor in world.actors):
            world = world._replace(actors=(Actor(f"undertaker{number}", "recoverer"),))
        for _, step in moves(model, world):
            world = step()
            break
    if world.tip.open is None and any(item.decision for item in world.tip.deferred):
        raise Violation("every decision is reported in the end", f"{world.tip.deferred}")
    raise Violation("every accepted turn can end", f"{world.tip.open or world.tip.deferred}")


def _pruned(world: World) -> World:
    """Without commits that can no longer take effect: their place is taken."""
    if not world.flight:
        return world
    left = {
        sent
        for sent in world.flight
        if sent.after == (world.tip.n if sent.live is None else len(world.stream(sent.live)))
    }
    return world if len(left) == len(world.flight) else world._replace(flight=frozenset(left))


def _unrolled(trail: tuple | None) -> list[str]:
    labels: list[str] = []
    while trail is not None:
        label, trail = trail
        labels.append(label)
    return labels[::-1]
