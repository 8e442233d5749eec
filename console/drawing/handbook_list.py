"""Drawing the list of handbooks: the state of each today, and which are past their review date."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypeAlias

import streamlit as st

from backends.handbooks.catalogue.versions import DocumentRecord, State, VersionRecord
from console.drawing.paging import draw_numbered
from console.drawing.sources import audience_words
from console.drawing.status_words import Word
from console.drawing.text import label
from console.format import counted

Wanted: TypeAlias = State | Literal["past_review"]

WORDS: dict[Wanted, Word] = {
    "current": Word("In force", "green", ":material/check:"),
    "upcoming": Word("Upcoming", "blue", ":material/event_upcoming:"),
    "superseded": Word("Superseded", "gray", ":material/history:"),
    "removed": Word("Removed", "gray", ":material/delete:"),
    "staged": Word("Incomplete", "orange", ":material/hourglass_empty:"),
    "past_review": Word("Past review", "orange", ":material/event_busy:"),
}
A_PAGE = 10
_WIDTH = 140
_FIRST: tuple[State, ...] = ("current", "upcoming", "removed", "superseded", "staged")


def status(document: DocumentRecord) -> State:
    """The state of the document today: the first of its versions' states in the order above."""
    states = {version.state for version in document.versions}
    return next(state for state in _FIRST if state in states)


def shown_version(document: DocumentRecord) -> VersionRecord:
    """The version to show: the one in force, or else the newest."""
    return next((one for one in document.versions if one.state == "current"), document.versions[0])


def past_review(document: DocumentRecord, today: date) -> bool:
    """Whether the review date of a document in force, or upcoming, has passed."""
    review_by = document.terms.review_by
    late = review_by is not None and review_by < today
    return late and status(document) in ("current", "upcoming")


def badges(document: DocumentRecord, today: date) -> str:
    """The state of the document today, as Markdown."""
    late = [WORDS["past_review"].badge] if past_review(document, today) else []
    return " ".join([WORDS[status(document)].badge, *late])


def days(version: VersionRecord) -> str:
    """`since 2026-01-01`, `2024-01-01 to 2026-06-30`, `without a date`."""
    match version.terms.effective, version.terms.until:
        case None, None:
            return "without a date"
        case None, until:
            return f"until {until}"
        case effective, None:
            return f"{'from' if version.state == 'upcoming' else 'since'} {effective}"
        case effective, until:
            return f"{effective} to {until}"


def choose(documents: Sequence[DocumentRecord], today: date) -> list[DocumentRecord]:
    """Draw the filters; the documents that pass them, those past review first, then by title."""
    owners = sorted({document.terms.owner for document in documents if document.terms.owner})
    with st.container(border=True, horizontal=True):
        words = st.text_input(
            "Title",
            key="hb_words",
            type="search",
            placeholder="Words in the title",
            width=2 * _WIDTH,
            persist_state="session",
        )
        wanted: Wanted | None = st.selectbox(
            "Status",
            list(WORDS),
            index=None,
            key="hb_status",
            placeholder="Any",
            format_func=lambda status: WORDS[status].text,
            width=_WIDTH,
            bind="query-params",
        )
        audience = st.selectbox(
            "Holds for",
            sorted({audience_words(document.terms.audience) for document in documents} - {""}),
            index=None,
            key="hb_audience",
            placeholder="Any reader",
            width=_WIDTH,
            bind="query-params",
        )
        owner = st.selectbox(
            "Owner", owners, index=None, key="hb_owner", placeholder="Any", width=_WIDTH, bind="query-params"
        )
    matching = [
        document
        for document in documents
        if (words or "").casefold() in f"{document.title} {document.id}".casefold()
        and (wanted is None or wanted == status(document) or (wanted == "past_review" and past_review(document, today)))
        and (audience is None or audience == audience_words(document.terms.audience))
        and (owner is None or owner == document.terms.owner)
    ]
    return sorted(matching, key=lambda document: (not past_review(document, today), document.title.casefold()))


def draw_samples(answering: int, withdrawn: int) -> None:
    """What happens, or has happened, to the sample handbooks."""
    if answering:
        st.caption(
            f"{counted(answering, 'sample handbook')} of a fictional company. Once you import a handbook of your own, "
            "the samples are withdrawn."
        )
    elif withdrawn:
        st.info(
            f"{counted(withdrawn, 'sample handbook')} withdrawn: the desk no longer answers from a fictional company. "
            "They stay on record as removed.",
            icon=":material/inventory_2:",
        )


def draw_documents(documents: Sequence[DocumentRecord], today: date) -> None:
    """A page of the list; each title opens its document."""
    st.caption(counted(len(documents), "document"))
    draw_numbered(documents, "hb_page", A_PAGE, lambda document: _draw(document, today), in_url=True)


def _draw(document: DocumentRecord, today: date) -> None:
    version = shown_version(document)
    holds = audience_words(document.terms.audience) or "everybody"
    with st.container(border=True):
        title, state, facts, keeping = st.columns([5, 3, 4, 4], vertical_alignment="center")
        title.page_link("../pages/handbook.py", label=label(document.title, 90), query_params={"hb_id": document.id})
        state.markdown(badges(document, today))
        facts.caption(f"Version {label(version.name)}, {label(days(version))}  \nfor {label(holds, 80)}")
        keeping.caption(
            f"{label(document.terms.owner or 'No owner', 60)}  \n{counted(document.passages, 'passage')}, "
            + (f"review by {label(str(document.terms.review_by))}" if document.terms.review_by else "no review date")
        )
