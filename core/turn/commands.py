"""Commands: the input of `decide`. A command survives a Conflict and is decided again; the facts made from it do not.

A command that reports an outcome holds the fact as its worker made it. `decide` then sets the fields that depend on
the log: the turn, the fence in force, the id of a model call, the calls planned from an answer. `worker` is the writer,
which `decide` compares with the holder of the turn.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.canonical import Json
from core.log.facts import (
    HandoverAsked,
    HandoverEnded,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    Snapshot,
    ThreadCreated,
    ThreadFact,
    ToolFinished,
    ToolTold,
    TurnImported,
    TurnOpened,
)
from core.retrieval.search import Found
from core.values import ClaimReason, CloseReason, Decider, Effect, ReleaseReason, TurnStatus, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A thread begins, with the turns that it takes over from elsewhere."""

    created: ThreadCreated
    imported: tuple[TurnImported, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """An employee asks. The id of the turn is a function of its thread and request id.

    `replaces` is the turn whose place the new one takes, None to ask below. `release`: the worker does not begin,
    because its process has no place for the turn (`waiting`).
    """

    worker: Worker
    opened: TurnOpened
    replaces: str | None = None
    release: Literal["waiting"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """The asker goes back to another version of a turn. `last` is the newest turn of the branch that it was left at."""

    version: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker takes a turn that was released (`resumed`), or whose worker is gone (`lost`).

    `n` is the last entry that was judged. Any entry after it is a sign of life, and the claim is refused.
    """

    turn: str
    worker: Worker
    reason: ClaimReason
    fence: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The search before the first answer. If `error` is set, the search failed and `search` is empty."""

    worker: Worker
    search: Found
    duration_ms: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A model request is about to go out."""

    worker: Worker
    requested: ModelAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A tool call as the model wrote it. If `fault` is set, the call never runs, and `message` tells the model why.

    `filters`, `subject` and `outside` are those of the tool.
    """

    tool: str
    effect: Effect | None
    approval: Decider | None
    arguments: Json
    fault: Literal["invalid_arguments", "unknown_tool"] | None = None
    message: str | None = None
    filters: tuple[str, ...] = ()
    subject: str | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole answer, with the calls in it.

    `misfit` says why the text does not fit the requested schema. If it fits, `output` is its JSON. `unjudged` says how
    the schema's own code failed, so that it is not known whether the text fits.
    """

    worker: Worker
    answered: ModelAnswered
    calls: tuple[WrittenCall, ...] = ()
    misfit: str | None = None
    output: Json = None
    unjudged: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A model request failed.

    `retryable`: another attempt may succeed. `untried`: a model is left that this step has not used, so that it may go
    on however many attempts there were. `http_status` is what the model's server answered; `unsent`: nothing of
    the request has reached it. Neither is on record.
    """

    worker: Worker
    failed: ModelFailed
    retryable: bool
    untried: bool = False
    http_status: int | None = None
    unsent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Tool calls are about to run: one, or several reads at once. `decide` skips those that are closed by then."""

    worker: Worker
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The outcome of a tool call. If the call searched the handbooks, `search` takes the place of a result."""

    worker: Worker
    finished: ToolFinished
    search: Found | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Hooks have decided what the model is told of a call."""

    worker: Worker
    told: ToolTold


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Every call that needs a person waits for one, until `expires` (a `core.clock.iso` text)."""

    worker: Worker
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defer:
    """Calls that need an approver wait for one until `expires` (a `core.clock.iso` text), while their turn goes on."""

    worker: Worker
    calls: tuple[str, ...]
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person approves or denies a waiting call.

    `digest` is that of the arguments the person saw. `arguments` run in their place; None leaves them. `release`: the
    worker does not go on, because its process has no place for the turn, or lacks its models or tools (`left`).

    The rest is for a deferred call: `now` is the time of the decision, `snapshot` what the turn that reports it would
    run with. If another turn is open, that turn is opened later, by a `ReportDecision`.
    """

    call: str
    outcome: Literal["approve", "deny"]
    digest: str
    arguments: Json
    reason: str | None
    worker: Worker
    release: ReleaseReason | None = None
    now: str = ""
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDecision:
    """A turn is opened that reports the decision on a deferred call, and first runs the call if it was approved."""

    call: str
    worker: Worker
    snapshot: Snapshot
    release: Literal["waiting"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDeferred:
    """A deferred call is not to be run. A person takes back only what has no decision yet."""

    call: str
    reason: Literal["expired", "withdrawn", "tool_gone", "restored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A turn is ended from outside its worker. `partial` and `reasoning` are what the open model call's sealed stream
    shows of its text and its thinking, "" without one.

    `n` is the last entry that was judged: after any further entry the turn stays open. None ends it in any case.
    """

    turn: str
    worker: Worker
    reason: CloseReason
    status: TurnStatus
    code: str | None
    message: str | None
    partial: str
    n: int | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The worker leaves an open turn, and any other may go on with it."""

    worker: Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The worker ends its own turn: as failed, because it cannot go on, or as refused by a hook.

    `partial` and `reasoning` are as in `Close`, `until` is as in TurnEnded.
    """

    worker: Worker
    partial: str
    code: str
    message: str
    status: Literal["failed", "refused"] = "failed"
    reasoning: str = ""
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """An employee wants a person to get their matter, or what came of that."""

    fact: HandoverAsked | HandoverEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A fact that is legal at any time: a title, metadata, instructions, a shelf, feedback, a request for erasure."""

    fact: ThreadFact


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginErasure:
    """The erasure that the owner has asked for begins, if it is due before `before` (a `core.clock.iso` text)."""

    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndErasure:
    """The erasure is complete: the payloads up to entry `upto` are gone, and the records are without content."""

    upto: int


Command: TypeAlias = (
    Begin
    | Submit
    | Show
    | Defer
    | ReportDecision
    | CloseDeferred
    | Claim
    | Retrieved
    | Request
    | Answered
    | Failed
    | Start
    | Finished
    | Tell
    | Park
    | Approval
    | Close
    | Release
    | GiveUp
    | HandOver
    | BeginErasure
    | EndErasure
    | Note
)
