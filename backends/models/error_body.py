"""What a provider's error says, whatever shape its body has: its names, its words, and the HTTP status that it names.

Servers that speak one API write errors as the servers behind them do: in an object `error`, without it, as a text, in a
list. Inside of a stream there is no status, and what the error names has to stand for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from backends.models.answer_json import as_object, as_text
from core.canonical import Json

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_NUMBER = re.compile(r"[45][0-9]{2}")
_NO_PATH = re.compile(r"unexpected endpoint", re.IGNORECASE)
"""Words of a server that answers 200 under a path that it does not know."""

_STATUSES = {
    401: re.compile(r"authentication|permission|invalid_api_key|unauthori", re.IGNORECASE),
    400: re.compile(r"^invalid_|invalid_?request|bad_?request|policy|content_filter|not_?found", re.IGNORECASE),
}
"""Names of errors that would have had this status in place of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """`names` are its `code`, `type` and the like, as far as they are plain names; `status` None if it names none."""

    names: tuple[str, ...] = ()
    message: str = ""
    status: int | None = None

    @property
    def implied_status(self) -> int:
        """The status that the error would have had in place of an answer. An unknown one is the provider's own fault,
        because it had accepted the request."""
        if self.status is not None:
            return self.status
        if _NO_PATH.search(self.message):
            return 404
        return next((code for code, words in _STATUSES.items() if any(map(words.search, self.names))), 500)

    @property
    def of_the_model(self) -> bool:
        """Whether it speaks of the model, so that an unknown path is not what is wrong."""
        return any("model" in words for words in (*self.names, self.message.lower()))

    @property
    def of_the_path(self) -> bool:
        """Whether the server says that it does not know the path."""
        return bool(_NO_PATH.search(self.message))


def read_error(body: Json) -> ErrorBody:
    """The error in a body."""
    outer = body[0] if isinstance(body, list) and body else body
    error = as_object(outer).get("error") or outer
    if isinstance(error, str):
        return ErrorBody(message=error)
    error = as_object(error)
    named = [as_text(error.get(key)) for key in ("code", "type", "__type", "status")]
    numbers = [error.get(key) for key in ("code", "status", "status_code")]
    words = [as_text(error.get(key)) for key in ("message", "detail", "msg", "status_msg")]
    # A gateway that asks other providers has their words there.
    raw = as_text(as_object(error.get("metadata")).get("raw"))
    return ErrorBody(
        names=tuple(name for name in named if _NAME.fullmatch(name) and name != "error"),
        message=f"{next(filter(None, words), '')} {raw}".strip(),
        status=next((int(str(number)) for number in numbers if _NUMBER.fullmatch(str(number))), None),
    )


def error_in(name: str, event: Mapping[str, Json]) -> Json:
    """The error that an event of this name reports inside of an answer; None if it reports none."""
    if event.get("error"):
        return event["error"]
    if as_object(event.get("base_resp")).get("status_code"):
        return event["base_resp"]
    return dict(event) if "error" in (name, event.get("type"), event.get("object")) else None
