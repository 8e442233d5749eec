"""Ids, and the closed list of the kinds of stream."""

import re

from core.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9_@.+\-]{1,128}")
_STREAM = re.compile(r"(thread|live|blob|audit)(:[A-Za-z0-9_@.+\-]{1,128}){1,2}")


def check_id(id: object, kind: str = "id") -> str:
    """The id, if it is 1 to 128 ASCII letters, digits and `_@.+-`; raises InvalidInput otherwise."""
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise InvalidInput(f"a {kind} is 1 to 128 ASCII letters, digits or _ @ . + -")
    return id


def check_stream(stream: object) -> str:
    """The stream's name, if it is `thread:`, `live:`, `blob:` or `audit:` and one or two ids; else InvalidInput."""
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        raise InvalidInput("a stream is named thread:, live:, blob: or audit:, then one or two ids")
    return stream
