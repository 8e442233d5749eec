"""A matter that goes to a person."""

from datetime import datetime
from typing import ClassVar, Literal

from core.clock import Time
from core.values import Attached, HandoverStatus, Value


class HandoverRecord(Value):
    """An employee's matter on its way to a person. `asked` becomes `sent`, `failed` or `unknown`.

    `attached` says what of the thread went along with `note`. `reference` is what the employee can quote, `message`
    says in words what went wrong. None is unknown, or not yet known, or erased.
    """

    kind: Literal["handover"] = "handover"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    status: HandoverStatus
    attached: Attached
    note: str | None
    reference: str | None = None
    message: str | None = None
    asked_at: str
    ended_at: str | None = None
    at_n: int

    asked_time: ClassVar = Time[datetime]("asked_at")
    ended_time: ClassVar = Time[datetime | None]("ended_at")
