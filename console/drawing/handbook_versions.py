"""Drawing one handbook: a version's text beside its passages, and the form of its terms."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil

import streamlit as st

from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord, VersionRecord
from backends.handbooks.documents.model import Terms
from console.drawing.handbook_list import WORDS, days
from console.drawing.paging import draw_numbered
from console.drawing.parts import draw_part
from console.drawing.text import label, markdown, shown, when
from console.format import counted
from core.clock import iso
from core.gate import ROLES
from core.values import Audience, Passage

PANE = 640
SHORT = 10
"""Passages up to which the list does not scroll by itself."""
A_PAGE, CHANGES = 50, 20
AROUND = 4_000
"""Characters of the text before and after a passage."""

Pieces = Callable[[int, int], Sequence[Passage]]
"""At most so many passages, the second number, after the first ones, in the order of the text."""


def choose_version(document: DocumentRecord) -> VersionRecord:
    """The version to show: the one in force, until the viewer chooses another."""
    current = next((n for n, one in enumerate(document.versions) if one.state == "current"), 0)
    if len(document.versions) == 1:
        return document.versions[0]
    return st.selectbox(
        "Version",
        document.versions,
        index=current,
        key=f"hb_version_{document.id}",
        format_func=lambda one: f"{one.name} · {WORDS[one.state].text} · {days(one)}",
        width=480,
    )


def draw_text_and_passages(version: VersionRecord, text: str, pieces: Pieces) -> None:
    """The text on the left, from the chosen passage on; a page of the passages on the right, of which one is chosen."""
    count, key = version.passages, str(version.row)
    if not count:
        st.info("This version has no passages, so search cannot find it.", icon=":material/search_off:")
        return
    left, right = st.columns([3, 2], gap="medium")
    with right:
        st.markdown(f"**{counted(count, 'passage')}**")
        pages, choice = ceil(count / A_PAGE), st.container()
        page = st.pagination(pages, key="hb_passages", max_visible_pages=5, bind="query-params") if pages > 1 else 1
        first = (page - 1) * A_PAGE
        passages = dict(enumerate(pieces(first, A_PAGE), first))
        with choice.container(height=PANE if len(passages) > SHORT else "content", border=True):
            chosen = st.radio(
                "Passages",
                list(passages),
                # Another page has other passages, of which the first is chosen.
                key=f"hb_passage_{key}_{page}",
                format_func=lambda n: f"{n + 1} · {label(' / '.join(passages[n].section) or passages[n].title, 90)}",
                captions=[_extent(passage) for passage in passages.values()],
                label_visibility="collapsed",
            )
    with left:
        st.markdown(f"**The document, at passage {chosen + 1}**")
        with st.container(height=PANE, border=True):
            _draw_around(text, passages[chosen])


def _extent(passage: Passage) -> str:
    place = [f"page {passage.page}"] if passage.page else []
    span = [f"characters {passage.start:,} to {passage.end:,}"] if passage.start is not None else []
    return " · ".join([counted(len(passage.text.split()), "word"), *place, *span])


# A fragment: to open the text before the passage does not read the document again.
@st.fragment
def _draw_around(text: str, passage: Passage) -> None:
    # The text before the passage is folded away, so that the passage is at the top.
    if passage.start is None or passage.end is None:
        st.markdown(markdown(passage.text), anchors=False)
        return
    start, end = max(0, passage.start - AROUND), passage.end + AROUND
    before, after = text[start : passage.start].rstrip(), text[passage.end : end].lstrip()
    if before:
        draw = partial(st.markdown, ("… " if start else "") + markdown(before), anchors=False)
        draw_part("Text before it", f"hb_before_{passage.id}", draw)
    with st.container(border=True, key="hb_chosen"):
        st.badge("The passage", icon=":material/bookmark:", color="orange")
        st.markdown(markdown(text[passage.start : passage.end]), anchors=False)
    st.markdown(markdown(after) + (" …" if end < len(text) else ""), anchors=False)


def draw_form(document: DocumentRecord) -> Terms | None:
    """The form of a document's terms. None until Save is clicked; then only the fields that differ are set."""
    newest = next(one for one in document.versions if one.state != "staged")
    days = {"effective": newest.terms.effective, "until": newest.terms.until}
    before = document.terms.model_copy(update=days)
    with st.form(f"hb_form_{document.id}", border=False):
        countries = _listed("Countries", before.audience.countries, [])
        entities = _listed("Companies of the group", before.audience.entities, [])
        roles = _listed("Roles", before.audience.roles, sorted(ROLES))
        first, last = st.columns(2)
        effective = first.date_input("In force from", before.effective)
        until = last.date_input("Last day in force", before.until)
        owner = first.text_input("Owner", before.owner or "", max_chars=120)
        review_by = last.date_input("Review by", before.review_by)
        st.caption("The dates are the newest version's. Empty lists: it holds for everybody.")
        if not st.form_submit_button("Save", type="primary"):
            return None
    after = {
        "effective": effective,
        "until": until,
        "audience": Audience(countries=countries, entities=entities, roles=roles),
        "owner": owner.strip() or None,
        "review_by": review_by,
    }
    return Terms.model_validate({name: value for name, value in after.items() if value != getattr(before, name)})


def _listed(name: str, chosen: Sequence[str], options: Sequence[str]) -> list[str]:
    words: list[str] = st.multiselect(
        name, sorted({*chosen, *options}), list(chosen), accept_new_options=not options, placeholder="Everybody"
    )
    return sorted({word.strip().casefold() for word in words})


def draw_changes(changes: Sequence[ChangeRecord]) -> None:
    """A page of the changes of the document, the newest first."""
    if not changes:
        st.caption("No changes: the document is as its file says.")
    draw_numbered(changes, "hb_changes_page", CHANGES, _draw_change)


def _draw_change(change: ChangeRecord) -> None:
    fields = ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in change.what.items())
    st.markdown(f"{label(change.by)}, {when(iso(change.at))}: {label(fields, 300)}")
