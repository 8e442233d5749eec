"""Wishes: what has happened, or what somebody wants, before it is on record.

A wish outlives a `Conflict`: it is decided again from the newer state. `worker` is who says it, and decides whether it
may still be said.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.canonical import Json
from core.log.facts import Snapshot, ThreadFact
from core.retrieval.search import Found
from core.values import CallStatus, ClaimReason, Purpose, Standing, StopReason, TurnStatus, Usage, Worker

UNKNOWN_USAGE = Usage()
ANY_EMPLOYEE = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """A question is put. `turn` is its id, a function of thread and request id."""

    turn: str
    request_id: str
    text: str
    snapshot: Snapshot
    standing: Standing = ANY_EMPLOYEE
    worker: Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker takes over a turn whose last one is gone (`lost`), or let it go (`resumed`).

    `n` is the last entry that was judged: any after it is a sign of life, and the turn is to be judged anew.
    """

    turn: str
    worker: Worker
    reason: ClaimReason
    fence: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The search before the first answer. `error` set: it failed, and `found` is empty."""

    worker: Worker
    found: Found
    duration_ms: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request is to go out; its fields are those of `ModelAsked`."""

    worker: Worker
    step: int
    attempt: int
    model: str
    with_tools: bool
    window: int
    request: str
    purpose: Purpose = "answer"
    summary: str | None = None
    changed: tuple[str, ...] = ()
    covers: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A call as the model wrote it and the tools judge it. `fault` set: it never runs, and why."""

    tool: str
    effect: Literal["read", "idempotent", "unsafe"] | None
    approval: Literal["asker", "approver"] | None
    arguments: Json
    fault: Literal["invalid_arguments", "unknown_tool"] | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole answer. `misfit` says why its text does not fit the schema asked for; else `output` is its JSON."""

    worker: Worker
    call: str
    text: str
    stop_reason: StopReason
    calls: tuple[WrittenCall, ...]
    reasoning: tuple[Json, ...]
    usage: Usage
    cost: int | None
    ttft_ms: int | None
    duration_ms: int
    left_out: tuple[int, ...] = ()
    misfit: str | None = None
    output: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A model call gave no whole answer; `text` is what came of it.

    `retryable`: another attempt may succeed. `untried`: there is a model that was not asked yet on this step, and may
    be however many attempts there were.
    """

    worker: Worker
    call: str
    code: str
    message: str
    text: str
    retryable: bool
    untried: bool = False
    usage: Usage = UNKNOWN_USAGE
    cost: int | None = None
    ttft_ms: int | None = None
    duration_ms: int | None = None
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Calls are about to run: one, or several reads at once. Those that are closed by then do not start."""

    worker: Worker
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of a call. `found` are the passages of one that searched for them, in place of a `result`."""

    worker: Worker
    call: str
    status: CallStatus
    code: str | None = None
    result: Json = None
    error: str | None = None
    duration_ms: int | None = None
    size: int = 0
    digest: str | None = None
    cut: bool = False
    found: Found | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Hooks have said what the model is told of a call: `text`, or None for its result as it is."""

    worker: Worker
    call: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Every call that needs a person is asked for, until `expires`."""

    worker: Worker
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A person's word on a waiting call.

    `digest` is that of the arguments they saw; `arguments` those they changed them to, None to leave them.
    """

    call: str
    outcome: Literal["approve", "deny"]
    digest: str
    arguments: Json
    reason: str | None
    worker: Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Somebody ends a turn, whoever works on it. `partial` is the sealed text of the open model call, if any.

    `n` is the last entry that was judged: after any more of them the turn is to be judged anew. None for a stop.
    """

    turn: str
    worker: Worker
    reason: Literal["stop", "expired", "lost"]
    status: TurnStatus
    code: str | None
    message: str | None
    partial: str
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    worker: Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The holder ends its own turn as failed: something broke that no other rule names."""

    worker: Worker
    partial: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A fact that is legal at any time: a title, metadata, feedback, a resolution, what came late."""

    fact: ThreadFact


Wish: TypeAlias = (
    Submit
    | Claim
    | Retrieved
    | Ask
    | Answered
    | Failed
    | Start
    | Finished
    | Tell
    | Park
    | Decide
    | Close
    | Release
    | GiveUp
    | Note
)
