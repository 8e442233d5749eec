"""Drawing the list of the keys that Ask HR knows; `box.js` and the buttons listen for them."""

import streamlit as st

NEW_THREAD = "Ctrl+Shift+O"
KEYS = {
    "/": "Write a question",
    NEW_THREAD: "New thread",
    "Ctrl+K": "Search your threads",
    "Esc": "Stop the answer",
    "?": "This list",
}


def draw_shortcuts() -> None:
    """A button that opens the list."""
    with st.popover("Keys", type="tertiary", icon=":material/keyboard:", key="chat_keys"):
        st.markdown("\n".join(f"- `{key}` {what}" for key, what in KEYS.items()))
        st.caption("Keys without Ctrl work outside of text fields. On a Mac, Cmd stands for Ctrl.")
