"""The time that a list or a figure covers: a preset, or days from and until. Days are UTC, as those on record."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from console.drawing.choices import put_in_url, recall, remember

PRESETS = {
    "today": "Today",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "month": "This month",
    "last_month": "Last month",
    "all": "Any time",
    "days": "From … until",
}
"""What a reader may choose, by its word in the URL."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, before `until`; None leaves that side open."""

    since: datetime | None
    until: datetime | None


def period(preset: str, today: date, first: date | None = None, last: date | None = None) -> Period:
    """The period of a preset of PRESETS. `first` and `last` are the days of `days`, None leaves that side open."""
    tomorrow = today + timedelta(days=1)
    month = today.replace(day=1)
    match preset:
        case "today":
            return Period(_midnight(today), _midnight(tomorrow))
        case "7d":
            return Period(_midnight(today - timedelta(days=6)), _midnight(tomorrow))
        case "30d":
            return Period(_midnight(today - timedelta(days=29)), _midnight(tomorrow))
        case "month":
            return Period(_midnight(month), _midnight(tomorrow))
        case "last_month":
            return Period(_midnight((month - timedelta(days=1)).replace(day=1)), _midnight(month))
        case "days":
            after = last + timedelta(days=1) if last else None
            return Period(_midnight(first) if first else None, _midnight(after) if after else None)
        case _:
            return Period(None, None)


def choose_period(prefix: str, preset: str = "7d", *, spread: bool = False) -> Period:
    """The period that the reader chooses, `preset` at first. Its URL parameters begin with `prefix`.

    `spread` shows all presets at once, so that each is one click away.
    """
    names, key = list(PRESETS), f"{prefix}_time"
    asked = st.query_params.get(key, preset)
    recall(key, asked if asked in PRESETS else preset)
    if spread:
        # Not pills: in the dark theme the chosen one is too pale to be read.
        chosen = st.radio("Time", names, key=key, format_func=PRESETS.__getitem__, horizontal=True)
    else:
        chosen = st.selectbox("Time", names, key=key, format_func=PRESETS.__getitem__, width=150)
    remember(key, chosen)
    put_in_url(key, [chosen] if chosen != preset else [])
    first = last = None
    if chosen == "days":
        first = st.date_input("From", None, key=f"{prefix}_from", width=140, bind="query-params")
        last = st.date_input("Until", None, key=f"{prefix}_until", width=140, bind="query-params")
    return period(chosen, datetime.now(UTC).date(), first, last)


def same_period(prefix: str, other: str) -> dict[str, str]:
    """The URL parameters by which the page of the prefix `other` covers the period that was chosen under `prefix`."""
    parameters = {f"{other}_time": str(st.session_state[f"{prefix}_time"])}
    if parameters[f"{other}_time"] == "days":
        days = {name: st.session_state[f"{prefix}_{name}"] for name in ("from", "until")}
        parameters |= {f"{other}_{name}": day.isoformat() for name, day in days.items() if day}
    return parameters


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
