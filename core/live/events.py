"""What a follower of a turn sees, in order, in any process and however late it begins.

Every event was on record before it was made. The `text` events since the last `attempt`, joined, are the turn's text.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.log.records import ToolCall, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEvent:
    """More of the answer."""

    kind: Literal["text"] = "text"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningEvent:
    """More of the model's thinking in one model call, or of the provider's summary of it. It is not part of the answer.

    All of a call's events joined are `ModelCall.reasoning_text`, unless the call was made for another purpose.
    """

    kind: Literal["reasoning"] = "reasoning"
    call_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """The turn is not begun yet: its desk works on as many turns as it may. Comes again when `ahead` has changed.

    `ahead` is how many turns the desk begins before this one; None if the turn waits in another process.
    """

    kind: Literal["waiting"] = "waiting"
    ahead: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunEvent:
    """The turn has waited, and a worker has begun it, or goes on with it."""

    kind: Literal["begun"] = "begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent:
    """Discard the text so far. The part of it that still counts follows, as text."""

    kind: Literal["attempt"] = "attempt"
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStartedEvent:
    """A tool is about to act; `call` is its record as of now."""

    kind: Literal["tool.started"] = "tool.started"
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgressEvent:
    """How far a running call is: `done` of `total`, None if unknown."""

    kind: Literal["tool.progress"] = "tool.progress"
    call_id: str
    message: str
    done: float | None
    total: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinishedEvent:
    """A call has reached its last status."""

    kind: Literal["tool.finished"] = "tool.finished"
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAskedEvent:
    """The turn is parked until these calls are decided; a follower ends here. Follow again after the decision."""

    kind: Literal["approval.asked"] = "approval.asked"
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatEvent:
    """Comes about twice a second between other events, so that a page can tell a waiting turn from a lost one."""

    kind: Literal["beat"] = "beat"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedEvent:
    """The turn has ended, as `turn` says; `calls` are its tool calls, in order. Always the last event."""

    kind: Literal["ended"] = "ended"
    turn: Turn
    calls: tuple[ToolCall, ...] = ()


Event: TypeAlias = (
    WaitingEvent
    | BegunEvent
    | TextEvent
    | ReasoningEvent
    | AttemptEvent
    | ToolStartedEvent
    | ToolProgressEvent
    | ToolFinishedEvent
    | ApprovalAskedEvent
    | BeatEvent
    | EndedEvent
)
