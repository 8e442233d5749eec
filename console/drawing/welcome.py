"""Drawing an empty thread: what the desk is for, as questions that are one click away."""

from collections.abc import Callable, Collection
from datetime import date, timedelta

import streamlit as st


def draw_welcome(ask: Callable[[str], None], *, tools: Collection[str], handbooks: bool, samples: bool) -> None:
    """What to expect, and examples; a click asks.

    An example is shown if the desk can answer it: by one of its `tools`, or from the `samples`. `handbooks`: any
    handbook holds for the asker.
    """
    if tools:
        st.markdown(
            "Ask about policies and your own records. Policy comes with its source, records with the tool that read."
        )
    else:
        st.markdown("Ask about policies. Each answer comes with its source.")
    if not handbooks:
        st.info(
            "No handbook holds for you yet, so the desk cannot answer questions about policies. A knowledge owner "
            "imports them on the Handbooks page, or with `rolltop ingest FOLDER --as VIEWER_ID`.",
            icon=":material/menu_book:",
        )
    monday = date.today() + timedelta(days=14 - date.today().weekday())
    topics = (
        ("vacation_balance" in tools, ":material/beach_access:", "Vacation", "How many vacation days do I have left?"),
        (samples, ":material/home_work:", "Remote work", "What is our policy on remote work?"),
        (samples, ":material/child_friendly:", "Family", "How much parental leave do I get?"),
        (samples, ":material/flight:", "Travel", "What may I spend on meals on a business trip?"),
        (
            "request_leave" in tools,
            ":material/event_available:",
            "Leave",
            f"Request annual leave from {monday} to {monday + timedelta(days=1)}",
        ),
    )
    for answerable, icon, topic, question in topics:
        if answerable:
            st.button(
                f"{topic} · {question}",
                key=f"chat_topic_{topic}",
                icon=icon,
                type="tertiary",
                on_click=ask,
                args=(question,),
            )
    st.caption("HR auditors may read threads. Every look of theirs is on record with its purpose.")
