"""Money, counts, durations and moments as text: one form each, on the pages and on the command line."""

from datetime import date, datetime, timedelta, tzinfo

from core.clock import moment
from core.desk.bills import Spent
from core.desk.small_groups import MIN_PEOPLE, Withheld
from core.log.records import Totals
from core.values import Usage


def money(nano_usd: int | None) -> str:
    """`$0.0012`: two digits after the zeros, at least cents. None is `unknown`, never 0."""
    match nano_usd:
        case None:
            return "unknown"
        case 0:
            return "$0"
        case _:
            # A call can cost less than a cent: cents alone would show it as $0.00.
            places = min(max(2, 11 - len(str(nano_usd))), 9)
            return f"${nano_usd / 1e9:,.{places}f}"


def cost(totals: Totals) -> str:
    """The known part of a sum, and how many calls have an unknown cost."""
    if not totals.cost_unknown:
        return money(totals.cost)
    return f"{money(totals.cost)} + {counted(totals.cost_unknown, 'call')} unknown" if totals.cost else "unknown"


def bill(spent: Spent) -> str:
    """`$1.20 + 3 calls unknown`; `unknown` if the cost of all calls is."""
    if spent.calls and spent.cost_unknown == spent.calls:
        return "unknown"
    unknown = f" + {counted(spent.cost_unknown, 'call')} unknown" if spent.cost_unknown else ""
    return f"{money(spent.cost)}{unknown}"


def why_withheld(withheld: Withheld | None) -> str:
    """Why a group's figures are not shown, "" if they are."""
    match withheld:
        case "few":
            return f"fewer than {MIN_PEOPLE} people"
        case "cover":
            return "withheld: it would give away a smaller one"
        case None:
            return ""


def counted(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`, `2 entries`, `2 days`, `2 people`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    if noun == "person":
        plural = "people"
    return f"{number:,} {noun if number == 1 else plural}"


def progress(done: int, total: int, noun: str) -> str:
    """`1,200 of 3,000 streams`."""
    return f"{done:,} of {counted(total, noun)}"


def tokens(usage: Usage) -> str:
    """`1,200 tokens in, 80 out`; a count that is None is `unknown`."""
    if usage.input is None and usage.output is None:
        return "tokens unknown"
    sent, received = ("unknown" if count is None else f"{count:,}" for count in (usage.input, usage.output))
    return f"{sent} tokens in, {received} out"


def total_tokens(totals: Totals | Spent) -> str:
    """The known part of a sum of tokens, and how many calls have an unknown number."""
    sums = Usage(input=totals.input_tokens, output=totals.output_tokens)
    if not totals.tokens_unknown:
        return tokens(sums)
    some = totals.input_tokens or totals.output_tokens
    return f"{tokens(sums)} + {counted(totals.tokens_unknown, 'call')} unknown" if some else "unknown"


def took(milliseconds: int | None) -> str:
    """`340 ms`, `2.1 s`, `3 min 5 s`."""
    if milliseconds is None:
        return "unknown"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds // 60_000} min {milliseconds // 1000 % 60} s"


def lasted(began: str, ended: str | None) -> int | None:
    """Milliseconds from one recorded moment to another; None if it has not ended."""
    return int((moment(ended) - moment(began)).total_seconds() * 1000) if ended else None


def ago(age: timedelta) -> str:
    """`20 s ago`, `5 min ago`, `3 h ago`, `8 days ago`. A negative age is `0 s ago`."""
    # Two machines' clocks differ a little, so a moment can seem to lie ahead.
    seconds = max(0, int(age.total_seconds()))
    minutes = seconds // 60
    if seconds < 60:
        return f"{seconds} s ago"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{counted(minutes // 1440, 'day')} ago"


def day(text: str) -> str:
    """`Friday 4 December 2026` for `2026-12-04`; any other text as it is."""
    try:
        named = datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return text
    return f"{named:%A} {named.day} {named:%B %Y}"


def days(first: date, last: date) -> str:
    """`Mon 21 to Wed 23 Dec 2026`, with what the two days do not share; `Mon 21 Dec 2026` for one day."""
    ending = f"{last:%a} {last.day} {last:%b %Y}"
    if first == last:
        return ending
    month = "" if (first.year, first.month) == (last.year, last.month) else f" {first:%b}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%a} {first.day}{month}{year} to {ending}"


def short_day(text: str, zone: tzinfo) -> str:
    """The day of a recorded moment in this time zone: `24 Nov 2026`."""
    local = moment(text).astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def local_time(text: str, zone: tzinfo, *, seconds: bool = False) -> str:
    """A recorded moment in this time zone, which is named: `24 Nov 2026, 10:30 CET`."""
    local = moment(text).astimezone(zone)
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return f"{local.day} {local.strftime(f'%b %Y, {clock} %Z')}"


def exact_time(text: str, zone: tzinfo) -> str:
    """The same to the millisecond: `24 Nov 2026, 10:30:15.123 CET`."""
    local = moment(text).astimezone(zone)
    return f"{local.day} {local:%b %Y}, {local:%H:%M:%S}.{local.microsecond // 1000:03d} {local:%Z}"
