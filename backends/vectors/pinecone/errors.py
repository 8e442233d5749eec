"""Pinecone's errors as this library's errors, and whether the same request may succeed later.

Pinecone's messages may quote a request: only the status, the name of the error and the request's id are kept.
"""

import re

from pinecone.errors import (
    ApiError,
    PineconeConnectionError,
    PineconeError,
    PineconeTimeoutError,
    RateLimitError,
    ResponseParsingError,
)

from backends.models.provider import NOT_FOLLOWED
from core.errors import InvalidInput, RolltopError, Unavailable

REINDEX = "index the handbooks again: delete this index, or name a new one, and run rolltop ingest --reindex"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUOTA = ("QUOTA_EXCEEDED", "PAYMENT_REQUIRED")
_REFUSED = {
    402: "the account has a bill to pay",
    403: "a quota is used up, or the key may not do this",
    404: "there is no such index, model or region",
}


def may_succeed_later(error: PineconeError) -> bool:
    """Whether to ask again. Each of our requests may be repeated: it says which records to hold, or which to remove."""
    if isinstance(error, PineconeConnectionError | PineconeTimeoutError | ResponseParsingError):
        return True
    if not isinstance(error, ApiError) or error.error_code in _QUOTA:
        return False
    return error.status_code in (408, 429) or error.status_code >= 500


def retry_after(error: PineconeError) -> float:
    """Seconds until the service wants to be asked again; 0 if it does not say."""
    return error.retry_after or 0.0 if isinstance(error, RateLimitError) else 0.0


def translated(error: PineconeError, key_env: str | None) -> RolltopError:
    """Unavailable if the request may succeed later, otherwise InvalidInput. `key_env` is None if a key was not sent."""
    if may_succeed_later(error):
        return Unavailable(f"Pinecone does not answer ({_named(error)})")
    if not isinstance(error, ApiError):
        return InvalidInput(f"Pinecone cannot be asked this ({_named(error)})")
    if error.error_code in _QUOTA:
        return InvalidInput(f"Pinecone refused ({_named(error)}): a quota is used up, or there is a bill to pay")
    if error.status_code == 400 and "dimension" in error.message.lower():
        return InvalidInput(f"the vectors are of another dimension than the Pinecone index: {REINDEX}")
    return InvalidInput(f"Pinecone refused ({_named(error)}): {_why(error.status_code, key_env)}")


def _why(status: int, key_env: str | None) -> str:
    if status == 401:
        return (
            f"it does not know the key in {key_env}" if key_env else "it wants a key: name its variable with key_env="
        )
    return NOT_FOLLOWED if 300 <= status < 400 else _REFUSED.get(status, "the request is not one that it takes")


def _named(error: PineconeError) -> str:
    if not isinstance(error, ApiError):
        return type(error).__name__
    parts = [f"HTTP {error.status_code}", error.error_code, error.request_id and f"request {error.request_id}"]
    return ", ".join(part for part in parts if part and _NAME.fullmatch(part.rpartition(" ")[2]))
