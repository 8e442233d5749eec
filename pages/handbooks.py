"""Handbooks: the documents that the desk answers from. A knowledge owner imports files here and tries questions."""

from datetime import UTC, datetime
from typing import get_args

import streamlit as st

from console.app import app
from console.demo.samples import count_samples
from console.drawing.handbook_checks import draw_gaps, draw_health, draw_trial
from console.drawing.handbook_list import choose, draw_documents, draw_samples, past_review, status
from console.drawing.handbook_uploads import draw_report, draw_upload, follow
from console.drawing.sources import place
from console.drawing.text import label
from console.format import counted
from console.people import COUNTRIES
from console.sign_in.roles import current_caller
from core.errors import InvalidInput, StoreBusy
from core.gate import Role

st.set_page_config(page_title="Handbooks", layout="wide")
caller = current_caller()
viewer, run, desk, handbooks = caller.viewer, caller.run, app().desk, app().handbooks
today = datetime.now(UTC).date()

st.title("Handbooks")
st.caption("What the desk answers from, for whom and from when.")
documents = run(handbooks.documents(viewer))
samples = count_samples(documents)
draw_samples(samples.answering, samples.withdrawn)
listed, incoming, trying, missed, index = st.tabs(
    ["Documents", "Upload", "Try a question", "Gaps", "Index"], key="hb_tab", on_change="rerun", bind="query-params"
)

if listed.open:
    with listed:
        late = sum(past_review(document, today) for document in documents)
        if late:
            st.warning(
                f"{counted(late, 'document')} past the review date: read again and set another date, or import a new "
                "version.",
                icon=":material/event_busy:",
            )
        if not any(status(document) in ("current", "upcoming") for document in documents):
            st.info(
                "There is no handbook to answer from. Upload one, or run `rolltop ingest FOLDER --as VIEWER_ID`.",
                icon=":material/upload_file:",
            )
        if documents:
            draw_documents(choose(documents, today), today)

if incoming.open:
    with incoming:
        if "hb_notice" in st.session_state:
            st.error(label(st.session_state.pop("hb_notice"), 300), icon=":material/error:")
        job = run(handbooks.job(viewer))
        chosen = draw_upload(documents, busy=job is not None and not job.over)
        if chosen is not None:
            try:
                run(handbooks.upload(viewer, chosen.files, chosen.terms))
            except (InvalidInput, StoreBusy) as error:
                st.session_state.hb_notice = str(error)
            st.rerun()
        if job is not None and not job.over:
            follow(job)
            st.rerun()
        if job is not None:
            draw_report(job)

if trying.open:
    with trying:
        with st.form("hb_try", border=True):
            question = st.text_input("Question", max_chars=2000, placeholder="As an employee would ask it")
            with st.container(horizontal=True):
                country = st.selectbox(
                    "Country",
                    COUNTRIES,
                    index=None,
                    format_func=place,
                    placeholder="Unknown",
                    accept_new_options=True,
                    width=200,
                )
                entity = st.text_input("Company of the group", placeholder="Unknown", width=200)
                role = st.selectbox("Role", get_args(Role), format_func=lambda role: role.replace("_", " "), width=200)
            asked = st.form_submit_button("Search", type="primary")
        if asked and question.strip():
            trial = run(handbooks.try_question(viewer, question, role=role, country=country, entity=entity or None))
            draw_trial(trial)

if missed.open:
    with missed:
        draw_gaps(run(desk.archive.gaps(viewer, limit=50)))

if index.open:
    with index:
        draw_health(run(handbooks.health(viewer)))
