"""Filters that two pages share: a span of days, and a person."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def day_range(prefix: str, columns: Sequence[DeltaGenerator]) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last, in UTC; None where no day is given."""
    from_column, until_column = columns
    first: date | None = from_column.date_input("From", None, key=f"{prefix}_from", bind="query-params")
    last: date | None = until_column.date_input("Until", None, key=f"{prefix}_until", bind="query-params")
    return _midnight(first), _midnight(last and last + timedelta(days=1))


def _midnight(day: date | None) -> datetime | None:
    return day and datetime.combine(day, time(), UTC)


def person(prefix: str) -> str | None:
    """The employee id to filter by, None for anybody's."""
    given = st.text_input(
        "Person", key=f"{prefix}_person", placeholder="Any employee id", max_chars=64, bind="query-params"
    )
    return (given or "").strip() or None
