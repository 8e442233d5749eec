"""Drawing the row of small actions under an answer: take it along, judge it, ask again, bring it to a person."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from console.asking import Asking
from console.components.scripts import component
from console.drawing.answer_text import answer_text
from console.drawing.dialogs import open_dialog
from console.drawing.handovers import draw_person
from console.drawing.provenance import draw_provenance
from console.drawing.ratings import draw_rating, draw_reason
from console.drawing.versions import draw_again, draw_versions
from core.desk.evidence import Produced
from core.desk.turn_views import TurnView
from core.log.records import Thread

_copy = component("copy")


def draw_actions(view: TurnView, thread: Thread, asking: Asking, *, person: bool) -> None:
    """All that can be done with an ended turn. `person`: the way to a person is among it."""
    turn, busy = view.turn, thread.open is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        if turn.text:
            _draw_copy(view)
            draw_rating(turn, asking.rate)
        if not turn.imported:
            _draw_how(view, asking.produced)
        if person:
            draw_person(view, asking.hand_over, calm=True)
        # An element in their place: what is left out of a block would stay in view while an answer streams.
        with st.empty() if busy else st.container(horizontal=True, vertical_alignment="center", width="content"):
            if not busy:
                draw_again(turn, thread, asking.ask_again, asking.edit)
                draw_versions(view, asking.show)
    draw_reason(turn, asking.rate)


def _draw_copy(view: TurnView) -> None:
    """A button that copies the answer as plain text, with its sources."""
    _copy(key=f"copy_{view.turn.id}", data={"text": answer_text(view)}, width="content")


def _draw_how(view: TurnView, produced: Callable[[str], Produced | None]) -> None:
    """A button that opens how the answer was produced, beside the page."""
    title = "How was this produced?"
    if st.button(title, key=f"how_{view.turn.id}", icon=":material/receipt_long:", type="tertiary"):
        open_dialog(title, ":material/receipt_long:", partial(draw_provenance, view, produced), aside=True)
