"""Drawing what an answer has from the asker's own records: the tools that read them, what they read, and when."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from console.drawing.text import label, reader_zone, shown, when
from console.format import local_time
from console.tool_words import tool_words
from core.canonical import Json
from core.log.records import ToolCall
from core.retrieval.search import SEARCH

MOST = 12
"""The most values that are shown of a record."""


def own_records(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """The calls that have read a record. A call that acted has none to show, and handbooks are searched by one too."""
    return [call for call in calls if call.effect == "read" and call.status == "succeeded" and call.tool != SEARCH]


def draw_records(calls: Sequence[ToolCall]) -> None:
    """What each of these calls has read, if it is short: the whole of it is in the call's step."""
    for call in own_records(calls):
        with st.container(border=True, gap="xsmall", key=f"record_{call.id}"):
            st.markdown(f":violet-badge[:material/badge: Your record says] {record_words(call)}")
            if values := flat_values(call.result):
                st.markdown(" · ".join(f"{label(name)}: **{label(value, 200)}**" for name, value in values))
            else:
                st.caption("Its result has been erased." if call.erased else "Its whole result is in the step above.")


def record_words(call: ToolCall) -> str:
    """`Vacation balance, as of 14:02`, with the day unless that is today."""
    return f"{label(tool_words(call.tool).done)}, as of {label(_as_of(call.finished_at))}"


def flat_values(value: Json) -> list[tuple[str, str]]:
    """The names and single values of a short object; [] for anything else."""
    single = str | int | float | bool | None
    if not isinstance(value, dict) or len(value) > MOST or not all(isinstance(one, single) for one in value.values()):
        return []
    return [(name.replace("_", " ").capitalize(), shown(one)) for name, one in value.items()]


def _as_of(at: str | None) -> str:
    day, _, clock = when(at).rpartition(", ")
    today = local_time(datetime.now(reader_zone()).isoformat(), reader_zone()).rpartition(", ")[0]
    return clock if day == today else f"{day}, {clock}".removeprefix(", ")
