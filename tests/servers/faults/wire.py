"""What the three wire formats have in common: an event as bytes, text in pieces, seals that show what came back.

A provider seals its reasoning and refuses what it did not seal. So does this one, with nothing to keep: a seal is a
digest of what it covers, and anybody can check it.
"""

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Literal, Protocol

from core.canonical import Json, canonical
from core.values import Usage

UNKNOWN_STOP = "a_reason_nobody_knows"


class Wire(Protocol):
    """An answer as one API writes it: each method gives the events that say so, whole and in order."""

    def begin(self) -> list[bytes]:
        """What comes before any content."""

    def text(self, piece: str) -> list[bytes]: ...

    def thought(self, text: str) -> list[bytes]:
        """A whole piece of reasoning, sealed; "" is one that nobody may read."""

    def call(self, tool: str, arguments: str, *, id: str | None, count: int) -> list[bytes]:
        """A whole call, its arguments in `count` pieces."""

    def ping(self) -> list[bytes]: ...

    def failed(self, error: Json) -> list[bytes]:
        """The answer breaks off with this error, the body that a refusal would have had."""

    def end(self, reason: str | None, usage: Usage | None) -> list[bytes]:
        """Everything up to the terminal marker. `reason` is the API's own; None for what it says of a good end."""


def sse(data: Json, event: str = "") -> bytes:
    """One server-sent event."""
    name = f"event: {event}\n" if event else ""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    # Half a pair of surrogates is no UTF-8: like this it is JSON's own escape of it.
    return f"{name}data: {text}\n\n".encode(errors="backslashreplace")


def arguments_text(arguments: Json) -> str:
    """A call's arguments as the model writes them: text as it is, anything else as its JSON."""
    return arguments if isinstance(arguments, str) else canonical(arguments).decode()


def known(**counts: Json) -> dict[str, Json]:
    """The counts that are known: what is not is left out, never 0."""
    return {name: count for name, count in counts.items() if count is not None}


def seal(kind: Literal["thinking", "redacted", "reasoning"], text: str) -> str:
    """Something opaque that holds for this text only."""
    body = text.encode(errors="backslashreplace")
    return f"{b64encode(body).decode()}.{sha256(kind.encode() + body).hexdigest()[:32]}"


def unsealed(kind: Literal["thinking", "redacted", "reasoning"], sealed: Json) -> str | None:
    """The text that was sealed; None if it was not, or not like this."""
    if not isinstance(sealed, str):
        return None
    try:
        text = b64decode(sealed.partition(".")[0], validate=True).decode()
    except ValueError:
        return None
    return text if seal(kind, text) == sealed else None
