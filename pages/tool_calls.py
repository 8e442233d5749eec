"""Tool calls: what the tools did, across all threads. Each search is recorded before its results are shown."""

from typing import get_args

import streamlit as st

from console.app import app
from console.drawing.exports import draw_export
from console.drawing.filters import WIDTH, day_range, person
from console.drawing.paging import Pages
from console.drawing.status_words import CALL_WORDS
from console.drawing.text import label, when
from console.format import took
from console.sign_in import current_viewer
from console.tool_words import tool_words
from core.desk.filters import CallFilter
from core.values import CallStatus

st.set_page_config(page_title="Tool calls", layout="wide")
viewer = current_viewer()
run, desk = app().run, app().desk

st.title("Tool calls")
st.caption(
    f"Review · each search and each opened call is recorded with your purpose: {label(viewer.purpose or '', 200)}"
)
with st.container(border=True, horizontal=True):
    tool = st.selectbox(
        "Tool",
        [tool.name for tool in app().tools],
        index=None,
        key="tc_tool",
        placeholder="Any",
        accept_new_options=True,
        width=WIDTH,
        bind="query-params",
    )
    status = st.selectbox(
        "Status",
        get_args(CallStatus),
        index=None,
        key="tc_status",
        placeholder="Any",
        format_func=lambda status: CALL_WORDS[status].text,
        width=WIDTH,
        bind="query-params",
    )
    owner = person("tc")
    since, until = day_range("tc")

pages = Pages[str]("tc_pages", (tool, status, owner, since, until))
wanted = CallFilter(
    tools=(tool,) if tool else (), statuses=(status,) if status else (), owner=owner, since=since, until=until
)
listing = run(desk.oversight.search_calls(viewer, wanted, limit=25, cursor=pages.cursor))
draw_export(run, desk.exports, viewer, wanted, "tc")
if not listing.items:
    st.info("No tool calls match. Remove a filter.", icon=":material/search_off:")
for call in listing.items:
    with st.container(border=True):
        name, state, facts, thread = st.columns([3, 3, 4, 2], vertical_alignment="center")
        name.page_link("../pages/call.py", label=label(tool_words(call.tool).done), query_params={"tc_id": call.id})
        state.markdown(CALL_WORDS[call.status].badge)
        lasted = f" · {took(call.duration_ms)}" if call.duration_ms is not None else ""
        facts.caption(f"{label(call.owner)} · {when(call.planned_at)}{lasted}")
        thread.page_link(
            "../pages/thread.py", label="Thread", icon=":material/forum:", query_params={"tr_id": call.thread}
        )
pages.draw(listing.cursor)
