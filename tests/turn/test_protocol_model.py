"""The rules of the log, explored: every schedule of small casts, many of large ones, and rules broken on purpose."""

from collections import Counter
from random import Random

import pytest

from tests.checker.mutants import MUTANTS, Mutant
from tests.checker.scenarios import BOUNDED, CROWDS
from tests.checker.search import Explored, explore, walks
from tests.checker.world import Model, Scenario, Violation

WALKS = 2_000
TORTURE = 400_000
BATCH = 250
HUNT = 5_000
CLEAN = 200
LIMIT = 500_000

SOMETIMES = (
    "take-over of a model call",
    "fenced off",
    "live text fenced off",
    "effect after the take-over",
    "unknown",
    "late",
    "late commit",
    "late live text",
    "lost ack, found by its id",
    "seal",
    "cut",
    "approval.given",
    "approval.denied",
    "turn.released",
    "close: stop",
    "close: expired",
    "close: lost",
    "waiting turn resumed",
    "waiting turn taken, gone",
    "waiting turn taken, silent",
    "a wait that another has ended",
    "refused: TurnInProgress",
    "nothing left of Submit",
    "nothing left of Approval",
    "nothing left of Close",
    "call.deferred",
    "deferred call expired",
    "deferred call withdrawn",
    "deferred call tool_gone",
    "branch.shown",
    "turn that takes another's place",
    "report of a decision",
    "refused: NotReplaceable",
    "nothing left of ReportDecision",
    "nothing left of CloseDeferred",
    "nothing left of Show",
)
"""What must have happened somewhere, or the search has looked past it."""


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, id=one.name, marks=[pytest.mark.torture] if one.large else []) for one in BOUNDED],
)
def test_every_schedule_of_a_small_cast_keeps_every_promise(scenario: Scenario) -> None:
    explored = explore(Model(scenario), limit=LIMIT)
    print(f"{scenario.name}: {explored.states} moments, {explored.steps} steps, {explored.ends} ends")
    assert explored.ends


def test_schedules_drawn_at_random_keep_every_promise_and_miss_nothing() -> None:
    seen = crowded(WALKS)
    assert not [what for what in SOMETIMES if not seen[what]]


@pytest.mark.torture
def test_very_many_schedules_drawn_at_random_keep_every_promise() -> None:
    crowded(TORTURE)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_found(mutant: Mutant) -> None:
    model = Model(mutant.scenario, mutant.rules, mutant.habits)
    with pytest.raises(Violation) as found:
        walks(model, Random(1), HUNT)
    assert found.value.promise in mutant.breaks
    print(f"{mutant.name}: {found.value} after\n  " + "\n  ".join(found.value.trail))


@pytest.mark.parametrize(
    "scenario",
    {
        scenario.name: scenario
        for scenario in (*(mutant.scenario for mutant in MUTANTS), *(one for one in BOUNDED if one.large))
    }.values(),
    ids=lambda scenario: scenario.name,
)
def test_schedules_of_the_same_and_of_large_casts_are_clean_while_the_rules_hold(scenario: Scenario) -> None:
    walks(Model(scenario), Random(1), CLEAN)


def crowded(count: int) -> Counter[str]:
    """What was seen in this many schedules of the crowds, each with a seed of its own."""
    seen: Counter[str] = Counter()
    steps = 0
    for batch in range(count // BATCH):
        model = Model(CROWDS[batch % len(CROWDS)])
        explored: Explored = walks(model, Random(batch), BATCH)
        steps += explored.steps
        seen += model.seen
    print(f"{count} schedules, {steps} steps: {dict(seen.most_common())}")
    return seen
