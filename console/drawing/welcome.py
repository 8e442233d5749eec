"""Drawing an empty thread: what the desk can do, with examples to click."""

from collections.abc import Callable, Collection
from datetime import date, timedelta

import streamlit as st

CARD_WIDTH = 344
"""In pixels: two cards beside each other, one on a phone."""


def draw_welcome(
    ask: Callable[[str], None], *, tools: Collection[str], handbooks: bool, samples: bool, model: bool
) -> None:
    """What to expect, and examples; a click on one asks it.

    An example is shown if the desk can answer it: with one of its `tools`, or from the `samples`. `handbooks` says
    whether any handbook applies to the asker, `model` whether a language model answers.
    """
    if tools:
        st.markdown(
            "Ask about policies or your own records. Each answer shows its sources, or the tool that read them."
        )
    else:
        st.markdown("Ask about policies. Each answer shows its sources.")
    if not handbooks:
        st.info(
            "No handbook applies to you yet, so the desk cannot answer questions about policies. A knowledge owner can "
            "import handbooks on the Handbooks page, an operator with `rolltop ingest FOLDER --as VIEWER_ID`.",
            icon=":material/menu_book:",
        )
    # The second Monday from now: a request for leave in the past would be refused.
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
    with st.container(horizontal=True, gap="small"):
        for answerable, icon, topic, question in topics:
            if answerable:
                st.button(
                    f"{icon} **{topic}**  \n{question}",
                    key=f"chat_topic_{topic}",
                    width=CARD_WIDTH,
                    wrap=True,
                    on_click=ask,
                    args=(question,),
                )
    if not model:
        results = " and results of tools" if tools else ""
        st.caption(f"No language model is set up: answers are quotes from the handbooks{results}.")
