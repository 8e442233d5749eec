"""Usage: how many turns, model calls and tokens an entity, a model or a day has taken, and what they cost.

The bills are whole, as all costs are. Turns in sealed threads are in no count, as in all figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Literal, TypeAlias

from core.desk.bills import BILL, Spent, spent
from core.desk.filters import between
from core.desk.lists import Lists
from core.desk.small_groups import MIN_PEOPLE, Withheld, withheld_groups
from core.desk.tallies import by_key, size
from core.errors import InvalidInput
from core.store import Filter, Query, Scalar, Store, Tally

UsageBy: TypeAlias = Literal["entity", "model", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The questions of a group, and its model calls: for them, for reports of decisions, for summaries and searches.

    `people` asked a question and had a model called for it.
    """

    people: int
    turns: int
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGroup:
    """An entity, a model or a UTC day (YYYY-MM-DD); `name` None: the entity is unknown.

    `used` is None if it is withheld: `few`, because fewer than MIN_PEOPLE people asked, or `cover`, because it would
    give away that of the small groups by subtraction.
    """

    name: str | None
    used: Used | None
    withheld: Withheld | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """The usage of each group, and of all; `total` is None if fewer than MIN_PEOPLE people asked in all."""

    groups: Sequence[UsageGroup]
    total: Used | None


def check_days(*times: datetime | None) -> None:
    """Raises InvalidInput for a time that is not the beginning of a UTC day."""
    # The difference of two times that end at any second would be the usage of the one person who asked in between.
    if any(at is not None and at.astimezone(UTC).timetz() != time(tzinfo=UTC) for at in times):
        raise InvalidInput("usage is counted in whole UTC days: name days, such as 2026-11-24")


async def usage_of(
    store: Store, lists: Lists, by: UsageBy, since: datetime | None, until: datetime | None
) -> UsageReport:
    """The usage of the turns that were asked, and the model calls that were made, at `since` or later, before `until`.

    Days are in their order; entities and models by their known cost, the highest first, withheld ones last by name. A
    turn counts for each model that answered in it.
    """
    asked: dict[str, Filter] = {**between("opened_at", since, until), "report": None, "imported": None}
    calls = Query(kind="model_call", where=between("asked_at", since, until))
    bills = by_key(await store.tally(calls, (by, "owner", "status"), BILL), 0)
    if by == "model":
        # One by one: a store does not group by the items of a list.
        turns = {name: await lists.count_unsealed("turn", {**asked, "models": name}, by=("owner",)) for name in bills}
    else:
        turns = by_key(await lists.count_unsealed("turn", asked, by=("owner", by)), 1)
    used = {name: _used(turns.get(name, []), bills.get(name, [])) for name in bills.keys() | turns.keys()}
    withheld = withheld_groups({name: people for name, (people, _) in used.items()})
    groups = [
        UsageGroup(
            name=None if name is None else str(name),
            used=None if name in withheld else of_group,
            withheld=withheld.get(name),
        )
        for name, (_, of_group) in used.items()
    ]
    everybody = await lists.count_unsealed("turn", asked, by=("owner",))
    people, total = _used(everybody, [bill for of_group in bills.values() for bill in of_group])
    return UsageReport(
        groups=sorted(groups, key=_by_day if by == "day" else _by_cost),
        total=total if len(people) >= MIN_PEOPLE else None,
    )


def _used(turns: Sequence[Tally], bills: Sequence[Tally]) -> tuple[frozenset[Scalar], Used]:
    """The people of a group and its usage: turns are given by owner, the bills of model calls by group and owner."""
    # Those who are in both: so neither figure alone is of fewer people.
    people = frozenset(by_key(turns, 0)) & frozenset(by_key(bills, 1))
    return people, Used(people=len(people), turns=size(turns), spent=spent(bills))


def _by_day(group: UsageGroup) -> str:
    return group.name or ""


def _by_cost(group: UsageGroup) -> tuple[bool, int, str]:
    # By name if it is withheld: an order of costs would tell something of it.
    return group.used is None, -group.used.spent.cost if group.used else 0, group.name or ""
