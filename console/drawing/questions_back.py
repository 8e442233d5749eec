"""Drawing a model's question back to the asker: as a form while it waits, and what was answered afterwards."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import streamlit as st

from console.drawing.arguments import plain
from console.drawing.forms import FormField, Kind, draw_form
from console.drawing.text import label
from core.canonical import Json
from core.log.records import ToolCall
from core.question_back import AnswerField, FieldType, Question

Answer: TypeAlias = Callable[[Mapping[str, Json]], str | None]
"""Answers with all arguments of the call, the answer among them. Returns why the answer is refused."""

_KINDS: Mapping[FieldType, Kind] = {"text": "text", "date": "date", "number": "number", "choice": "choice"}
_ONE = "answer"
"""The name of the one field of a question with options."""


def draw_question_back(call: ToolCall, answer: Answer, skip: Callable[[], object]) -> None:
    """The question and its form. Call it inside the card."""
    question = Question.model_validate(call.planned)

    def send(values: dict[str, Json]) -> str | None:
        return answer({**call.planned, "answer": values[_ONE] if question.options else values})

    st.markdown(f":material/contact_support: **{label(question.question, 2000)}**")
    draw_form(f"question_{call.id}", _fields(question), {}, send="Send answer", sent=send, leave="Skip", left=skip)


def draw_asked_back(call: ToolCall) -> None:
    """What was asked, and what was answered."""
    if not isinstance(call.planned, dict):  # erased
        st.caption("The question has been erased.")
        return
    st.text(str(call.planned.get("question", "")))
    given = call.result
    if isinstance(given, dict):
        titles = {field.get("name"): field.get("label") for field in call.planned.get("fields", ())}
        st.table(
            {label(str(titles.get(name, name))): label(plain(value), 2_000) for name, value in given.items()},
            border="horizontal",
        )
    elif given is not None:
        st.text(plain(given))


def _fields(question: Question) -> list[FormField]:
    if question.options:
        return [FormField(name=_ONE, title="Your answer", kind="choice", choices=tuple(question.options))]
    return [_field(field) for field in question.fields]


def _field(field: AnswerField) -> FormField:
    return FormField(
        name=field.name,
        title=field.label,
        kind=_KINDS[field.type],
        required=field.required,
        choices=tuple(field.options),
    )
