"""What a page says if its store is away, refuses, or has no room."""

from time import monotonic

import streamlit as st

from console.drawing.text import label
from core.errors import Full, RolltopError, StoreRefused

AWAY_SECONDS = 4.0
REFUSED_SECONDS = 30.0
"""Seconds after which a page tries again by itself."""


def store_says(error: RolltopError) -> str:
    """Why the store did not take something, and when trying again is of use, in an employee's words."""
    match error:
        case StoreRefused():
            return "the store refuses it. The operator of this desk has to act first: the server's log says what to do."
        case Full():
            return "the store has no room. The operator of this desk has to make some."
        case _:
            return "the store does not answer. Try again."


def draw_away() -> None:
    """The store does not answer: the page says so, and tries again until it does."""
    st.error(
        "The store does not answer. What was saved before is safe; what you typed stays in its box. "
        "This page tries again by itself.",
        title="Nothing can be read or saved right now",
        icon=":material/cloud_off:",
    )
    _draw_again(AWAY_SECONDS)


def draw_refused(error: RolltopError, title: str = "The store refuses what the desk needs") -> None:
    """The operator must act: the page says what is wrong, and tries again at a slower pace."""
    st.error(
        "The operator of this desk has to act before anything can be read or saved. What was saved before is safe; "
        f"what you typed stays in its box. For the operator: {label(str(error), 600)}",
        title=title,
        icon=":material/lock:",
    )
    _draw_again(REFUSED_SECONDS)


def _draw_again(seconds: float) -> None:
    st.button("Try again", key="main_again")
    failed_at = monotonic()

    @st.fragment(run_every=seconds)
    def try_again() -> None:
        if monotonic() - failed_at >= seconds / 2:  # not yet in the run that has failed
            st.rerun()

    try_again()
