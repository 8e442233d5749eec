"""Ids, and the closed list of the kinds of stream."""

import re

from core.errors import InvalidInput

KINDS_OF_STREAM = ("thread", "live", "blob", "audit", "administration", "review", "person", "installation")
"""A thread's log, a turn's live text, a value stored under its digest, a viewer's looks, what people decide for the
installation, the verdicts on a turn, what a person has told about themselves, and what the installation made
once for itself."""

# Strict, because ids become parts of stream names, URLs and queries: a ":" or "/" within one would start another part.
_ID_PATTERN = r"[A-Za-z0-9_@.+\-]{1,128}"
_ID = re.compile(_ID_PATTERN)
_STREAM = re.compile(rf"({'|'.join(KINDS_OF_STREAM)})(:{_ID_PATTERN}){{1,2}}")


def check_id(value: object, kind: str = "id") -> str:
    """The value, if it is an id: 1 to 128 ASCII letters, digits and `_@.+-`. Raises InvalidInput otherwise."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        # The value itself stays out of the message: it may be anything that a person typed.
        raise InvalidInput(f"a {kind} is 1 to 128 ASCII letters, digits or _ @ . + -")
    return value


def check_stream(stream: object) -> str:
    """The value, if it names a stream: one of KINDS_OF_STREAM and one or two ids, joined by `:`. Else InvalidInput."""
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        kinds = ", ".join(f"{kind}:" for kind in KINDS_OF_STREAM)
        raise InvalidInput(f"a stream's name is its kind ({kinds}), then one or two ids joined by :")
    return stream
