"""Filters that both lists of an auditor share: a person, and named fields with their values."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import streamlit as st

from console.drawing.choices import private_text
from console.drawing.text import label
from console.format import ago, counted
from console.scalars import scalar
from core.canonical import Json
from core.desk.counts import Counts
from core.desk.kept_totals import Total


def person(prefix: str) -> str | None:
    """The employee id to filter by, None for all."""
    return (
        private_text(
            "Person",
            f"{prefix}_person",
            placeholder="Employee id",
            hint="Naming a person is recorded as a look at that person. The id is not in the URL.",
        )
        or None
    )


def fields(prefix: str, names: Iterable[str]) -> dict[str, Json]:
    """The values by which these fields are filtered; a field without a value is left out."""
    texts = {
        name: private_text(name.replace("_", " ").capitalize(), f"{prefix}_{name}", placeholder="Any") for name in names
    }
    return {name: scalar(text) for name, text in texts.items() if text}


def draw_total(noun: str, counts: Total[Counts] | None, chosen: Sequence[str]) -> None:
    """How many match, how old that number is, and which of the hidden filters are chosen. None: it is not known."""
    said = []
    if counts:
        age = datetime.now(UTC) - counts.at
        said.append(f"**{counted(counts.value.total, noun)}** · counted {ago(age)}, without sealed threads")
    st.caption(" · ".join([*said, *(label(one, 120) for one in chosen)]) or "Newest first", width="content")


def draw_outdated(threads: int) -> None:
    """Say that lists are incomplete while the records of so many threads are folded again."""
    if threads:
        st.warning(
            f"After an upgrade {counted(threads, 'thread')} must be read again, which goes on by itself. Until then "
            "filters and counts may miss them.",
            icon=":material/hourglass_empty:",
        )
