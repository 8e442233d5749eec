"""Approvals: the calls that are waiting for an approver, each as its card."""

from typing import Literal

import streamlit as st

from console.app import app
from console.drawing.calls import draw_approval
from console.drawing.paging import Pages
from console.drawing.text import label
from console.drawing.troubles import store_says
from console.sign_in import current_viewer
from core.errors import DeskClosed, Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.log.records import ToolCall

st.set_page_config(page_title="Approvals", layout="centered")
viewer = current_viewer()
run, desk = app().run, app().desk


def decide(call: ToolCall, outcome: Literal["approve", "deny"], reason: str) -> None:
    try:
        # The digest is that of the arguments on the card: if they have changed since, core refuses.
        run(desk.decide(viewer, call.id, outcome, call.digest, reason=reason or None))
        st.session_state.ap_notice = (
            "Approved: the request runs now." if outcome == "approve" else "Denied: the request will not run."
        )
    except NotFound:
        st.session_state.ap_notice = "Not saved: this request is no longer waiting for you."
    except InvalidInput as error:
        st.session_state.ap_notice = f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full, DeskClosed) as error:
        st.session_state.ap_notice = f"Not saved: {store_says(error)}"


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
    draw_approval(call, viewer, decide)
pages.draw(listing.cursor)
