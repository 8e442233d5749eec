"""Drawing the requests that wait for an approver while their thread goes on, and what became of them."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from console.drawing.arguments import draw_changes, draw_fields
from console.drawing.calls import draw_request, is_changed
from console.drawing.parts import reading
from console.drawing.status_words import Word
from console.drawing.text import label, when
from console.tool_words import tool_words
from core.canonical import Json
from core.desk.turn_views import TurnView
from core.log.records import Decision, DeferredCall
from core.values import DeferredClosed

WATCH_SECONDS = 3.0
"""Seconds between two looks at a thread of which something waits."""

_DECIDED = {
    "given": Word("Approved", "green", ":material/check_circle:"),
    "denied": Word("Denied", "gray", ":material/block:"),
}
_CLOSED: dict[DeferredClosed, tuple[Word, str]] = {
    "expired": (
        Word("Expired", "orange", ":material/timer_off:"),
        "Nobody decided in time, so nothing was done. Ask again if you still need it.",
    ),
    "withdrawn": (Word("Withdrawn", "gray", ":material/undo:"), "You took the request back, so nothing was done."),
    "erased": (
        Word("Erased", "gray", ":material/delete:"),
        "The request was erased before it was decided, so nothing was done.",
    ),
    "tool_gone": (
        Word("Not carried out", "orange", ":material/error:"),
        "The desk cannot do this any more, so nothing was done. Ask the People team.",
    ),
    "restored": (
        Word("Unknown", "orange", ":material/help:"),
        "The desk was restored from a backup. It is unknown whether this was decided and done after the backup. "
        "Check with HR before you ask for it again.",
    ),
}


def draw_deferred(call: DeferredCall, planned: Json, withdraw: Callable[[DeferredCall], None], *, off: bool) -> None:
    """A call's card while it waits for an approver; afterwards what became of it, in words.

    `planned` are the arguments that were asked for: an approver may have allowed others. `off`: its tool is switched
    off.
    """
    if call.status == "waiting":
        with st.container(border=True, key=f"deferred_{call.call}"):
            draw_request(f"{_name(call)}: waits for an approver", call.tool, call.arguments, None, off=off)
            draw_fields(call.tool, call.arguments)
            st.caption(f"Waits for an approver until {when(call.expires)}. You can go on asking in the meantime.")
            st.button("Withdraw", key=f"withdraw_{call.call}", icon=":material/undo:", on_click=withdraw, args=(call,))
        return
    if call.decision:
        st.markdown(f"{_decided(call.decision).badge} {_name(call)}, {_by(call.decision)}")
        _draw_reason(call.decision)
        if is_changed(call.decision) and planned is not None and call.arguments is not None:
            draw_changes(call.tool, planned, call.arguments)
    if call.closed:
        word, text = _CLOSED[call.closed]
        st.markdown(f"{word.badge} {_name(call)}")
        st.caption(text)
    elif call.status == "reported":
        st.caption("The request is reported below.")
    else:
        st.caption("The request is reported below as soon as the newest answer has ended.")


def draw_report(view: TurnView) -> None:
    """The desk's own line at the head of a turn that reports a decision."""
    call = view.reports
    if call is None or call.decision is None:  # unreadable
        st.text(view.turn.question or "A request of yours was decided on.")
        return
    word = _decided(call.decision)
    st.markdown(f"{word.icon} Your request “{_name(call)}” was {word.text.lower()} {_by(call.decision)}.")
    _draw_reason(call.decision)


def watch(changed: Callable[[], bool]) -> None:
    """Run the page again as soon as `changed` says so. It is asked every few seconds, on a timer of the page."""

    @st.fragment(run_every=WATCH_SECONDS)
    def look() -> None:
        with reading():
            if changed():
                st.rerun()

    look()


def _name(call: DeferredCall) -> str:
    return label(tool_words(call.tool).done)


def _decided(decision: Decision) -> Word:
    word = _DECIDED[decision.outcome]
    return replace(word, text=f"{word.text} with changes") if is_changed(decision) else word


def _by(decision: Decision) -> str:
    return f"by {label(decision.by)}, {when(decision.at)}"


def _draw_reason(decision: Decision) -> None:
    if decision.reason:
        st.text(f"Reason: {decision.reason}")
