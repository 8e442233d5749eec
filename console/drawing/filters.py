"""Filters that two pages share, in a row that wraps on a phone."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

WIDTH = 140


def day_range(prefix: str) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last, in UTC; None if a day is not chosen."""
    first: date | None = st.date_input("From", None, key=f"{prefix}_from", width=WIDTH, bind="query-params")
    last: date | None = st.date_input("Until", None, key=f"{prefix}_until", width=WIDTH, bind="query-params")
    return _midnight(first), _midnight(last and last + timedelta(days=1))


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def person(prefix: str) -> str | None:
    """The employee id to filter by, None for all."""
    employee = st.text_input(
        "Person", key=f"{prefix}_person", placeholder="Any id", max_chars=64, width=WIDTH, bind="query-params"
    )
    return (employee or "").strip() or None
