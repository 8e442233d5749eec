"""Drawing the list of the viewer's own threads, beside the conversation."""

import streamlit as st

from console.asking import Asking
from console.drawing.paging import Pages
from console.drawing.shortcuts import NEW_THREAD
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label

THREADS = 20
"""On a page of the list."""


def draw_thread_list(asking: Asking) -> None:
    """The list, with a search. Call it inside the sidebar."""
    st.button(
        "New thread",
        key="chat_new",
        icon=":material/add:",
        width="stretch",
        shortcut=NEW_THREAD,
        on_click=asking.open_thread,
        args=(None,),
    )
    words = st.text_input(
        "Search your threads",
        key="chat_words",
        type="search",
        placeholder="Search your threads",
        label_visibility="collapsed",
    )
    pages = Pages[str]("chat_list", words)
    archive = asking.desk.archive
    listing = asking.run(archive.threads(asking.viewer, words=words, limit=THREADS, cursor=pages.cursor))
    for one in listing.items:
        icon = TURN_WORDS[one.status].icon if one.status in ("running", "awaiting_approval") else None
        st.button(
            label(one.title or "Untitled"),
            key=f"chat_open_{one.id}",
            icon=icon,
            type="secondary" if one.id == asking.thread else "tertiary",
            wrap=False,
            on_click=asking.open_thread,
            args=(one.id,),
        )
    if not listing.items:
        st.caption("No threads match." if words else "Your threads will be listed here.")
    pages.draw(listing.cursor)
