"""Ask HR: ask, check the source, act.

The page submits and follows; the desk answers, with or without an open page. The page draws what is on record, so a
reload, a second tab and a phone show the same.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Literal
from uuid import uuid4

import streamlit as st

from console.app import app
from console.drawing.care import draw_care
from console.drawing.deferred import draw_report, watch
from console.drawing.handovers import draw_handover
from console.drawing.live import draw_live
from console.drawing.paging import Pages
from console.drawing.status_words import TURN_WORDS
from console.drawing.text import label
from console.drawing.troubles import REFUSALS, draw_unreadable, why_refused
from console.drawing.turns import (
    draw_answer,
    draw_ending,
    draw_question,
    draw_rating,
    draw_unsourced,
    needs_person,
)
from console.drawing.versions import draw_again, draw_edit, draw_versions
from console.drawing.welcome import draw_welcome
from console.sign_in import current_viewer
from core.errors import RequestMismatch
from core.live.events import Event
from core.log.records import DeferredCall, ToolCall, Turn
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


def ask(text: str, request_id: str, replaces: str | None = None) -> str | None:
    """Put the question on record, in the place of the turn `replaces` if there is one. Returns why not, in words.

    A second click brings the same `request_id` and is the same question.
    """
    try:
        if "thread" not in query:
            query["thread"] = run(desk.create_thread(viewer)).id
        run(desk.submit(viewer, query["thread"], text, request_id=request_id, replaces=replaces))
        go()
        state.chat_request_id = uuid4().hex
    except RequestMismatch:
        # The last question is on record, and its script ended before it could renew the id.
        state.chat_request_id = uuid4().hex
        return ask(text, state.chat_request_id, replaces)
    except REFUSALS as error:
        return f"Not saved: {why_refused(error)}"
    return None


def ask_below(text: str, request_id: str) -> None:
    """Ask what is in the box; it goes back there, with the reason above it, if it is not put on record."""
    if reason := ask(text, request_id):
        state.chat = text
        state.chat_notice = f"{reason} Your question is still in the box."


def ask_again(text: str, replaces: str | None) -> None:
    """Ask what is shown on the page already. A form stays open with its text if the question is not put on record."""
    if reason := ask(text, request_id, replaces):
        state.chat_notice = reason
    else:
        edit(None)


def edit(turn_id: str | None) -> None:
    """Open the form for the question of this turn; None closes it."""
    state.chat_edit = turn_id


@contextmanager
def saying(what_failed: str) -> Iterator[None]:
    """If this fails, say so above the box."""
    try:
        yield
    except REFUSALS as error:
        state.chat_notice = f"{what_failed}: {why_refused(error)}"


def show(turn_id: str) -> None:
    """Show this version, with what followed it when it was left."""
    with saying("Not shown"):
        run(desk.show(viewer, turn_id))
        go(at=turn_id)


def decide(call: ToolCall, outcome: Literal["approve", "deny"]) -> None:
    with saying("Not saved"):
        # The digest is that of the arguments on the card: if they have changed since, core refuses.
        run(desk.decide(viewer, call.id, outcome, call.digest))


def withdraw(call: DeferredCall) -> None:
    with saying("Not withdrawn"):
        if run(desk.withdraw(viewer, call.call)).closed != "withdrawn":
            state.chat_notice = "Not withdrawn: the request was decided on, or has expired. See below it."


def section(passage: Passage) -> list[Passage]:
    return run(app().handbooks.section(viewer, passage))


def named_section(card: CareCard) -> list[Passage]:
    return run(app().handbooks.named_section(viewer, card.document or "", card.section))


def hand_over(turn: Turn, attached: Attached, note: str) -> None:
    """Send the matter of the turn to a person; a double click is the same request."""
    again = len(next(view for view in views if view.turn.id == turn.id).handovers)
    with saying("Not sent"):
        run(desk.hand_over(viewer, turn.id, attach=attached, note=note, request_id=f"click-{again}"))


def follow(turn_id: str) -> AbstractContextManager[Iterator[Event]]:
    return stream(desk.follow(viewer, turn_id))


def stop(turn_id: str) -> None:
    with saying("Not stopped"):
        run(desk.stop(viewer, turn_id))


def rate(turn_id: str, rating: Literal["up", "down"] | None) -> None:
    with saying("Your rating was not saved"):
        run(desk.give_feedback(viewer, turn_id, rating))


reader = not viewer.roles.isdisjoint(("auditor", "handler"))
if reader and "thread" in query and not run(desk.archive.owns(viewer, query["thread"])):
    # A link that an employee has sent: those who may read the thread read it on the page for that.
    st.switch_page("../pages/thread.py", query_params={"tr_id": query["thread"]})

notice, stop_button = st.bottom.container(), st.bottom.container()
# Not inside st.bottom: it goes there by itself, and only then does the page scroll along with a growing answer.
st.chat_input(
    "Ask about leave, pay, benefits", key="chat", max_chars=4000, on_submit=lambda: ask_below(state.chat, request_id)
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
    for one in listing.items:
        icon = TURN_WORDS[one.status].icon if one.status in ("running", "awaiting_approval") else None
        st.button(
            label(one.title or "Untitled"),
            key=f"chat_open_{one.id}",
            icon=icon,
            type="secondary" if one.id == query.get("thread") else "tertiary",
            wrap=False,
            on_click=open_thread,
            args=(one.id,),
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

shown, transcript = query.get("thread"), None
if shown is not None:
    of, before, at = state.get("chat_place", (shown, None, None))
    if of != shown:
        before = at = None
    transcript = run(desk.archive.transcript(viewer, shown, last=TURNS, before=before, at=at))
branch = (shown, transcript.thread.hidden if transcript else None)
# Another branch's messages, or another thread's, would stay below the new ones for as long as an answer streams:
# Streamlit reuses a block in the same place, unless the new block has another type.
if state.setdefault("chat_shown", branch) != branch:
    state.chat_shown = branch
    state.chat_turned = not state.get("chat_turned", False)
area = st.columns(1)[0] if state.get("chat_turned") else st.container().container()

if transcript is None:
    offer = run(app().offer(viewer))
    tools = {tool.name for tool in app().tools}
    with area:
        draw_welcome(
            partial(ask_below, request_id=request_id), tools=tools, handbooks=offer.handbooks, samples=offer.samples
        )
    st.stop()

thread, views = transcript.thread, transcript.turns
busy = thread.open is not None
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
        if state.get("chat_edit") == turn.id:
            # Whatever happens to the thread meanwhile: what is typed there must not be lost.
            draw_edit(turn, ask_again, partial(edit, None))
        elif not turn.report:
            draw_question(turn)
    with area.chat_message("assistant", avatar=":material/smart_toy:"):
        if turn.report:
            draw_report(view)
        if turn.concern:
            person = partial(draw_handover, view, hand_over) if app().handover else None
            draw_care(turn.concern, turn.id, named_section, person)
        if turn.status == "running":
            draw_live(partial(follow, turn.id))
            st.rerun()
        draw_answer(view, decide, withdraw, section)
        draw_ending(turn)
        draw_unsourced(view)
        if app().handover and needs_person(view):
            draw_handover(view, hand_over)
        # An element in the place of the row: what is left out of a block would stay in view while an answer streams.
        with st.empty() if busy else st.container(horizontal=True, vertical_alignment="center"):
            if turn.ended_at and turn.text:
                draw_rating(turn, rate)
            if not busy:
                draw_again(turn, thread, ask_again, edit)
                draw_versions(view, show)
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
if thread.deferred:
    # A decision and its report come without a click. Nothing else on this page has a timer.
    watch(lambda: run(desk.archive.thread(viewer, thread.id)).n != thread.n)
