"""Tool calls, and those that wait for an approver while their thread goes on."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.clock import Time
from core.values import CallStatus, Decider, DeferredClosed, DeferredStatus, Effect, Standing, Value

MAX_LATER = 50
"""The most later entries that a call keeps the numbers of; the log has all of them."""


class Decision(Value):
    """A person's decision on a call. `asked` is the digest of the arguments shown, `digest` that of those to run."""

    outcome: Literal["given", "denied"]
    by: str
    at: str
    asked: str
    digest: str
    reason: str | None = None

    time: ClassVar = Time[datetime]("at")


class ToolCall(Value):
    """One tool call, planned by `model_call`; `number` counts the calls of its turn from 1.

    `carries_out` is the deferred call that an approver allowed and this one carries out; then `model_call` is "".
    `waits`: a person has to decide on the call now. `closed` says why a deferred call is not run, as in `DeferredCall`.

    `planned` are the model's arguments, `arguments` those that ran. `code` says in a word why it failed, `error` in a
    sentence. If `cut`, `result` is the beginning of a larger result of `size` bytes. `told` is what the model was told
    in place of the result, None if it was told the result itself. `hook_failures` names the hooks that failed.

    `late` lists what workers reported after they had lost the turn; only a call that was still running under the
    worker's fence takes its status from it. `resolution` is an auditor's statement on an `unknown` call, which keeps
    its status.

    `about` is the id of the person the call is about, None for the asker; `about_other` says whether that is another
    person. `filters` are the arguments that lists may be filtered by, as `name=value`; `filter_names` and `subject` are
    what the tool declared, and so is `outside`. `day` is the UTC day of its planning, `duration_bucket` as in `Turn`.
    `later` are the entries after the turn's end that concern the call, in order, the newest MAX_LATER of them.
    """

    kind: Literal["tool_call"] = "tool_call"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    model_call: str
    number: int
    tool: str
    effect: Effect | None
    status: CallStatus
    planned: Json = None
    arguments: Json = None
    digest: str
    approval: Decider | None = None
    carries_out: str | None = None
    expires: str | None = None
    waits: bool = False
    closed: DeferredClosed | None = None
    decision: Decision | None = None
    attempts: int = 0
    fence: int
    result: Json = None
    error: str | None = None
    code: str | None = None
    size: int = 0
    result_digest: str | None = None
    cut: bool = False
    told: str | None = None
    hook_failures: list[str] = Field(default_factory=list)
    planned_at: str
    started_at: str | None = None
    finished_at: str | None = None
    duration_ms: int | None = None
    late: list[Json] = Field(default_factory=list)
    resolution: Json = None
    at_n: int
    erased: bool = False
    day: str = ""
    duration_bucket: int | None = None
    about: str | None = None
    about_other: bool = False
    filters: list[str] = Field(default_factory=list)
    filter_names: tuple[str, ...] = ()
    subject: str | None = None
    outside: bool = False
    later: list[int] = Field(default_factory=list)

    planned_time: ClassVar = Time[datetime]("planned_at")
    started_time: ClassVar = Time[datetime | None]("started_at")
    finished_time: ClassVar = Time[datetime | None]("finished_at")
    expires_time: ClassVar = Time[datetime | None]("expires")


class DeferredCall(Value):
    """What became of the call `call`, which waits for an approver while its thread goes on.

    `arguments` are those to run, and `digest` is theirs; None once erased. `report` is the turn that runs the call and
    reports the decision, None before that turn. `closed` says why that turn will not come. `standing` is the asker's at
    the time. `filter_names`, `subject` and `outside` are as in `ToolCall`.
    """

    kind: Literal["deferred_call"] = "deferred_call"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    call: str
    tool: str
    effect: Effect | None
    arguments: Json
    digest: str
    status: DeferredStatus
    closed: DeferredClosed | None = None
    asked_at: str
    expires: str
    decision: Decision | None = None
    report: str | None = None
    standing: Standing
    filter_names: tuple[str, ...] = ()
    subject: str | None = None
    outside: bool = False
    at_n: int

    asked_time: ClassVar = Time[datetime]("asked_at")
    expires_time: ClassVar = Time[datetime]("expires")

    @property
    def carried_out_by(self) -> str | None:
        """The id of the call that carries it out; None before its turn, and if it was not approved."""
        approved = self.decision is not None and self.decision.outcome == "given"
        return carrying_call(self.report) if self.report and approved else None


def carrying_call(turn: str) -> str:
    """The id of the call that the turn `turn` carries out first, because an approver has allowed it."""
    return f"{turn}-t1"
