"""Approvals: the calls that are waiting for an approver, each as its card."""

from collections.abc import Mapping

import streamlit as st

from console.app import app
from console.drawing.calls import Outcome, is_changed
from console.drawing.paging import Pages
from console.drawing.requests import CLOSED, draw_request_card
from console.drawing.text import label
from console.drawing.troubles import store_says
from console.sign_in.roles import current_caller
from console.tool_words import what_it_would_do
from core.canonical import Json
from core.errors import DeskClosed, Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.log.records import DeferredCall, ToolCall

st.set_page_config(page_title="Approvals", layout="centered")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk


def decide(call: DeferredCall, outcome: Outcome, reason: str, changed: Mapping[str, Json] | None) -> str | None:
    """Returns what of the changed arguments was refused; everything else is said above the list."""
    try:
        # The digest is that of the arguments on the card: if they have changed since, core refuses.
        decision = desk.decide(viewer, call.call, outcome, call.digest, arguments=changed, reason=reason or None)
        st.session_state.ap_notice = came_of(run(decision))
    except NotFound:
        st.session_state.ap_notice = "Not saved: this request is no longer waiting for you."
    except InvalidInput as error:
        if changed is not None:
            return str(error)
        st.session_state.ap_notice = f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full, DeskClosed) as error:
        st.session_state.ap_notice = f"Not saved: {store_says(error)}"
    return None


def came_of(call: ToolCall) -> str:
    """What stands after a decision: the viewer's own, or what had happened to the call before it."""
    decision = call.decision
    if decision is None:
        return f"Not saved: the request was closed{f', because {CLOSED[call.closed]}' if call.closed else ''}."
    approved = decision.outcome == "given"
    if decision.by != viewer.id:
        return f"Not saved: {decision.by} has {'approved' if approved else 'denied'} this request before you."
    if approved:
        changed = " with changes" if is_changed(decision) else ""
        return f"Approved{changed}. The request runs as soon as the thread is free; the employee is told there."
    return "Denied. The request will not run; the employee is told in the thread."


st.title("Approvals")
st.caption("Requests from other people that are waiting for an approver. You cannot approve your own requests.")
if "ap_notice" in st.session_state:
    st.info(label(st.session_state.pop("ap_notice"), 300), icon=":material/info:")
# Core lists other people's requests only: an approver's own are not here to be filtered out.
pages = Pages[str]("ap_pages", viewer.id)
listing = run(desk.oversight.waiting_calls(viewer, limit=10, cursor=pages.cursor))
if not listing.items:
    st.info("No requests are waiting. New requests appear here when you reload the page.")
for call in listing.items:
    draw_request_card(call, what_it_would_do(call.tool, call.owner, call.standing.country, call.arguments), decide)
pages.draw(listing.cursor)
