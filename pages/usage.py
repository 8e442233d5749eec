"""Usage: how much the desk is used, by day, entity and model, without what a few people use."""

import streamlit as st

from console.app import app
from console.drawing.limits import draw_reached
from console.drawing.periods import choose_period
from console.drawing.text import label, when
from console.drawing.usage import NAMES, draw_days, draw_usage, draw_used
from console.sign_in.roles import current_caller
from core.clock import iso
from core.desk.small_groups import MIN_PEOPLE

st.set_page_config(page_title="Usage", layout="centered")
caller = current_caller()
viewer, run, figures = caller.viewer, caller.run, app().desk.figures

st.title("Usage", anchor=False)
st.caption(
    "Administration · numbers, nothing of what people wrote, and of single people only who is at a limit · your look "
    "is recorded."
)
st.subheader("At a limit", anchor=False)
draw_reached(run(app().desk.administration.limits_reached(viewer)))
st.subheader("Used", anchor=False)
chosen = choose_period("us", "30d", spread=True)
with st.spinner("Counting …"):
    days = run(figures.usage(viewer, "day", chosen.since, chosen.until))
st.caption(
    f"Counted at {label(when(iso(days.at)))}, at most a minute old · days are UTC · sealed threads are in model calls, "
    "tokens and cost, and in no other number"
)
if not days.value.groups:
    st.info("No questions were asked in this time. Choose a longer one.", icon=":material/event_busy:")
    st.stop()
if days.value.total is None:
    st.info(
        f"Fewer than {MIN_PEOPLE} people asked in this time, so nothing of it is shown. Choose a longer one.",
        icon=":material/group_off:",
    )
    st.stop()

draw_used(days.value.total)
st.subheader("Questions per day", anchor=False)
draw_days(days.value.groups)
st.subheader("By day, entity and model", anchor=False)
st.caption(
    f"A group in which fewer than {MIN_PEOPLE} people asked has no numbers, nor one that would give them away. A "
    "question counts for each model that answered in it. The entity is that of the sign-in."
)
tabs = st.tabs(list(NAMES.values()), key="us_by", on_change="rerun", bind="query-params")
for by, tab in zip(NAMES, tabs, strict=True):
    if tab.open:
        with tab:
            draw_usage(run(figures.usage(viewer, by, chosen.since, chosen.until)).value, by)
