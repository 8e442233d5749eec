"""The facts of the `spending:` streams, by which limits are kept."""

from typing import Literal

from core.log.facts.base import Fact


class TurnAdmitted(Fact):
    """A person's question was let through by the limits, in this minute (`2026-11-30T14:20`), before it was opened."""

    kind: Literal["spending.admitted"] = "spending.admitted"
    turn: str
    minute: str


class TurnWithdrawn(Fact):
    """The question was not put on record after all: it does not count."""

    kind: Literal["spending.withdrawn"] = "spending.withdrawn"
    turn: str
    minute: str


class SpendingReserved(Fact):
    """The most that a request to a model may use, before it goes out. `cost` is in nano-USD, None if it is unlimited.

    It stays spent if no `spending.booked` follows.
    """

    kind: Literal["spending.reserved"] = "spending.reserved"
    turn: str
    call: str
    tokens: int
    cost: int | None


class SpendingBooked(Fact):
    """What the request has used, in place of what was reserved for it."""

    kind: Literal["spending.booked"] = "spending.booked"
    turn: str
    call: str
    tokens: int
    cost: int | None
    reserved_tokens: int
    reserved_cost: int | None


class SliceTaken(Fact):
    """A process takes a part of what all people together may use in a day, to spend it without further entries.

    `minute_turns` are for that minute. `holder` is new for each desk.
    """

    kind: Literal["slice.taken"] = "slice.taken"
    holder: str
    minute: str
    minute_turns: int = 0
    turns: int = 0
    tokens: int = 0
    cost: int = 0


class SliceReturned(Fact):
    """A process gives back what it has not spent of its slices; numbers below 0 are what it has spent beyond them."""

    kind: Literal["slice.returned"] = "slice.returned"
    holder: str
    turns: int = 0
    tokens: int = 0
    cost: int = 0


class QuestionsRefused(Fact):
    """So many questions, or requests to a model, were refused since the last such entry of this process."""

    kind: Literal["spending.refused"] = "spending.refused"
    limit: str
    count: int
