"""Drawing what can be asked again: in its place, in other words or below, and the way between the versions of a place.

A version that another one has replaced stays on record, with all that followed it.
"""

from collections.abc import Callable
from typing import TypeAlias

import streamlit as st

from core.desk.turn_views import TurnView
from core.log.records import Thread, Turn
from core.turn.branches import why_not

Ask: TypeAlias = Callable[[str, str | None], None]
"""Asks a question in the place of the turn with this id; None asks it below the newest turn."""


def draw_again(turn: Turn, thread: Thread, ask: Ask, edit: Callable[[str], None]) -> None:
    """The buttons that ask the turn's question again, or open the form to edit it, unless nobody has asked it.

    Call it while the thread has no open turn.
    """
    if turn.question is None or turn.report:
        return
    # A courtesy: core checks again whether the turn may be replaced.
    if reason := why_not(thread, turn):
        st.button(
            "Ask again below",
            key=f"again_{turn.id}",
            icon=":material/refresh:",
            type="tertiary",
            help=f"It cannot be asked again in its place: {reason}.",
            on_click=ask,
            args=(turn.question, None),
        )
        return
    st.button(
        "Ask again",
        key=f"again_{turn.id}",
        icon=":material/refresh:",
        type="tertiary",
        on_click=ask,
        args=(turn.question, turn.id),
    )
    st.button("Edit", key=f"edit_{turn.id}", icon=":material/edit:", type="tertiary", on_click=edit, args=(turn.id,))


def draw_edit(turn: Turn, ask: Ask, cancel: Callable[[], None]) -> None:
    """The turn's question in a form. Its text stays as it was typed until it is sent or given up."""
    key = f"edit_text_{turn.id}"
    question = turn.question or ""
    with st.chat_message("user", avatar=":material/person:"), st.form(f"edit_form_{turn.id}", border=False):
        st.text_area("Edit your question", question, key=key, max_chars=max(4000, len(question)))
        with st.container(horizontal=True):
            st.form_submit_button(
                "Send",
                key=f"edit_send_{turn.id}",
                type="primary",
                on_click=lambda: ask(st.session_state[key], turn.id),
            )
            st.form_submit_button("Cancel", key=f"edit_cancel_{turn.id}", on_click=cancel)


def draw_versions(view: TurnView, show: Callable[[str], None]) -> None:
    """Which version of the turn is shown, and the way to the ones before and after it, if there are any."""
    if view.version is None:
        return
    turns, at = [version.turn for version in view.versions], view.version - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        _draw_way("Previous", ":material/chevron_left:", turns, at - 1, show)
        st.caption(f"Version {view.version} of {len(turns)}", width="content")
        _draw_way("Next", ":material/chevron_right:", turns, at + 1, show)


def _draw_way(word: str, icon: str, turns: list[str], to: int, show: Callable[[str], None]) -> None:
    exists = 0 <= to < len(turns)
    st.button(
        word,
        key=f"version_{word}_{turns[0]}",
        icon=icon,
        icon_position="left" if word == "Previous" else "right",
        type="tertiary",
        disabled=not exists,
        help=f"Show version {to + 1}, with what followed it" if exists else None,
        on_click=show,
        args=(turns[to],) if exists else None,
    )
