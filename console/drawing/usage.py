"""Drawing usage: in all, by day as a chart, and by entity, model or day as tables; and a person's own."""

from collections.abc import Sequence
from datetime import date
from functools import partial

import streamlit as st

from console.drawing.figures import draw_figure
from console.drawing.text import label
from console.format import bill, cost, counted, total_tokens, why_withheld
from core.desk.bills import Spent
from core.desk.exports.tables import usage_table
from core.desk.own_data import OwnUsage, OwnUsed
from core.desk.usage import UsageBy, UsageGroup, UsageReport, Used

NAMES: dict[UsageBy, str] = {"day": "Day", "entity": "Entity", "model": "Model"}
"""What usage is counted by, as the reader chooses it."""

_TILE = 150


def draw_used(used: Used) -> None:
    """The usage of all groups together."""
    grid = st.grid(min_column_width=_TILE)
    known, _, unknown = bill(used.spent).partition(" + ")
    for name, value, note in (
        ("People", f"{used.people:,}", ""),
        ("Questions", f"{used.turns:,}", ""),
        ("Model calls", f"{used.spent.calls:,}", f"{used.spent.failed:,} failed" if used.spent.failed else ""),
        ("Cost", label(known), f"And {unknown}" if unknown else ""),
    ):
        with grid.container(border=True, height="stretch"):
            draw_figure(name, value, None, "neither")
            if note:
                st.caption(note)
    st.caption(f"Tokens: {label(total_tokens(used.spent))}")


def draw_days(days: Sequence[UsageGroup]) -> None:
    """The questions of each day; a withheld day has no bar."""
    st.bar_chart(
        {
            "Day": [date.fromisoformat(day.name or "") for day in days],
            "Questions": [day.used.turns if day.used else None for day in days],
        },
        x="Day",
        y="Questions",
        color="primary",
        height=260,
        alt="Questions per day, as bars. The table by day has the same numbers.",
    )


def draw_usage(report: UsageReport, by: UsageBy) -> None:
    """The usage of each group, in place of what is withheld why it is, and all of it as a file."""
    groups = report.groups
    rows = [(group, group.used) for group in groups]
    st.table(
        {
            NAMES[by]: [label(group.name or "Unknown", 200) for group in groups],
            "Questions": [
                f"{one.turns:,} by {counted(one.people, 'person')}" if one else why_withheld(group.withheld)
                for group, one in rows
            ],
            "Model calls": [f"{one.spent.calls:,}" if one else "" for _, one in rows],
            "Cost": [label(bill(one.spent)) if one else "" for _, one in rows],
            # Few columns: a table that is wider than a phone could not be scrolled by keyboard.
            "Tokens": [_tokens(one.spent) if one else "" for _, one in rows],
        },
        hide_index=True,
        alt=f"Usage by {by}",
    )
    st.download_button(
        "Download as CSV",
        partial(usage_table, report, by),
        file_name=f"rolltop-usage-by-{by}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"us_csv_{by}",
    )


def _tokens(spent: Spent) -> str:
    if spent.calls and spent.tokens_unknown == spent.calls:
        return "unknown"
    return f"{spent.input_tokens:,} in, {spent.output_tokens:,} out"


def draw_own_usage(usage: OwnUsage) -> None:
    """The viewer's usage of today and of this month."""
    st.markdown(f"- **Today:** {_in_words(usage.today)}\n- **This month:** {_in_words(usage.month)}")


def _in_words(used: OwnUsed) -> str:
    if not used.turns:
        return "no answer yet"
    tokens = total_tokens(used.totals)
    tokens = "tokens unknown" if tokens == "unknown" else tokens
    return f"{counted(used.turns, 'answer')}, {label(tokens)}, cost {label(cost(used.totals))}"
