"""Threads: an auditor finds any thread, a handler the sealed ones. Each search is on record before its results show."""

from typing import get_args

import streamlit as st

from console.app import app
from console.drawing.exports import draw_export
from console.drawing.filters import WIDTH, day_range, person
from console.drawing.paging import Pages
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label, when
from console.format import cost, counted
from console.sign_in import current_viewer
from core.desk.filters import ThreadFilter
from core.desk.oversight import SealedThread
from core.log.records import Thread
from core.values import Outcome

st.set_page_config(page_title="Threads", layout="wide")
viewer = current_viewer()
run, desk = app().run, app().desk


def draw_sealed() -> None:
    """The sealed threads, for a handler."""
    with st.container(horizontal=True, border=True):
        since, until = day_range("th_sealed")
    pages = Pages[str]("th_sealed_pages", (since, until))
    listing = run(desk.oversight.sealed_threads(viewer, since=since, until=until, limit=25, cursor=pages.cursor))
    if not listing.items:
        st.info("No threads are sealed in this time.", icon=":material/lock:")
    for thread in listing.items:
        with st.container(border=True):
            topic = label((thread.topic or "topic not known").replace("_", " "))
            draw_thread(thread, f":violet-badge[:material/lock: Sealed · {topic}]")
    pages.draw(listing.cursor)


def draw_all() -> None:
    """The threads of everybody, for an auditor."""
    with st.container(border=True):
        words = st.text_input(
            "Words",
            key="th_words",
            type="search",
            placeholder="Words in questions and answers",
            persist_state="session",
        )
        with st.container(horizontal=True):
            owner = person("th")
            outcome = st.selectbox(
                "Outcome",
                get_args(Outcome),
                index=None,
                key="th_outcome",
                placeholder="Any",
                width=WIDTH,
                bind="query-params",
            )
            since, until = day_range("th")
    pages = Pages[str]("th_pages", (words, owner, outcome, since, until))
    wanted = ThreadFilter(
        words=words or "", owner=owner, outcomes=(outcome,) if outcome else (), since=since, until=until
    )
    listing = run(desk.oversight.search_threads(viewer, wanted, limit=25, cursor=pages.cursor))
    draw_export(run, desk.exports, viewer, wanted, "th")
    if not listing.items:
        st.info("No threads match. Remove a filter, or use fewer words.", icon=":material/search_off:")
    for thread in listing.items:
        with st.container(border=True):
            if isinstance(thread, SealedThread):
                st.markdown(f":violet-badge[:material/lock: Sealed] {when(thread.updated_at)}")
                st.caption(f"{label(thread.id)} · open to handlers only")
            else:
                status = thread.thread.status
                draw_thread(thread.thread, TURN_WORDS[status].badge if status else "Empty")
    pages.draw(listing.cursor)


def draw_thread(thread: Thread, badge: str) -> None:
    """A thread's row: its title, which opens it, its badge and its facts."""
    title, state, facts = st.columns([4, 2, 4], vertical_alignment="center")
    # A longer label would be cut off without a sign of it.
    title.page_link(
        "../pages/thread.py", label=label(thread.title or "Untitled", 44), query_params={"tr_id": thread.id}
    )
    state.markdown(badge)
    turns = counted(thread.turns, "turn")
    facts.caption(f"{label(thread.owner)} · {when(thread.updated_at)} · {turns} · {label(cost(thread.totals))}")


st.title("Threads")
st.caption(
    f"Review · each search and each opened thread is recorded with your purpose: {label(viewer.purpose or '', 200)}"
)
if "handler" in viewer.roles:
    draw_sealed()
if "auditor" in viewer.roles:
    draw_all()
