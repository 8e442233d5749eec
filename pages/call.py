"""Tool call: one call from its plan to its end. Opening it is recorded."""

import streamlit as st

from console.app import app
from console.drawing.calls import UNKNOWN_OUTCOME, draw_arguments, draw_json
from console.drawing.evidence import draw_facts, draw_technical
from console.drawing.status_words import CALL_WORDS
from console.drawing.text import label, when
from console.format import counted, took
from console.sign_in import current_viewer
from console.tool_words import tool_words

st.set_page_config(page_title="Tool call", layout="wide")
viewer = current_viewer()
run, desk = app().run, app().desk

if "auditor" in viewer.roles:  # a handler has no list of calls
    st.page_link("../pages/tool_calls.py", label="Back to tool calls", icon=":material/arrow_back:")
call = run(desk.archive.call(viewer, st.query_params.get("tc_id", "")))

with st.container(horizontal=True, vertical_alignment="center"):
    st.title(label(tool_words(call.tool).done), anchor=False, width="content")
    st.markdown(CALL_WORDS[call.status].badge, width="content")
st.page_link(
    "../pages/thread.py", label="Open its thread", icon=":material/forum:", query_params={"tr_id": call.thread}
)
if call.status == "unknown":
    st.warning(UNKNOWN_OUTCOME, icon=":material/help:")

content, facts = st.columns([3, 2], gap="medium")
with content:
    if call.erased:
        st.info("Arguments and result have been erased.", icon=":material/delete:")
    draw_arguments(call.planned)
    # A person or a hook can change what the model asked for; both are on record.
    if call.arguments is not None and call.arguments != call.planned:
        st.markdown("**Changed before it ran**")
        draw_arguments(call.arguments)
    if call.result is not None:
        size = counted(call.size, "byte")
        st.caption(f"Result, the first part of {size}" if call.cut else f"Result, {size}")
        draw_json(call.result)
    if call.told is not None:
        st.caption("Sent to the model instead of the result")
        st.text(call.told)
    if call.error:
        st.caption("What went wrong")
        st.text(call.error)
    if call.late:
        st.caption("Reported too late: another worker had taken over the turn")
        draw_json(call.late)
with facts:
    decision = call.decision
    draw_facts(
        {
            "Tool": call.tool,
            "Effect": call.effect or "unknown tool",
            "Requested by": call.owner,
            "Planned": when(call.planned_at),
            "Started": when(call.started_at),
            "Finished": when(call.finished_at),
            "Took": took(call.duration_ms),
            "Attempts": str(call.attempts),
            "Approval": f"by the {call.approval}" if call.approval else "not needed",
        }
        | ({"Error code": call.code} if call.code else {})
        | ({"Hooks that failed": str(len(call.hook_failures))} if call.hook_failures else {})
        | (
            {
                "Decision": "approved" if decision.outcome == "given" else "denied",
                "Decided": f"{when(decision.at)} by {decision.by}",
                "Reason": decision.reason or "not stated",
            }
            if decision
            else {}
        )
    )
    draw_technical(
        {"Call": call.id, "Fence": str(call.fence), "Digest of the arguments": call.digest[:16]}
        | ({"Hooks that failed": "; ".join(call.hook_failures)} if call.hook_failures else {})
    )
