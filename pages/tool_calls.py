"""Tool calls: what the tools did, across all threads. Each search is recorded before its results are shown."""

import streamlit as st

from console.app import app
from console.drawing.call_rows import draw_calls, draw_figures
from console.drawing.choices import Choice, Facet, reset, restore, single
from console.drawing.exports import draw_export
from console.drawing.filters import draw_outdated, draw_total, fields, person
from console.drawing.paging import Pages
from console.drawing.periods import choose_period
from console.drawing.status_words import CALL_GROUPS, EFFECT_WORDS
from console.drawing.text import label
from console.sign_in.roles import current_caller
from console.tool_words import tool_words
from core.desk.counts import CallChoices
from core.desk.filters import CallFilter
from core.values import CallStatus, Decider, Effect

MARKS = {
    "waiting": "Waiting for a decision",
    "other": "About somebody else",
    "unresolved": "Unknown, not resolved",
}

st.set_page_config(page_title="Tool calls", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk

st.title("Tool calls", anchor=False)
st.caption(
    f"Review · each search and each opened call is recorded with your purpose: {label(viewer.purpose or '', 200)}"
)
restore("tc")
per_tool = st.container()
with st.container(border=True):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        covered = choose_period("tc")
        more = st.popover("More filters", icon=":material/tune:", key="tc_more")
        st.button("Reset filters", key="tc_reset", icon=":material/filter_alt_off:", on_click=reset, args=("tc",))
    often = st.container()

report = run(desk.oversight.tool_report(viewer, covered.since, covered.until))
with per_tool:
    # Before the filters are read: a figure that is clicked on chooses them.
    draw_figures("tc", report)

groups = {name: Choice(text, means) for name, (text, means) in CALL_GROUPS.items()}
statuses = Facet[CallStatus]("tc_status", "Status", groups)
installed = {tool.name: tool for tool in app().tools}
names = {name: tool_words(name).done for name in [*installed, *(figures.tool for figures in report.value)]}
tools = Facet[str]("tc_tool", "Tool", single(names), more=True)
effects = Facet[Effect]("tc_effect", "Effect", single(EFFECT_WORDS))
approvals = Facet[Decider]("tc_approval", "Approval", single({"asker": "By the asker", "approver": "By an approver"}))
marks = Facet[str]("tc_only", "Only", single(MARKS))
only_tool = installed.get(tools.values[0]) if len(tools.values) == 1 else None
with more:
    rarely = st.container()
    with st.container(horizontal=True):
        owner = person("tc")
        arguments = fields(f"tc_{only_tool.name}", only_tool.filters) if only_tool else {}
    if only_tool is None:
        st.caption("Choose a single tool to filter by its arguments.")
wanted = CallFilter(
    tools=tools.values,
    statuses=statuses.values,
    effects=effects.values,
    approvals=approvals.values,
    owner=owner,
    about_other="other" in marks.values or None,
    waiting="waiting" in marks.values,
    unresolved="unresolved" in marks.values,
    arguments=arguments,
    since=covered.since,
    until=covered.until,
)
pages = Pages[str]("tc_pages", repr(wanted))
listing = run(desk.oversight.search_calls(viewer, wanted, limit=50, cursor=pages.cursor))
among: CallChoices = {
    "statuses": statuses.among,
    "tools": tools.among,
    "effects": effects.among,
    "approvals": approvals.among,
}
counts = run(desk.oversight.count_calls(viewer, wanted, among))
with often:
    statuses.draw_pills(counts.value.facets["statuses"])
    tools.draw_pills(counts.value.facets["tools"])
with rarely:
    marks.draw_pills()
    effects.draw_pills(counts.value.facets["effects"])
    approvals.draw_pills(counts.value.facets["approvals"])

chosen = [f"{facet.label}: {facet.summary}" for facet in (marks, effects, approvals) if facet.summary]
chosen += ["One person"] * bool(owner) + [f"{name}: {value}" for name, value in arguments.items()]
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    draw_total("call", counts, chosen)
    draw_export(run, desk.exports, viewer, wanted, "tc")
draw_outdated(run(desk.oversight.outdated()))
opened = draw_calls("tc_rows", listing.items) if listing.items else None
if opened:
    what, call = opened
    if what == "thread":
        st.switch_page("../pages/thread.py", query_params={"tr_id": call.thread, "tr_turn": call.turn})
    st.switch_page("../pages/call.py", query_params={"tc_id": call.id})
if not listing.items:
    if wanted == CallFilter():
        st.info("No tool has been called yet. Calls appear here with the first one.", icon=":material/build:")
    elif wanted == CallFilter(since=covered.since, until=covered.until):
        st.info("No tool calls in this time. Choose a longer one, such as “Any time”.", icon=":material/search_off:")
    else:
        st.info("No tool calls match. Reset the filters, or choose a longer time.", icon=":material/search_off:")
pages.draw(listing.cursor)
