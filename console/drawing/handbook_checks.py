"""Drawing whether the handbooks answer: a tried question, questions without an answer, and the state of the index."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from backends.handbooks.service import Health, Trial
from console.drawing.paging import draw_numbered
from console.drawing.parts import draw_part
from console.drawing.sources import draw_judgement, draw_legs, draw_passage
from console.drawing.text import label, when
from console.format import counted, took
from core.desk.archive import Gap

GAPS = 20  # on a page


# A fragment: to open a passage does not search again.
@st.fragment
def draw_trial(trial: Trial) -> None:
    """A tried question: whether it is answered, and each passage with its legs and the reason for its rank."""
    st.caption(f"{counted(len(trial.passages), 'passage')} · {took(trial.took_ms)}")
    if trial.judgement:
        draw_judgement(trial.judgement)
    if not trial.passages:
        st.info(
            "No passage for this reader matches the question. Try other words, or another reader.",
            icon=":material/search_off:",
        )
    by_id = {passage.id: passage for passage in trial.passages}
    for rank, passage in enumerate(trial.passages, 1):
        with st.container(border=True):
            st.markdown(f"**{rank} · {label(' / '.join([passage.title, *passage.section]), 160)}**")
            draw_legs(passage)
            key = f"hb_tried_{passage.id}"
            draw_part("The passage", key, partial(draw_passage, passage, [], by_id, "tried"))


def draw_gaps(gaps: Sequence[Gap]) -> None:
    """Questions, without their askers, and what was wrong with each answer."""
    st.caption("Questions that the handbooks did not answer, and answers that were rated down. Askers are not shown.")
    if not gaps:
        st.info(
            "Every question has been answered so far. Others are listed here, so that you can add what is missing.",
            icon=":material/task_alt:",
        )
    draw_numbered(gaps, "hb_gaps_page", GAPS, _draw_gap, in_url=True)


def _draw_gap(gap: Gap) -> None:
    with st.container(border=True):
        st.text(gap.question if gap.question is not None else "The question has been erased.")
        badges = [":orange-badge[:material/search_off: Not in the handbooks]"] if gap.answers is False else []
        badges += [":red-badge[:material/thumb_down: Rated down]"] if gap.rated_down else []
        confidence = [f"confidence {gap.confidence:.2f}"] if gap.confidence is not None else []
        cited = [f"answered from {label(', '.join(gap.titles), 120)}"] if gap.titles else []
        st.markdown(" ".join(badges))
        st.caption(" · ".join([when(gap.asked_at), *confidence, *cited]))


def draw_health(health: Health) -> None:
    """The index in figures, and whether it is complete."""
    with st.container(horizontal=True):
        for name, value in (
            ("Documents in force", health.documents),
            ("Passages", health.passages),
            ("Without vectors", health.missing),
            ("Incomplete", health.staged),
        ):
            st.metric(name, value, border=True, width=160)
    st.caption(
        f"Embedder {label(health.embedder)}, {health.dimension} numbers a vector. Revision {health.revision}."
        if health.embedder
        else f"No embedder: search uses words only. Revision {health.revision}."
    )
    if health.missing:
        st.warning(
            f"{counted(health.missing, 'version')} can be found by words only. Import the files again, or run "
            "`rolltop ingest FOLDER --as VIEWER_ID`.",
            icon=":material/build:",
        )
    if health.staged:
        st.warning(
            f"{counted(health.staged, 'version')} could not be imported completely. Import the same file again; until "
            "then the version before answers.",
            icon=":material/hourglass_empty:",
        )
    if not health.missing and not health.staged:
        st.success("The index is complete.", icon=":material/check:")
