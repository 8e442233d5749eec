"""Drawing the row of small actions under an answer: take it along, ask how it came about, bring it to a person."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from console.components.scripts import component
from console.drawing.answer_text import answer_text
from console.drawing.dialogs import open_dialog
from console.drawing.provenance import draw_provenance
from core.desk.evidence import Produced
from core.desk.turn_views import TurnView

_copy = component("copy")


def draw_copy(view: TurnView) -> None:
    """A button that copies the answer as plain text, with its sources."""
    _copy(key=f"copy_{view.turn.id}", data={"text": answer_text(view)}, width="content")


def draw_how(view: TurnView, produced: Callable[[str], Produced]) -> None:
    """A button that opens how the answer was produced, beside the page."""
    title = "How was this produced?"
    if st.button(title, key=f"how_{view.turn.id}", icon=":material/receipt_long:", type="tertiary"):
        open_dialog(title, ":material/receipt_long:", partial(draw_provenance, view, produced), aside=True)
