"""Drawing the verdicts on an answer, and the form to judge it; its keys do all without a mouse."""

from collections.abc import Callable
from typing import TypeAlias, get_args

import streamlit as st

from console.drawing.status_words import CAUSE_WORDS, VERDICT_WORDS
from console.drawing.text import label, when
from console.drawing.walk import Steps, is_answer
from console.format import counted
from core.gate import Viewer
from core.log.records import Given, Review, Turn
from core.values import Cause, Verdict

Judge: TypeAlias = Callable[[str, Verdict, Cause | None, str, str], str | None]
"""Puts a verdict on a turn on record: with a cause, a note, a corrected answer. Says why it did not; None if it did."""

_scroll = st.components.v2.component(
    "rolltop.scroll_here",
    js="export default ({ parentElement: at }) => { (at.host || at).scrollIntoView({ block: 'center' }); }",
)


def draw_judge(turn: Turn, review: Review | None, viewer: Viewer, judge: Judge, steps: Steps) -> None:
    """The verdicts on the turn's answer and the form for one's own, in a part that opens."""
    if not is_answer(turn):
        return
    if turn.owner == viewer.id:
        st.caption("You cannot judge the answers to your own questions.")
        return
    opens = f"jd_panel_{turn.id}"
    st.session_state[opens] = steps.open == turn.id
    verdicts = f" · {counted(len(review.given), 'verdict')}" if review else ""
    if st.session_state.get("jd_scroll") == turn.id:
        st.session_state.jd_scroll = None
        _scroll(key="jd_scroll_here")
    with st.expander(
        f"Judge{verdicts}", key=opens, icon=":material/rule:", on_change=steps.toggle, args=(turn.id,)
    ) as panel:
        if panel.open:
            _draw_panel(turn, review, viewer, judge, steps)


# A fragment: to choose a verdict runs this part alone, and not the page, whose every run is a recorded look.
@st.fragment
def _draw_panel(turn: Turn, review: Review | None, viewer: Viewer, judge: Judge, steps: Steps) -> None:
    given = review.given if review else []
    for verdict in given:
        _draw_given(verdict)
    mine = next((verdict for verdict in given if verdict.by == viewer.id), None)
    chosen = _draw_choice(turn, mine.verdict if mine else None)
    # Ctrl+Enter is the button's: as the form's own key it would also press the first button.
    with st.form(f"jd_form_{turn.id}", enter_to_submit=False, border=False):
        cause: Cause | None = None
        if chosen == "wrong":
            cause = st.pills(
                "Why is it wrong?",
                get_args(Cause),
                default=mine.cause if mine else None,
                format_func=lambda cause: CAUSE_WORDS[cause],
                key=f"jd_cause_{turn.id}",
            )
        note = st.text_area(
            "Note (optional)", (mine and mine.note) or "", key=f"jd_note_{turn.id}", height=80, max_chars=4000
        )
        corrected = st.text_area(
            "Corrected answer (optional)",
            (mine and mine.corrected) or "",
            key=f"jd_corrected_{turn.id}",
            height=80,
            max_chars=4000,
        )
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", key=f"jd_save_{turn.id}", disabled=chosen is None)
            save_on = st.form_submit_button(
                "Save and next",
                key=f"jd_save_on_{turn.id}",
                type="primary",
                shortcut="Ctrl+Enter",
                disabled=chosen is None,
            )
    if steps.ends:
        steps.draw_end()
    if chosen and (save or save_on):
        uncaused = chosen == "wrong" and cause is None
        if problem := "Choose why it is wrong." if uncaused else judge(turn.id, chosen, cause, note, corrected):
            st.error(label(problem, 300), icon=":material/error:")
            return
        if save_on:
            steps.on()
        st.rerun()


def _draw_choice(turn: Turn, recorded: Verdict | None) -> Verdict | None:
    """The verdicts as buttons with keys, the chosen one marked; the recorded one is chosen at first."""
    chosen: Verdict | None
    of, chosen = st.session_state.get("jd_chosen", (None, None))
    if of != turn.id:
        chosen = recorded

    def choose(verdict: Verdict) -> None:
        st.session_state.jd_chosen = (turn.id, verdict)

    verdicts: tuple[Verdict, ...] = get_args(Verdict)
    with st.container(horizontal=True):
        for number, verdict in enumerate(verdicts, 1):
            # In the label, because a screen reader does not tell a button's icon.
            mark = "radio_button_checked" if verdict == chosen else "radio_button_unchecked"
            st.button(
                f":material/{mark}: {VERDICT_WORDS[verdict].text}",
                key=f"jd_{verdict}_{turn.id}",
                shortcut=str(number),
                on_click=choose,
                args=(verdict,),
            )
    return chosen


def _draw_given(given: Given) -> None:
    """A person's verdict; its texts are shown as they were typed."""
    cause = f" · {CAUSE_WORDS[given.cause]}" if given.cause else ""
    st.markdown(f"{VERDICT_WORDS[given.verdict].badge}{cause} · {label(given.by)} · {when(given.at)}")
    if given.note is None:
        st.caption("The note has been erased.")
    elif given.note:
        st.text(given.note)
    if given.corrected:
        st.caption("Corrected answer")
        st.text(given.corrected)
