"""Moments and amounts, as limits count them; and the words for a limit that was reached."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.clock import iso
from core.errors import LimitReached
from core.limits import Limits, nano_usd
from core.log.records import Spending


@dataclass(frozen=True, slots=True)
class Moment:
    """A time by the store's clock, and the day and the minute that it is in."""

    now: datetime

    @property
    def day(self) -> str:
        return iso(self.now)[:10]

    @property
    def minute(self) -> str:
        return iso(self.now)[:16]

    def end_of(self, limit: str) -> datetime | None:
        """When the limit of this name begins anew, None for one that time does not end."""
        if limit.endswith("_a_day"):
            return self.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if limit.endswith("_a_minute"):
            return self.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return None


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request to a model uses, or may use. `cost` is in nano-USD, None if it is unknown and not limited."""

    tokens: int
    cost: int | None


FIELDS = {"turns_a_minute": "minute_turns", "turns_a_day": "turns", "tokens_a_day": "tokens", "usd_a_day": "cost"}
"""The fields of a Spending that limits count, by the limit's name without whose it is."""

_SAID = {
    "person_turns_at_once": "You have {most} open {questions}, the most allowed. Wait for an answer, or stop one.",
    "person_turns_a_minute": "You have asked {most} {questions} in this minute, the most allowed.",
    "person_turns_a_day": "You have asked {most} {questions} today, the most allowed.",
    "person_tokens_a_day": "What your questions may use today is used up: {most} tokens, or too few are left.",
    "person_usd_a_day": "What your questions may cost today is used up: {most} USD, or too little is left.",
    "desk_turns_at_once": "This desk has {most} open {questions}, the most allowed. Ask again when one has ended.",
    "desk_turns_a_minute": "This desk was asked {most} {questions} in this minute, the most allowed.",
    "desk_turns_a_day": "This desk was asked {most} {questions} today, the most allowed.",
    "desk_tokens_a_day": "What this desk may use today is used up: {most} tokens, or too few are left.",
    "desk_usd_a_day": "What this desk may spend today is used up: {most} USD, or too little is left.",
    "question_characters": "A question may have {most} characters. Shorten it.",
}


def caps(limits: Limits, whose: str) -> dict[str, tuple[str, int]]:
    """By the field of a Spending the limit's name and what is allowed, for `person` or `desk`; costs in nano-USD."""
    found: dict[str, tuple[str, int]] = {}
    for name, counted in FIELDS.items():
        limit = f"{whose}_{name}"
        if (most := getattr(limits, limit)) is not None:
            found[counted] = (limit, nano_usd(most) if counted == "cost" else most)
    return found


def used(spent: Spending, counted: str, minute: str) -> int:
    """How much of the field was used, of the turns in a minute those of this minute.

    A minute that is over counts as the newest one on record: who was slow to ask must not pass the limit uncounted.
    """
    if counted == "minute_turns" and spent.minute < minute:
        return 0
    amount: int = getattr(spent, counted)
    return amount


def reached(limit: str, limits: Limits, at: Moment) -> LimitReached:
    """The error for this limit."""
    most = getattr(limits, limit)
    words = f"{most:,}" if isinstance(most, int) else f"{Decimal(str(most)):,f}"
    said = _SAID[limit].format(most=words, questions="question" if most == 1 else "questions")
    return LimitReached(said, limit=limit, until=at.end_of(limit))
