"""Tool calls as the rows of a table, and the figures of each tool."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from console.drawing.choices import reset
from console.drawing.status_words import CALL_WORDS, EFFECT_WORDS
from console.drawing.tables import Button, Cells, draw_table, moments
from console.drawing.text import when
from console.format import ago, took
from console.tool_words import tool_words
from core.clock import moment
from core.desk.counts import ToolFigures
from core.desk.kept_totals import Total
from core.log.records import ToolCall

_FIGURES = {
    "calls": "Calls",
    "errors": "Errors",
    "timed_out": "Timed out",
    "denied": "Denied",
    "unresolved": "Unknown",
    "waiting": "Waiting",
}
_LEADS = {
    "errors": ("status", "failed"),
    "timed_out": ("status", "timed_out"),
    "denied": ("status", "denied"),
    "unresolved": ("only", "unresolved"),
    "waiting": ("only", "waiting"),
}
"""Which filter of the page, and which choice of it, lists what a figure has counted."""


def draw_calls(key: str, calls: Sequence[ToolCall]) -> tuple[str, ToolCall] | None:
    """Draw the calls. Returns what was opened: `call` or `thread`, and of which call."""
    statuses = list(dict.fromkeys(CALL_WORDS[call.status].text for call in calls))
    colors = {word.text: word.color for word in CALL_WORDS.values()}
    columns: dict[str, Button | ColumnConfig] = {
        "call": Button("Tool", 150),
        "Status": st.column_config.MultiselectColumn(
            "Status", options=statuses, color=[colors[status] for status in statuses], width=150
        ),
        "When": moments("When", 150),
        "Asker": st.column_config.TextColumn("Who asked", width=125),
        "About": st.column_config.TextColumn("About whom", width=125),
        "Effect": st.column_config.TextColumn("Effect", width=110),
        "Attempts": st.column_config.NumberColumn("Attempts", width=75),
        "Took": st.column_config.TextColumn("Took", width=80, alignment="right"),
        "Approval": st.column_config.TextColumn("Approval", width=210),
        "thread": Button("Thread", 90, "center"),
    }
    clicked = draw_table(
        key, [_cells(call) for call in calls], columns, opens="call", alt="Tool calls, the newest first"
    )
    return (clicked[0], calls[clicked[1]]) if clicked else None


def draw_figures(prefix: str, report: Total[tuple[ToolFigures, ...]]) -> None:
    """Draw the figures of each tool. A click on one chooses the filters of the page that lists the calls it counts."""
    figures = report.value
    rows: list[Cells] = [
        {
            "Tool": tool_words(one.tool).done,
            **{name: f"{getattr(one, name):,}" for name in _FIGURES},
            "Succeeded": one.succeeded,
            "p50": took(one.p50_ms) if one.p50_ms is not None else "",
            "p95": took(one.p95_ms) if one.p95_ms is not None else "",
            "last": when(one.last_failure.at) if one.last_failure else "",
        }
        for one in figures
    ]
    columns: dict[str, Button | ColumnConfig] = {
        "Tool": st.column_config.TextColumn("Tool", width=140),
        "calls": Button(_FIGURES["calls"], 60, "right"),
        "Succeeded": st.column_config.NumberColumn("Succeeded", width=85, format="localized"),
        **{name: Button(text, 80, "right") for name, text in _FIGURES.items() if name != "calls"},
        "p50": st.column_config.TextColumn("Half within", width=85, alignment="right"),
        "p95": st.column_config.TextColumn("95 % within", width=85, alignment="right"),
        "last": Button("Last failure", 160, "center"),
    }
    if not figures:
        return
    clicked = draw_table(f"{prefix}_figures", rows, columns, alt="What became of the calls of each tool")
    st.caption(
        f"Click a number to list its calls. Counted {ago(datetime.now(UTC) - report.at)}, without sealed threads. "
        "*Unknown*: no auditor has said yet whether it took effect. Times are at most 10 % too high."
    )
    if clicked is None:
        return
    figure, one = clicked[0], figures[clicked[1]]
    if figure == "last":
        if one.last_failure:
            st.switch_page("../pages/call.py", query_params={"tc_id": one.last_failure.call})
        return
    reset(prefix, keep=(f"{prefix}_time", f"{prefix}_from", f"{prefix}_until"))
    st.session_state[f"{prefix}_tool"] = [one.tool]
    if figure in _LEADS:
        name, choice = _LEADS[figure]
        st.session_state[f"{prefix}_{name}"] = [choice]


def _cells(call: ToolCall) -> Cells:
    return {
        "call": tool_words(call.tool).done,
        "Status": [CALL_WORDS[call.status].text],
        "When": moment(call.planned_at),
        "Asker": call.owner,
        "About": (call.about or "Self") if call.about_other else "Self",
        "Effect": EFFECT_WORDS[call.effect] if call.effect else "",
        "Attempts": call.attempts,
        "Took": took(call.duration_ms) if call.duration_ms is not None else "",
        "Approval": _approval(call),
        "thread": ":material/forum: Open",
    }


def _approval(call: ToolCall) -> str:
    """By whom the call was approved or denied, or for whom it waits; "" if it needs no approval."""
    if call.approval is None:
        return ""
    if call.decision is not None:
        outcome = "Approved" if call.decision.outcome == "given" else "Denied"
        by = "the asker" if call.decision.by == call.owner else call.decision.by
        return f"{outcome} by {by}"
    whom = "the asker" if call.approval == "asker" else "an approver"
    return f"Waits for {whom}" if call.waits else f"Not decided by {whom}"
