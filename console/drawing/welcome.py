"""Drawing an empty thread: what the desk is for, as questions that are one click away."""

from collections.abc import Callable
from datetime import date, timedelta

import streamlit as st


def draw_welcome(ask: Callable[[str], None]) -> None:
    """What to expect, and examples; a click asks."""
    st.markdown(
        "Ask about policies and your own records. Policy comes with its source, records with the tool that read."
    )
    monday = date.today() + timedelta(days=14 - date.today().weekday())
    topics = (
        (":material/beach_access:", "Vacation", "How many vacation days do I have left?"),
        (":material/home_work:", "Remote work", "What is our policy on remote work?"),
        (":material/child_friendly:", "Family", "How much parental leave do I get?"),
        (":material/flight:", "Travel", "What may I spend on meals on a business trip?"),
        (":material/event_available:", "Leave", f"Request annual leave from {monday} to {monday + timedelta(days=1)}"),
    )
    for icon, topic, question in topics:
        st.button(
            f"{topic} · {question}",
            key=f"chat_topic_{topic}",
            icon=icon,
            type="tertiary",
            on_click=ask,
            args=(question,),
        )
    st.caption("HR auditors may read threads. Every look of theirs is on record with its purpose.")
