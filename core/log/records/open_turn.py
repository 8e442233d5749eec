"""The part of a thread's head that is about its open turn, and about deferred calls."""

from typing import Literal

from pydantic import Field

from core.log.facts import Snapshot
from core.values import CallStatus, Decider, Effect, Purpose, Repair, Standing, Value, Worker


class OpenModelCall(Value):
    """The model call in progress. `fence` names the live stream that gets its text; only an answer's text is shown."""

    call: str
    fence: int
    step: int
    attempt: int
    with_tools: bool = True
    purpose: Purpose = "answer"
    covers: tuple[int, int] | None = None


class OpenCall(Value):
    """A tool call of the open turn, without content. `fence` is that of its last start.

    `told`: its hooks have run, and what the model is told of the call is on record. `outside` as in `PlannedCall`.
    """

    call: str
    tool: str
    effect: Effect | None
    status: CallStatus
    digest: str
    approval: Decider | None
    decision: Literal["given", "denied"] | None = None
    attempts: int = 0
    fence: int = 0
    told: bool = False
    outside: bool = False

    @property
    def closed(self) -> bool:
        """Whether the call has reached its last status."""
        return self.status not in ("planned", "awaiting_approval", "running")

    @property
    def waits(self) -> bool:
        """Whether a person must agree before the call may start."""
        return self.status == "planned" and self.approval is not None and self.decision is None


class OpenTurn(Value):
    """The part of the head that rules about the open turn need; ids and statuses only.

    `attempts` and `failure` are those of the current step. `repairs` lists why answers had to be given again. `lost`
    and `retried` count the claims for these reasons. `expires` is when the waiting calls expire. `released`: a worker
    needs a new claim. If it is `waiting` as well, that is first for the process of `worker`. `outside_history` is that
    of the thread.
    """

    # Without content, because every operation reads the head: its size must not grow with the texts of a turn.

    turn: str
    request_id: str
    asker: str
    standing: Standing = Field(default_factory=Standing)
    snapshot: Snapshot
    first_n: int
    status: Literal["running", "awaiting_approval"]
    fence: int = 0
    worker: Worker | None = None
    released: bool = False
    waiting: bool = False
    lost: int = 0
    retried: int = 0
    step: int = 0
    retrievals: int = 0
    passages: int = 0
    queries: int = 0
    summaries: int = 0
    repairs: list[Repair] = Field(default_factory=list)
    model_call: OpenModelCall | None = None
    attempts: int = 0
    failure: str | None = None
    failure_shown: bool = False
    calls: list[OpenCall] = Field(default_factory=list)
    expires: str | None = None
    last_at: str = ""
    outside_history: bool = False

    @property
    def foreign(self) -> bool:
        """Whether the model may have read in this turn what a stranger wrote: passages, or an outside result."""
        outside = any(call.outside and call.attempts for call in self.calls)
        return outside or self.outside_history or self.passages > 0

    def call(self, call_id: str) -> OpenCall | None:
        """The turn's call of this id, or None."""
        return next((call for call in self.calls if call.call == call_id), None)


class OpenDeferred(Value):
    """A deferred call that is not reported yet. `first_n` is the first entry of its turn."""

    call: str
    turn: str
    first_n: int
    tool: str
    digest: str
    expires: str
    decision: Literal["given", "denied"] | None = None
