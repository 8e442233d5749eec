"""Tool call: one call from its plan to its end, and its place in the log. Opening it is recorded."""

import streamlit as st

from console.app import app
from console.drawing.call_record import call_facts, draw_content, draw_outcome
from console.drawing.evidence import draw_facts, draw_technical
from console.drawing.permalinks import draw_link
from console.drawing.requests import draw_request_facts
from console.drawing.status_words import CALL_WORDS
from console.drawing.text import exactly, label
from console.drawing.troubles import draw_unreadable, store_says
from console.sign_in.roles import current_caller
from console.tool_words import tool_words
from core.desk.evidence import CallHistory, CallStep
from core.errors import Corrupt, Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.log.records import ToolCall

st.set_page_config(page_title="Tool call", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk
state, call_id = st.session_state, st.query_params.get("tc_id", "")
reviews = not viewer.roles.isdisjoint(("auditor", "handler"))

STEP_WORDS = {
    "model.answered": "Planned by the model",
    "approval.asked": "Approval asked",
    "call.deferred": "Passed to an approver",
    "deferred.closed": "Closed without being run",
    "approval.given": "Approved",
    "approval.denied": "Denied",
    "tool.started": "Started",
    "tool.finished": "Finished",
    "tool.told": "Told to the model",
    "hook.failed": "A hook failed",
    "late": "Reported too late",
    "call.resolved": "Resolved",
    "erased": "Result erased",
}
OUTCOMES = {"happened": "It happened", "did_not": "It did not happen"}


def resolve() -> None:
    """Put the auditor's statement on record."""
    outcome, evidence = state.tc_outcome, state.tc_evidence
    if outcome is None or not evidence.strip():
        state.tc_notice = "Not saved: choose what happened, and say how you know."
        return
    try:
        run(desk.resolve(viewer, call_id, outcome == "happened", evidence))
    except (InvalidInput, NotFound) as error:
        state.tc_notice = f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full, Corrupt) as error:
        state.tc_notice = f"Not saved: {store_says(error)}"


def draw_head(call: ToolCall) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.title(label(tool_words(call.tool).done), anchor=False, width="content")
            st.markdown(CALL_WORDS[call.status].badge, width="content")
        draw_link("call", tc_id=call.id)
    if reviews:
        st.page_link(
            "../pages/thread.py",
            label="Open its thread",
            icon=":material/forum:",
            query_params={"tr_id": call.thread, "tr_turn": call.turn},
        )
    if call.carries_out:
        draw_other("Open the request that it carries out", call.carries_out)


def draw_other(text: str, other: str) -> None:
    """The way to another call. No link: Streamlit does not follow one to the page on which it stands."""
    query = {"tc_id": other}
    st.button(text, icon=":material/open_in_new:", type="tertiary", on_click=st.query_params.from_dict, args=(query,))


def draw_resolve(call: ToolCall) -> None:
    """The form for an auditor's or a handler's statement; core checks again that they may give it."""
    if call.owner == viewer.id or not reviews:
        return
    again = call.resolution is not None
    with st.expander("Change the statement" if again else "Resolve", icon=":material/fact_check:", expanded=not again):
        st.markdown("Did it take effect? Your statement stands beside the status, with your name and the time.")
        with st.form("tc_resolve", border=False):
            st.radio("What happened", list(OUTCOMES), index=None, key="tc_outcome", format_func=OUTCOMES.__getitem__)
            st.text_area("Evidence (required, recorded): how do you know?", key="tc_evidence", max_chars=4000)
            st.form_submit_button("Record the statement", type="primary", on_click=resolve)


def draw_history(history: CallHistory) -> None:
    st.subheader("On record", anchor=False)
    st.caption("The entries of the thread's log that concern this call, in their order.")
    draw_unreadable(history.unreadable)
    st.table(
        {
            "Entry": [f"{step.n:,}" for step in history.steps],
            "What": [step_words(step, history.call) for step in history.steps],
            "At": [exactly(step.at) for step in history.steps],
            "By": [label(step.by) for step in history.steps],
        },
        border="horizontal",
        hide_index=True,
    )


def step_words(step: CallStep, call: ToolCall) -> str:
    if step.kind == "turn.opened":
        return "Planned, as an approver allowed it" if call.carries_out else "Reported in a turn of its own"
    words = STEP_WORDS.get(step.kind, label(step.kind))
    if step.attempt:
        words += f", attempt {step.attempt}"
    return f"{words}: {CALL_WORDS[step.status].text.lower()}" if step.status else words


@st.fragment
def draw_details(history: CallHistory) -> None:
    call = history.call
    draw_technical(
        call.id,
        {
            "Call": call.id,
            "Idempotency key": call.id,
            "Model call": call.model_call or "none",
            "Fence": str(call.fence),
            "Digest of the arguments": call.digest[:16],
        }
        | ({"Digest of the result": call.result_digest[:16]} if call.result_digest else {})
        | ({"Hooks that failed": "; ".join(call.hook_failures)} if call.hook_failures else {})
        | {
            f"Entry {step.n:,}": f"hash {step.hash}, after {step.prev}"
            + (f", fence {step.fence}" if step.fence is not None else "")
            for step in history.steps
        },
    )


if "auditor" in viewer.roles:
    st.page_link("../pages/tool_calls.py", label="Back to tool calls", icon=":material/arrow_back:")
elif reviews:  # a handler, who comes from a thread
    st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
else:
    st.page_link("../pages/approvals.py", label="Back to approvals", icon=":material/arrow_back:")
history = run(desk.archive.call_history(viewer, call_id))
call = history.call
draw_head(call)
if "tc_notice" in state:
    st.warning(label(state.pop("tc_notice"), 300), icon=":material/error:")
content, facts = st.columns([3, 2], gap="medium")
with content:
    if call.status == "unknown":
        draw_outcome(call)
        draw_resolve(call)
    if call.status == "deferred":
        deferred = run(desk.archive.deferred_call(viewer, call_id))
        draw_request_facts(deferred, call.planned)
        if deferred.carried_out_by:
            draw_other("Open the call that carries it out", deferred.carried_out_by)
    draw_content(call)
    draw_history(history)
with facts:
    draw_facts(call_facts(call))
    draw_details(history)
