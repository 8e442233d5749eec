"""Drawing an upload: the choice of files, its progress, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import sleep

import streamlit as st

from backends.handbooks.catalogue.versions import DocumentRecord
from backends.handbooks.documents.model import AS_WRITTEN, LARGEST, SUFFIXES, LeftOut, Terms
from backends.handbooks.ingest.report import DocumentReport, Progress
from backends.handbooks.service import Job
from console.drawing.paging import draw_numbered
from console.drawing.parts import draw_part
from console.drawing.sources import place
from console.drawing.status_words import Word
from console.drawing.text import label
from console.format import counted
from console.people import COUNTRIES
from core.values import Audience

REDRAW_SECONDS = 0.2
A_PAGE = 20
_WORDS = {
    "published": Word("Imported", "green", ":material/check:"),
    "unchanged": Word("Unchanged", "gray", ":material/equal:"),
    "removed": Word("Removed", "gray", ":material/delete:"),
    "refused": Word("Refused", "red", ":material/block:"),
    "failed": Word("Failed", "red", ":material/error:"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenFiles:
    """The files to import, by name and content, and the keeper's word on them."""

    files: list[tuple[str, bytes]]
    terms: Terms


def draw_upload(documents: Sequence[DocumentRecord], busy: bool) -> ChosenFiles | None:
    """The choice of files; they are returned once, by the run in which the button is clicked."""
    st.session_state.setdefault("hb_round", 0)
    files = st.file_uploader(
        "Markdown, PDF, Word, HTML or text",
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        accept_multiple_files=True,
        # A new key empties it once its files are on their way.
        key=f"hb_files_{st.session_state.hb_round}",
        max_upload_size=LARGEST // 2**20,
        disabled=busy,
    )
    with st.container(horizontal=True):
        of = st.selectbox(
            "As a new version of",
            [document.id for document in documents],
            index=None,
            key="hb_of",
            placeholder="No other document",
            disabled=len(files) != 1,
            help="For one file. It replaces the version before from its first day in force.",
            width=320,
        )
        countries = st.multiselect(
            "Holds in",
            COUNTRIES,
            key="hb_countries",
            format_func=place,
            placeholder="As the file says",
            accept_new_options=True,
            width=320,
        )
    st.caption(
        "A file's front matter gives its title, version, effective, until, audience, owner and review_by. You can set "
        "what it lacks after the import."
    )
    if not st.button("Import", key="hb_import", type="primary", disabled=busy or not files):
        return None
    suffix = f".{files[0].name.rpartition('.')[2]}"
    named = [(f"{of}{suffix}" if of and len(files) == 1 else file.name, file.getvalue()) for file in files]
    st.session_state.hb_round += 1
    audience = Audience(countries=[country.casefold() for country in countries])
    return ChosenFiles(files=named, terms=Terms(audience=audience) if countries else AS_WRITTEN)


def follow(job: Job) -> None:
    """Show the progress until the upload is over. The upload goes on if the page is left."""
    bar = st.progress(0.0, f"Reading {counted(len(job.names), 'file')}")
    while not job.over:
        if job.progress is not None:
            bar.progress(_share(job.progress), _progress_text(job.progress))
        sleep(REDRAW_SECONDS)


def _share(progress: Progress) -> float:
    # How long reading and embedding take is unknown before, so each is half of the bar.
    read = progress.documents / max(1, progress.of_documents)
    indexed = progress.passages / max(1, progress.of_passages)
    return min(1.0, (read + indexed) / 2)


def _progress_text(progress: Progress) -> str:
    documents = f"document {progress.documents:,} of {progress.of_documents:,}"
    return f"{label(progress.name)} · {documents} · {counted(progress.passages, 'passage')}"


def draw_report(job: Job) -> None:
    """The result for each file, and the texts of it that were left out."""
    if job.error is not None:
        st.error(label(job.error, 400), title="Import failed", icon=":material/error:")
    if job.report is None:
        return
    st.subheader("Result", anchor=False)
    st.caption(label(job.report.summary, 400))
    if job.report.fault:
        st.error(label(job.report.fault, 400), icon=":material/error:")
    draw_numbered(job.report.documents, "hb_report_page", A_PAGE, _draw_document)


def _draw_document(document: DocumentReport) -> None:
    with st.container(border=True):
        st.markdown(f"**{label(document.document, 120)}** {_WORDS[document.status].badge}")
        if document.reason:
            st.text(document.reason)
        if document.status in ("published", "unchanged"):
            st.page_link(
                "../pages/handbook.py",
                label=f"Version {label(document.version)}, {counted(document.passages, 'passage')}",
                icon=":material/open_in_new:",
                query_params={"hb_id": document.document},
            )
        if document.left_out:
            _draw_left_out(document)


# A fragment: to open it reads nothing anew.
@st.fragment
def _draw_left_out(document: DocumentReport) -> None:
    def draw_text(left: LeftOut) -> None:
        page = f", page {left.page}" if left.page else ""
        st.caption(f"{label(left.reason)}{page}")
        st.text(left.text)

    key = f"hb_left_{document.document}"
    title = f"Left out: {counted(len(document.left_out), 'text')}"
    draw_part(title, key, lambda: draw_numbered(document.left_out, f"{key}_page", A_PAGE, draw_text))
