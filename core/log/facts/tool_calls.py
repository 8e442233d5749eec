"""The facts of tool calls: planned, approved, deferred, run, told to the model."""

from typing import Literal

from core.canonical import Json
from core.log.facts.base import Fact
from core.values import CallStatus, Decider, DeferredClosed, Effect, Value


class PlannedCall(Value):
    """A tool call in a model's answer; `digest` is that of its arguments.

    `approval` names the person that must approve it, None if it may run at once. `effect` is None for an unknown tool.
    `filters` names the arguments by which lists may be filtered, `subject` the one that holds the id of the person the
    call is about; None if it can only be about the asker. `outside`: strangers may have written the tool's results.
    """

    call: str
    tool: str
    effect: Effect | None
    approval: Decider | None
    digest: str
    filters: tuple[str, ...] = ()
    subject: str | None = None
    outside: bool = False


class ToolStarted(Fact):
    kind: Literal["tool.started"] = "tool.started"
    turn: str
    fence: int
    call: str
    attempt: int


class ResultContent(Value):
    """`result` as the tool gave it, or the first 64 KB of its JSON as text if it is larger (`cut`)."""

    result: Json = None
    error: str | None = None


class ToolFinished(Fact):
    """`size` is the bytes of the result's canonical JSON, `digest` its SHA-256: both of the whole, even if `cut`."""

    kind: Literal["tool.finished"] = "tool.finished"
    turn: str
    fence: int
    call: str
    status: CallStatus
    code: str | None = None
    duration_ms: int | None = None
    size: int = 0
    digest: str | None = None
    cut: bool = False
    content: ResultContent | None

    @property
    def result(self) -> Json:
        """What the tool gave, None once erased."""
        return self.content.result if self.content else None

    @property
    def error(self) -> str | None:
        """What went wrong, None once erased."""
        return self.content.error if self.content else None


class ToldContent(Value):
    text: str | None


class ToolTold(Fact):
    """What the model is told of a call after its hooks ran. `content.text` None: the result, unchanged."""

    kind: Literal["tool.told"] = "tool.told"
    turn: str
    fence: int
    call: str
    replaced: bool
    content: ToldContent | None


class AskedCall(Value):
    call: str
    digest: str
    by: Decider


class ApprovalAsked(Fact):
    """The calls of one answer that wait for approval, all together; `expires` is a `core.clock.iso` text."""

    kind: Literal["approval.asked"] = "approval.asked"
    turn: str
    fence: int
    calls: list[AskedCall]
    expires: str


class CallDeferred(Fact):
    """A call that waits for an approver, while its turn goes on; `expires` is a `core.clock.iso` text."""

    kind: Literal["call.deferred"] = "call.deferred"
    turn: str
    fence: int
    call: str
    expires: str


class DeferredCallClosed(Fact):
    """A deferred call will not be run, for this reason."""

    kind: Literal["deferred.closed"] = "deferred.closed"
    turn: str
    call: str
    reason: DeferredClosed


class DecisionContent(Value):
    arguments: Json = None
    reason: str | None = None


class ApprovalGiven(Fact):
    """`asked` is the digest of the arguments that were shown, `digest` that of the arguments to run."""

    kind: Literal["approval.given"] = "approval.given"
    turn: str
    call: str
    asked: str
    digest: str
    content: DecisionContent | None


class ApprovalDenied(Fact):
    kind: Literal["approval.denied"] = "approval.denied"
    turn: str
    call: str
    asked: str
    content: DecisionContent | None


class EvidenceContent(Value):
    evidence: str


class CallResolved(Fact):
    """An auditor's statement whether an `unknown` call took effect; the call keeps its status."""

    kind: Literal["call.resolved"] = "call.resolved"
    turn: str
    call: str
    happened: bool
    content: EvidenceContent | None
