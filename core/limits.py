"""The limits of a desk: what a person, and all people together, may ask and spend; and a program's own budget."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from core.options import Settings
from core.values import usd


class Limits(Settings):
    """What may be used; None leaves it unlimited. A day is one of UTC, and it and a minute are by the store's clock.

    `person_...` are for each person, `desk_...` for all people of the installation together, whatever process serves
    them. Turns are questions that were put on record; `..._turns_at_once` are those that have not ended, over all
    threads, also while they wait for an approval. Tokens are those of models, read and written. Costs are in USD.

    A question beyond a limit raises LimitReached and is not on record; only a count is. A limit of tokens or costs that
    is met while a turn runs ends it `failed` (limit), and keeps its text. Before each request to a model the most that
    it may use is reserved: a token for each byte of the request, and the longest answer that its settings allow. A
    request whose settings do not say how long its answer may be is then sent with 4,096 tokens.

    `question_characters` is the most characters of a question. `unpriced_call_usd` is what a request counts as if the
    price of its model is unknown, 0 for a model of your own; without it a desk with a limit of costs refuses the model.
    """

    person_turns_at_once: PositiveInt | None = None
    person_turns_a_minute: PositiveInt | None = None
    person_turns_a_day: PositiveInt | None = None
    person_tokens_a_day: PositiveInt | None = None
    person_usd_a_day: PositiveFloat | None = None
    desk_turns_at_once: PositiveInt | None = None
    desk_turns_a_minute: PositiveInt | None = None
    desk_turns_a_day: PositiveInt | None = None
    desk_tokens_a_day: PositiveInt | None = None
    desk_usd_a_day: PositiveFloat | None = None
    question_characters: PositiveInt | None = None
    unpriced_call_usd: NonNegativeFloat | None = None

    @property
    def use(self) -> bool:
        """Whether tokens or a cost are limited: what requests to models may use."""
        return self.costs or self.person_tokens_a_day is not None or self.desk_tokens_a_day is not None

    @property
    def costs(self) -> bool:
        """Whether a cost is limited."""
        return self.person_usd_a_day is not None or self.desk_usd_a_day is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """How much of a limit is used. `person` is the person's id, None for all people together.

    `limit` is the name of the field of Limits, `used` and `most` are in its unit, `until` is when it begins anew, None
    for the turns at once and for `question_characters`, of which 0 are used. `reached`: further questions are refused
    until then, or one was refused already. What a process has taken of the limit of all people counts as used, although
    it may not be spent yet.
    """

    person: str | None
    limit: str
    used: int | Decimal
    most: int | Decimal
    until: datetime | None
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRequest:
    """A request to a model that is about to go out: its asker, its turn, its model, and what it may use.

    `tokens` are the most that it may use, `cost` the most it may cost in nano-USD; None if the price is unknown.
    """

    user_id: str
    thread: str
    turn: str
    model: str
    tokens: int
    cost: int | None

    @property
    def cost_usd(self) -> Decimal | None:
        """`cost` in USD."""
        return usd(self.cost)


class Budget(Protocol):
    """A program's own check before each request to a model, such as against the budget of the asker's department."""

    async def check(self, request: BudgetRequest) -> None:
        """Return to let the request go out; raise LimitReached to end the turn `failed` (limit) with that message.

        Any other exception, and one that takes longer than `Options.hook_deadline`, ends the turn `failed`
        (hook_failed). It runs before the desk's own limits are checked.
        """


def nano_usd(amount: float) -> int:
    """An amount in USD as nano-USD."""
    return int(Decimal(str(amount)).scaleb(9).to_integral_value())
