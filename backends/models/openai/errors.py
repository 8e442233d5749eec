"""What a failed request to OpenAI, or to a server like it, means: the one place that turns its errors into ModelError.

A status tells most; a name in the body tells what a status does not: 429 is both "wait" and "pay".
"""

import re

import openai

from backends.models.answer_json import as_object, as_text
from backends.models.error_words import code_by_words
from backends.models.failures import SdkErrors, answered, code_of, failure, unanswered
from core.canonical import Json
from core.errors import ModelError
from core.model import ErrorCode

_SDK = SdkErrors(
    base=openai.OpenAIError,
    timeout=openai.APITimeoutError,
    unreadable=openai.APIResponseValidationError,
    connection=openai.APIConnectionError,
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_AUTH = {"invalid_api_key", "authentication_error", "permission_error"}


def translated(error: Exception, unknown_path: str = "") -> ModelError:
    """What the SDK, or the HTTP client below it, raised. `unknown_path` is what to do if the server lacks the path."""
    if not isinstance(error, openai.APIStatusError):
        return unanswered(error, _SDK)
    body = _error(error.body)
    code, names = _code(error.status_code, body), _names(body)
    if any("model" in words for words in (*names, _message(body).lower())):
        unknown_path = ""  # it is the model that the server does not have
    what, headers = answered(error.status_code, unknown_path), error.response.headers
    return failure(code, what, names[0] if names else "", error.request_id, headers, error.status_code)


def reported(body: Json) -> ModelError:
    """What an error inside of an answer's stream says: an object with `code`, `type` and `message`, or less.

    An unknown error counts as the provider's own fault, because it had accepted the request.
    """
    names = _names(body)
    return failure(_code(_implied_status(body), body), "the provider broke off", names[0] if names else "", None, {})


def _code(status: int, body: Json) -> ErrorCode:
    return code_by_words(status, _names(body), _message(body)) or code_of(status)


def _implied_status(body: Json) -> int:
    """The status that the error would have had in place of an answer."""
    code = as_object(body).get("code")
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
    names = (as_text(as_object(body).get(key)) for key in ("code", "type"))
    return [name for name in names if _NAME.fullmatch(name)]


def _error(body: Json) -> Json:
    """The error in a body. Some servers give it in a list."""
    first = body[0] if isinstance(body, list) and body else body
    return as_object(first).get("error") or first


def _message(body: Json) -> str:
    if not isinstance(body, dict):
        return as_text(body)
    said = next((text for key in ("message", "detail", "msg") if (text := as_text(body.get(key)))), "")
    # A gateway that asks other providers has their words there.
    return f"{said} {as_text(as_object(body.get('metadata')).get('raw'))}".strip()
