"""Thread: one conversation for an auditor, with the evidence beside each answer. Opening it is recorded."""

import streamlit as st

from console.app import app
from console.drawing.calls import draw_evidence, step_label, step_state
from console.drawing.evidence import draw_model_calls, draw_turn_facts
from console.drawing.paging import Pages
from console.drawing.sources import draw_retrieval, draw_sources, with_markers
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label, when
from console.drawing.turns import draw_ending, draw_question
from console.format import cost, counted
from console.sign_in import current_viewer
from core.values import Passage

st.set_page_config(page_title="Thread", layout="wide")
viewer = current_viewer()
run, desk = app().run, app().desk
thread_id = st.query_params.get("tr_id", "")
pages = Pages[int]("tr_pages", thread_id)


def section(passage: Passage) -> list[Passage]:
    return run(app().handbooks.section(viewer, passage))


st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
transcript = run(desk.archive.transcript(viewer, thread_id, last=20, before=pages.cursor))
thread = transcript.thread

st.title(label(thread.title or "Untitled"), anchor=False)
st.caption(
    f"Review · {label(thread.owner)} · created {when(thread.created_at)} · "
    f"{counted(thread.turns, 'turn')} · {counted(thread.totals.model_calls, 'model call')} · "
    f"{counted(thread.totals.tool_calls, 'tool call')} · cost {label(cost(thread.totals))}"
)
if thread.rejected:
    st.error(
        f"{counted(thread.rejected, 'entry')} in the log came from a worker that had lost its turn, and do not count. "
        "Tell the operator: `rolltop doctor` names the thread.",
        icon=":material/warning:",
    )
if not transcript.turns:
    st.info("This thread has no questions yet.", icon=":material/chat_bubble:")

for view in transcript.turns:
    turn = view.turn
    with st.container(border=True, key=f"tr_turn_{turn.id}"):
        conversation, evidence = st.columns([3, 2], gap="medium")
        with conversation:
            draw_question(turn)
            with st.chat_message("assistant", avatar=":material/smart_toy:"):
                st.markdown(TURN_WORDS[turn.status].badge)
                if turn.text:
                    st.markdown(with_markers(turn.text, turn.citations), anchors=False)
                draw_sources(turn.citations, view.retrievals, section, turn.id)
                draw_ending(turn)
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
