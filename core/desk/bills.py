"""What model calls cost, as the store adds it up."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.store import Tally

BILL = ("cost", "usage.input", "usage.output")
"""The paths of a model call whose sums make a bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What model calls cost: the known costs, in nano-USD, and how many calls have an unknown one.

    `calls` are all calls, failed ones too. In the same way the tokens are the known ones, and `tokens_unknown` counts
    the calls whose tokens are unknown.
    """

    calls: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_unknown: int = 0
    cost: int = 0
    cost_unknown: int = 0


def spent(groups: Iterable[Tally]) -> Spent:
    """The bill of these groups of model calls: their sums are of BILL, and the third value of their keys the status."""
    bill = Spent()
    for group in groups:
        sums, unknown = group.sums, group.unknown
        bill = Spent(
            calls=bill.calls + group.count,
            failed=bill.failed + (group.count if group.key[2] == "failed" else 0),
            input_tokens=bill.input_tokens + sums["usage.input"],
            output_tokens=bill.output_tokens + sums["usage.output"],
            tokens_unknown=bill.tokens_unknown + max(unknown["usage.input"], unknown["usage.output"]),
            cost=bill.cost + sums["cost"],
            cost_unknown=bill.cost_unknown + unknown["cost"],
        )
    return bill
