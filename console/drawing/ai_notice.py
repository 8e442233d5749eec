"""Drawing the notice that the desk is an AI, and who can read what is asked of it."""

from collections.abc import Callable

import streamlit as st

NOTICE = "ai-and-readers-1"
"""The version of the words below, which is on record with an acknowledgement: new words need a new one."""

_WORDS = (
    "**You are talking to an AI.** It answers from the handbooks and your HR records. It can be wrong: check the "
    "sources. Each answer is saved before you see it.",
    "**Who can read this?** You. HR auditors who state a purpose: each look is recorded, and shown to you under My "
    "data. A thread about somebody in need is sealed: handlers can read it, auditors cannot. Your manager cannot.",
)


def draw_ai_notice(acknowledge: Callable[[], None]) -> None:
    """The notice, with the button that puts its acknowledgement on record."""
    with st.container(border=True, key="chat_ai_notice", gap="xsmall"):
        for words in _WORDS:
            st.markdown(f":small[{words}]")
        st.button("I understand", key="chat_understood", type="primary", on_click=acknowledge)


def draw_readers() -> None:
    """The same words behind a click."""
    with st.popover("Who can see this?", type="tertiary", icon=":material/visibility:", key="chat_readers"):
        st.markdown("\n\n".join(_WORDS))
