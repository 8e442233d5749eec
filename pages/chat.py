"""Ask HR: ask, check the source, act.

The page submits and follows; the desk answers, with or without an open page. The page draws what is on record, so a
reload, a second tab and a phone show the same.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Literal
from uuid import uuid4

import streamlit as st

from console.app import app
from console.drawing.care import draw_care
from console.drawing.handovers import draw_handover
from console.drawing.live import draw_live
from console.drawing.paging import Pages
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label
from console.drawing.troubles import draw_unreadable, store_says
from console.drawing.turns import (
    draw_again,
    draw_answer,
    draw_ending,
    draw_question,
    draw_rating,
    draw_unsourced,
    needs_person,
)
from console.drawing.welcome import draw_welcome
from console.sign_in import current_viewer
from core.errors import (
    Corrupt,
    DeskClosed,
    Full,
    InvalidInput,
    NotFound,
    RequestMismatch,
    StoreRefused,
    TurnInProgress,
    Unavailable,
)
from core.live.events import Event
from core.log.records import ToolCall, Turn
from core.values import Attached, CareCard, Passage

st.set_page_config(page_title="Ask HR", layout="centered")
viewer = current_viewer()
run, stream, desk = app().run, app().stream, app().desk
state, query = st.session_state, st.query_params
request_id: str = state.setdefault("chat_request_id", uuid4().hex)
TURNS, THREADS = 10, 20  # on a page


def open_thread(thread_id: str | None) -> None:
    """Show the thread, or an empty one for None. The URL holds it, so that a reload and a link show the same."""
    query.from_dict({"thread": thread_id} if thread_id else {})


def go(before: int | None = None, at: str | None = None) -> None:
    """Show the turns before this entry, or from this turn on; the newest ones without either."""
    state.chat_place = (query.get("thread"), before, at)


def ask(text: str, request_id: str) -> None:
    """Put the question on record. A second click brings the same `request_id` and is the same question."""
    try:
        if "thread" not in query:
            query["thread"] = run(desk.create_thread(viewer)).id
        run(desk.submit(viewer, query["thread"], text, request_id=request_id))
        go()
        state.chat_request_id = uuid4().hex
    except RequestMismatch:
        # The last question is on record, and its script ended before it could renew the id.
        state.chat_request_id = uuid4().hex
        ask(text, state.chat_request_id)
    except TurnInProgress as error:
        waiting = error.status == "awaiting_approval"
        way_out = "Approve or deny its request first, or stop it." if waiting else "Wait for it, or stop it."
        refuse(text, f"The last question is not finished. {way_out}")
    except NotFound:
        refuse(text, "This thread was not found. Start a new one: your question is still in the box.")
    except (Unavailable, StoreRefused, Full, DeskClosed, Corrupt) as error:
        refuse(text, f"Not saved: {store_says(error)} Your question is still in the box.")
    except InvalidInput as error:
        refuse(text, str(error))


def refuse(text: str, reason: str) -> None:
    """Put the question back into the box, with the reason above it."""
    state.chat = text
    state.chat_notice = reason


def decide(call: ToolCall, outcome: Literal["approve", "deny"], reason: str) -> None:
    try:
        # The digest is that of the arguments on the card: if they have changed since, core refuses.
        run(desk.decide(viewer, call.id, outcome, call.digest, reason=reason or None))
    except NotFound:
        state.chat_notice = "Not saved: this request is no longer waiting for you."
    except InvalidInput as error:
        state.chat_notice = f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full, DeskClosed) as error:
        state.chat_notice = f"Not saved: {store_says(error)}"


def section(passage: Passage) -> list[Passage]:
    return run(app().handbooks.section(viewer, passage))


def named_section(card: CareCard) -> list[Passage]:
    return run(app().handbooks.named_section(viewer, card.document or "", card.section))


def hand_over(turn: Turn, attached: Attached, note: str) -> None:
    """Send the matter of the turn to a person; a double click is the same request."""
    again = len(next(view for view in views if view.turn.id == turn.id).handovers)
    try:
        run(desk.hand_over(viewer, turn.id, attach=attached, note=note, request_id=f"click-{again}"))
    except InvalidInput as error:
        state.chat_notice = f"Not sent: {error}"
    except (Unavailable, StoreRefused, Full) as error:
        state.chat_notice = f"Not sent: {store_says(error)}"


def follow(turn_id: str) -> AbstractContextManager[Iterator[Event]]:
    return stream(desk.follow(viewer, turn_id))


def stop(turn_id: str) -> None:
    try:
        run(desk.stop(viewer, turn_id))
    except (Unavailable, StoreRefused, Full) as error:
        state.chat_notice = f"Not stopped: {store_says(error)}"


def rate(turn_id: str, rating: Literal["up", "down"] | None) -> None:
    try:
        run(desk.give_feedback(viewer, turn_id, rating))
    except (Unavailable, StoreRefused, Full) as error:
        state.chat_notice = f"Your rating was not saved: {store_says(error)}"


reader = not viewer.roles.isdisjoint(("auditor", "handler"))
if reader and "thread" in query and not run(desk.archive.owns(viewer, query["thread"])):
    # A link that an employee has sent: those who may read the thread read it on the page for that.
    st.switch_page("../pages/thread.py", query_params={"tr_id": query["thread"]})

notice, stop_button = st.bottom.container(), st.bottom.container()
# Not inside st.bottom: it goes there by itself, and only then does the page scroll along with a growing answer.
st.chat_input(
    "Ask about leave, pay, benefits", key="chat", max_chars=4000, on_submit=lambda: ask(state.chat, request_id)
)
if "chat_notice" in state:
    notice.warning(label(state.pop("chat_notice"), 300), icon=":material/error:")

with st.sidebar:
    st.button("New thread", icon=":material/add:", width="stretch", on_click=open_thread, args=(None,))
    words = st.text_input(
        "Search your threads",
        key="chat_words",
        type="search",
        placeholder="Search your threads",
        label_visibility="collapsed",
    )
    pages = Pages[str]("chat_list", words)
    listing = run(desk.archive.threads(viewer, words=words, limit=THREADS, cursor=pages.cursor))
    for thread in listing.items:
        icon = TURN_WORDS[thread.status].icon if thread.status in ("running", "awaiting_approval") else None
        st.button(
            label(thread.title or "Untitled"),
            key=f"chat_open_{thread.id}",
            icon=icon,
            type="secondary" if thread.id == query.get("thread") else "tertiary",
            wrap=False,
            on_click=open_thread,
            args=(thread.id,),
        )
    if not listing.items:
        st.caption("No threads match." if words else "Your threads will be listed here.")
    pages.draw(listing.cursor)

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Ask HR", width="content")
    st.badge("AI assistant", icon=":material/smart_toy:", color="gray")
if app().models == ["offline:"]:
    results = " and results of tools" if app().tools else ""
    st.caption(f"No language model is set up: answers are quotes from the handbooks{results}.")

shown = query.get("thread")
# Another thread's messages would stay below this one's for as long as an answer streams: Streamlit reuses a block in
# the same place, unless the new block has another type.
if state.setdefault("chat_shown", shown) != shown:
    state.chat_shown = shown
    state.chat_turned = not state.get("chat_turned", False)
area = st.columns(1)[0] if state.get("chat_turned") else st.container().container()

if shown is None:
    offer = run(app().offer(viewer))
    tools = {tool.name for tool in app().tools}
    with area:
        draw_welcome(partial(ask, request_id=request_id), tools=tools, handbooks=offer.handbooks, samples=offer.samples)
    st.stop()

of, before, at = state.get("chat_place", (shown, None, None))
if of != shown:
    before = at = None
transcript = run(desk.archive.transcript(viewer, shown, last=TURNS, before=before, at=at))
views = transcript.turns
with area:
    if transcript.earlier is not None:
        st.button(
            "Earlier turns",
            key="chat_earlier",
            icon=":material/expand_less:",
            on_click=go,
            kwargs={"before": transcript.earlier},
        )
    draw_unreadable(transcript.unreadable)
for view in views:
    turn = view.turn
    if turn.status in ("running", "awaiting_approval"):
        stop_button.button(
            "Stop", key="chat_stop", icon=":material/stop:", shortcut="Esc", on_click=stop, args=(turn.id,)
        )
    with area:
        draw_question(turn)
    with area.chat_message("assistant", avatar=":material/smart_toy:"):
        if turn.concern:
            person = partial(draw_handover, view, hand_over) if app().handover else None
            draw_care(turn.concern, turn.id, named_section, person)
        if turn.status == "running":
            draw_live(partial(follow, turn.id))
            st.rerun()
        draw_answer(view, viewer, decide, section)
        if draw_ending(turn) and view is views[-1]:
            draw_again(turn, partial(ask, request_id=request_id))
        if any(call.status == "awaiting_approval" and call.approval == "approver" for call in view.calls):
            st.button("Check again", key="chat_check", icon=":material/refresh:", type="tertiary")
        draw_unsourced(view)
        if app().handover and needs_person(view):
            draw_handover(view, hand_over)
        if turn.status not in ("running", "awaiting_approval") and turn.text:
            draw_rating(turn, rate)
if transcript.later is not None:
    with area.container(horizontal=True):
        st.button(
            "Later turns",
            key="chat_later",
            icon=":material/expand_more:",
            on_click=go,
            kwargs={"at": transcript.later},
        )
        st.button("Newest turns", key="chat_newest", type="tertiary", on_click=go)
