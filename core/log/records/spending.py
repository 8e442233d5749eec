"""What was used of the limits on a day."""

from typing import Literal

from pydantic import Field

from core.ids import user_named
from core.values import Value


class Admission(Value):
    """A question that the limits let through, and in which minute."""

    turn: str
    minute: str


class Spending(Value):
    """What was used of the limits on one day (UTC), folded from `spending:<id>`, entry n of which has `hash`.

    `user` None: it is all people's together, and the numbers are what processes have taken of it in slices. `minute`
    is the newest minute with a question (`2026-11-30T14:20`), with `minute_turns` of them. `cost` is in nano-USD.
    `refused` counts what was refused, by the limit; `recent` are the questions of the newest two minutes.
    """

    kind: Literal["spending"] = "spending"
    id: str
    n: int
    hash: str
    day: str
    turns: int = 0
    minute: str = ""
    minute_turns: int = 0
    tokens: int = 0
    cost: int = 0
    refused: dict[str, int] = Field(default_factory=dict)
    recent: list[Admission] = Field(default_factory=list)

    @property
    def user(self) -> str | None:
        """The person's id, None if it is all people's."""
        name, _, _ = self.id.rpartition(":")
        return user_named(name) if name else None
