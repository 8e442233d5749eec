"""What a page says if its store does not answer, refuses, or is full, or if core refuses what a click has asked for."""

import logging
from collections.abc import Sequence
from time import monotonic

import streamlit as st
from streamlit.runtime.state.session_state import WStates

from console.drawing.text import again, label
from core.desk.unreadable import Unreadable
from core.errors import (
    Corrupt,
    Denied,
    DeskClosed,
    Full,
    InvalidInput,
    LimitReached,
    NotFound,
    RolltopError,
    StoreBusy,
    StoreRefused,
    TurnInProgress,
    Unavailable,
)
from core.server_log import reason_of

log = logging.getLogger(__name__)

AWAY_SECONDS = 4.0
REFUSED_SECONDS = 30.0
"""Seconds after which a page tries again by itself."""
_NOT_DONE = "main_not_done"
REFUSALS = (
    InvalidInput,
    NotFound,
    Denied,
    TurnInProgress,
    LimitReached,
    Unavailable,
    StoreRefused,
    Full,
    DeskClosed,
    Corrupt,
)
"""The errors after which a page stays as it is and says why something was not put on record."""
NAMED = 20
"""The most unreadable parts that a page names."""


def store_says(error: RolltopError) -> str:
    """Why something was not saved, and when to try again, in words for an employee."""
    match error:
        case StoreRefused():
            return "the store refused it. Tell the operator of this desk: the server log says what to do."
        case Full():
            return "the store is full. Tell the operator of this desk."
        case Corrupt():
            return "a part of this thread cannot be read. Start a new thread, and tell the operator of this desk."
        case StoreBusy():
            return "the store is busy. Try again in a moment; if that does not help, tell the operator of this desk."
        case DeskClosed():
            return "the server is stopping or restarting. Try again in a minute."
        case _:
            return "the store does not answer. Try again."


def why_refused(error: RolltopError) -> str:
    """Why one of REFUSALS, or a denial, kept something from being put on record, in words for the person."""
    match error:
        case TurnInProgress(status="awaiting_approval"):
            return "the last question is not finished. Approve or deny its request first, or stop it."
        case TurnInProgress():
            return "the last question is not finished. Wait for it, or stop it."
        case LimitReached(said=said, until=until):
            return f"{said[:1].lower()}{said[1:]}{f' You can ask again {again(until)}.' if until else ''}"
        case NotFound():
            return "it was not found. Reload the page, or start a new thread."
        case InvalidInput():
            return f"{error}."
        case Denied():
            return "your role does not allow it."
        case _:
            return store_says(error)


def tell(error: Exception) -> bool:
    """Say in words why a fragment or the entry script failed, if the error is one of core's; else False.

    `st.App` calls it for what these let through.
    """
    if isinstance(error, RolltopError):
        _draw_not_done(error)
    return isinstance(error, RolltopError)


def guard_clicks() -> None:
    """Let a page be drawn, with the reason above it, after a click whose callback has raised an error of core."""
    # After such a callback Streamlit draws its own box in place of the page, and what was typed there is lost. It has
    # no setting for this; if a version of it calls callbacks in another way, `tell` still has the words.
    WStates.call_callback = _call_callback  # type: ignore[method-assign]


_call = WStates.call_callback


def _call_callback(self: WStates, widget_id: str) -> None:
    try:
        _call(self, widget_id)
    except RolltopError as error:
        log.warning("a click could not be carried out: %s", reason_of(error))
        st.session_state[_NOT_DONE] = error
        st.rerun()  # else only the fragment that was clicked would be drawn


def draw_not_done() -> None:
    """Say why the last click failed, once."""
    if (error := st.session_state.pop(_NOT_DONE, None)) is not None:
        _draw_not_done(error)


def _draw_not_done(error: RolltopError) -> None:
    st.error(f"This could not be done: {label(why_refused(error), 600)}", icon=":material/error:")


def draw_away(error: Unavailable) -> None:
    """Say that the store does not answer or is busy, and run the page again until it does."""
    why = "The store does not answer."
    if isinstance(error, StoreBusy):
        why = f"The store is busy. For the operator: {label(str(error), 600)}\n\n"
    st.error(
        f"{why} What was saved before is safe, and what you typed stays in its box. "
        "This page tries again automatically.",
        title="Nothing can be read or saved right now",
        icon=":material/cloud_off:",
    )
    _draw_again(AWAY_SECONDS)


def draw_refused(error: RolltopError, title: str = "The store refused a request") -> None:
    """Say what the operator must do, and run the page again at a slower pace."""
    st.error(
        "The operator of this desk must fix this before anything can be read or saved. What was saved before is safe, "
        f"and what you typed stays in its box. For the operator: {label(str(error), 600)}",
        title=title,
        icon=":material/lock:",
    )
    _draw_again(REFUSED_SECONDS)


def draw_corrupt(error: Corrupt) -> None:
    """Say that what the page is about cannot be read, and what the operator must do."""
    st.error(
        "What this page shows is damaged, or was written by a newer version. The operator of this desk finds the "
        f"cause with `rolltop doctor`. For the operator: {label(str(error), 600)}",
        title="This cannot be read",
        icon=":material/broken_image:",
    )


def draw_unreadable(unreadable: Sequence[Unreadable]) -> None:
    """Name what a page leaves out because it cannot be read."""
    if unreadable:
        lines = "\n".join(f"- {_part(one)} {label(one.why, 200)}" for one in unreadable[:NAMED])
        if len(unreadable) > NAMED:
            lines += f"\n- And {len(unreadable) - NAMED:,} more."
        st.warning(
            f"The rest is shown as it is on record. The operator of this desk finds the cause with `rolltop doctor`."
            f"\n\n{lines}",
            title="A part of this cannot be read",
            icon=":material/broken_image:",
        )


def _part(one: Unreadable) -> str:
    """`Entry 7 of the log`, or `The record of tool call 3f2a`."""
    if one.what.startswith("record "):
        kind, _, name = one.what.removeprefix("record ").partition(":")
        return f"The record of {label(kind.replace('_', ' '))} {label(name)}"
    return f"Entry {one.n:,} of the log"


def _draw_again(seconds: float) -> None:
    st.button("Try again", key="main_again")
    failed_at = monotonic()

    @st.fragment(run_every=seconds)
    def try_again() -> None:
        if monotonic() - failed_at >= seconds / 2:  # not yet in the run that has failed
            st.rerun()

    try_again()
