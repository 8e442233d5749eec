"""The texts by which lists are filtered."""

from core.canonical import Json, canonical

MAX_FILTER = 200
"""The most characters of a text in `filters`: as many as a store compares."""


def filter_text(name: str, value: Json) -> str | None:
    """`name=value`, the value as JSON, by which lists are filtered; None if it is no scalar, or null, or too long."""
    if value is None or isinstance(value, list | dict):
        return None
    text = f"{name}={canonical(value).decode()}"
    return text if len(text) <= MAX_FILTER else None
