"""Drawing "Talk to a person": what goes along, the consent, and what came of it."""

from collections.abc import Callable, Sequence

import streamlit as st

from console.drawing.text import label, when
from core.desk.turn_views import TurnView
from core.log.records import HandoverRecord, Turn
from core.values import Attached

HandOver = Callable[[Turn, Attached, str, int], None]
"""Sends the matter of a turn to a person: what is attached, a note, and how many requests of the turn there were."""

ATTACHED: dict[Attached, str] = {
    "answer": "This question and its answer",
    "from_here": "This question and everything after it",
    "thread": "The whole thread",
    "nothing": "Nothing from this thread",
}


def draw_handovers(handovers: Sequence[HandoverRecord]) -> None:
    """What came of each request for a person."""
    for handover in handovers:
        attached = f"Attached: {ATTACHED[handover.attached].lower()}."
        match handover.status:
            case "sent":
                reference = f", reference **{label(handover.reference)}**" if handover.reference else ""
                text = f"Sent to a person{reference}, {when(handover.ended_at)}. {attached}"
                st.success(text, icon=":material/support_agent:")
            case "failed":
                st.error(f"Not sent. Try again, or contact the People team. {attached}", icon=":material/error:")
            case "unknown":
                st.warning(
                    f"It is unknown whether this was sent. Ask the People team before you send it again. {attached}",
                    icon=":material/help:",
                )
            case "asked":
                st.info(f"On its way to a person, since {when(handover.asked_at)}. {attached}", icon=":material/send:")
        if handover.note:
            st.text(handover.note)


def draw_handover(view: TurnView, hand_over: HandOver) -> None:
    """What came of the requests for a person so far, and the button for another."""
    turn = view.turn
    draw_handovers(view.handovers)
    if st.button("Talk to a person", key=f"person_{turn.id}", icon=":material/support_agent:"):
        _ask(turn, hand_over, len(view.handovers))


@st.dialog("Talk to a person", icon=":material/support_agent:")
def _ask(turn: Turn, hand_over: HandOver, again: int) -> None:
    st.markdown("A member of the People team gets your message and contacts you.")
    attached = st.radio(
        "What may they read?",
        list(ATTACHED),
        key=f"person_attach_{turn.id}",
        format_func=lambda attached: ATTACHED[attached],
    )
    note = st.text_area("Your message (optional)", key=f"person_note_{turn.id}", max_chars=4000)
    agreed = st.checkbox(
        "I agree that this is sent to the People team with my employee id.", key=f"person_agreed_{turn.id}"
    )
    if st.button("Send", key=f"person_send_{turn.id}", type="primary", disabled=not agreed):
        hand_over(turn, attached, note, again)
        st.rerun()
