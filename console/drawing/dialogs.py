"""Dialogs that only their reader closes."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

_OPEN = "dialog_open"


def open_dialog(title: str, icon: str, draw: Callable[[], None], *, aside: bool = False) -> None:
    """Draw in a dialog, above the page, or for something longer at its right side. One can be open at a time."""
    position: Literal["right", "center"] = "right" if aside else "center"

    @st.dialog(title, icon=icon, position=position, width=720 if aside else "small", on_dismiss=closed)
    def show() -> None:
        draw()

    st.session_state[_OPEN] = True
    show()


def closed() -> None:
    """A run of the whole page closes a dialog: say so at its start."""
    st.session_state[_OPEN] = False


def is_open() -> bool:
    """Whether the reader has a dialog open, which a run of the whole page would close."""
    return bool(st.session_state.get(_OPEN))
