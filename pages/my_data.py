"""My data: what is kept about the viewer, in which role others have looked at it, and what the viewer can do."""

from functools import partial

import streamlit as st

from console.app import app
from console.drawing.limits import draw_own_limits
from console.drawing.my_data import (
    draw_erasures,
    draw_looks,
    draw_own_export,
    draw_own_thread,
    draw_thread_link,
    draw_totals,
)
from console.drawing.paging import Pages
from console.drawing.text import label
from console.drawing.troubles import REFUSALS, why_refused
from console.drawing.usage import draw_own_usage
from console.format import counted
from console.sign_in.roles import current_caller
from core.desk.exports.contents import ExportFormat
from core.desk.exports.exports import MAX_ROWS, MAX_THREADS
from core.ids import MAX_USER_ID

st.set_page_config(page_title="My data", layout="centered")
caller = current_caller()
viewer, run, desk, state = caller.viewer, caller.run, app().desk, st.session_state
ROWS = 10  # on a page of each list


def ask(thread_id: str) -> None:
    try:
        run(desk.ask_erasure(viewer, thread_id))
    except REFUSALS as error:
        state.md_notice = f"Erasure not asked for: {why_refused(error)}"


def withdraw(thread_id: str) -> None:
    try:
        run(desk.withdraw_erasure(viewer, thread_id))
    except REFUSALS as error:
        state.md_notice = f"The request was not taken back: {why_refused(error)}"


def export(threads: list[str] | None, file_format: ExportFormat) -> bytes:
    return run(desk.exports.export_own(viewer, threads, file_format)).content


st.title("My data", anchor=False)
st.caption(
    "What this desk keeps about you, and who has looked at it. This page shows you your own data alone. "
    f"Your id here is {label(viewer.id, MAX_USER_ID)}."
)
if "md_notice" in state:
    st.warning(label(state.pop("md_notice"), 300), icon=":material/error:")

st.subheader("What is kept about you", anchor=False)
totals = run(desk.own_data.totals(viewer))
elsewhere = "what tools did for you in other systems is kept there. Ask the People team about it."
if app().demo:
    elsewhere = "the HR records of this demo, with your leave and letters, and the tickets that were sent for you."
draw_totals(totals, run(desk.archive.person(viewer)), elsewhere)
if totals.threads:
    note = ""
    if totals.threads > MAX_THREADS or totals.questions > MAX_ROWS:
        note = (
            f" A file holds at most {MAX_THREADS} threads and {MAX_ROWS:,} questions, so these hold your newest "
            "threads. Export each older one below."
        )
    draw_own_export("Export everything", partial(export, None), "md_everything", note)

st.subheader("What you have used", anchor=False)
st.caption(
    "Tokens are the pieces of text that a model reads and writes. Days are UTC. No page adds them up for anybody else."
)
draw_own_usage(run(desk.own_data.usage(viewer)))
draw_own_limits(run(desk.own_limits(viewer)))

pages = Pages[str]("md_erasures", viewer.id)
erasures = run(desk.own_data.erasures(viewer, limit=ROWS, cursor=pages.cursor))
if erasures.items:
    st.subheader("Your requests for erasure", anchor=False)
    draw_erasures(erasures.items, withdraw)
    pages.draw(erasures.cursor)

st.subheader("Who has looked at your data", anchor=False)
delay = desk.own_data.looks_shown_after.days
pages = Pages[str]("md_looks", viewer.id)
looks = run(desk.own_data.looks_at_own(viewer, limit=ROWS, before=pages.cursor))
st.caption(
    "Each look by another person is recorded. You see when it was, in which role and why, not the person's name."
    + (f" Looks are shown after {counted(delay, 'day')}." if delay else "")
)
draw_looks(looks.items)
if not looks.items:
    st.info(f"No looks are on record{' from before that' if delay else ''}.", icon=":material/visibility_off:")
pages.draw(looks.cursor)

st.subheader("Your threads", anchor=False)
pages = Pages[str]("md_threads", viewer.id)
threads = run(desk.archive.threads(viewer, limit=ROWS, cursor=pages.cursor))
for thread in threads.items:
    draw_own_thread(thread, partial(export, [thread.id]), desk.erase_after, ask, withdraw)
if not threads.items:
    st.info("You have not asked anything yet. Your threads will be listed here.", icon=":material/chat:")
pages.draw(threads.cursor)

st.subheader("Is something wrong?", anchor=False)
st.markdown(
    "Open the thread, rate the answer down and choose *Talk to a person*: the People team corrects what is wrong in "
    "your records. The answer itself stays on record as it was given."
    if app().handover
    else "Tell the People team which answer is wrong. The answer itself stays on record as it was given."
)
if threads.items:
    draw_thread_link(threads.items[0], "Open the newest thread")
