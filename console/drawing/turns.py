"""Drawing a turn from its record: the question, the steps, the answer, its sources, and how it ended."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from console.drawing.calls import Approving, draw_approval, draw_step
from console.drawing.deferred import draw_deferred
from console.drawing.parts import draw_part
from console.drawing.records import draw_records
from console.drawing.sources import Section, draw_sources, with_markers
from console.drawing.status_words import OUTCOME_WORDS, what_went_wrong
from console.drawing.text import again, label, shown, when
from core.clock import moment
from core.desk.turn_views import TurnView
from core.log.records import DeferredCall, Imported, Turn
from core.values import OPEN_TURN, ImportedCall


def draw_question(turn: Turn) -> None:
    """The asker's words as they were typed; markup in them is shown as text."""
    with st.chat_message("user", avatar=":material/person:"):
        if turn.question is None:
            st.caption("The question has been erased.")
        else:
            st.text(turn.question)


def draw_answer(
    view: TurnView, approving: Approving, withdraw: Callable[[DeferredCall], None], section: Section
) -> None:
    """The turn's steps, text, sources and cards of calls that wait, as far as they are on record.

    Call it inside the assistant's chat message.
    """
    _draw_answer(view, section)
    for call in view.calls:
        if call.status == "awaiting_approval":
            draw_approval(call, approving)
    planned = {call.id: call.planned for call in view.calls}
    for deferred in view.deferred:
        draw_deferred(deferred, planned.get(deferred.call), withdraw, off=approving.is_off(deferred.tool))


# A fragment: to open a step or a source draws this answer anew, and not the page.
@st.fragment
def _draw_answer(view: TurnView, section: Section) -> None:
    turn = view.turn
    for call in view.calls:
        if call.status != "awaiting_approval":
            draw_step(call)
    if turn.text:
        st.markdown(with_markers(turn.text, turn.citations), anchors=False)
    elif turn.answer_erased:
        st.caption("The answer has been erased.")
    draw_sources(turn.text, turn.citations, view.retrievals, section, turn.id)
    draw_records(view.calls)


def is_unanswered(view: TurnView) -> bool:
    """Whether the search before the answer judged that the handbooks do not answer the question."""
    return any(retrieval.call is None and retrieval.answers is False for retrieval in view.retrievals)


def draw_unsourced(view: TurnView) -> None:
    """What was searched in vain, with a warning if a model gave an answer although the handbooks do not have it."""
    turn = view.turn
    if turn.status != "completed" or turn.citations or not is_unanswered(view):
        return
    # The offline model cannot know more than the handbooks: its own words say that they do not answer.
    if (turn.snapshot is None or turn.snapshot.models != ("offline:",)) and not view.calls:
        st.warning(
            "This is not from the handbooks. Check with the People team before you rely on it.",
            title="No source",
            icon=":material/search_off:",
        )
    for search in view.retrievals:
        if search.answers is False and search.query:
            nearest = " Nearest: " + ", ".join(list(dict.fromkeys(one.title for one in search.passages))[:3]) + "."
            searched = f"Searched the handbooks for “{search.query}”, without an answer."
            st.caption(label(searched, 300) + (label(nearest, 300) if search.passages else ""))


@st.fragment
def _draw_imported(turn: Turn, imported: Imported) -> None:
    """That the turn was answered elsewhere, and the tool calls in it."""
    source = "another thread" if imported.origin else "another program"
    st.markdown(f"{OUTCOME_WORDS['imported'].badge} :small[:gray[From {source}, {when(turn.opened_at)}]]")
    for call in turn.imported_calls:
        key = f"imported_{turn.id}_{call.id}"
        title = f"{label(call.tool)} · ran elsewhere"
        draw_part(title, key, partial(_draw_imported_call, call), icon=":material/build:")


def _draw_imported_call(call: ImportedCall) -> None:
    st.code(shown(call.arguments), language="json", wrap_lines=True)
    st.text(call.result or "(empty)")


def needs_person(view: TurnView) -> bool:
    """Whether the turn ended in a way after which the asker may want a person; a care card has its own way to one."""
    turn = view.turn
    if turn.concern or turn.status in (*OPEN_TURN, "cancelled"):
        return False
    return turn.status != "completed" or turn.rating == "down" or is_unanswered(view)


def draw_ending(turn: Turn) -> None:
    """How the turn ended, in words, if it did not complete here."""
    if turn.imported:
        _draw_imported(turn, turn.imported)
    match turn.status:
        case "cancelled" if turn.code == "approval_expired":
            st.info(what_went_wrong(turn.code), icon=":material/timer_off:")
        case "cancelled":
            st.markdown(":gray-badge[:material/stop_circle: Stopped] Ask again if you want the whole answer.")
        case "interrupted":
            st.warning(
                "The answer was cut off. The part that arrived is above. Ask again for the whole of it.",
                title="Interrupted",
                icon=":material/link_off:",
            )
        case "failed" if turn.code == "limit":
            # Its words say which limit it is; the time in them has no date.
            which, _, _ = (turn.message or "").partition(" Ask again at ")
            then = f" You can ask again {again(moment(turn.until))}." if turn.until else ""
            words = f"{label(which, 1000)} {what_went_wrong(turn.code)}{then}"
            st.error(words, title="Limit reached", icon=":material/error:")
        case "failed":
            st.error(what_went_wrong(turn.code), title="No answer", icon=":material/error:")
        case "refused" if turn.code == "refused_by_hook" and turn.message:
            st.info(label(turn.message, 1000), title="Refused")
        case "refused":
            st.info("The assistant declined to answer. Rephrase the question, or ask the People team.", title="Refused")
        case "truncated":
            st.warning("The answer reached the length limit. Ask for the rest, or for less at once.", title="Cut short")
