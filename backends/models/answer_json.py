"""The JSON of a provider's answer, read leniently: a value of a wrong type counts as missing.

Servers that speak like a provider leave fields out, or give them as another type. An answer is not refused for that.
"""

import json
from collections.abc import Mapping

from backends.models.sse import unreadable
from core.canonical import Json
from core.errors import ModelError

MAX_PARTS = 1000
"""The most parts of one answer: its messages, thoughts and calls. Each event looks for its part among all of them."""

# Below the largest number that a record holds, so that the sum of a few counts fits, too.
_TOO_MANY = 2**60


def event_object(data: str) -> dict[str, Json]:
    """The object in an event's data. Raises ModelError: `protocol`, retryable, if the data is anything else.

    NaN and Infinity, which JSON does not have, are read as null: servers write them into fields that do not matter.
    """
    try:
        value = json.loads(data, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise unreadable("an event of the answer is not JSON") from error
    if not isinstance(value, dict):
        raise unreadable("an event of the answer is not an object")
    return value


def as_text(value: Json) -> str:
    """The text, or ""."""
    return value if isinstance(value, str) else ""


def as_object(value: Json) -> dict[str, Json]:
    """The object, or {}."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Json) -> list[dict[str, Json]]:
    """The objects in a list, or []."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_count(value: Json) -> int | None:
    """A number of tokens; None if the value cannot be one. A count that is missing is unknown, and not 0."""
    return value if type(value) is int and 0 <= value < _TOO_MANY else None


def add_counts(known: dict[str, Json], told: Mapping[str, Json]) -> None:
    """Add what a usage object tells to what is known. Counts grow from event to event: a null or a 0 in a later one
    takes nothing back."""
    for name, value in told.items():
        if isinstance(value, dict):
            known[name] = as_object(known.get(name))
            add_counts(known[name], value)
        elif value or known.get(name) is None:
            known[name] = value


def check_parts(parts: int) -> None:
    """Raises ModelError, `answer_too_large`, if an answer that has so many parts begins another one."""
    if parts >= MAX_PARTS:
        raise ModelError("answer_too_large", f"the answer has more than {MAX_PARTS} parts")
