"""What an asker's country says about their dates: which day it is there, and whether the month comes first."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_ZONES = {
    ("austria", "at"): "Europe/Vienna",
    ("germany", "de"): "Europe/Berlin",
    ("switzerland", "ch"): "Europe/Zurich",
    ("uk", "gb", "united kingdom"): "Europe/London",
    ("ireland", "ie"): "Europe/Dublin",
    ("france", "fr"): "Europe/Paris",
    ("italy", "it"): "Europe/Rome",
    ("spain", "es"): "Europe/Madrid",
    ("netherlands", "nl"): "Europe/Amsterdam",
    ("belgium", "be"): "Europe/Brussels",
    ("poland", "pl"): "Europe/Warsaw",
    ("czechia", "cz"): "Europe/Prague",
    ("hungary", "hu"): "Europe/Budapest",
    ("slovenia", "si"): "Europe/Ljubljana",
}
_ZONE = {name: zone for names, zone in _ZONES.items() for name in names}
_MONTH_FIRST = frozenset(("us", "usa", "united states"))


def day_there(moment: datetime, country: str | None) -> date:
    """The day of a moment in the country's time zone; in UTC, as on record, if the country has no zone here."""
    zone = _ZONE.get((country or "").casefold())
    return moment.astimezone(ZoneInfo(zone) if zone else UTC).date()


def puts_month_first(country: str | None) -> bool:
    """Whether 1/2/2027 is 2 January in the country."""
    return (country or "").casefold() in _MONTH_FIRST
