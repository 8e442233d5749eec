"""What screen readers are told: how a turn that was followed has ended, once, and that a question was not sent.

Streamed text is outside of live regions, so its end would go unheard.
"""

from collections.abc import Iterable

import streamlit as st

from console.components.scripts import component
from core.log.records import Turn
from core.values import TurnStatus

_ENDINGS: dict[TurnStatus, str] = {
    "completed": "Answer complete",
    "cancelled": "Answer stopped",
    "awaiting_approval": "Waiting for your approval",
}
_OTHERWISE = "The answer ended early"

_status = component("status")


def follow(turn_id: str) -> None:
    """The end of this turn is to be said, once a run finds it."""
    st.session_state.chat_followed = turn_id


def say(text: str, of: str) -> None:
    """Say the text with the next run, once for the same `of`."""
    st.session_state.chat_said = {"id": of, "text": text}


def draw_spoken(turns: Iterable[Turn]) -> None:
    """The place where it is said. `turns` are those on the page."""
    state = st.session_state
    followed = next((turn for turn in turns if turn.id == state.get("chat_followed")), None)
    if followed is None:
        state.pop("chat_followed", None)
    elif followed.status != "running":
        del state.chat_followed
        say(_ENDINGS.get(followed.status, _OTHERWISE), f"{followed.id} {followed.status}")
    with st.container(key="scripts_spoken"):
        _status(key="chat_status", data=state.get("chat_said", {}))
