"""The facts of a turn from its question to its end, and what is said of it afterwards."""

from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.log.facts.base import Fact
from core.log.facts.tool_calls import PlannedCall, ResultContent
from core.values import (
    CallStatus,
    Citation,
    ClaimReason,
    Concern,
    Dislike,
    ImportedAnswer,
    ReleaseReason,
    Standing,
    TurnStatus,
    Usage,
    Value,
    Worker,
)


class Snapshot(Value):
    """What a turn runs with: the names of its models, in the order they are tried, and digests of the rest.

    Each digest names a `blob:<digest>` stream. `output` is the schema that the answer has to fit, None for free text.
    """

    models: tuple[str, ...]
    instructions: str
    tools: str
    options: str
    handbooks: str
    output: str | None = None


class Fork(Value):
    """The place in a thread that a turn takes from the turn `replaces`. `original` is the first turn in that place.

    `left` is the newest turn of the branch that was shown until then. `hidden` are the entries that the new turn's
    branch leaves out (`core.log.branches`).
    """

    replaces: str
    original: str
    left: str
    hidden: list[tuple[int, int]]


class Report(Value):
    """The decision on deferred call `deferred` that a turn reports. `call` is the call that the turn runs first.

    It is None after a denial.
    """

    deferred: str
    call: PlannedCall | None


class QuestionContent(Value):
    """`concern` is what care recognised in the text, None if it recognised nothing or was not asked.

    `arguments` are those of the call that the turn runs first, None without one.
    """

    text: str
    concern: Concern | None = None
    arguments: Json = None


class TurnOpened(Fact):
    """A question, or a report of ours. `sealed`: the thread is closed to auditors from here on.

    `fork` is set if the turn takes another turn's place. `report` is set if the text is not the employee's but ours.
    """

    # The topic of a concern is content and goes with an erasure; the seal stays.
    V: ClassVar[int] = 4  # `fork` and `report`, then `outside` in it

    kind: Literal["turn.opened"] = "turn.opened"
    turn: str
    request_id: str
    snapshot: Snapshot
    standing: Standing = Field(default_factory=Standing)
    sealed: bool = False
    fork: Fork | None = None
    report: Report | None = None
    content: QuestionContent | None

    @property
    def text(self) -> str | None:
        """The question, None once erased."""
        return self.content.text if self.content else None


class Origin(Value):
    """The turn of this store that an imported turn is a copy of."""

    thread: str
    turn: str


class ImportedContent(Value):
    """`question` is None if it was erased before it was copied. `answers` are in their order, [] then as well."""

    question: str | None
    answers: list[ImportedAnswer]
    citations: list[Citation] = Field(default_factory=list)
    concern: Concern | None = None


class TurnImported(Fact):
    """A question that was asked elsewhere, and its answers. It stands between turns, and is over at once.

    `acted`: a tool call in it may have changed something, or may yet. Of a copy this says as well that its origin could
    not be replaced. `sealed` is as in `TurnOpened`. `origin` is None if the application brought the messages.
    `outside`: it has results of tools of which nobody knows who wrote them.
    """

    V: ClassVar[int] = 2  # `outside`
    kind: Literal["turn.imported"] = "turn.imported"
    turn: str
    origin: Origin | None = None
    acted: bool = False
    sealed: bool = False
    outside: bool = False
    content: ImportedContent | None


class TurnClaimed(Fact):
    kind: Literal["turn.claimed"] = "turn.claimed"
    turn: str
    fence: int
    worker: Worker
    reason: ClaimReason


class HookFailedContent(Value):
    message: str


class HookFailed(Fact):
    """The application's hook `hook` raised or took too long, on the model call or tool call `call`."""

    kind: Literal["hook.failed"] = "hook.failed"
    turn: str
    hook: str
    call: str
    content: HookFailedContent | None


class TurnReleased(Fact):
    """The turn has no worker for now. `left`: any process may go on with it.

    `waiting`: the process of the last claim claims the turn again when it has a place. Others may once that process is
    gone, or after a lease.
    """

    V: ClassVar[int] = 2  # turns without a place

    kind: Literal["turn.released"] = "turn.released"
    turn: str
    fence: int
    reason: ReleaseReason = "left"


class EndContent(Value):
    """`output` is the answer as JSON; None unless the turn has a schema and the answer fits it."""

    text: str
    citations: list[Citation] = Field(default_factory=list)
    message: str | None = None
    output: Json = None


class TurnEnded(Fact):
    """`citations_left_out` counts the citations that were dropped, because together they are too large to keep.

    `cited` counts those that were kept, None in entries that are older than the field. `until` is when to ask again
    if a limit ended the turn, None if no time is known.
    """

    # What came of the turn depends on it, and must not change with an erasure.
    V: ClassVar[int] = 3  # `cited`, then `until`

    kind: Literal["turn.ended"] = "turn.ended"
    turn: str
    fence: int
    status: TurnStatus
    code: str | None = None
    citations_left_out: int = 0
    cited: int | None = None
    until: str | None = None
    content: EndContent | None


class FeedbackContent(Value):
    comment: str


class FeedbackGiven(Fact):
    """`rating` None takes an earlier rating back; the earlier entry stays. `previous` is the rating until now.

    `dislike` is the asker's reason for a `down`, None without one.
    """

    # The head counts ratings without the turn's record, which a crash may have left ahead of it.
    V: ClassVar[int] = 3  # `dislike`

    kind: Literal["feedback.given"] = "feedback.given"
    turn: str
    rating: Literal["up", "down"] | None
    previous: Literal["up", "down"] | None = None
    dislike: Dislike | None = None
    content: FeedbackContent | None


class Late(Fact):
    """What a worker reports after it lost its turn.

    A call that still runs under that worker's fence takes its status from it. Otherwise it is kept as evidence only.
    """

    kind: Literal["late"] = "late"
    turn: str
    fence: int
    call: str
    status: CallStatus | None = None
    usage: Usage | None = None
    cost: int | None = None
    content: ResultContent | None


class Erased(Fact):
    """The payloads of these kinds of entry of this turn were erased; this entry is written after the erasure."""

    kind: Literal["erased"] = "erased"
    turn: str
    kinds: list[str]
