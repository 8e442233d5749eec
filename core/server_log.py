"""What the server's log is told: events of a closed list, whose fields are ids, codes and numbers.

A line never holds what a person or a model wrote, nor a person's id, a key or an argument. Each event is a line of the
standard library's logger `rolltop.events`; its fields are attributes of the LogRecord, beside `event`, its name. A
handler of that logger therefore sees all that a desk does: the console's lines are made so, and so are spans.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Literal, TypedDict

from typing_extensions import Unpack

from core.errors import Full, StoreRefused, Unavailable
from core.ids import OF_DAYS, OF_PEOPLE

EVENTS_LOGGER = "rolltop.events"

_events = logging.getLogger(EVENTS_LOGGER)

slow_commit_ms = 1000
"""Milliseconds from which on a commit is slow. It is the process's, as the levels of loggers are, and may be set."""

EventName = Literal[
    "turn.opened",
    "turn.begun",
    "turn.waiting",
    "turn.released",
    "turn.ended",
    "turn.left",
    "model.answered",
    "model.failed",
    "tool.finished",
    "tool.deferred",
    "tool.decided",
    "passages.retrieved",
    "hook.failed",
    "denied",
    "limit.refused",
    "commit.made",
    "commit.slow",
    "commit.repeated",
    "commit.refused",
    "commit.contested",
    "erasure.begun",
    "erasure.ended",
    "sync.left",
    "fault",
]


class StreamFields(TypedDict, total=False):
    """A stream by its kind, and by its thread or turn; never by a person."""

    kind: str | None
    thread_id: str | None
    turn_id: str | None


class CallFields(StreamFields, total=False):
    """A call of a turn: of a tool, or of a model."""

    fence: int | None
    call_id: str | None
    attempt: int | None
    tool: str | None
    effect: str | None


class ModelFields(CallFields, total=False):
    """A model call with its bill. A microdollar is a millionth of a US dollar."""

    model: str | None
    purpose: str | None
    step: int | None
    duration_ms: int | None
    ttft_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    microdollars: int | None


class Fields(ModelFields, total=False):
    """All that a line may say. Times are in milliseconds; None is left out."""

    status: str | None
    code: str | None
    http_status: int | None
    retry: bool | None
    reason: str | None
    hook: str | None
    action: str | None
    roles: str | None
    limit: str | None
    part: str | None
    error: str | None
    at: str | None
    count: int | None
    waited_ms: int | None


_TURN = ("thread_id", "turn_id", "fence")
_CALL = (*_TURN, "call_id")
_ATTEMPT = (*_CALL, "model", "purpose", "step", "attempt")
_BILL = ("duration_ms", "ttft_ms", "input_tokens", "output_tokens", "cached_tokens", "microdollars")
_COMMIT = ("kind", "thread_id", "turn_id")

EVENTS: Mapping[EventName, tuple[str, ...]] = {
    "turn.opened": ("thread_id", "turn_id"),
    "turn.begun": (*_TURN, "reason"),
    "turn.waiting": (*_TURN, "reason"),
    "turn.released": (*_TURN, "reason"),
    "turn.ended": (*_TURN, "status", "code", "duration_ms", "waited_ms"),
    "turn.left": (*_TURN, "code", "error", "at"),
    "model.answered": (*_ATTEMPT, "status", "code", *_BILL),
    "model.failed": (*_ATTEMPT, "code", "http_status", "retry", *_BILL),
    "tool.finished": (*_CALL, "tool", "effect", "attempt", "status", "code", "duration_ms"),
    "tool.deferred": (*_CALL, "tool", "effect"),
    "tool.decided": (*_CALL, "tool", "effect", "status"),
    "passages.retrieved": (*_CALL, "count", "error", "duration_ms"),
    "hook.failed": ("thread_id", "turn_id", "call_id", "hook"),
    "denied": ("action", "kind", "roles"),
    "limit.refused": ("limit",),
    "commit.made": (*_COMMIT, "count", "duration_ms"),
    "commit.slow": (*_COMMIT, "count", "duration_ms"),
    "commit.repeated": (*_COMMIT, "attempt", "duration_ms"),
    "commit.refused": (*_COMMIT, "error", "duration_ms"),
    "commit.contested": (*_COMMIT, "count"),
    "erasure.begun": ("thread_id",),
    "erasure.ended": ("thread_id",),
    "sync.left": ("part", "at", "count"),
    "fault": ("part", "thread_id", "turn_id", "error", "at"),
}
"""Which fields the line of each event may have."""

_NAMES_A_PERSON = re.compile(rf"\b({'|'.join((*OF_PEOPLE, *OF_DAYS))}):\S+")
_MOST_FRAMES = 4


class _Line:
    """The line for a handler that knows nothing of fields, written only if there is one."""

    __slots__ = ("_event", "_fields")

    def __init__(self, event: str, fields: Mapping[str, object]) -> None:
        self._event, self._fields = event, fields

    def __str__(self) -> str:
        return " ".join([self._event, *(f"{name}={value}" for name, value in self._fields.items())])


def listens(level: int) -> bool:
    """Whether any handler may get an event of this level; if not, its fields need not be gathered."""
    return _events.isEnabledFor(level)


def log_event(event: EventName, level: int = logging.INFO, /, **fields: Unpack[Fields]) -> None:
    """Write an event into the server's log."""
    if _events.isEnabledFor(level):
        known = {name: value for name, value in fields.items() if value is not None}
        _events.log(level, "%s", _Line(event, known), extra={"event": event, **known})


def log_fault(part: str, error: BaseException, *, thread_id: str | None = None, turn_id: str | None = None) -> None:
    """Write that code of the application, or this one's own, has failed: the class of its error, and the place.

    The message is left out, because it may quote what a person wrote.
    """
    name = type(error).__name__
    log_event("fault", logging.ERROR, part=part, thread_id=thread_id, turn_id=turn_id, error=name, at=place(error))


def place(error: BaseException) -> str:
    """Where an error was raised, the innermost place first: `search.py:31 in find < worker.py:190 in _retrieve`."""
    return _places(reversed(traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]))


def place_of_thread(ident: int | None) -> str | None:
    """Where a thread of this process is now, as in `place`; None if it has ended."""
    frame = sys._current_frames().get(ident or 0)
    frames = traceback.walk_stack(frame)
    return _places(traceback.StackSummary.extract(frames, limit=_MOST_FRAMES)) if frame else None


def _places(frames: Iterable[traceback.FrameSummary]) -> str:
    return " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames)


def reason_of(error: BaseException) -> str:
    """An error for the log's reader: its class, where it was raised and, if it is a store's, what that says.

    What a store says is written for its operator. Other messages may quote what a person wrote.
    """
    says = f": {without_people(str(error))}" if isinstance(error, Unavailable | StoreRefused | Full) else ""
    return f"{type(error).__name__}{says} ({place(error)})"


def without_people(text: str) -> str:
    """The text without the ids in the names of streams that are named after people."""
    return _NAMES_A_PERSON.sub(r"\1:*", text)


def named_by(stream: str) -> StreamFields:
    """What a line may say of a stream: its kind, and its thread or turn if it is that of one."""
    kind, _, name = stream.partition(":")
    if kind == "thread":
        return {"kind": kind, "thread_id": name}
    if kind in ("live", "review"):
        return {"kind": kind, "turn_id": name.partition(":")[0]}
    return {"kind": kind}


def elapsed_ms(begun: float, ended: float) -> int:
    """The milliseconds between two moments in seconds."""
    return round((ended - begun) * 1000)
