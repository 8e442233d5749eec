"""How much of the limits is used: a person's own, and for administrators those that are reached."""

from collections.abc import Iterator
from decimal import Decimal

from core.limits import Limits, LimitState
from core.log.records import Spending, item_of
from core.log.spending import nothing_spent, spending_stream
from core.spending.amounts import Moment, caps, used
from core.spending.spender import open_turns
from core.store import In, Query, Store, every
from core.values import OPEN_TURN, usd


class LimitStates:
    """Reads the records of what was spent."""

    def __init__(self, store: Store, limits: Limits | None) -> None:
        self._store = store
        self._limits = limits or Limits()

    async def of(self, person: str, at: Moment) -> list[LimitState]:
        """All limits that hold for the person, reached or not; [] without limits."""
        stream = spending_stream(person, at.day)
        nothing = nothing_spent(stream)
        kept = await self._store.get(nothing.kind, nothing.id)
        states = list(self._states(item_of(Spending, kept) if kept else nothing, person, at))
        if self._limits.person_turns_at_once is not None:
            states.insert(0, self._at_once(person, len(await open_turns(self._store, person))))
        if (most := self._limits.question_characters) is not None:
            limit = "question_characters"
            states.append(LimitState(person=person, limit=limit, used=0, most=most, until=None, reached=False))
        return states

    async def reached(self, at: Moment) -> list[LimitState]:
        """The limits that are reached now: those of all people together, then those of persons, by their ids."""
        states: list[LimitState] = []
        async for record in every(self._store, Query(kind="spending", where={"day": at.day})):
            spent = item_of(Spending, record)
            states += self._states(spent, spent.user, at)
        if self._limits.desk_turns_at_once is not None:
            states.append(self._at_once(None, len(await open_turns(self._store))))
        if self._limits.person_turns_at_once is not None:
            for group in await self._store.tally(Query(kind="turn", where={"status": In(OPEN_TURN)}), ("owner",)):
                states.append(self._at_once(str(group.key[0]), group.count))
        return sorted((one for one in states if one.reached), key=lambda one: (one.person or "", one.limit))

    def _states(self, spent: Spending, person: str | None, at: Moment) -> Iterator[LimitState]:
        for counted, (limit, most) in caps(self._limits, "desk" if person is None else "person").items():
            amount = used(spent, counted, at.minute)
            # A request that is larger than what is left is refused before all of it is used.
            refused = counted in ("tokens", "cost") and limit in spent.refused
            yield LimitState(
                person=person,
                limit=limit,
                used=_shown(counted, amount),
                most=_shown(counted, most),
                until=at.end_of(limit),
                reached=refused or amount >= most,
            )

    def _at_once(self, person: str | None, count: int) -> LimitState:
        limit = "desk_turns_at_once" if person is None else "person_turns_at_once"
        most = getattr(self._limits, limit)
        return LimitState(person=person, limit=limit, used=count, most=most, until=None, reached=count >= most)


def _shown(counted: str, amount: int) -> int | Decimal:
    return usd(amount) or Decimal(0) if counted == "cost" else amount
