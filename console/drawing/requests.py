"""Drawing requests, for approvers and for reviewers: the card of a request, and what became of it."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import streamlit as st

from console.drawing.arguments import draw_changes
from console.drawing.calls import Outcome, draw_decision, draw_request, is_changed
from console.drawing.evidence import draw_facts
from console.drawing.status_words import Word
from console.drawing.text import exactly, label, when
from console.tool_words import Preview, tool_words
from core.canonical import Json
from core.errors import RolltopError
from core.log.records import DeferredCall
from core.values import DeferredClosed, DeferredStatus

DecideRequest: TypeAlias = Callable[[DeferredCall, Outcome, str, Mapping[str, Json] | None], str | None]
"""Decides with a reason and changed arguments, None for those on the card. Returns what of these was refused."""

_STATUSES: Mapping[DeferredStatus, Word] = {
    "waiting": Word("Waits for an approver", "orange", ":material/approval:"),
    "decided": Word("Decided, not reported yet", "blue", ":material/schedule:"),
    "reported": Word("Decided and reported", "green", ":material/check:"),
    "closed": Word("Closed", "gray", ":material/block:"),
}
CLOSED: Mapping[DeferredClosed, str] = {
    "expired": "it expired before a decision",
    "withdrawn": "the person who asked took it back",
    "erased": "its arguments were erased",
    "tool_gone": "the desk does not have its tool any more",
    "restored": "the desk was restored from a backup, and nobody knows what was decided and done after it",
}
"""Why a request was closed, as the end of a sentence."""


def waiting_badge(count: Callable[[], int]) -> str:
    """How many requests wait, as it stands behind the page's name in the menu; "" for 0 and if that is unknown."""
    try:
        waiting = count()
    except RolltopError:  # the page that is drawn next says what is wrong
        return ""
    return f" :red-badge[{waiting}]" if waiting else ""


def draw_request_card(call: DeferredCall, preview: Preview | None, decide: DecideRequest, *, off: bool) -> None:
    """The card on which an approver decides, drawn from the record. `off`: the call's tool is switched off."""
    reason = f"card_reason_{call.call}"

    def decided(outcome: Outcome, changed: Mapping[str, Json] | None) -> str | None:
        # Read now: the click can come before the run that would draw the button with the reason that was typed.
        return decide(call, outcome, st.session_state[reason], changed)

    with st.container(border=True, key=f"card_{call.call}"):
        title = f"{label(tool_words(call.tool).done)}: needs approval"
        draw_request(title, call.tool, call.arguments, preview, off=off)
        st.caption(f"Requested by {label(call.owner)}, {when(call.asked_at)}")
        draw_decision(
            call.call,
            call.tool,
            call.arguments,
            decided,
            lambda: st.text_input("Reason (optional)", key=reason, max_chars=500),
        )
        st.page_link(
            "../pages/call.py",
            label="Open this call",
            icon=":material/open_in_new:",
            query_params={"tc_id": call.call},
        )
        runs = "" if off else "It runs as soon as the thread is free; the employee is told there, with your reason. "
        st.caption(f"{runs}If it is not approved by {when(call.expires)}, it expires and does not run.")


def request_word(call: DeferredCall) -> Word:
    """Where the request stands."""
    if call.closed:
        return Word(f"Closed: {CLOSED[call.closed]}", "gray", ":material/block:")
    return _STATUSES[call.status]


def decision_words(call: DeferredCall) -> str:
    """What was decided, `approved with changes`; "" before the decision."""
    if call.decision is None:
        return ""
    changed = " with changes" if is_changed(call.decision) else ""
    return "denied" if call.decision.outcome == "denied" else f"approved{changed}"


def draw_request_facts(call: DeferredCall, planned: Json = None) -> None:
    """What became of a request, for a reviewer, and how it differs from the `planned` arguments if they are given."""
    decision = call.decision
    draw_facts(
        {"Request": request_word(call).text, "Asked": exactly(call.asked_at), "Expires": exactly(call.expires)}
        | (
            {
                "Decision": decision_words(call),
                "Decided": f"{exactly(decision.at)} by {decision.by}",
                "Reason": decision.reason or "not stated",
            }
            if decision
            else {}
        )
    )
    if is_changed(decision) and planned is not None and call.arguments is not None:
        draw_changes(call.tool, planned, call.arguments)
