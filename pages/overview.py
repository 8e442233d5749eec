"""Overview: is the desk right and on time? Each look is recorded, and each figure opens the list that it counts."""

from datetime import UTC, datetime

import streamlit as st

from console.app import app
from console.drawing.figures import (
    Better,
    days_of,
    draw_care,
    draw_costs,
    draw_count,
    draw_figure,
    draw_groups,
    draw_models,
    draw_outcomes,
    draw_share,
    draw_waits,
)
from console.drawing.list_links import ListLinks
from console.drawing.periods import choose_period
from console.drawing.sources import place
from console.drawing.status_words import OUTCOME_WORDS, VERDICT_WORDS
from console.drawing.text import label, when
from console.format import bill, counted, took
from console.sign_in.roles import current_caller
from console.tool_words import tool_words
from core.clock import iso
from core.desk.figures import Rating
from core.desk.small_groups import MIN_PEOPLE
from core.values import Outcome

TILE = 205
OUTCOMES: tuple[tuple[Outcome, Better], ...] = (
    ("sourced", "more"),
    ("not_found", "less"),
    ("unsourced", "neither"),
    ("failed", "less"),
    ("stopped", "neither"),
)
RATINGS: tuple[tuple[Rating, str, Better], ...] = (("down", "Rated down", "less"), ("up", "Rated up", "more"))

st.set_page_config(page_title="Overview", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk
links = ListLinks("ov", may_open="auditor" in viewer.roles)

st.title("Overview")
st.caption(f"Review · each look at the figures is recorded with your purpose: {label(viewer.purpose or '', 200)}")
chosen = choose_period("ov", "30d", spread=True)
with st.spinner("Counting …"):
    total = run(desk.figures.overview(viewer, chosen.since, chosen.until))
overview = total.value
span, before, listed = overview.span, overview.before, overview.listed
st.caption(
    f"Counted at {label(when(iso(total.at)))}, at most a minute old · days are UTC · a change compares with the same "
    "length of time before · sealed threads are left out, but for cost and care"
)
days = days_of(chosen, span.days, datetime.now(UTC).date())
each = list(days.values())

st.subheader("Now")
grid = st.grid(min_column_width=TILE)
with grid.container(border=True, height="stretch"):
    draw_count("Waiting for approval", overview.waiting_calls, None, "less")
    links.calls(overview.waiting_calls, now=True, only=["waiting"])
with grid.container(border=True, height="stretch"):
    draw_count("Calls of unknown outcome", overview.unknown_calls, None, "less")
    links.calls(overview.unknown_calls, now=True, only=["unresolved"])

if not span.questions and not span.spent.calls:
    st.info("No questions were asked in this time. Choose a longer one.", icon=":material/event_busy:")
    st.stop()

st.subheader("Is it right?")
st.caption(
    "A figure counts the questions of this time. A link opens the threads with such an answer whose last activity was "
    "in this time."
)
grid = st.grid(min_column_width=TILE)
with grid.container(border=True, height="stretch"):
    asked = [sum(day.outcomes.values()) for day in each]
    draw_count("Questions", span.questions, before.questions if before else None, "neither", asked)
    links.threads(listed.threads, "in all, sealed ones too")
for outcome, better in OUTCOMES:
    with grid.container(border=True, height="stretch"):
        draw_share(
            OUTCOME_WORDS[outcome].text,
            (span.outcomes.get(outcome, 0), span.questions),
            (before.outcomes.get(outcome, 0), before.questions) if before else None,
            better,
            [day.outcomes.get(outcome, 0) for day in each],
        )
        links.threads(listed.outcomes[outcome], outcome=[outcome])
for rating, name, better in RATINGS:
    with grid.container(border=True, height="stretch"):
        draw_share(
            name,
            (span.ratings.get(rating, 0), span.questions),
            (before.ratings.get(rating, 0), before.questions) if before else None,
            better,
            [day.ratings.get(rating, 0) for day in each],
        )
        links.threads(listed.ratings[rating], rating=[rating])
for verdict, word in VERDICT_WORDS.items():
    with grid.container(border=True, height="stretch"):
        earlier = before.verdicts[verdict] if before else None
        draw_count(f"Judged: {word.text.lower()}", span.verdicts[verdict], earlier, "neither")
        links.threads(listed.verdicts[verdict], verdict=[verdict])
with grid.container(border=True, height="stretch"):
    earlier = sum(before.handed_over.values()) if before else None
    draw_count("Handed to a person", sum(span.handed_over.values()), earlier, "neither")
    st.caption(f"{span.handed_over.get('sent', 0):,} arrived")

st.subheader("Is it on time, and what does it cost?")
grid = st.grid(min_column_width=TILE)
with grid.container(border=True, height="stretch"):
    slow, was = span.first_text.p95, before.first_text.p95 if before else None
    slower = round((slow - was) / 1000, 1) if slow is not None and was is not None else None
    change = f"{slower:+,.1f} s" if slower else None if slower is None else 0
    draw_figure(
        "95 % begin within", took(slow), change, "less", [day.first_text.p95 for day in each if day.first_text.p95]
    )
    st.caption(f"Half begin within {took(span.first_text.p50)} · both are at most 10 % too high")
with grid.container(border=True, height="stretch"):
    draw_share(
        "Tool errors",
        (span.tool_errors, span.tool_calls),
        (before.tool_errors, before.tool_calls) if before else None,
        "less",
        [day.tool_errors for day in each],
    )
    links.calls(span.tool_errors, status=["failed"])
with grid.container(border=True, height="stretch"):
    draw_share(
        "Model failures",
        (span.spent.failed, span.spent.calls),
        (before.spent.failed, before.spent.calls) if before else None,
        "less",
        [day.spent.failed for day in each],
    )
    st.caption(f"Of {counted(span.spent.calls, 'request')}")
with grid.container(border=True, height="stretch"):
    known, _, unknown = bill(span.spent).partition(" + ")
    draw_figure("Cost", label(known), None, "neither", [day.spent.cost for day in each])
    if unknown:
        st.caption(f"And {unknown}")
    if before:
        st.caption(f"Before: {label(bill(before.spent))}")

draw_outcomes(days)
draw_costs(days)
draw_models(span.models)
draw_waits(days)

st.subheader("By country, handbook and tool")
st.caption(f"A group in which fewer than {MIN_PEOPLE} people asked has no figures, nor one that would give them away.")
country, handbook, tool = st.tabs(["Country", "Handbook", "Tool"], key="ov_by", on_change="rerun", bind="query-params")
if country.open:
    with country:
        groups = run(desk.figures.breakdown(viewer, "country", chosen.since, chosen.until)).value
        draw_groups(groups, {group.name: place(group.name) for group in groups if group.name}, "Country")
if handbook.open:
    with handbook:
        titles = run(app().handbook_titles())
        groups = run(
            desk.figures.breakdown(viewer, "handbook", chosen.since, chosen.until, handbooks=list(titles))
        ).value
        draw_groups(groups, titles, "Handbook")
        for group in groups:
            if group.figures and group.name:
                links.threads_citing(titles[group.name], handbook=[group.name])
if tool.open:
    with tool:
        groups = run(desk.figures.breakdown(viewer, "tool", chosen.since, chosen.until)).value
        draw_groups(groups, {group.name: tool_words(group.name).done for group in groups if group.name}, "Tool")
        for group in groups:
            if group.figures and group.name:
                links.calls(group.figures.count, f"of {label(tool_words(group.name).done)}", tool=[group.name])

st.subheader("Care")
st.caption(
    "Questions of people in need, in sealed threads too, in the whole months of this time. They cannot be opened from "
    "here."
)
draw_care(span.care)
