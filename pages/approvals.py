"""Approvals: the calls that wait for an approver's word, each as its card."""

from typing import Literal

import streamlit as st

from console.app import app
from console.drawing.calls import draw_approval
from console.drawing.paging import Pages
from console.drawing.text import label
from console.drawing.troubles import store_says
from console.sign_in import current_viewer
from core.errors import Full, InvalidInput, NotFound, StoreRefused, Unavailable
from core.log.records import ToolCall

st.set_page_config(page_title="Approvals", layout="centered")
viewer = current_viewer()
run, desk = app().run, app().desk


def decide(call: ToolCall, outcome: Literal["approve", "deny"], reason: str) -> None:
    """The digest is that of the arguments on the card: if they have changed since, core refuses."""
    try:
        run(desk.decide(viewer, call.id, outcome, call.digest, reason=reason or None))
        st.session_state.ap_notice = "Approved: it runs now." if outcome == "approve" else "Denied: it will not run."
    except (InvalidInput, NotFound) as error:
        st.session_state.ap_notice = f"Not decided: {error}"
    except (Unavailable, StoreRefused, Full) as error:
        st.session_state.ap_notice = f"Not decided: {store_says(error)}"


st.title("Approvals")
st.caption("Calls of other people that wait for an approver. Nobody decides their own.")
if "ap_notice" in st.session_state:
    st.info(label(st.session_state.pop("ap_notice"), 300), icon=":material/info:")
pages = Pages[str]("ap_pages", viewer.id)
listing = run(desk.archive.waiting_calls(viewer, limit=25, cursor=pages.cursor))
if not listing.items:
    st.info("Nothing waits for you. Calls appear here as soon as somebody's answer needs an approver.")
for call in listing.items:
    draw_approval(call, viewer, decide)
pages.draw(listing.cursor)
