"""What a failed request to Anthropic means: the one place that turns its errors into ModelError.

An error's `type` tells more than its status, and inside of a stream it is all there is.
"""

from collections.abc import Mapping

import anthropic

from backends.models.answer_json import as_object, as_text
from backends.models.error_words import code_by_words
from backends.models.failures import SdkErrors, answered, code_of, failure, unanswered
from core.canonical import Json
from core.errors import ModelError
from core.model import ErrorCode

_SDK = SdkErrors(
    base=anthropic.AnthropicError,
    timeout=anthropic.APITimeoutError,
    unreadable=anthropic.APIResponseValidationError,
    connection=anthropic.APIConnectionError,
)

_CODES: Mapping[str, ErrorCode] = {
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "rate_limit_error": "overloaded",
    "timeout_error": "overloaded",
    "conflict_error": "overloaded",
    "authentication_error": "auth",
    "permission_error": "auth",
    "invalid_request_error": "invalid_request",
    "not_found_error": "invalid_request",
}


def translated(error: Exception) -> ModelError:
    """What the SDK, or the HTTP client below it, raised."""
    if not isinstance(error, anthropic.APIStatusError):
        return unanswered(error, _SDK)
    status = error.status_code
    return _failure(answered(status), status, error.body, error.response.headers, answered_with=status)


def reported(body: Json, headers: Mapping[str, str]) -> ModelError:
    """What an `error` event says inside of an answer's stream; `headers` are those of the answer.

    An unknown error counts as the provider's own fault, because it had accepted the request.
    """
    return _failure("the provider broke off", 500, body, headers)


def _failure(
    what: str, status: int, body: Json, headers: Mapping[str, str], answered_with: int | None = None
) -> ModelError:
    error = as_object(as_object(body).get("error"))
    names = [name for name in (as_text(error.get("type")), as_text(error.get("code"))) if name]
    code = next((_CODES[name] for name in names if name in _CODES), code_of(status))
    # Inside of a stream an invalid request comes without its status.
    status = 400 if code == "invalid_request" else status
    code = code_by_words(status, names, as_text(error.get("message"))) or code
    return failure(code, what, names[0] if names else "", headers.get("request-id"), headers, answered_with)
