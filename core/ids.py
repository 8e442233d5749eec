"""Ids, and the closed list of the kinds of stream."""

import re

from core.errors import InvalidInput

KINDS_OF_STREAM = ("thread", "live", "blob", "audit", "administration")
"""A thread's log, a turn's live text, a value stored by its digest, a viewer's looks, facts about the installation."""

_ID_PATTERN = r"[A-Za-z0-9_@.+\-]{1,128}"
_ID = re.compile(_ID_PATTERN)
_STREAM = re.compile(rf"({'|'.join(KINDS_OF_STREAM)})(:{_ID_PATTERN}){{1,2}}")


def check_id(id: object, kind: str = "id") -> str:
    """The id, if it is 1 to 128 ASCII letters, digits and `_@.+-`; raises InvalidInput otherwise."""
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise InvalidInput(f"a {kind} is 1 to 128 ASCII letters, digits or _ @ . + -")
    return id


def check_stream(stream: object) -> str:
    """The stream's name, if it is one of KINDS_OF_STREAM and one or two ids; raises InvalidInput otherwise."""
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        kinds = ", ".join(f"{kind}:" for kind in KINDS_OF_STREAM)
        raise InvalidInput(f"a stream is named by its kind ({kinds}), then one or two ids")
    return stream
