"""Drawing requests, for approvers and for reviewers: the card of a request, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import streamlit as st

from console.drawing.calls import draw_request
from console.drawing.evidence import draw_facts
from console.drawing.status_words import Word
from console.drawing.text import exactly, label, when
from console.tool_words import tool_words
from core.canonical import Json
from core.log.records import DeferredCall
from core.values import DeferredClosed, DeferredStatus

DecideRequest: TypeAlias = Callable[[DeferredCall, Literal["approve", "deny"], str], None]

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
}
"""Why a request was closed, as the end of a sentence."""


def draw_request_card(call: DeferredCall, names: Sequence[str], decide: DecideRequest) -> None:
    """The card on which an approver decides, drawn from the record. `names` are the tool's arguments in its order."""
    with st.container(border=True, key=f"card_{call.call}"):
        title = f"{label(tool_words(call.tool).done)}: needs approval"
        draw_request(title, call.tool, arranged(call.arguments, names))
        st.caption(f"Requested by {label(call.owner)}, {when(call.asked_at)}")
        key = f"card_reason_{call.call}"
        st.text_input("Reason (optional)", key=key, max_chars=500)
        with st.container(horizontal=True, vertical_alignment="center"):
            for word, outcome in (("Approve", "approve"), ("Deny", "deny")):
                st.button(
                    word,
                    key=f"card_{outcome}_{call.call}",
                    type="primary" if outcome == "approve" else "secondary",
                    on_click=_decide,
                    args=(decide, call, outcome, key),
                )
            st.page_link(
                "../pages/call.py",
                label="Open this call",
                icon=":material/open_in_new:",
                query_params={"tc_id": call.call},
            )
        st.caption(
            "It runs as soon as the thread is free; the employee is told there, with your reason. "
            f"If it is not approved by {when(call.expires)}, it expires and does not run."
        )


def _decide(decide: DecideRequest, call: DeferredCall, outcome: Literal["approve", "deny"], key: str) -> None:
    # Read now: the click can come before the run that would draw the button with the reason that was typed.
    decide(call, outcome, st.session_state[key])


def arranged(arguments: Json, names: Sequence[str]) -> Json:
    """The arguments in this order; those that are not named follow in alphabetical order."""
    if not isinstance(arguments, dict):
        return arguments
    known = [name for name in names if name in arguments]
    return {name: arguments[name] for name in (*known, *sorted(arguments.keys() - {*known}))}


def request_word(call: DeferredCall) -> Word:
    """Where the request stands."""
    if call.closed:
        return Word(f"Closed: {CLOSED[call.closed]}", "gray", ":material/block:")
    return _STATUSES[call.status]


def decision_words(call: DeferredCall) -> str:
    """What was decided, `approved with changes`; "" before the decision."""
    if call.decision is None:
        return ""
    changed = call.decision.asked != call.decision.digest
    return "denied" if call.decision.outcome == "denied" else f"approved{' with changes' if changed else ''}"


def draw_request_facts(call: DeferredCall) -> None:
    """What became of a request, for a reviewer."""
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
