"""What a web frontend is answered if a desk refuses what it posted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil

from core.errors import Denied, InvalidInput, LimitReached, NotFound, RolltopError, TurnInProgress

_STATUSES: Mapping[type[RolltopError], int] = {
    InvalidInput: 400,
    Denied: 403,
    NotFound: 404,
    TurnInProgress: 409,
}


def error_response(error: RolltopError) -> tuple[int, dict[str, str]]:
    """The HTTP status, and the headers that come with it: `Retry-After` in seconds for a limit that time ends.

    413 says that the question is too long, 503 that the store or the desk cannot do it now. The error's own message is
    for the person.
    """
    if not isinstance(error, LimitReached):
        return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 503), {}
    if error.limit == "question_characters":
        return 413, {}
    if error.until is None:
        return 429, {}
    seconds = ceil((error.until - datetime.now(UTC)).total_seconds())
    return 429, {"Retry-After": str(max(1, seconds))}
