"""Thread: one conversation for an auditor, with the evidence beside each answer. Opening it is recorded."""

from functools import partial

import streamlit as st

from console.app import app
from console.drawing.calls import draw_evidence, step_label, step_state
from console.drawing.care import draw_care
from console.drawing.evidence import draw_model_calls, draw_turn_facts
from console.drawing.handovers import draw_handovers
from console.drawing.judge import draw_judge
from console.drawing.paging import Pages
from console.drawing.sources import draw_retrieval, draw_sources, with_markers
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label, when
from console.drawing.troubles import store_says
from console.drawing.turns import draw_ending, draw_question, draw_unsourced
from console.drawing.walk import Steps, Walk
from console.format import cost, counted
from console.sign_in import current_viewer
from core.errors import Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.values import Cause, Passage, Verdict

st.set_page_config(page_title="Thread", layout="wide")
viewer = current_viewer()
run, desk = app().run, app().desk
thread_id = st.query_params.get("tr_id", "")
pages = Pages[int]("tr_pages", thread_id)


def section(passage: Passage) -> list[Passage]:
    return run(app().handbooks.section(viewer, passage))


def lift() -> None:
    try:
        run(desk.lift_seal(viewer, thread_id, st.session_state.tr_reason))
    except NotFound:
        pass  # another handler was faster: the page below says that the thread is not theirs any more
    else:
        st.session_state.tr_lifted = thread_id


def judge(turn_id: str, verdict: Verdict, cause: Cause | None, note: str, corrected: str) -> str | None:
    """Put the verdict on record; returns why it was not saved, None if it was."""
    try:
        run(desk.judge(viewer, turn_id, verdict, cause=cause, note=note, corrected=corrected))
    except NotFound:
        return "Not saved: this answer is not open to you any more."
    except InvalidInput as error:
        return f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full) as error:
        return f"Not saved: {store_says(error)}"
    return None


if st.session_state.get("tr_lifted") == thread_id and "auditor" not in viewer.roles:
    st.session_state.pop("tr_lifted")
    st.success("The seal is lifted: HR auditors can read the thread, handlers no longer.", icon=":material/lock_open:")
    st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
    st.stop()
st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
transcript = run(desk.archive.transcript(viewer, thread_id, last=20, before=pages.cursor))
thread = transcript.thread

st.title(label(thread.title or "Untitled"), anchor=False)
st.caption(
    f"Review · {label(thread.owner)} · created {when(thread.created_at)} · "
    f"{counted(thread.turns, 'turn')} · {counted(thread.totals.model_calls, 'model call')} · "
    f"{counted(thread.totals.tool_calls, 'tool call')} · cost {label(cost(thread.totals))}"
)
if thread.sealed:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":violet-badge[:material/lock: Sealed] Closed to HR auditors.", width="content")
        with st.popover("Lift the seal", icon=":material/lock_open:"):
            st.markdown("HR auditors will see the whole thread. A new message of this kind seals it again.")
            reason = st.text_input("Reason (required, recorded)", key="tr_reason", max_chars=500)
            st.button("Lift the seal", key="tr_lift", type="primary", disabled=not reason.strip(), on_click=lift)
if thread.rejected:
    st.error(
        f"{counted(thread.rejected, 'entry')} in the log came from a worker that had lost its turn, and do not count. "
        "Tell the operator: `rolltop doctor` names the thread.",
        icon=":material/warning:",
    )
if not transcript.turns:
    st.info("This thread has no questions yet.", icon=":material/chat_bubble:")

earlier = partial(pages.on, transcript.earlier) if transcript.earlier is not None else None
steps = Steps(st.session_state.get("th_walk", Walk()), thread_id, transcript.turns, viewer, earlier)
steps.draw()
for view in transcript.turns:
    turn = view.turn
    with st.container(border=True, key=f"tr_turn_{turn.id}"):
        conversation, evidence = st.columns([3, 2], gap="medium")
        with conversation:
            draw_question(turn)
            with st.chat_message("assistant", avatar=":material/smart_toy:"):
                st.markdown(TURN_WORDS[turn.status].badge)
                if turn.concern:
                    draw_care(turn.concern, turn.id)
                if turn.text:
                    st.markdown(with_markers(turn.text, turn.citations), anchors=False)
                draw_sources(turn.text, turn.citations, view.retrievals, section, turn.id)
                draw_ending(turn)
                draw_unsourced(view)
                draw_handovers(view.handovers)
            draw_judge(turn, view.review, viewer, judge, steps)
        with evidence:
            for call in view.calls:
                with st.status(step_label(call), state=step_state(call), type="compact"):
                    draw_evidence(call)
                    st.page_link("../pages/call.py", label="Open this call", query_params={"tc_id": call.id})
            for retrieval in view.retrievals:
                draw_retrieval(retrieval, {citation.number for citation in turn.citations})
            st.caption("Model calls")
            draw_model_calls(view.model_calls)
            with st.expander("How this was produced", type="compact", icon=":material/receipt_long:"):
                draw_turn_facts(turn)
# The newest turns are the first page, so the next one is earlier.
pages.draw(transcript.earlier, back="Newer", on="Earlier")
