"""A form for the arguments that a question lacks, and the arguments that its answer holds."""

import json
from collections.abc import Mapping

from pydantic import ValidationError

from backends.models.offline.choose_tool import Missing
from backends.models.offline.parameters import Parameter, Type
from backends.models.offline.phrases import Phrases
from backends.models.offline.results import label
from core.canonical import Json
from core.question_back import FieldType, Question

_LABEL = 200
"""The most characters of a field's label."""
_TYPES: Mapping[Type, FieldType] = {
    "date": "date",
    "integer": "number",
    "number": "number",
    "boolean": "choice",
    "choice": "choice",
    "text": "text",
}


def question_form(missing: Missing, phrases: Phrases) -> Mapping[str, Json] | None:
    """The arguments of a question back; None if a form cannot ask for one of the parameters."""
    fields = [
        {
            "name": parameter.name,
            "label": _title(parameter, phrases),
            "type": _TYPES.get(parameter.type),
            "options": _options(parameter, phrases),
        }
        for parameter in missing.parameters
    ]
    try:
        question = Question.model_validate(
            {"question": phrases.still_needed.format(tool=label(missing.tool)), "fields": fields}
        )
    except ValidationError:
        return None
    return question.model_dump(mode="json")


def read_answer(missing: Missing, content: str, phrases: Phrases) -> Mapping[str, Json]:
    """The values of the parameters, as their tool takes them; what cannot be read is left out."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(answer, dict):
        return {}
    return {
        parameter.name: _value(parameter, answer[parameter.name], phrases)
        for parameter in missing.parameters
        if parameter.name in answer
    }


def _title(parameter: Parameter, phrases: Phrases) -> str:
    if parameter.type == "date" and parameter.edge:
        return phrases.edges[parameter.edge]
    described = f" ({parameter.described.rstrip('.')})" if parameter.described else ""
    return f"{label(parameter.name)}{described}"[:_LABEL]


def _options(parameter: Parameter, phrases: Phrases) -> list[str]:
    return [phrases.yes, phrases.no] if parameter.type == "boolean" else [str(choice) for choice in parameter.choices]


def _value(parameter: Parameter, answer: Json, phrases: Phrases) -> Json:
    match parameter.type:
        case "boolean":
            return answer == phrases.yes
        case "choice":
            return next((choice for choice in parameter.choices if str(choice) == answer), answer)
        case "integer" if isinstance(answer, float) and answer.is_integer():
            return int(answer)
        case _:
            return answer
