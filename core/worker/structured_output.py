"""Structured output: whether an answer is JSON that fits the requested schema.

jsonschema is imported by the functions that need it, because its import costs more than that of the rest of core.
"""

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput

S = TypeVar("S", bound=BaseModel)

MAX_WORDS = 1000
MAX_FAULTS = 20
"""The most faults of an answer that the model is told of."""

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


def schema_of(model: type[BaseModel]) -> dict[str, Json]:
    """The JSON schema of a pydantic model. Raises InvalidInput if the model has a field without one."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        schema = model.model_json_schema()
        Draft202012Validator.check_schema(schema)
        canonical(schema, most=MAX_DEPTH - ROOM)
    except (ValueError, SchemaError) as error:
        raise InvalidInput(f"{model.__name__} has no JSON schema: {error}") from error
    return schema


def read_output(text: str, schema: Mapping[str, Json]) -> tuple[Json, str | None]:
    """The answer as JSON and None, or None and why it does not fit, as the model is told."""
    fenced = _FENCED.match(text)  # many models put ``` around the whole, even if they are told not to
    try:
        value = json.loads(fenced[1] if fenced else text)
        canonical(value, most=MAX_DEPTH - ROOM)
    except (ValueError, RecursionError) as error:
        return None, f"It is no JSON: {error}"[:MAX_WORDS]
    from jsonschema import Draft202012Validator

    faults = [
        f"{'.'.join(map(str, fault.absolute_path)) or 'the whole'}: {fault.message[:MAX_WORDS]}"
        for fault in islice(Draft202012Validator(dict(schema)).iter_errors(value), MAX_FAULTS)
    ]
    return (None, "; ".join(faults)[:MAX_WORDS]) if faults else (value, None)


def parse(output: Json, model: type[S]) -> tuple[S | None, str | None]:
    """The output as an instance of the model and None, or None and why it does not fit.

    It may fit the schema and still fail here: a model can demand more than a JSON schema can say.
    """
    try:
        return model.model_validate(output), None
    except ValidationError as error:
        return None, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())[:MAX_WORDS]
