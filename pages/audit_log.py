"""Audit log: looks, searches, exports and denials. A data protection officer's listing is on record too."""

import streamlit as st

from console.app import app
from console.drawing.looks import DEED_WORDS, about_whom, actions_of, what, why
from console.drawing.paging import Pages
from console.drawing.periods import choose_period
from console.drawing.text import label, when
from console.sign_in.roles import current_caller
from core.desk.filters import LookFilter

st.set_page_config(page_title="Audit log", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk
officer = "data_protection_officer" in viewer.roles

st.title("Audit log")
if officer:
    st.caption(f"Oversight · each listing is recorded with your purpose: {label(viewer.purpose or '', 200)}")
else:
    st.caption("Oversight · your own entries. A data protection officer sees those of everybody.")
with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
    period = choose_period("al")
    by = None
    if officer:
        by = st.text_input("Who", key="al_by", placeholder="Any id", max_chars=128, width=150, persist_state="session")
    deeds = st.pills(
        "Kind",
        list(DEED_WORDS),
        selection_mode="multi",
        key="al_kind",
        format_func=DEED_WORDS.__getitem__,
        wrap=True,
        bind="query-params",
    )
    denied = st.toggle("Denied only", key="al_denied", bind="query-params")

wanted = LookFilter(
    by=(by or "").strip() or None,
    actions=actions_of(deeds),
    denied=True if denied else None,
    since=period.since,
    until=period.until,
)
pages = Pages[str]("al_pages", (wanted.by, wanted.actions, wanted.denied, wanted.since, wanted.until))
listing = run(desk.oversight.looks(viewer, wanted, limit=50, cursor=pages.cursor))
if listing.items:
    st.dataframe(
        {
            "When": [when(look.at, seconds=True) for look in listing.items],
            "Who": [look.by for look in listing.items],
            "What": [what(look) for look in listing.items],
            "About whom": [about_whom(look) for look in listing.items],
            "Purpose": [why(look) for look in listing.items],
            "Object": [look.object or "-" for look in listing.items],
        },
        hide_index=True,
        column_order=None if officer else ["When", "What", "About whom", "Purpose", "Object"],
        column_config={
            "When": st.column_config.TextColumn(width=185),
            "Who": st.column_config.TextColumn(width=70),
            "What": st.column_config.TextColumn(width=300),
            "About whom": st.column_config.TextColumn(width=115),
            "Purpose": st.column_config.TextColumn(width=150),
            "Object": st.column_config.TextColumn(width="small", help="The full id of what was opened"),
        },
        height="content",
        key="al_table",
        alt=f"Audit log, {len(listing.items)} entries: when, who, what, about whom, purpose, object",
    )
else:
    st.info("No entries match. Choose a longer time, or remove a filter.", icon=":material/search_off:")
pages.draw(listing.cursor)
