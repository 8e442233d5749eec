"""Ask HR: ask, check the source, act.

The page submits and follows; the desk answers, with or without an open page. The page draws what is on record, so a
reload, a second tab and a phone show the same.
"""

from dataclasses import asdict

import streamlit as st

from console.app import app
from console.asking import Asking
from console.components.scripts import component
from console.drawing import dialogs
from console.drawing.ai_notice import draw_ai_notice, draw_readers
from console.drawing.deferred import watch
from console.drawing.own_turns import draw_running, draw_turn
from console.drawing.shortcuts import draw_shortcuts
from console.drawing.sources import mount_markers
from console.drawing.spoken import draw_spoken
from console.drawing.text import label
from console.drawing.thread_list import draw_thread_list
from console.drawing.thread_menu import draw_begun, draw_thread_menu
from console.drawing.troubles import draw_unreadable
from console.drawing.waiting import draw_waiting
from console.drawing.welcome import draw_welcome
from console.sign_in.roles import current_caller
from core.values import OPEN_TURN

st.set_page_config(page_title="Ask HR", layout="centered")
caller = current_caller()
viewer = caller.viewer
asking = Asking(caller, app().desk, app().handbooks)
run, archive, state = asking.run, asking.desk.archive, st.session_state
TURNS = 10  # on a page
dialogs.closed()

reader = not viewer.roles.isdisjoint(("auditor", "handler"))
if reader and asking.thread and not run(archive.owns(viewer, asking.thread)):
    # A link that an employee has sent: those who may read the thread read it on the page for that.
    st.switch_page("../pages/thread.py", query_params={"tr_id": asking.thread})

must_wait = asking.ask_waiting()
waiting = asking.waiting.all

notice, chips = st.bottom.container(), st.bottom.container() if waiting else st.bottom.empty()
stop_button = st.bottom.container()
# Not inside st.bottom: it goes there by itself, and only then does the page scroll along with a growing answer.
st.chat_input(
    "Ask about leave, pay, benefits", key="chat", max_chars=4000, on_submit=lambda: asking.ask_below(state.chat)
)
with st.bottom.container(key="chat_foot", horizontal=True, horizontal_alignment="center", gap="xsmall"):
    menu = st.empty()
    draw_readers()
    draw_shortcuts()
with notice:
    asking.draw_notice()
with st.container(key="scripts_box"):
    component("box")(
        key="chat_box",
        data={
            "person": viewer.id,
            "thread": asking.thread or "new",
            "asked": state.chat_request_id,
            "waiting": [asdict(question) for question in waiting],
            "edited": state.get("chat_edited"),
        },
        on_kept_change=lambda: asking.waiting.restore(state.chat_box.kept),
    )

sidebar = st.sidebar.container()
head = st.container(key="chat_head", horizontal=True, vertical_alignment="center")
shown, transcript = asking.thread, None
if shown is not None:
    before, at = asking.place
    transcript = run(archive.transcript(viewer, shown, last=TURNS, before=before, at=at))
with head:
    st.title(label(transcript.thread.title or "Ask HR") if transcript else "Ask HR", anchor=False, width="content")
    st.badge("AI", icon=":material/smart_toy:", color="gray")
if transcript:
    with menu:
        draw_thread_menu(asking, transcript.thread)
    draw_begun(asking, transcript.thread)
draw_spoken([view.turn for view in transcript.turns] if transcript else [])
branch = (shown, transcript.thread.hidden if transcript else None)
# Another branch's messages, or another thread's, would stay below the new ones for as long as an answer streams:
# Streamlit reuses a block in the same place, unless the new block has another type.
if state.setdefault("chat_shown", branch) != branch:
    state.chat_shown = branch
    state.chat_turned = not state.get("chat_turned", False)
area = st.columns(1)[0] if state.get("chat_turned") else st.container().container()
# Below the conversation: it stays in view, and the conversation stays the first thing on the page.
with st.container():
    if not asking.acknowledged:
        draw_ai_notice(asking.acknowledge)

if transcript is None:
    with sidebar:
        draw_thread_list(asking)
    offer = run(app().offer(viewer))
    tools = {tool.name for tool in app().tools}
    with area:
        draw_welcome(
            asking.ask_below,
            tools=tools,
            handbooks=offer.handbooks,
            samples=offer.samples,
            model=app().models != ["offline:"],
        )
    st.stop()

mount_markers()
thread, views = transcript.thread, transcript.turns
busy = thread.open is not None
if must_wait and not busy:
    st.rerun()  # the turn has ended in this very run
if waiting:
    with chips:
        parked = any(view.turn.status == "awaiting_approval" for view in views)
        draw_waiting(waiting, asking.edit_waiting, asking.remove_waiting, parked=parked)
with area:
    if transcript.earlier is not None:
        st.button(
            "Earlier turns",
            key="chat_earlier",
            icon=":material/expand_less:",
            on_click=asking.go,
            kwargs={"before": transcript.earlier},
        )
    draw_unreadable(transcript.unreadable)
places = [area.container() for _ in views]
for turn in (view.turn for view in views if view.turn.status in OPEN_TURN):
    stop_button.button(
        "Stop", key="chat_stop", icon=":material/stop:", shortcut="Esc", on_click=asking.stop, args=(turn.id,)
    )


def draw_rest() -> None:
    """Everything but the running turn."""
    with sidebar:
        draw_thread_list(asking)
    for view, place in zip(views, places, strict=True):
        if view.turn.status != "running":
            with place:
                draw_turn(view, thread, views, asking, person=app().handover)


for view, place in zip(views, places, strict=True):
    if view.turn.status == "running":
        # Its first words come before anything that the page shows already.
        with place:
            draw_running(view, asking, draw_rest, person=app().handover)
        st.rerun()
draw_rest()
if transcript.later is not None:
    with area.container(horizontal=True):
        st.button(
            "Later turns",
            key="chat_later",
            icon=":material/expand_more:",
            on_click=asking.go,
            kwargs={"at": transcript.later},
        )
        st.button("Newest turns", key="chat_newest", type="tertiary", on_click=asking.go)
if thread.deferred:
    # A decision and its report come without a click. Nothing else on this page has a timer.
    watch(lambda: not dialogs.is_open() and run(archive.thread(viewer, thread.id)).n != thread.n)
