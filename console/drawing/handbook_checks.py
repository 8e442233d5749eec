"""Drawing whether the handbooks answer: a tried question, questions that went wrong, and how the index is."""

from collections.abc import Sequence

import streamlit as st

from backends.handbooks.service import Health, Trial
from console.drawing.sources import draw_judgement, draw_legs, draw_passage
from console.drawing.text import label, when
from console.format import counted, took
from core.desk.archive import Gap


def draw_trial(trial: Trial) -> None:
    """What a question brought: whether it answers, and each passage with its legs and the reason for its place."""
    st.caption(f"{counted(len(trial.passages), 'passage')} · {took(trial.took_ms)}")
    if trial.judgement:
        draw_judgement(trial.judgement)
    if not trial.passages:
        st.info(
            "Nothing that holds for this reader comes near the question. Try other words, or another reader.",
            icon=":material/search_off:",
        )
    found = {passage.id: passage for passage in trial.passages}
    for rank, passage in enumerate(trial.passages, 1):
        with st.container(border=True):
            st.markdown(f"**{rank} · {label(' / '.join([passage.title, *passage.section]), 160)}**")
            draw_legs(passage)
            with st.expander("The passage", type="compact"):
                draw_passage(passage, [], found)


def draw_gaps(gaps: Sequence[Gap]) -> None:
    """What was asked, by nobody in particular, and what was wrong with the answer."""
    st.caption("Questions that the handbooks did not answer, and answers that were rated down. Who asked is not shown.")
    if not gaps:
        st.info(
            "No question has gone without an answer yet. Those that do are listed here: write what they lack.",
            icon=":material/task_alt:",
        )
    for gap in gaps:
        with st.container(border=True):
            st.text(gap.question if gap.question is not None else "The question has been erased.")
            said = [":orange-badge[:material/search_off: Not in the handbooks]"] if gap.answers is False else []
            said += [":red-badge[:material/thumb_down: Rated down]"] if gap.rated_down else []
            sure = [f"confidence {gap.confidence:.2f}"] if gap.confidence is not None else []
            cited = [f"answered from {label(', '.join(gap.titles), 120)}"] if gap.titles else []
            st.markdown(" ".join(said))
            st.caption(" · ".join([when(gap.asked_at), *sure, *cited]))


def draw_health(health: Health) -> None:
    """Which vectors the index holds and whether all of them are there, in figures and in words."""
    with st.container(horizontal=True):
        for name, value in (
            ("Documents in force", health.documents),
            ("Passages", health.passages),
            ("Lack vectors", health.missing),
            ("Half-way in", health.staged),
        ):
            st.metric(name, value, border=True, width=200)
    st.caption(
        f"Embedder {label(health.embedder)}, {health.dimension} numbers a vector. Revision {health.revision}."
        if health.embedder
        else f"No embedder: the handbooks are searched by words alone. Revision {health.revision}."
    )
    if health.missing:
        st.warning(
            f"{counted(health.missing, 'version')} can be found by words only. Take the files in again, or run "
            "`rolltop ingest` with their folder.",
            icon=":material/build:",
        )
    if health.staged:
        st.warning(
            f"{counted(health.staged, 'version')} came half-way in. The version before answers until the same file is "
            "taken in again.",
            icon=":material/hourglass_empty:",
        )
    if not health.missing and not health.staged:
        st.success("Everything that can be found is whole.", icon=":material/check:")
