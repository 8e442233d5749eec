"""The fold of what was used of the limits on one day, from the entries of `spending:<person>:<day>`.

The same fold makes what all people have used together, from `spending:desk-<day>`: there the entries are the slices
that processes have taken.
"""

from typing import Any

from core.errors import Corrupt
from core.ids import name_of_day
from core.log.facts import (
    QuestionsRefused,
    SliceReturned,
    SliceTaken,
    SpendingBooked,
    SpendingReserved,
    TurnAdmitted,
    TurnWithdrawn,
    fact,
)
from core.log.records import Admission, Spending
from core.values import GENESIS, Entry

_DAY = len("2026-11-30")


def spending_stream(person: str | None, day: str) -> str:
    """The stream that holds what this person has used on this day, None for all people."""
    return f"spending:{name_of_day(person, day)}"


def nothing_spent(stream: str) -> Spending:
    """The record before the first entry."""
    return Spending(id=stream.removeprefix("spending:"), n=0, hash=GENESIS, day=stream[-_DAY:])


def fold_spending(spending: Spending | None, entry: Entry) -> Spending:
    """The record after the entry; `spending` is None before the first.

    Raises Corrupt, naming stream and n, for an entry that does not follow, or does not belong there.
    """
    spending = spending or nothing_spent(entry.stream)
    if entry.n != spending.n + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {spending.n}")
    return spending.model_copy(update={"n": entry.n, "hash": entry.hash, **_changed(spending, entry)})


def _changed(spending: Spending, entry: Entry) -> dict[str, Any]:  # Any: fields of the record
    match fact(entry):
        case TurnAdmitted(turn=turn, minute=minute):
            recent = [*spending.recent, Admission(turn=turn, minute=minute)]
            newest = sorted({one.minute for one in recent})[-2:]
            recent = [one for one in recent if one.minute in newest]
            return {"turns": spending.turns + 1, "recent": recent, **_in_minute(spending, minute, 1)}
        case TurnWithdrawn(turn=turn, minute=minute):
            recent = [one for one in spending.recent if one.turn != turn]
            return {"turns": spending.turns - 1, "recent": recent, **_in_minute(spending, minute, -1)}
        case SpendingReserved(tokens=tokens, cost=cost):
            return _used(spending, tokens, cost or 0)
        case SpendingBooked() as booked:
            return _used(
                spending, booked.tokens - booked.reserved_tokens, (booked.cost or 0) - (booked.reserved_cost or 0)
            )
        case SliceTaken() as taken:
            minutes = _in_minute(spending, taken.minute, taken.minute_turns) if taken.minute_turns else {}
            return {"turns": spending.turns + taken.turns, **minutes, **_used(spending, taken.tokens, taken.cost)}
        case SliceReturned() as back:
            return {"turns": spending.turns - back.turns, **_used(spending, -back.tokens, -back.cost)}
        case QuestionsRefused(limit=limit, count=count):
            return {"refused": {**spending.refused, limit: spending.refused.get(limit, 0) + count}}
        case _:
            raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong to what was spent")


def _used(spending: Spending, tokens: int, cost: int) -> dict[str, int]:
    return {"tokens": spending.tokens + tokens, "cost": spending.cost + cost}


def _in_minute(spending: Spending, minute: str, turns: int) -> dict[str, Any]:
    """The newest minute's count with so many turns more. What is withdrawn from an earlier one leaves it."""
    if minute < spending.minute:
        return {}
    before = spending.minute_turns if minute == spending.minute else 0
    return {"minute": minute, "minute_turns": max(0, before + turns)}
