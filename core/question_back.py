"""A model's question back to the asker, as a tool: a form on a page takes the place of guessed arguments.

It is a read that waits for its asker, so that recovery, expiry and the digest are those of approvals. To answer is to
approve the call with its arguments and the `answer`, which a model cannot write itself; to skip is to deny it.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.canonical import Json
from core.model import ToolSchema
from core.tools import Tool

ASK_BACK = "ask_back"
SKIPPED = "The employee skipped the question. Do not ask it again: go on without the answer, or say what is missing."
"""The reason of a denial by which the asker skips the question, as the model is told it."""

MAX_TEXT = 4000
"""The most characters of a text in an answer."""

FieldType: TypeAlias = Literal["text", "date", "number", "choice"]
_Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


class AnswerField(BaseModel):
    """One field of the form. `options` are those of a choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$", description="Its name in the answer.")]
    label: Annotated[_Words, Field(description="What the employee reads, in their language.")]
    type: FieldType
    options: Annotated[list[_Words], Field(max_length=50, description="What a choice offers.")] = []
    required: bool = True

    @model_validator(mode="after")
    def _check(self) -> "AnswerField":
        if (self.type == "choice") != bool(self.options):
            raise ValueError(f"{self.name}: a choice needs options, and other fields have none")
        return self


class Question(BaseModel):
    """What a model asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[str, Field(min_length=1, max_length=2000, description="The question, in their language.")]
    options: Annotated[list[_Words], Field(max_length=20, description="The answers to choose one from.")] = []
    fields: Annotated[list[AnswerField], Field(max_length=12, description="Or what to fill in.")] = []

    @model_validator(mode="after")
    def _check_form(self) -> "Question":
        if bool(self.options) == bool(self.fields):
            raise ValueError("give either options or fields")
        if len({field.name for field in self.fields}) < len(self.fields):
            raise ValueError("two fields share a name")
        return self


class AnsweredQuestion(Question):
    """A question with the asker's answer: one of its options, or the values of its fields by name."""

    answer: Json

    @model_validator(mode="after")
    def _check_answer(self) -> "AnsweredQuestion":
        if self.options:
            if self.answer not in self.options:
                raise ValueError("the answer is not one of the options")
            return self
        if not isinstance(self.answer, dict):
            raise ValueError("the answer must name the values of the fields")
        _check_values(self.fields, self.answer)
        return self


def _check_values(fields: Sequence[AnswerField], values: Mapping[str, Json]) -> None:
    """Raises ValueError, in words for the asker."""
    for field in fields:
        value = values.get(field.name)
        if value is None:
            if field.required:
                raise ValueError(f"{field.label}: this is missing")
        elif not _fits(field, value):
            raise ValueError(f"{field.label}: this is not a valid {field.type}")
    if unknown := values.keys() - {field.name for field in fields}:
        raise ValueError(f"the question has no field {', '.join(sorted(unknown))}")


def _fits(field: AnswerField, value: Json) -> bool:
    match field.type:
        case "text":
            return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_TEXT
        case "choice":
            return value in field.options
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "date":
            try:
                return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
            except ValueError:
                return False


async def _answer(question: str, options: list[str], fields: list[AnswerField], answer: Json) -> Json:
    """Ask the employee for what only they know, and get their answer.

    Use it instead of guessing an argument of another tool. Ask for all that is missing at once, with fields; use
    options for one question with a few answers. It is not for permission: a call that needs approval asks by itself.
    """
    return answer


def _tool() -> Tool:
    description = inspect.getdoc(_answer) or ""
    parameters = Question.model_json_schema()
    for unused in ("title", "description"):
        parameters.pop(unused, None)
    return Tool(
        name=ASK_BACK,
        description=description,
        effect="read",
        timeout=30,
        approval="asker",
        schema=ToolSchema(name=ASK_BACK, description=description, parameters=parameters),
        arguments=AnsweredQuestion,
        written=Question,
        context=None,
        function=_answer,
    )


ask_back = _tool()
"""The tool. A desk that is given it among its tools offers it to its models."""
