"""The closed set of facts: every kind of entry, its shell, and the content that can be erased.

A fact's own fields are its shell: ids, numbers, statuses, fences. What people and models wrote is below `content`,
which is None once erased.
"""

from typing import Annotated, ClassVar, Literal, TypeAlias, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from core.canonical import Json
from core.errors import Corrupt
from core.gate import Role
from core.log.entry import Draft
from core.values import (
    Account,
    Attached,
    CallStatus,
    Cause,
    Citation,
    ClaimReason,
    Concern,
    Decider,
    DeferredClosed,
    Dislike,
    Effect,
    Entry,
    GrantBasis,
    ImportedAnswer,
    Judgement,
    Passage,
    Purpose,
    ReleaseReason,
    Repair,
    Shelf,
    Standing,
    StopReason,
    Switched,
    TurnStatus,
    Usage,
    Value,
    Verdict,
    Worker,
)


class Fact(Value):
    """What an entry says. `kind` names it; `V` is the version of its fields that this code writes and reads."""

    V: ClassVar[int] = 1


class ThreadContent(Value):
    title: str | None
    metadata: dict[str, Json]
    instructions: str


class ThreadCreated(Fact):
    kind: Literal["thread.created"] = "thread.created"
    thread: str
    owner: str
    content: ThreadContent | None


class MetadataContent(Value):
    metadata: dict[str, Json]


class MetadataChanged(Fact):
    kind: Literal["thread.metadata"] = "thread.metadata"
    content: MetadataContent | None


class InstructionsContent(Value):
    instructions: str


class InstructionsChanged(Fact):
    """What a model is told in the turns from here on; "" is what the desk tells in threads without their own."""

    kind: Literal["thread.instructions"] = "thread.instructions"
    content: InstructionsContent | None


class TitleContent(Value):
    title: str


class Renamed(Fact):
    kind: Literal["thread.renamed"] = "thread.renamed"
    content: TitleContent | None


class Shelved(Fact):
    """The owner has pinned the thread, archived it, or put it back among the others."""

    kind: Literal["thread.shelved"] = "thread.shelved"
    shelf: Shelf


class ErasureAsked(Fact):
    """The owner wants the thread's content erased. It is erased at `due` (a `core.clock.iso` text) or soon after."""

    kind: Literal["erasure.asked"] = "erasure.asked"
    due: str


class ErasureWithdrawn(Fact):
    """The owner has taken the request back before it was carried out."""

    kind: Literal["erasure.withdrawn"] = "erasure.withdrawn"


class ErasureBegun(Fact):
    """What was written in the thread up to here is erased: from here on its records are without it.

    From here on the request is final. `thread.erased` says that the payloads are gone too.
    """

    kind: Literal["erasure.begun"] = "erasure.begun"


class ThreadErased(Fact):
    """The payloads of the thread's entries up to `upto` were erased; this entry is written after the erasure."""

    kind: Literal["thread.erased"] = "thread.erased"
    upto: int


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
    """

    kind: Literal["turn.imported"] = "turn.imported"
    turn: str
    origin: Origin | None = None
    acted: bool = False
    sealed: bool = False
    content: ImportedContent | None


class BranchShown(Fact):
    """The asker has gone back to `version`, another turn in the place of `turn`, which is the first one there.

    `last` is the newest turn of the branch that is shown from now on, `left` that of the one until now, and `hidden`
    what the new one leaves out.
    """

    kind: Literal["branch.shown"] = "branch.shown"
    turn: str
    version: str
    last: str
    left: str
    hidden: list[tuple[int, int]]


class TurnClaimed(Fact):
    kind: Literal["turn.claimed"] = "turn.claimed"
    turn: str
    fence: int
    worker: Worker
    reason: ClaimReason


class PassagesContent(Value):
    query: str
    passages: list[Passage]


class PassagesRetrieved(Fact):
    """A search. If the retriever failed, `error` is set, `passages` is [], and the turn goes on.

    `count` is the length of `content.passages`, which leaves out passages that the turn found earlier. `call` is the
    tool call that searched, None for the search before the first model call. `judgement` is None if the retriever does
    not judge.
    """

    kind: Literal["passages.retrieved"] = "passages.retrieved"
    turn: str
    fence: int
    retrieval: str
    count: int
    duration_ms: int
    error: str | None = None
    call: str | None = None
    judgement: Judgement | None = None
    content: PassagesContent | None

    @property
    def passages(self) -> list[Passage]:
        """The passages, [] once erased."""
        return self.content.passages if self.content else []


class ModelAsked(Fact):
    """A physical request is about to be sent. `window` is the n of the oldest entry it uses, `request` its digest.

    `summary` is the id of the summary it holds, `changed` names the parts of the request that hooks changed. `covers`
    is set for a request for a summary: the first and the last entry to summarise.
    """

    kind: Literal["model.asked"] = "model.asked"
    turn: str
    fence: int
    call: str
    step: int
    attempt: int
    model: str
    with_tools: bool
    window: int
    request: str
    purpose: Purpose = "answer"
    summary: str | None = None
    changed: list[str] = Field(default_factory=list)
    covers: tuple[int, int] | None = None


class AnswerContent(Value):
    """`arguments` maps call ids to arguments; arguments other than a JSON object become `{"INVALID_JSON": raw}`.

    `reasoning` are the provider's own blocks, as they are sent back, and `reasoning_text` is what followers were shown
    of the model's thinking. `fault` tells the model why its answer must be given again, None if the answer stands.
    """

    text: str
    reasoning: list[dict[str, Json]] = Field(default_factory=list)
    reasoning_text: str = ""
    arguments: dict[str, Json] = Field(default_factory=dict)
    fault: str | None = None


class ModelAnswered(Fact):
    """The whole, validated answer. `cost` is in nano-USD, None if unknown; `ttft_ms` is the time to the first content.

    `repair` says why the answer must be given again, None if it stands. `left_out` are the numbers of markers that were
    removed from the text, because the turn has not found a passage of that number.
    """

    V: ClassVar[int] = 4  # PlannedCall has got `filters` and `subject`, the content `reasoning_text`, then `outside`

    kind: Literal["model.answered"] = "model.answered"
    turn: str
    fence: int
    call: str
    stop_reason: StopReason
    usage: Usage
    cost: int | None
    ttft_ms: int | None
    duration_ms: int
    calls: list[PlannedCall] = Field(default_factory=list)
    repair: Repair | None = None
    left_out: list[int] = Field(default_factory=list)
    content: AnswerContent | None

    @property
    def text(self) -> str:
        """The answer's text, "" once erased."""
        return self.content.text if self.content else ""


class FailureContent(Value):
    text: str
    message: str
    reasoning_text: str = ""


class ModelFailed(Fact):
    """An attempt that ended before its answer was complete. `shown`: part of `content.text` may have been displayed.

    `left_out` is as in `ModelAnswered`.
    """

    V: ClassVar[int] = 2  # the content has got `reasoning_text`

    kind: Literal["model.failed"] = "model.failed"
    turn: str
    fence: int
    call: str
    code: str
    shown: bool
    usage: Usage
    cost: int | None
    ttft_ms: int | None
    duration_ms: int | None
    left_out: list[int] = Field(default_factory=list)
    content: FailureContent | None

    @property
    def text(self) -> str:
        """What came of the answer, "" once erased."""
        return self.content.text if self.content else ""

    @property
    def message(self) -> str | None:
        """What went wrong, None once erased."""
        return self.content.message if self.content else None


class SummaryContent(Value):
    text: str


class HistorySummarized(Fact):
    """A summary by model call `call`, sent to models in place of the thread's entries `first_n` to `last_n`."""

    kind: Literal["history.summarized"] = "history.summarized"
    turn: str
    fence: int
    summary: str
    call: str
    first_n: int
    last_n: int
    content: SummaryContent | None


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


class HookFailedContent(Value):
    message: str


class HookFailed(Fact):
    """The application's hook `hook` raised or took too long, on the model call or tool call `call`."""

    kind: Literal["hook.failed"] = "hook.failed"
    turn: str
    hook: str
    call: str
    content: HookFailedContent | None


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


class EvidenceContent(Value):
    evidence: str


class CallResolved(Fact):
    """An auditor's statement whether an `unknown` call took effect; the call keeps its status."""

    kind: Literal["call.resolved"] = "call.resolved"
    turn: str
    call: str
    happened: bool
    content: EvidenceContent | None


class SealLiftedContent(Value):
    reason: str


class SealLifted(Fact):
    """A handler has opened the thread to auditors again. A later concern seals it anew."""

    kind: Literal["seal.lifted"] = "seal.lifted"
    content: SealLiftedContent | None


class HandoverContent(Value):
    """What the employee adds for the person who takes over, "" for nothing."""

    note: str


class HandoverAsked(Fact):
    """The employee has agreed that a person gets their matter, with what `attached` names of the thread."""

    kind: Literal["handover.asked"] = "handover.asked"
    turn: str
    handover: str
    attached: Attached
    content: HandoverContent | None


class HandoverEndContent(Value):
    """`reference` is what the employee can quote, `message` says in words what went wrong; None if unknown."""

    reference: str | None = None
    message: str | None = None


class HandoverEnded(Fact):
    """What came of a hand-over. `unknown`: the matter may have been sent, or not."""

    kind: Literal["handover.ended"] = "handover.ended"
    turn: str
    handover: str
    status: Literal["sent", "failed", "unknown"]
    content: HandoverEndContent | None


class Erased(Fact):
    """The payloads of these kinds of entry of this turn were erased; this entry is written after the erasure."""

    kind: Literal["erased"] = "erased"
    turn: str
    kinds: list[str]


class LiveTextContent(Value):
    text: str


class LiveText(Fact):
    """A piece of the text of model call `call`, in the order it came."""

    kind: Literal["live.text"] = "live.text"
    call: str
    content: LiveTextContent | None

    @property
    def text(self) -> str:
        """The piece of text, "" once erased."""
        return self.content.text if self.content else ""


class LiveReasoning(Fact):
    """A piece of the thinking of model call `call`, in the order it came."""

    kind: Literal["live.reasoning"] = "live.reasoning"
    call: str
    content: LiveTextContent | None

    @property
    def text(self) -> str:
        """The piece of thinking, "" once erased."""
        return self.content.text if self.content else ""


class LiveProgressContent(Value):
    message: str


class LiveProgress(Fact):
    """The progress of a running tool: `done` of `total`, None if unknown."""

    kind: Literal["live.progress"] = "live.progress"
    call: str
    done: float | None
    total: float | None
    content: LiveProgressContent | None


class Beat(Fact):
    kind: Literal["live.beat"] = "live.beat"


class Sealed(Fact):
    """The last entry of a live stream: the entries before it are all that was ever shown of its fence."""

    kind: Literal["sealed"] = "sealed"


class BlobContent(Value):
    value: Json


class Blob(Fact):
    kind: Literal["blob"] = "blob"
    content: BlobContent | None


class LookContent(Value):
    purpose: str
    words: str = ""


class Looked(Fact):
    """A look at another person's object, recorded before its content is returned. `object` is None for a search.

    `owners` are the people whose content an export or a list of requests holds, `manifest` is the digest of the
    export's manifest. `roles` are those of the viewer at that time, sorted. `account` is set if a command looked.
    """

    V: ClassVar[int] = 4  # 3: `roles`; 4: `account`

    kind: Literal["audit.looked"] = "audit.looked"
    action: str
    object: str | None
    owner: str | None
    filters: dict[str, Json] = Field(default_factory=dict)
    owners: list[str] = Field(default_factory=list)
    manifest: str | None = None
    roles: list[str] = Field(default_factory=list)
    account: Account | None = None
    content: LookContent | None


class LookDenied(Fact):
    """A viewer was denied an action. `object` is None for an action on many objects.

    A foreign object and a missing one make the same entry. `more` above 0 counts further denials, which are not on
    record one by one: all of them since the counting began, as far as they were counted. `action` is the last one's.
    `account` is set if a command was denied.
    """

    V: ClassVar[int] = 2  # `account`

    kind: Literal["audit.denied"] = "audit.denied"
    action: str
    object: str | None
    more: int = 0
    account: Account | None = None


class VerdictContent(Value):
    """What the auditor adds: a note, and the answer as it should have been; "" for nothing."""

    note: str = ""
    corrected: str = ""


class VerdictGiven(Fact):
    """An auditor's or a handler's verdict on the answer of a turn. `cause` is set if the answer is wrong.

    `thread`, `owner` and `opened_at` are those of the turn.
    """

    kind: Literal["verdict.given"] = "verdict.given"
    turn: str
    thread: str
    owner: str
    opened_at: str
    verdict: Verdict
    cause: Cause | None = None
    content: VerdictContent | None


class NoticeAcknowledged(Fact):
    """A person has read the notice that an AI answers, and who can see what they write. `notice` is its version."""

    kind: Literal["notice.acknowledged"] = "notice.acknowledged"
    notice: str


class InstallationContent(Value):
    """`key` is the secret of the installation's pseudonyms, as hexadecimal digits."""

    key: str


class InstallationMade(Fact):
    """What an installation makes once for itself. Only entry 1 of `installation:desk` counts."""

    kind: Literal["installation.made"] = "installation.made"
    content: InstallationContent | None


class DemoMarked(Fact):
    """The store is a demo. Only entry 1 of `administration:desk` counts."""

    # A later one does not: it would turn a store that holds real threads into a demo, in which anyone may be anyone.
    kind: Literal["demo.marked"] = "demo.marked"


class ReasonContent(Value):
    reason: str


class RoleGranted(Fact):
    """A person has this role from now on, until `until` if it is set. It replaces an earlier grant of the role.

    `account` is set if a command did it. A grant of the settings is by the desk.
    """

    kind: Literal["role.granted"] = "role.granted"
    person: str
    role: Role
    until: str | None
    basis: GrantBasis
    account: Account | None
    content: ReasonContent | None


class RoleEnded(Fact):
    """A granted role was taken away. `account` is set if a command did it."""

    kind: Literal["role.ended"] = "role.ended"
    person: str
    role: Role
    account: Account | None
    content: ReasonContent | None


class PersonBlocked(Fact):
    """A person may not use the desk, whatever their roles are. `account` is set if a command did it."""

    kind: Literal["person.blocked"] = "person.blocked"
    person: str
    account: Account | None
    content: ReasonContent | None


class PersonUnblocked(Fact):
    """A person may use the desk again. `account` is set if a command did it."""

    kind: Literal["person.unblocked"] = "person.unblocked"
    person: str
    account: Account | None
    content: ReasonContent | None


class SignInMapped(Fact):
    """By which settings a sign-in gives people their roles from now on; `account` is that of the program."""

    kind: Literal["sign_in.mapped"] = "sign_in.mapped"
    mapping: dict[str, Json]
    account: Account


class SwitchedOff(Fact):
    """A tool or a model may not be used, whichever process has it. `account` is set if a command did it."""

    kind: Literal["switched.off"] = "switched.off"
    what: Switched
    name: str
    account: Account | None
    content: ReasonContent | None


class SwitchedOn(Fact):
    """A tool or a model may be used again. `account` is set if a command did it."""

    kind: Literal["switched.on"] = "switched.on"
    what: Switched
    name: str
    account: Account | None
    content: ReasonContent | None


class TurnAdmitted(Fact):
    """A person's question was let through by the limits, in this minute (`2026-11-30T14:20`), before it was opened."""

    kind: Literal["spending.admitted"] = "spending.admitted"
    turn: str
    minute: str


class TurnWithdrawn(Fact):
    """The question was not put on record after all: it does not count."""

    kind: Literal["spending.withdrawn"] = "spending.withdrawn"
    turn: str
    minute: str


class SpendingReserved(Fact):
    """The most that a request to a model may use, before it goes out. `cost` is in nano-USD, None if it is unlimited.

    It stays spent if no `spending.booked` follows.
    """

    kind: Literal["spending.reserved"] = "spending.reserved"
    turn: str
    call: str
    tokens: int
    cost: int | None


class SpendingBooked(Fact):
    """What the request has used, in place of what was reserved for it."""

    kind: Literal["spending.booked"] = "spending.booked"
    turn: str
    call: str
    tokens: int
    cost: int | None
    reserved_tokens: int
    reserved_cost: int | None


class SliceTaken(Fact):
    """A process takes a part of what all people together may use in a day, to spend it without further entries.

    `minute_turns` are for that minute. `holder` is new for each desk.
    """

    kind: Literal["slice.taken"] = "slice.taken"
    holder: str
    minute: str
    minute_turns: int = 0
    turns: int = 0
    tokens: int = 0
    cost: int = 0


class SliceReturned(Fact):
    """A process gives back what it has not spent of its slices; numbers below 0 are what it has spent beyond them."""

    kind: Literal["slice.returned"] = "slice.returned"
    holder: str
    turns: int = 0
    tokens: int = 0
    cost: int = 0


class QuestionsRefused(Fact):
    """So many questions, or requests to a model, were refused since the last such entry of this process."""

    kind: Literal["spending.refused"] = "spending.refused"
    limit: str
    count: int


class BackupMade(Fact):
    """A backup of the store was made, which holds everything up to `taken_at` at least, so not this entry.

    `manifest` is the SHA-256 of its manifest, `entries` how many entries it holds. `account` is that of the command.
    """

    kind: Literal["backup.made"] = "backup.made"
    taken_at: str
    manifest: str
    entries: int
    account: Account | None


class StoreRestored(Fact):
    """The store was made from a backup: what was written elsewhere after `taken_at` is missing here.

    `manifest` and `entries` are as in `BackupMade`. `turns` and `calls` count the open turns and the deferred calls
    that were closed for it.
    """

    kind: Literal["store.restored"] = "store.restored"
    taken_at: str
    manifest: str
    entries: int
    turns: int
    calls: int
    account: Account | None
    content: ReasonContent | None


ThreadFact: TypeAlias = (
    ThreadCreated
    | MetadataChanged
    | InstructionsChanged
    | Renamed
    | Shelved
    | ErasureAsked
    | ErasureWithdrawn
    | ErasureBegun
    | ThreadErased
    | TurnOpened
    | TurnImported
    | BranchShown
    | TurnClaimed
    | PassagesRetrieved
    | ModelAsked
    | ModelAnswered
    | ModelFailed
    | HistorySummarized
    | ToolStarted
    | ToolFinished
    | ToolTold
    | HookFailed
    | ApprovalAsked
    | ApprovalGiven
    | ApprovalDenied
    | CallDeferred
    | DeferredCallClosed
    | TurnReleased
    | TurnEnded
    | FeedbackGiven
    | Late
    | CallResolved
    | SealLifted
    | HandoverAsked
    | HandoverEnded
    | Erased
)
AdministrationFact: TypeAlias = (
    DemoMarked
    | RoleGranted
    | RoleEnded
    | PersonBlocked
    | PersonUnblocked
    | SignInMapped
    | SwitchedOff
    | SwitchedOn
    | BackupMade
    | StoreRestored
)
SpendingFact: TypeAlias = (
    TurnAdmitted | TurnWithdrawn | SpendingReserved | SpendingBooked | SliceTaken | SliceReturned | QuestionsRefused
)
LiveFact: TypeAlias = LiveText | LiveReasoning | LiveProgress | Beat | Sealed
AnyFact: TypeAlias = (
    ThreadFact
    | LiveFact
    | Blob
    | Looked
    | LookDenied
    | VerdictGiven
    | NoticeAcknowledged
    | InstallationMade
    | AdministrationFact
    | SpendingFact
)

VERSIONS: dict[str, int] = {fact.model_fields["kind"].default: fact.V for fact in AnyFact.__args__}
"""Every kind of fact, and the newest version of it that this code knows."""

_WITHOUT_CONTENT = frozenset(
    fact.model_fields["kind"].default for fact in AnyFact.__args__ if "content" not in fact.model_fields
)
# An adapter compiles its union: made for each entry it would cost more than reading the entry, made at import more than
# many programs need.
_FACT: TypeAdapter[AnyFact] = TypeAdapter(
    Annotated[AnyFact, Field(discriminator="kind")], config=ConfigDict(defer_build=True)
)


def draft(fact: AnyFact) -> Draft:
    """The fact as a shell and a payload; the payload of a fact without content is {}."""
    shell = fact.model_dump(mode="json", exclude={"kind", "content"})
    content = getattr(fact, "content", None)
    payload = content.model_dump(mode="json") if content is not None else {}
    return Draft(kind=fact.kind, v=fact.V, shell=shell, payload=payload)


def fact(entry: Entry) -> AnyFact:
    """The fact that the entry holds; its `content` is None if it was erased.

    Raises Corrupt, naming stream and n, for an unknown kind, a newer version, and fields that do not fit.
    """
    if entry._fact is None:
        # Kept with the entry: the worker that wrote it and each follower in its process read it.
        object.__setattr__(entry, "_fact", _read(entry))
    return cast(AnyFact, entry._fact)


def thread_fact(entry: Entry) -> ThreadFact:
    """`fact`, for an entry of a thread. Raises Corrupt also for a kind that belongs to another stream."""
    read = fact(entry)
    if not isinstance(read, ThreadFact):
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong into a thread")
    return read


def _read(entry: Entry) -> AnyFact:
    # Refused, never skipped: a reader that ignored an unknown entry would fold a state that its writer never was in.
    version = VERSIONS.get(entry.kind)
    if version is None:
        raise Corrupt(entry.stream, entry.n, f"unknown kind {entry.kind!r}: written by a newer Rolltop?")
    if entry.v > version:
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} has version {entry.v}, this Rolltop reads {version}")
    fields = {**entry.shell, "kind": entry.kind}
    if entry.kind not in _WITHOUT_CONTENT:
        fields["content"] = entry.payload
    try:
        return _FACT.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Corrupt(entry.stream, entry.n, f"{entry.kind}: {first['loc']} {first['type']}") from error
