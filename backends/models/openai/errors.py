"""What a failed request to OpenAI, or to a server like it, means: the one place that turns its errors into ModelError.

A status tells most; a name in the body tells what a status does not: 429 is both "wait" and "pay". Of what a provider
wrote only such names and the request's id are repeated, as its messages may quote a question or a part of a key.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from backends.models.provider import NOT_FOLLOWED
from core.canonical import Json
from core.errors import ModelError
from core.model import ErrorCode

MAX_RETRY_AFTER = 60.0

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OVERFLOW = re.compile(r"context (length|size|window)", re.IGNORECASE)
_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_TOO_LARGE = {"context_length_exceeded", "exceed_context_size_error"}
_AUTH = {"invalid_api_key", "authentication_error", "permission_error"}


def translated(error: Exception) -> ModelError:
    """What the SDK, or the HTTP client below it, raised."""
    cause = type(error.__cause__ or error).__name__
    match error:
        case openai.APIStatusError():
            return _refused(error)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return ModelError("timeout", f"the provider was silent for too long ({cause})", retryable=True)
        case openai.APIResponseValidationError() | httpx2.DecodingError():
            return ModelError("protocol", f"the answer cannot be read ({cause})", retryable=True)
        case openai.APIConnectionError():
            return ModelError("connection", f"no connection to the provider ({cause})", retryable=True)
        case openai.OpenAIError():
            return ModelError("invalid_request", f"the client made no request ({cause})")
        case _:
            return ModelError("connection", f"the connection was cut ({cause})", retryable=True)


def reported(body: Json) -> ModelError:
    """What an error inside of an answer's stream says: an object with `code`, `type` and `message`, or less.

    An error that is not known is taken for the provider's own, as the request was good enough to be begun.
    """
    code, retryable = _judge(_implied_status(body), body)
    return ModelError(code, _message("the provider broke off", body), retryable=retryable)


def _refused(error: openai.APIStatusError) -> ModelError:
    code, retryable = _judge(error.status_code, error.body)
    redirected = f", {NOT_FOLLOWED}" if 300 <= error.status_code < 400 else ""
    message = _message(f"the provider answered HTTP {error.status_code}{redirected}", error.body)
    if error.request_id and _REQUEST_ID.fullmatch(error.request_id):
        message += f", request {error.request_id}"
    after = _retry_after(error.response.headers) if retryable else None
    return ModelError(code, message, retryable=retryable, retry_after=after)


def _judge(status: int, body: Json) -> tuple[ErrorCode, bool]:
    """The code, and whether the same request may succeed later."""
    names = set(_names(body))
    if names & _QUOTA:
        return "quota", False
    if status == 413 or names & _TOO_LARGE or (status == 400 and _OVERFLOW.search(_text(body))):
        return "too_large", False
    if status in (401, 403):
        return "auth", False
    if status in (408, 409, 429) or status >= 500:
        return "overloaded", True
    return ("invalid_request", False) if status >= 400 else ("protocol", False)


def _implied_status(body: Json) -> int:
    """The status that the error would have had in place of an answer."""
    code = body.get("code") if isinstance(body, dict) else None
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    names = _names(body)
    if _AUTH.intersection(names):
        return 401
    if any(name.startswith("invalid_") or "policy" in name or name == "content_filter" for name in names):
        return 400
    return 500


def _names(body: Json) -> list[str]:
    """The error's `code` and `type`, as far as they are plain names."""
    found = [body.get("code"), body.get("type")] if isinstance(body, dict) else []
    return [name for name in found if isinstance(name, str) and _NAME.fullmatch(name)]


def _text(body: Json) -> str:
    message = body.get("message") if isinstance(body, dict) else body
    return message if isinstance(message, str) else ""


def _message(what: str, body: Json) -> str:
    names = _names(body)
    return f"{what} ({names[0]})" if names else what


def _retry_after(headers: Mapping[str, str]) -> float | None:
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
