"""What a failed request to Anthropic means: the one place that turns its errors into ModelError.

An error's `type` tells more than its status, and inside of a stream it is all there is. Of what a provider wrote only
that name and the request's id are repeated, as its messages may quote a question or a part of a key.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anthropic
import httpx2

from backends.models.provider import NOT_FOLLOWED
from core.canonical import Json
from core.errors import ModelError
from core.model import ErrorCode

MAX_RETRY_AFTER = 60.0

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OVERFLOW = re.compile(r"prompt is too long|exceeds? (the )?context", re.IGNORECASE)
_UNPAID = re.compile(r"credit balance is too low", re.IGNORECASE)

_CODES: Mapping[str, ErrorCode] = {
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "rate_limit_error": "overloaded",
    "timeout_error": "overloaded",
    "conflict_error": "overloaded",
    "authentication_error": "auth",
    "permission_error": "auth",
    "request_too_large": "too_large",
    "billing_error": "quota",
    "invalid_request_error": "invalid_request",
    "not_found_error": "invalid_request",
}


def translated(error: Exception) -> ModelError:
    """What the SDK, or the HTTP client below it, raised."""
    cause = type(error.__cause__ or error).__name__
    match error:
        case anthropic.APIStatusError():
            return _refused(error)
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return ModelError("timeout", f"the provider was silent for too long ({cause})", retryable=True)
        case anthropic.APIResponseValidationError() | httpx2.DecodingError():
            return ModelError("protocol", f"the answer cannot be read ({cause})", retryable=True)
        case anthropic.APIConnectionError():
            return ModelError("connection", f"no connection to the provider ({cause})", retryable=True)
        case anthropic.AnthropicError():
            return ModelError("invalid_request", f"the client made no request ({cause})")
        case _:
            return ModelError("connection", f"the connection was cut ({cause})", retryable=True)


def reported(body: Json, headers: Mapping[str, str]) -> ModelError:
    """What an `error` event says inside of an answer's stream; `headers` are those of the answer.

    An error that is not known is taken for the provider's own, as the request was good enough to be begun.
    """
    code = _code(500, body)
    return _error("the provider broke off", code, body, headers)


def _refused(error: anthropic.APIStatusError) -> ModelError:
    code = _code(error.status_code, error.body)
    redirected = f", {NOT_FOLLOWED}" if 300 <= error.status_code < 400 else ""
    what = f"the provider answered HTTP {error.status_code}{redirected}"
    return _error(what, code, error.body, error.response.headers)


def _error(what: str, code: ErrorCode, body: Json, headers: Mapping[str, str]) -> ModelError:
    names = [
        f"{label}{value}"
        for label, value in (("", _detail(body, "type")), ("request ", headers.get("request-id", "")))
        if _PLAIN.fullmatch(value)
    ]
    retryable = code == "overloaded"
    after = retry_after(headers) if retryable else None
    return ModelError(code, ", ".join([what, *names]), retryable=retryable, retry_after=after)


def _code(status: int, body: Json) -> ErrorCode:
    kind, message = _detail(body, "type"), _detail(body, "message")
    code = _CODES.get(kind) or _by_status(status)
    if code == "invalid_request" and _OVERFLOW.search(message):
        return "too_large"
    if code == "invalid_request" and _UNPAID.search(message):
        return "quota"
    return code


def _by_status(status: int) -> ErrorCode:
    match status:
        case 401 | 403:
            return "auth"
        case 402:
            return "quota"
        case 413:
            return "too_large"
        case 408 | 409 | 429:
            return "overloaded"
        case _:
            return "overloaded" if status >= 500 else "invalid_request" if status >= 400 else "protocol"


def _detail(body: Json, name: str) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    value = error.get(name) if isinstance(error, dict) else None
    return value if isinstance(value, str) else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again, 60 at most: None where it does not say.

    A date is compared with the response's own, so that no clock of ours is held against the provider's.
    """
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        until, now = _date(value), _date(headers.get("date", "")) or datetime.now(UTC)
        if until is None:
            return None
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else None  # NaN is a float, and no time


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
