"""What model calls and tool calls add up to."""

from decimal import Decimal

from core.values import Usage, Value, usd


class Totals(Value):
    """Sums over model and tool calls. `cost` adds the known costs; `cost_unknown` counts the calls of unknown cost.

    In the same way `tokens_unknown` counts the calls of unknown usage.
    """

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_unknown: int = 0
    cost: int = 0
    cost_unknown: int = 0

    @property
    def whole_cost(self) -> int | None:
        """The cost of all calls in nano-USD, None if that of one of them is unknown."""
        return None if self.cost_unknown else self.cost

    @property
    def cost_usd(self) -> Decimal | None:
        """The same in USD."""
        return usd(self.whole_cost)

    @property
    def total_tokens(self) -> int | None:
        """Input and output tokens together, None if those of one of the calls are unknown."""
        return None if self.tokens_unknown else self.input_tokens + self.output_tokens

    def billed(self, usage: Usage, cost: int | None) -> "Totals":
        """These totals plus one closed model call."""
        # An unknown cost is counted and never taken for 0: a sum that hides it would look like the whole bill.
        unknown = usage.input is None or usage.output is None
        return self.model_copy(
            update={
                "input_tokens": self.input_tokens + (usage.input or 0),
                "output_tokens": self.output_tokens + (usage.output or 0),
                "tokens_unknown": self.tokens_unknown + unknown,
                "cost": self.cost + (cost or 0),
                "cost_unknown": self.cost_unknown + (cost is None),
            }
        )
