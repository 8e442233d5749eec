"""Threads: an auditor finds any thread, a handler the sealed ones. Each search is on record before its results show."""

from typing import Literal

import streamlit as st

from console.app import app
from console.drawing.choices import Choice, Facet, private_text, reset, restore, single
from console.drawing.exports import draw_export
from console.drawing.filters import draw_outdated, draw_total, fields, person
from console.drawing.paging import Pages
from console.drawing.periods import choose_period
from console.drawing.status_words import CALL_GROUPS, OUTCOME_WORDS, VERDICT_WORDS
from console.drawing.text import label
from console.drawing.thread_rows import LEGEND, draw_threads
from console.drawing.walk import Walk
from console.sign_in.roles import current_caller
from console.tool_words import tool_words
from core.desk.counts import ThreadChoices
from core.desk.filters import Judged, ThreadFilter
from core.desk.oversight import ThreadRow
from core.retrieval.search import SEARCH
from core.values import CallStatus, Outcome

st.set_page_config(page_title="Threads", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk
PAGE = 50


def draw_sealed() -> None:
    """The sealed threads, for a handler."""
    st.subheader("Sealed threads", anchor=False)
    # A prefix of its own: what is kept of the other list is brought back after these widgets are drawn.
    restore("sl")
    covered = choose_period("sl", "all")
    pages = Pages[str]("sl_pages", covered)
    listing = run(
        desk.oversight.sealed_threads(viewer, since=covered.since, until=covered.until, limit=PAGE, cursor=pages.cursor)
    )
    if listing.items:
        rows = [ThreadRow(thread=thread, verdicts={}) for thread in listing.items]
        opened = draw_threads("sl_rows", rows, "Sealed threads, the newest activity first")
        ids = tuple(thread.id for thread in listing.items)
        within = ThreadFilter(since=covered.since, until=covered.until)
        open_thread(opened, Walk(ids=ids, query=within, sealed=True, cursor=listing.cursor))
    else:
        st.info("No threads are sealed in this time.", icon=":material/lock:")
    pages.draw(listing.cursor)


def draw_all() -> None:
    """The threads of everybody, for an auditor."""
    restore("th")
    outcomes = Facet[Outcome]("th_outcome", "Answers", single({one: word.text for one, word in OUTCOME_WORDS.items()}))
    names = [*(tool.name for tool in app().tools), SEARCH]
    tools = Facet[str]("th_tool", "Tools", single({name: tool_words(name).done for name in names}), more=True)
    groups = {name: Choice(text, means) for name, (text, means) in CALL_GROUPS.items()}
    statuses = Facet[CallStatus]("th_status", "Their calls", groups)
    handbooks = Facet[str]("th_handbook", "Handbook cited", single(run(app().handbook_titles())), more=True)
    ratings = Facet[Literal["up", "down"]]("th_rating", "Rating", single({"up": "Thumbs up", "down": "Thumbs down"}))
    judged: dict[Judged, str] = {
        **{verdict: word.text for verdict, word in VERDICT_WORDS.items()},
        "none": "No verdict yet",
    }
    verdicts = Facet[Judged]("th_verdict", "Verdict", single(judged))
    models = Facet[str]("th_model", "Language model", single({name: name for name in app().models}), more=True)
    rare = (tools, statuses, ratings, verdicts, models, handbooks)

    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            words = private_text("Words", "th_words", placeholder="Words in questions and answers", search=True)
            covered = choose_period("th")
            more = st.popover("More filters", icon=":material/tune:", key="th_more")
            st.button("Reset filters", key="th_reset", icon=":material/filter_alt_off:", on_click=reset, args=("th",))
        often = st.container()
    with more:
        rarely = st.container()
        handbooks.draw_list()
        with st.container(horizontal=True):
            owner = person("th")
            metadata = fields("th_metadata", app().metadata_fields)
    wanted = ThreadFilter(
        words=words,
        owner=owner,
        since=covered.since,
        until=covered.until,
        outcomes=outcomes.values,
        tools=tools.values,
        call_statuses=statuses.values,
        handbooks=handbooks.values,
        ratings=ratings.values,
        models=models.values,
        verdicts=verdicts.values,
        metadata=metadata,
    )
    pages = Pages[str]("th_pages", repr(wanted))
    listing = run(desk.oversight.search_threads(viewer, wanted, limit=PAGE, cursor=pages.cursor))
    among: ThreadChoices = {
        "outcomes": outcomes.among,
        "tools": tools.among,
        "call_statuses": statuses.among,
        "ratings": ratings.among,
        "models": models.among,
    }
    counted = run(desk.oversight.count_threads(viewer, wanted, among))
    facets = counted.value.facets if counted else {}
    with often:
        outcomes.draw_pills(facets.get("outcomes"))
    with rarely:
        tools.draw_pills(facets.get("tools"))
        statuses.draw_pills(facets.get("call_statuses"))
        ratings.draw_pills(facets.get("ratings"))
        verdicts.draw_pills()
        models.draw_pills(facets.get("models"))

    chosen = [f"{facet.label}: {facet.summary}" for facet in rare if facet.summary]
    chosen += ["One person"] * bool(owner) + [f"{name}: {value}" for name, value in metadata.items()]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        draw_total("thread", counted, chosen)
        draw_export(run, desk.exports, viewer, wanted, "th")
    draw_outdated(run(desk.oversight.outdated()))
    if listing.items:
        opened = draw_threads("th_rows", listing.items, "Threads, the newest activity first")
        ids = tuple(row.thread.id for row in listing.items if isinstance(row, ThreadRow))
        open_thread(opened, Walk(ids=ids, query=wanted, cursor=listing.cursor))
        st.caption(LEGEND)
    elif wanted == ThreadFilter():
        st.info("No questions have been asked yet. Threads appear here with the first one.", icon=":material/forum:")
    elif wanted == ThreadFilter(since=covered.since, until=covered.until):
        st.info("No threads in this time. Choose a longer one, such as “Any time”.", icon=":material/search_off:")
    else:
        st.info("No threads match. Reset the filters, or choose a longer time.", icon=":material/search_off:")
    pages.draw(listing.cursor)


def open_thread(opened: tuple[str, str | None] | None, walk: Walk) -> None:
    """Go to the thread that was opened, at the turn with the words that were searched for. `walk` is its list."""
    if opened:
        st.session_state.th_walk = walk
        thread, turn = opened
        st.switch_page("../pages/thread.py", query_params={"tr_id": thread} | ({"tr_turn": turn} if turn else {}))


st.title("Threads", anchor=False)
st.caption(
    f"Review · each search and each opened thread is recorded with your purpose: {label(viewer.purpose or '', 200)}"
)
if "handler" in viewer.roles:
    draw_sealed()
if "auditor" in viewer.roles:
    draw_all()
