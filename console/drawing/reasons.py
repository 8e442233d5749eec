"""Drawing what an administrator decided, and the small form in which they give the reason for the next decision."""

from collections.abc import Callable

import streamlit as st

from console.drawing.text import label
from core.desk.checks import MAX_WHY
from core.values import Account


def ask_reason(button: str, key: str, decide: Callable[[str], str | None]) -> None:
    """The button that opens a form for the reason, and the form. `decide` returns why it was refused, None if not."""
    with st.popover(button, key=key), st.form(f"{key}_form", border=False, enter_to_submit=False):
        why = st.text_input("Reason", key=f"{key}_why", max_chars=MAX_WHY)
        if st.form_submit_button(button, key=f"{key}_sure", type="primary"):
            if refused := decide(why):
                st.error(label(refused, 300), icon=":material/error:")
                return
            st.rerun()


def draw_reason(why: str | None) -> None:
    """The reason on record, as it was typed."""
    if why is None:
        st.caption("The reason has been erased.")
    else:
        st.text(why)


def with_command(account: Account | None) -> str:
    """The command that made the decision, as the end of a sentence; "" if it was made on a page."""
    return label(f", with a command of {account.user} on {account.host}", 200) if account else ""
