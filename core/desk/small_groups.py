"""Groups of few people: which figures of groups may not be shown, so that none of them is of one person."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, TypeAlias

from core.store import Scalar

MIN_PEOPLE = 10
"""The fewest people whose questions a group's figures are shown for."""

Withheld: TypeAlias = Literal["few", "cover"]
"""Why a group has no figures: fewer than MIN_PEOPLE people, or they would give away those of such a group."""


def withheld_groups(people: Mapping[Scalar, AbstractSet[Scalar]]) -> dict[Scalar, Withheld]:
    """The groups whose figures may not be shown, by the people in each group."""
    withheld: dict[Scalar, Withheld] = {name: "few" for name, asked in people.items() if len(asked) < MIN_PEOPLE}
    # The total minus the groups that are shown is the sum of the withheld ones. So it must be a sum of several groups,
    # and of enough people: further groups are withheld until it is, the smallest first.
    rest = sorted(people.keys() - withheld.keys(), key=lambda name: (len(people[name]), str(name)))
    while withheld and rest and (len(withheld) == 1 or _together(people, withheld) < MIN_PEOPLE):
        withheld[rest.pop(0)] = "cover"
    return withheld


def _together(people: Mapping[Scalar, AbstractSet[Scalar]], names: Iterable[Scalar]) -> int:
    return len({person for name in names for person in people[name]})
