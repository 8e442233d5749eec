"""Drawing limits: how much of each the viewer has used, and for administrators who is at one, and until when."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from console.drawing.text import again, label
from console.format import money
from core.ids import MAX_USER_ID
from core.limits import LimitState

_COUNTED = {"turns": "questions", "tokens": "tokens", "usd": "cost"}


def draw_own_limits(states: Sequence[LimitState]) -> None:
    """The viewer's limits, how much of each is used, and until when if it is reached; nothing without limits."""
    if states:
        st.markdown("\n".join(f"- **Limit, {_words(one.limit)}:** {_used(one)}" for one in states))


def draw_reached(states: Sequence[LimitState]) -> None:
    """Who is at a limit, and until when. How much somebody has used is not shown."""
    if not states:
        st.caption("Nobody is at a limit now.")
        return
    st.table(
        {
            "Who": ["All people together" if one.person is None else label(one.person, MAX_USER_ID) for one in states],
            "Limit": [_words(one.limit).capitalize() for one in states],
            "Again": [_until(one) for one in states],
        },
        hide_index=True,
        alt="Who is at a limit, and until when",
    )


def _words(limit: str) -> str:
    """`questions a day` for `person_turns_a_day`."""
    if limit == "question_characters":
        return "characters of a question"
    _, counted, *of = limit.split("_")
    return label(" ".join([_COUNTED.get(counted, counted), *of]))


def _used(state: LimitState) -> str:
    used, most = (_amount(state.limit, amount) for amount in (state.used, state.most))
    if state.limit == "question_characters":  # no question uses up a part of it
        return most
    return f"{used} of {most}{f', reached: again {_until(state)}' if state.reached else ''}"


def _amount(limit: str, amount: int | Decimal) -> str:
    return label(money(int(Decimal(amount).scaleb(9))) if "_usd_" in limit else f"{amount:,}")


def _until(state: LimitState) -> str:
    return "when a question has been answered" if state.until is None else label(again(state.until))
