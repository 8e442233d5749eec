"""Why a request to a provider failed, as a ModelError: what HTTP and the SDKs of all providers say alike.

A status tells most; a name in the body tells what a status does not: 429 is both "wait" and "pay". Of what a provider
wrote only such names and the request's id are repeated, because its messages may quote a question or a part of a key.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import anyio
import httpx2

from backends.models.error_body import ErrorBody, read_error
from backends.models.error_words import ASK_AGAIN, code_by_words
from backends.models.provider import NOT_FOLLOWED
from core.canonical import Json
from core.errors import ModelError
from core.model import ErrorCode

MAX_RETRY_AFTER = 60.0
"""Seconds. A provider that wants a longer pause is asked again after this one."""

CUT = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)
"""What comes from the layers below an SDK when a connection is cut while an answer is read."""

_UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
"""Why there was no connection to send a request on: no name, no answer, no TLS, or no proxy that leads there."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_WORDS = re.compile(
    r"(?!(?:sk|pk|rk|gsk|ghp|key|bearer|token|secret)[_.-])(?=.{2,64}\Z)[A-Za-z]{2,32}([_.-][A-Za-z]{1,32}){0,7}"
)
_CAMEL = re.compile(r"[A-Z]{0,12}[a-z]{0,24}([A-Z]{1,12}[a-z]{1,24}){0,5}")
_NUMBER = re.compile(r"[0-9]{3,6}")
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0}
_AMOUNT = re.compile(
    rf"\s*(?P<number>[+-]?[0-9]{{1,12}}(\.[0-9]{{0,12}})?)\s*(?P<unit>{'|'.join(_UNITS)})?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkErrors:
    """The exceptions of one provider's SDK by their meaning; `base` is the class of all of them."""

    base: type[Exception]
    timeout: type[Exception]
    unreadable: type[Exception]
    connection: type[Exception]


def unanswered(error: Exception, sdk: SdkErrors) -> ModelError:
    """What an exception of the SDK, or of a layer below it, means if no HTTP status came with it."""
    cause, unsent = type(error.__cause__ or error).__name__, isinstance(error.__cause__ or error, _UNSENT)
    # In this order, because an SDK's timeout is one of its connection errors, and each of them has its base class.
    if isinstance(error, sdk.timeout | httpx2.TimeoutException):
        return ModelError("timeout", f"the provider was silent for too long ({cause})", retryable=True, unsent=unsent)
    if isinstance(error, sdk.unreadable | httpx2.DecodingError):
        return ModelError("protocol", f"the answer cannot be read ({cause})", retryable=True)
    if isinstance(error, sdk.connection):
        return ModelError("connection", f"no connection to the provider ({cause})", retryable=True, unsent=unsent)
    if isinstance(error, sdk.base):
        return ModelError("invalid_request", f"the client made no request ({cause})")
    return ModelError("connection", f"the connection was cut ({cause})", retryable=True, unsent=unsent)


def refused(
    status: int, body: Json, headers: Mapping[str, str], request: str | None, unknown_path: str = ""
) -> ModelError:
    """What a server's answer that is an error means. `unknown_path` is what to do if the server lacks the path."""
    error = read_error(body)
    advice = NOT_FOLLOWED if 300 <= status < 400 else _advice(error, status, unknown_path)
    what = f"the provider answered HTTP {status}" + (f", {advice}" if advice else "")
    return failure(_code(status, error), what, next(iter(error.names), ""), request, headers, status)


def reported(body: Json, headers: Mapping[str, str] = MappingProxyType({}), unknown_path: str = "") -> ModelError:
    """What an error inside of an answer says: an object with `code`, `type` and `message`, or less. `headers` are those
    of the answer, `unknown_path` as in `refused`."""
    error = read_error(body)
    status = error.implied_status
    what = ", ".join(filter(None, ("the provider broke off", _advice(error, status, unknown_path))))
    code = _code(status, error)
    return failure(code, what, next(iter(error.names), ""), headers.get("request-id"), headers)


def _code(status: int, error: ErrorBody) -> ErrorCode:
    return code_by_words(status, error.names, error.message) or code_of(status)


def _advice(error: ErrorBody, status: int, unknown_path: str) -> str:
    lacks_path = status in (404, 405, 501) or error.of_the_path
    return unknown_path if lacks_path and not error.of_the_model else ""


def code_of(status: int) -> ErrorCode:
    """What an HTTP status means by itself."""
    match status:
        case 401 | 403:
            return "auth"
        case 402:
            return "quota"
        case 413:
            return "too_large"
        case 408 | 409 | 429:
            return "overloaded"
        case 501:
            return "invalid_request"
        case _:
            return "overloaded" if status >= 500 else "invalid_request" if status >= 400 else "protocol"


def failure(
    code: ErrorCode, what: str, name: str, request: str | None, headers: Mapping[str, str], status: int | None = None
) -> ModelError:
    """An error that the provider reported. Only an overloaded provider may answer the same request later, or a model
    that wrote a call which cannot be made.

    `name` is the provider's own for the error, `request` the request's id there: each is left out unless it is plain.
    `status` is the HTTP status of the response, None if it broke off after it had begun.
    """
    parts = [what]
    if is_name(name):
        parts.append(name)
    if request and _PLAIN.fullmatch(request):
        parts.append(f"request {request}")
    retryable = code == "overloaded" or name.casefold() in ASK_AGAIN
    after = retry_after(headers) if retryable else None
    return ModelError(code, ", ".join(parts), retryable=retryable, retry_after=after, status=status)


def is_name(text: str) -> bool:
    """Whether this is the name of an error: words or a short number, and nothing that could be a key or a sentence."""
    if _NUMBER.fullmatch(text):
        return True
    # A key has digits, or capitals in no order.
    return bool(_WORDS.fullmatch(text)) and all(_CAMEL.fullmatch(word) for word in re.split("[_.-]", text))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again, at most MAX_RETRY_AFTER; None if it does not say."""
    value = f"{headers['retry-after-ms']}ms" if headers.get("retry-after-ms") else headers.get("retry-after", "")
    if amount := _AMOUNT.fullmatch(value):
        seconds = float(amount["number"]) * _UNITS[(amount["unit"] or "s").lower()]
    else:
        # A date is compared with the response's own, because this machine's clock may differ from the provider's.
        until, now = _date(value), _date(headers.get("date", "")) or datetime.now(UTC)
        if until is None:
            return None
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
