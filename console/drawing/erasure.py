"""Asking for erasure: what is erased and when, what stays, and the consent."""

from collections.abc import Callable
from datetime import datetime, timedelta

import streamlit as st

from console.drawing.text import label, reader_zone, titled
from console.format import counted, short_day
from core.clock import iso
from core.log.records import Thread


@st.dialog("Ask for erasure", icon=":material/auto_delete:")
def confirm_erasure(thread: Thread, erase_after: timedelta, ask: Callable[[str], None]) -> None:
    """A dialog over the page. `erase_after` is the desk's time from a request to the erasure."""
    draw_erasure(thread, erase_after, ask, st.rerun)


def draw_erasure(
    thread: Thread, erase_after: timedelta, ask: Callable[[str], None], leave: Callable[[], object]
) -> None:
    """What the dialog says, and its two buttons. `leave` is called after either of them."""
    due = short_day(iso(datetime.now(reader_zone()) + erase_after), reader_zone())
    st.markdown(
        f"What you and the assistant wrote in **{label(titled(thread))}** will be erased in "
        f"{counted(erase_after.days, 'day')}, on {due}. Until then, you can take the request back."
    )
    st.markdown(
        "- **Stays on record:** that there was a thread and when, which tools ran and with what outcome, what it cost, "
        "and who has looked at it.\n"
        "- **Stays outside of this desk:** what was sent or done for you, such as tickets and booked leave."
    )
    with st.container(horizontal=True):
        asked = st.button("Ask for erasure", key="erasure_ask", type="primary", on_click=ask, args=(thread.id,))
        if st.button("Cancel", key="erasure_cancel") or asked:
            leave()
