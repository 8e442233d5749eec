"""Drawing "Talk to a person": what goes along, the consent, and what came of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from console.drawing.dialogs import open_dialog
from console.drawing.text import label, when
from core.desk.turn_views import TurnView
from core.log.records import HandoverRecord, Turn
from core.values import Attached

ICON = ":material/support_agent:"

HandOver = Callable[[Turn, Attached, str, int], None]
"""Sends the matter of a turn to a person: what is attached, a note, and how many requests of the turn there were."""

ATTACHED: dict[Attached, str] = {
    "answer": "This question and its answer",
    "from_here": "This question and everything after it",
    "thread": "The whole thread",
    "nothing": "Nothing from this thread",
}

_CONSENT: dict[Attached, str] = {
    "answer": "They may read this question and its answer.",
    "from_here": "They may read this question and everything after it.",
    "thread": "They may read the whole thread.",
    "nothing": "They may read nothing from this thread.",
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


def draw_person(view: TurnView, hand_over: HandOver, *, calm: bool = False) -> None:
    """The button that brings the matter of the turn to a person; a `calm` one is for a row of others."""
    turn = view.turn
    kind: Literal["tertiary", "secondary"] = "tertiary" if calm else "secondary"
    if st.button("Talk to a person", key=f"person_{turn.id}", icon=ICON, type=kind):
        # What was chosen in a dialog that was closed must not go along unseen with the next one.
        st.session_state[f"person_attach_{turn.id}"] = next(iter(ATTACHED))
        open_dialog("Talk to a person", ICON, partial(_ask, turn, hand_over, len(view.handovers)))


def draw_handover(view: TurnView, hand_over: HandOver) -> None:
    """What came of the requests for a person so far, and the button for another."""
    draw_handovers(view.handovers)
    draw_person(view, hand_over)


def _ask(turn: Turn, hand_over: HandOver, again: int) -> None:
    st.markdown("A member of the People team gets your message and contacts you.")
    attached = st.radio(
        "What may they read?",
        list(ATTACHED),
        key=f"person_attach_{turn.id}",
        format_func=lambda attached: ATTACHED[attached],
    )
    note = st.text_area("Your message (optional)", key=f"person_note_{turn.id}", max_chars=4000)
    # To send is to agree: so the sentence stands right above the one button, and names what goes along.
    st.markdown(f"I agree that the People team gets my employee id and my message. {_CONSENT[attached]}")
    if st.button("Agree and send", key=f"person_send_{turn.id}", type="primary"):
        hand_over(turn, attached, note, again)
        st.rerun()
