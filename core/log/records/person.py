"""What a person has told the desk about themselves."""

from datetime import datetime
from typing import ClassVar, Literal

from core.clock import Time
from core.ids import user_named
from core.values import Value


class Person(Value):
    """What a person has told the desk about themselves: `notice` is the newest notice that they have acknowledged.

    `id` is the person's id as it stands in the name of their stream, `user` the id itself. `hash` is that of entry n of
    `person:<id>`.
    """

    kind: Literal["person"] = "person"
    id: str
    n: int
    hash: str
    notice: str
    acknowledged_at: str

    acknowledged_time: ClassVar = Time[datetime]("acknowledged_at")

    @property
    def user(self) -> str:
        """The person's id."""
        return user_named(self.id)
