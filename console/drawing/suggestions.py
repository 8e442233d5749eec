"""Questions to ask next, made from what the search found and the answer did not use, without a model."""

from collections.abc import Callable, Collection

import streamlit as st

from backends.languages import Language, language_of
from console.drawing.text import label
from core.desk.turn_views import TurnView
from core.values import Passage

MOST = 3
NEAREST = 3
"""How many of the best passages may suggest their section even if their document is not cited: others are far off."""

_QUESTION: dict[Language, str] = {
    "en": "What does “{title}” say about “{section}”?",
    "de": "Was steht in „{title}“ über „{section}“?",
}


def suggestions(view: TurnView, asked: Collection[str | None] = ()) -> list[str]:
    """Questions about sections that were found and not cited, those of cited documents first; at most MOST.

    They are in the language of the question. [] after an answer that did not complete, for a person in need, and if the
    search found no answer. The questions in `asked` are left out.
    """
    turn = view.turn
    if turn.status != "completed" or turn.concern or turn.report or turn.question is None:
        return []
    found = [passage for search in view.retrievals if search.answers is not False for passage in search.passages]
    cited = {_place(citation.passage) for citation in turn.citations}
    documents = {document for document, _ in cited}
    near = [one for one in found if one.document in documents] + found[:NEAREST]
    form = _QUESTION[language_of(turn.question)]
    questions = [
        form.format(title=passage.title, section=passage.section[-1])
        for passage in near
        if passage.section and _place(passage) not in cited
    ]
    return [question for question in dict.fromkeys(questions) if question not in asked][:MOST]


def draw_suggestions(questions: Collection[str], ask: Callable[[str], None], key: str) -> None:
    """A button for each question, which asks it."""
    if questions:
        with st.container(key=f"suggestions_{key}", gap="xsmall"):
            st.caption("Also in the handbooks")
            for number, question in enumerate(questions):
                st.button(
                    label(question, 160),
                    key=f"suggestion_{key}_{number}",
                    icon=":material/subdirectory_arrow_right:",
                    type="tertiary",
                    on_click=ask,
                    args=(question,),
                )


def _place(passage: Passage) -> tuple[str, tuple[str, ...]]:
    return passage.document, tuple(passage.section)
