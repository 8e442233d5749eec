"""How each provider says no: the status and the body of its error, in place of an answer or in the middle of one."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from core.canonical import Json
from core.model import ErrorCode
from tests.servers.faults.parts import Refusal

Api: TypeAlias = Literal["responses", "chat", "messages"]

_OPENAI: Mapping[Refusal, tuple[int, str, str | None, str]] = {
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    "overloaded": (503, "server_error", "server_overloaded", "The server is overloaded."),
    "server_error": (500, "server_error", None, "The server had an error while processing your request."),
    "timeout": (504, "server_error", "timeout", "The request took too long."),
    "quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "auth": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "permission": (403, "invalid_request_error", "model_not_allowed", "You may not use this model."),
    "not_found": (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "too_large": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "Your input exceeds the context window of this model.",
    ),
    "refusal": (400, "invalid_request_error", "content_filter", "The prompt was filtered."),
    "invalid_request": (400, "invalid_request_error", None, "The request is not valid."),
}
_ANTHROPIC: Mapping[Refusal, tuple[int, str, str]] = {
    "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server_error": (500, "api_error", "Internal server error"),
    "timeout": (504, "timeout_error", "The request took too long."),
    "quota": (402, "billing_error", "Your credit balance is too low to access the API."),
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "permission": (403, "permission_error", "You may not use this model."),
    "not_found": (404, "not_found_error", "model not found"),
    "too_large": (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "refusal": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "invalid_request": (400, "invalid_request_error", "The request is not valid."),
}
REFUSALS: Mapping[ErrorCode, Refusal] = {
    "overloaded": "overloaded",
    "timeout": "timeout",
    "quota": "quota",
    "auth": "auth",
    "too_large": "too_large",
    "refusal": "refusal",
    "invalid_request": "invalid_request",
}
"""What stands on the wire for a `Fail`; a lost connection and a broken protocol are no refusals."""


def refusal(api: Api, name: Refusal, message: str | None = None) -> tuple[int, Json]:
    """The status and the body; `message` in place of the usual words."""
    if api == "messages":
        status, type, words = _ANTHROPIC[name]
        return status, {"type": "error", "error": {"type": type, "message": message or words}}
    status, type, code, words = _OPENAI[name]
    return status, {"error": {"message": message or words, "type": type, "param": None, "code": code}}
