"""Drawing the questions that wait above the box, each with the ways to change or remove it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from console.waiting import MOST, WaitingQuestion

UNTIL_ENDED = "Asked when this answer has ended."
UNTIL_DECIDED = "Asked once you have approved or denied the request above, and its answer has ended."


def draw_waiting(
    questions: Sequence[WaitingQuestion],
    edit: Callable[[WaitingQuestion], None],
    remove: Callable[[str], None],
    *,
    parked: bool,
) -> None:
    """The questions in their order. `parked` says whether the turn waits for its asker's approval.

    Call it inside a block that is there only if questions wait.
    """
    for place in range(MOST):
        # An element in the place of each: what is left out of a block would stay in view while an answer streams.
        with st.container(border=True, key=f"chat_chip_{place}") if place < len(questions) else st.empty():
            if place < len(questions):
                _draw_chip(questions[place], edit, remove)
    st.caption(UNTIL_DECIDED if parked else UNTIL_ENDED)


def _draw_chip(
    question: WaitingQuestion, edit: Callable[[WaitingQuestion], None], remove: Callable[[str], None]
) -> None:
    of = question.request_id
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.text(question.text, width="stretch")
        for name, icon, deed in (
            ("Edit", ":material/edit:", partial(edit, question)),
            ("Remove", ":material/close:", partial(remove, of)),
        ):
            st.button(name, key=f"chat_chip_{name}_{of}", icon=icon, type="tertiary", on_click=deed)
