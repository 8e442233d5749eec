"""What a follower of a turn sees, in order, whenever and wherever it begins to follow.

Every event was on record before it was made. The texts of a turn's `text` events since its last `attempt`, put
together, are its text.
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
class AttemptEvent:
    """What came before as text no longer counts: discard it. What still counts comes again, as text."""

    kind: Literal["attempt"] = "attempt"
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStartedEvent:
    """A tool is about to act; `call` is its record as of now."""

    kind: Literal["tool.started"] = "tool.started"
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgressEvent:
    """How far a running call is: `done` of `total`, None where it cannot tell."""

    kind: Literal["tool.progress"] = "tool.progress"
    call_id: str
    message: str
    done: float | None
    total: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinishedEvent:
    """A call has its last status, whichever that is."""

    kind: Literal["tool.finished"] = "tool.finished"
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAskedEvent:
    """The turn is parked until these calls are decided; a follower ends here. Follow again after the decision."""

    kind: Literal["approval.asked"] = "approval.asked"
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatEvent:
    """Nothing new. Comes about twice a second, so that a page can tell a waiting turn from a lost one."""

    kind: Literal["beat"] = "beat"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedEvent:
    """The turn has ended, as `turn` says. Always the last event."""

    kind: Literal["ended"] = "ended"
    turn: Turn


Event: TypeAlias = (
    TextEvent
    | AttemptEvent
    | ToolStartedEvent
    | ToolProgressEvent
    | ToolFinishedEvent
    | ApprovalAskedEvent
    | BeatEvent
    | EndedEvent
)
