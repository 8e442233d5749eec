"""Plain text for a terminal: what came from outside cannot steer it, and money and tables read like the pages'."""

from collections.abc import Sequence

from core.log.records import Totals
from core.values import Usage


def harmless(text: str) -> str:
    """The text on one line, with what a terminal would obey, or what turns letters around, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))


def dollars(nano_usd: int | None) -> str:
    """`$0.00012`; what nobody knows is `unknown`, never 0."""
    if nano_usd is None:
        return "unknown"
    digits = f"{nano_usd / 1e9:.9f}".rstrip("0")
    return f"${digits}" if len(digits.partition(".")[2]) >= 2 else f"${nano_usd / 1e9:.2f}"


def tokens(usage: Usage) -> str:
    """What was sent and what came back."""
    if usage.input is None and usage.output is None:
        return "tokens unknown"
    sent, came = ("unknown" if count is None else f"{count:,}" for count in (usage.input, usage.output))
    return f"{sent} tokens in, {came} out"


def cost(totals: Totals) -> str:
    """What is known of a sum, and how much of it is not."""
    if not totals.cost_unknown:
        return dollars(totals.cost)
    return f"{dollars(totals.cost)} + {counted(totals.cost_unknown, 'call')} unknown" if totals.cost else "unknown"


def counted(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`, `2 entries`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows in columns, each as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
