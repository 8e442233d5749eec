"""Drawing what the asker says of an answer: thumbs, and the reason for a thumb down. All of it can be changed later."""

from typing import Literal, Protocol

import streamlit as st

from console.drawing.status_words import DISLIKE_WORDS
from core.log.records import Turn
from core.values import Dislike

OPEN = "rating_open"
"""In the session's state: the turn whose reason is asked for."""


class Rate(Protocol):
    """Puts a rating of the turn with this id on record; None takes it back."""

    def __call__(
        self, turn_id: str, rating: Literal["up", "down"] | None, comment: str = "", dislike: Dislike | None = None
    ) -> None: ...


def draw_rating(turn: Turn, rate: Rate) -> None:
    """Thumbs, as they are on record. A click records another rating, or withdraws it; a thumb down asks why."""
    key = f"rating_{turn.id}"
    ratings: tuple[Literal["down", "up"], ...] = ("down", "up")

    def changed() -> None:
        thumb = st.session_state[key]
        rating = None if thumb is None else ratings[thumb]
        # At once: what is said of it may never come.
        rate(turn.id, rating)
        st.session_state[OPEN] = turn.id if rating == "down" else None

    st.feedback("thumbs", key=key, default=ratings.index(turn.rating) if turn.rating else None, on_change=changed)


def draw_reason(turn: Turn, rate: Rate) -> None:
    """Why the answer is rated down: as it was said, or the form that asks for it."""
    if turn.rating != "down":
        return
    if st.session_state.get(OPEN) == turn.id:
        _draw_form(turn, rate)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"You said: {DISLIKE_WORDS[turn.dislike]}" if turn.dislike else "Rated down", width="content")
        st.button(
            "Change the reason" if turn.dislike or turn.comment else "Say why",
            key=f"rating_why_{turn.id}",
            type="tertiary",
            on_click=_open,
            args=(turn.id,),
        )
    if turn.comment:
        st.text(turn.comment)


def _draw_form(turn: Turn, rate: Rate) -> None:
    reason, comment = f"rating_reason_{turn.id}", f"rating_comment_{turn.id}"

    def send() -> None:
        state = st.session_state
        rate(turn.id, "down", comment=state[comment], dislike=state[reason])
        _open(None)

    with st.form(f"rating_form_{turn.id}"):
        st.pills(
            "What was wrong with the answer?",
            list(DISLIKE_WORDS),
            key=reason,
            default=turn.dislike,
            format_func=lambda dislike: DISLIKE_WORDS[dislike],
        )
        st.text_area("In your words (optional)", turn.comment or "", key=comment, max_chars=4000, height=80)
        st.caption("Your rating counts already. The reason is kept with the thread, for the same readers.")
        with st.container(horizontal=True):
            st.form_submit_button("Send", key=f"rating_send_{turn.id}", type="primary", on_click=send)
            st.form_submit_button("Not now", key=f"rating_later_{turn.id}", on_click=_open, args=(None,))


def _open(turn_id: str | None) -> None:
    st.session_state[OPEN] = turn_id
