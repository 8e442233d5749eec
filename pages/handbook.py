"""Handbook: one document, its versions with their passages, and its terms, which a knowledge owner edits here."""

from datetime import UTC, datetime

import streamlit as st

from console.app import app
from console.drawing.handbook_list import badges, days
from console.drawing.handbook_versions import choose_version, draw_changes, draw_form, draw_text_and_passages
from console.drawing.sources import audience_words
from console.drawing.text import label
from console.sign_in.roles import current_caller
from core.errors import InvalidInput

st.set_page_config(page_title="Handbook", layout="wide")
caller = current_caller()
viewer, run, handbooks = caller.viewer, caller.run, app().handbooks
document_id = st.query_params.get("hb_id", "")


def remove() -> None:
    run(handbooks.remove(viewer, document_id))
    st.session_state.hb_notice = "Removed from search. Answers that cite it keep their source."


st.page_link("../pages/handbooks.py", label="Back to handbooks", icon=":material/arrow_back:")
document = run(handbooks.document(viewer, document_id))
if "hb_notice" in st.session_state:
    st.success(st.session_state.pop("hb_notice"), icon=":material/check:")

st.title(label(document.title, 160), anchor=False)
st.markdown(badges(document, datetime.now(UTC).date()))
version = choose_version(document)
st.caption(
    f"{label(document.id, 120)} · version {label(version.name)}, {label(days(version))} · "
    f"for {label(audience_words(document.terms.audience) or 'everybody')} · {version.kind} · "
    f"{label(document.terms.owner or 'no owner')}"
    + (f" · review by {label(str(document.terms.review_by))}" if document.terms.review_by else "")
)
with st.container(horizontal=True):
    edit = st.popover("Edit", icon=":material/edit:", key="hb_edit", on_change="rerun")
    with edit:
        terms = draw_form(document) if edit.open else None
        if terms is not None and not terms.model_fields_set:
            st.info("No field was changed.", icon=":material/info:")
        elif terms is not None:
            try:
                run(handbooks.change(viewer, document_id, terms))
            except InvalidInput as error:
                st.error(label(str(error), 300), icon=":material/error:")
            else:
                st.session_state.hb_notice = "Saved. It applies from the next question on."
                st.rerun()
    history = st.popover("Changes", icon=":material/history:", key="hb_changes", on_change="rerun")
    if history.open:
        with history:
            draw_changes(run(handbooks.changes(viewer, document_id)))
    if any(one.state != "removed" for one in document.versions):
        with st.popover("Remove", icon=":material/delete:"):
            st.markdown(
                "Search will not find it any more. Answers that cite it keep their source, and it stays on record."
            )
            st.button("Remove it from search", key="hb_remove", type="primary", on_click=remove)
draw_text_and_passages(
    version,
    run(handbooks.text(viewer, version.row)),
    lambda after, limit: run(handbooks.pieces(viewer, version.row, after, limit)),
)
