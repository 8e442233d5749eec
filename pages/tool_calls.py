"""Tool calls: what the tools did, across all threads. Each search is on record before its results are here."""

from typing import get_args

import streamlit as st

from console.app import app
from console.calls import tool_words
from console.filters import day_range, person
from console.paging import Pages
from console.sign_in import signed_in
from console.wording import CALL_WORDS, label, took, when
from core.entries import CallStatus

st.set_page_config(page_title="Tool calls", layout="wide")
viewer = signed_in()
run, desk = app().run, app().desk

st.title("Tool calls")
st.caption(f"Review · every search and every opened call is on record for: {label(viewer.purpose or '', 200)}")
with st.container(border=True):
    tool_column, status_column, owner_column, *days = st.columns(5)
    tool = tool_column.selectbox(
        "Tool",
        [tool.name for tool in app().tools],
        index=None,
        key="tc_tool",
        placeholder="Any",
        accept_new_options=True,
        bind="query-params",
    )
    status = status_column.selectbox(
        "Status",
        get_args(CallStatus),
        index=None,
        key="tc_status",
        placeholder="Any",
        format_func=lambda status: CALL_WORDS[status].text,
        bind="query-params",
    )
    with owner_column:
        owner = person("tc")
    since, until = day_range("tc", days)

pages = Pages[str]("tc_pages", (tool, status, owner, since, until))
listing = run(
    desk.search_calls(
        viewer, tool=tool, status=status, owner=owner, since=since, until=until, limit=25, cursor=pages.cursor
    )
)
if not listing.items:
    st.info("No tool call fits. Take a filter away.", icon=":material/search_off:")
for call in listing.items:
    with st.container(border=True):
        name, who, state, numbers, thread = st.columns([6, 2, 4, 5, 3], vertical_alignment="center")
        name.page_link("../pages/call.py", label=label(tool_words(call.tool).done), query_params={"tc_id": call.id})
        who.markdown(label(call.owner))
        state.markdown(CALL_WORDS[call.status].badge)
        numbers.caption(
            when(call.planned_at) + (f" · {took(call.duration_ms)}" if call.duration_ms is not None else "")
        )
        thread.page_link(
            "../pages/thread.py", label="Thread", icon=":material/forum:", query_params={"tr_id": call.thread}
        )
pages.draw(listing.cursor)
