"""Drawing the turns of one's own thread: the question, the answer, and what can be done with it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from console.asking import Asking
from console.drawing.actions import draw_actions
from console.drawing.calls import Approving
from console.drawing.care import draw_care
from console.drawing.deferred import draw_report
from console.drawing.handovers import draw_handover, draw_handovers, draw_person
from console.drawing.live import draw_live
from console.drawing.spoken import follow
from console.drawing.suggestions import draw_suggestions, suggestions
from console.drawing.turns import draw_answer, draw_ending, draw_question, draw_unsourced, needs_person
from console.drawing.versions import draw_edit
from core.desk.turn_views import TurnView
from core.log.records import Thread, Turn


def draw_running(view: TurnView, asking: Asking, rest: Callable[[], None], *, person: bool) -> None:
    """The turn that is answered just now, until it ends or waits.

    `rest` draws the rest of the page: it is called as soon as there is time. `person`: the desk can bring a matter to
    a person.
    """
    _draw_asked(view.turn, asking)
    with st.chat_message("assistant", avatar=":material/smart_toy:"):
        _draw_before_answer(view, asking, person=person)
        follow(view.turn.id)
        draw_live(partial(asking.follow, view.turn.id), rest)


def draw_turn(view: TurnView, thread: Thread, page: Sequence[TurnView], asking: Asking, *, person: bool) -> None:
    """A turn that has ended, or waits. `page` are the turns that are shown with it, `person` is as above."""
    turn = view.turn
    _draw_asked(turn, asking)
    with st.chat_message("assistant", avatar=":material/smart_toy:"):
        _draw_before_answer(view, asking, person=person)
        draw_answer(view, Approving(asking.decide, asking.preview, asking.is_off), asking.withdraw, asking.section)
        draw_ending(turn)
        draw_unsourced(view)
        prominent = person and needs_person(view)
        if not turn.concern:
            draw_handovers(view.handovers)
        if prominent:
            draw_person(view, asking.hand_over)
        if turn.ended_at:
            draw_actions(view, thread, asking, person=person and not prominent and not turn.concern)
        if thread.open:
            st.empty()  # in the place of suggestions
        elif turn.id == thread.last:
            asked = {one.turn.question for one in page}
            draw_suggestions(suggestions(view, asked), lambda question: asking.ask_again(question, None), turn.id)


def _draw_asked(turn: Turn, asking: Asking) -> None:
    if asking.edited == turn.id:
        # Whatever happens to the thread meanwhile: what is typed there must not be lost.
        draw_edit(turn, asking.ask_again, partial(asking.edit, None))
    elif not turn.report:
        draw_question(turn)


def _draw_before_answer(view: TurnView, asking: Asking, *, person: bool) -> None:
    if view.turn.report:
        draw_report(view)
    if view.turn.concern:
        hand_over = partial(draw_handover, view, asking.hand_over) if person else None
        draw_care(view.turn.concern, view.turn.id, asking.named_section, hand_over)
