"""The verdicts on a turn."""

from datetime import datetime
from typing import ClassVar, Literal

from core.clock import Time
from core.values import Cause, Value, Verdict


class Given(Value):
    """One person's verdict on an answer, their newest. `cause` is None unless it is wrong. None: erased."""

    by: str
    at: str
    verdict: Verdict
    cause: Cause | None
    note: str | None
    corrected: str | None

    time: ClassVar = Time[datetime]("at")


class Review(Value):
    """The verdicts on a turn, folded from `review:<turn>`: the newest of each person, in the order of their first.

    `verdicts` names the different ones, sorted, for lists. `id` is the turn's; `owner` and `opened_at` are the turn's.
    """

    kind: Literal["review"] = "review"
    id: str
    n: int
    hash: str
    thread: str
    owner: str
    opened_at: str
    given: list[Given]
    verdicts: list[Verdict]

    opened_time: ClassVar = Time[datetime]("opened_at")
