"""How the stand-in for Pinecone says no: which body a refusal has depends on the part of the service that was asked.

Pinecone speaks four dialects: the vector operations answer with a gRPC status, the control plane, the records and the
inference with an object `error`, and whatever stands in front of all but the inference with plain text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import ValidationError

from core.canonical import Json

Plane: TypeAlias = Literal["control", "inference", "vectors", "records"]

CODES: Mapping[int, tuple[str, int]] = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    402: ("PAYMENT_REQUIRED", 9),
    403: ("FORBIDDEN", 7),
    404: ("NOT_FOUND", 5),
    409: ("ALREADY_EXISTS", 6),
    413: ("PAYLOAD_TOO_LARGE", 11),
    422: ("UNPROCESSABLE_ENTITY", 3),
    429: ("RESOURCE_EXHAUSTED", 8),
    500: ("UNKNOWN", 2),
    503: ("UNAVAILABLE", 14),
}
"""A status, its name in an object `error`, its number in a gRPC status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer to a request."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(ValueError):
    """The service would answer with this status; the message says why. `plain`: it never reached the service."""

    def __init__(self, status: int, message: str, *, plain: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.plain = plain


def refusal(plane: Plane, refused: Refused, headers: Mapping[str, str]) -> Answer:
    """The answer that this part of the service gives."""
    message, (name, number) = str(refused), CODES[refused.status]
    body: Json
    match plane:
        case "control" | "vectors" | "records" if refused.plain:
            text = message.encode()
            return Answer(status=refused.status, body=text, content_type="text/plain", headers=headers)
        case "vectors":
            body = {"code": number, "message": message, "details": []}
        case "control" | "inference" | "records":
            body = {"error": {"code": name, "message": message}, "status": refused.status}
    return Answer(status=refused.status, body=json.dumps(body).encode(), headers=headers)


def invalid(error: ValidationError) -> Refused:
    """A body that is not of the documented form, by the first thing that is wrong with it."""
    first = error.errors(include_url=False)[0]
    return Refused(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
