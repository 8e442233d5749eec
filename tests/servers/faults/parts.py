"""What a scripted server can do and a scripted model cannot: refuse by status, break off anywhere, send what is wrong.

They stand in an answer among the parts of `backends.models.scripted.model`, which mean on the wire what they mean in a
process: what every provider can express is said by those, and only what lies below, bytes and connections, by these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backends.models.scripted.model import Part
from core.canonical import Json

Refusal: TypeAlias = Literal[
    "rate_limit",
    "overloaded",
    "server_error",
    "timeout",
    "quota",
    "auth",
    "permission",
    "not_found",
    "too_large",
    "refusal",
    "invalid_request",
]
"""What a provider refuses a request for, each with the status and the words of its own."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error in place of an answer: the provider's own status and body. `retry_after`: seconds, or a date as text."""

    name: Refusal
    retry_after: float | str | None = None
    kind: Literal["refuse"] = "refuse"


@dataclass(frozen=True, slots=True)
class Page:
    """Some other body in place of an answer, such as a proxy's page, whole and with its length."""

    text: str
    status: int = 200
    content_type: str = "text/html"
    kind: Literal["page"] = "page"


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed here, in the middle of the body; first, it is closed without an answer.

    `reset`: by a TCP reset, which may overtake what was sent before it.
    """

    reset: bool = False
    kind: Literal["drop"] = "drop"


@dataclass(frozen=True, slots=True)
class Hang:
    """Silence until the client leaves, with a ping every `pings` seconds; first in an answer, not even a status."""

    pings: float | None = None
    kind: Literal["hang"] = "hang"


@dataclass(frozen=True, slots=True)
class CutAfter:
    """Of the whole answer only the first `events` events are sent; then it ends, or is dropped, or reset."""

    events: int
    how: Literal["end", "drop", "reset"] = "end"
    kind: Literal["cut_after"] = "cut_after"


@dataclass(frozen=True, slots=True)
class Segments:
    """From here on the body leaves in pieces of `size` bytes, wherever they split an event; None: all at once."""

    size: int | None
    kind: Literal["segments"] = "segments"


@dataclass(frozen=True, slots=True)
class Emit:
    """An event of the script's own, under the name `event` if it has one."""

    data: Json
    event: str = ""
    kind: Literal["emit"] = "emit"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes of the body, as they are."""

    raw: bytes
    kind: Literal["bytes"] = "bytes"


@dataclass(frozen=True, slots=True)
class CallAs:
    """A call whose `id` is the script's, None for none at all, and whose arguments come in `pieces` pieces."""

    tool: str
    arguments: Json
    id: str | None
    pieces: int = 1
    kind: Literal["call_as"] = "call_as"


@dataclass(frozen=True, slots=True)
class StopAs:
    """The provider's own stop reason, whether it knows one of that name or not; None leaves it null.

    In the Responses API it is the reason for which a response is incomplete.
    """

    reason: str | None
    kind: Literal["stop_as"] = "stop_as"


ServerPart: TypeAlias = Part | Refuse | Page | Drop | Hang | CutAfter | Segments | Emit | Bytes | CallAs | StopAs
ServerAnswer: TypeAlias = Sequence[ServerPart]
