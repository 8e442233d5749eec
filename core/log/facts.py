"""The closed set of facts: every kind of entry there is, its shell, and the content that can be erased.

A fact's own fields are its shell: ids, numbers, statuses, fences. What people and models wrote hangs below
`content`, which is None once erased. A kind or a version that is not here is refused by name, never skipped: a
reader that ignored it would fold a state that nobody ever was in.
"""

from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from core.canonical import Json
from core.errors import Corrupt
from core.log.entry import Draft
from core.values import (
    CallStatus,
    Citation,
    ClaimReason,
    Decider,
    Effect,
    Entry,
    Judgement,
    Passage,
    Purpose,
    Repair,
    Standing,
    StopReason,
    TurnStatus,
    Usage,
    Value,
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


class TitleContent(Value):
    title: str


class Renamed(Fact):
    kind: Literal["thread.renamed"] = "thread.renamed"
    content: TitleContent | None


class Snapshot(Value):
    """What a turn runs with: the names of its models, in the order in which they are tried, and digests that name
    entries in `blob:<digest>` streams. `output` is that of the schema its answer is to fit, None for free text."""

    models: tuple[str, ...]
    instructions: str
    tools: str
    options: str
    handbooks: str
    output: str | None = None


class QuestionContent(Value):
    text: str


class TurnOpened(Fact):
    kind: Literal["turn.opened"] = "turn.opened"
    turn: str
    request_id: str
    snapshot: Snapshot
    standing: Standing = Standing()
    content: QuestionContent | None

    @property
    def text(self) -> str | None:
        """The question, None once erased."""
        return self.content.text if self.content else None


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
    """`error` is set, and there are no passages, when the retriever failed: the turn goes on without.

    `count` is that of the passages in `content`: those that the turn has found before are not among them. `call` is
    the tool call that searched, None for the search before the first model call. `judgement` is None where the
    retriever does not judge.
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
    """A physical request is about to go out. `window` is the n of the oldest entry it uses, `request` its digest.

    `summary` is the id of the summary it holds, `changed` names the parts of the request that hooks changed. A request
    that makes a summary says in `covers` of which entries, first and last.
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
    changed: list[str] = []
    covers: tuple[int, int] | None = None


class PlannedCall(Value):
    """A tool call in a model's answer. `digest` is that of the arguments; `approval` says who must agree, None nobody.

    `effect` is None for a tool that does not exist.
    """

    call: str
    tool: str
    effect: Effect | None
    approval: Decider | None
    digest: str


class AnswerContent(Value):
    """`arguments` are by call id; arguments that are no JSON object are kept as `{"INVALID_JSON": raw}`.

    `fault` is what the model is told of an answer that is to be given again.
    """

    text: str
    reasoning: list[dict[str, Json]] = []
    arguments: dict[str, Json] = {}
    fault: str | None = None


class ModelAnswered(Fact):
    """The whole, validated answer. `cost` is nano-USD, None when unknown; `ttft_ms` the time to the first content.

    `repair` says what was wrong with an answer that does not stand as it is; `left_out` are the numbers of markers
    that pointed to no passage, which its text is without.
    """

    kind: Literal["model.answered"] = "model.answered"
    turn: str
    fence: int
    call: str
    stop_reason: StopReason
    usage: Usage
    cost: int | None
    ttft_ms: int | None
    duration_ms: int
    calls: list[PlannedCall] = []
    repair: Repair | None = None
    left_out: list[int] = []
    content: AnswerContent | None

    @property
    def text(self) -> str:
        """The answer's text, "" once erased."""
        return self.content.text if self.content else ""


class FailureContent(Value):
    text: str
    message: str


class ModelFailed(Fact):
    """An attempt that gave no whole answer. `shown` says that some of `content.text` may have reached a screen.

    `left_out` is as in `ModelAnswered`.
    """

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
    left_out: list[int] = []
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
    """What a model is told in place of the thread's entries `first_n` to `last_n`, as model call `call` wrote it."""

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
    """`result` as the tool gave it; its first 64 KB as text when it was larger than a record keeps (`cut`)."""

    result: Json = None
    error: str | None = None


class ToolFinished(Fact):
    """`size` is the result's canonical JSON in bytes and `digest` its SHA-256, of the whole even when `cut`."""

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
    """What the model is told of a call, where hooks replaced it; `text` None leaves the result as it is."""

    kind: Literal["tool.told"] = "tool.told"
    turn: str
    fence: int
    call: str
    replaced: bool
    content: ToldContent | None


class HookFailedContent(Value):
    message: str


class HookFailed(Fact):
    """An application's hook `hook` raised, or took too long, on the model or tool call `call`."""

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
    """All waiting calls of one answer; `expires` is a `core.clock.iso` text."""

    kind: Literal["approval.asked"] = "approval.asked"
    turn: str
    fence: int
    calls: list[AskedCall]
    expires: str


class DecisionContent(Value):
    arguments: Json = None
    reason: str | None = None


class ApprovalGiven(Fact):
    """`asked` is the digest that was shown; `digest` that of the arguments to run: another one if they were changed."""

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
    kind: Literal["turn.released"] = "turn.released"
    turn: str
    fence: int


class EndContent(Value):
    """`output` is the answer as JSON, where a schema was asked for and the answer fits it."""

    text: str
    citations: list[Citation] = []
    message: str | None = None
    output: Json = None


class TurnEnded(Fact):
    """`citations_left_out` is how many citations of the text are too much to keep."""

    kind: Literal["turn.ended"] = "turn.ended"
    turn: str
    fence: int
    status: TurnStatus
    code: str | None = None
    citations_left_out: int = 0
    content: EndContent | None


class FeedbackContent(Value):
    comment: str


class FeedbackGiven(Fact):
    """`rating` None takes an earlier one back; the earlier entry stays."""

    kind: Literal["feedback.given"] = "feedback.given"
    turn: str
    rating: Literal["up", "down"] | None
    content: FeedbackContent | None


class Late(Fact):
    """What a worker found out after it lost its turn.

    It gives a call its status only where that is still running under the worker's own fence; else it is evidence.
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
    """A person's word on an `unknown` call; the old status stays beside it."""

    kind: Literal["call.resolved"] = "call.resolved"
    turn: str
    call: str
    happened: bool
    content: EvidenceContent | None


class Erased(Fact):
    """Payloads of these kinds of this turn's entries are gone; it follows their erasure."""

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


class LiveProgressContent(Value):
    message: str


class LiveProgress(Fact):
    """How far a running tool is: `done` of `total`, None where it cannot tell."""

    kind: Literal["live.progress"] = "live.progress"
    call: str
    done: float | None
    total: float | None
    content: LiveProgressContent | None


class Beat(Fact):
    kind: Literal["live.beat"] = "live.beat"


class Sealed(Fact):
    """Nothing may follow on this live stream: what stands before it is all that was ever shown of its fence."""

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
    """A look at what is somebody else's, on record before its content returned. `object` is None for a search."""

    kind: Literal["audit.looked"] = "audit.looked"
    action: str
    object: str | None
    owner: str | None
    filters: dict[str, Json] = {}
    content: LookContent | None


class DemoMarked(Fact):
    """The store is a demo. It counts as entry 1 of `administration:desk` only: a later entry makes no store a demo."""

    kind: Literal["demo.marked"] = "demo.marked"


ThreadFact: TypeAlias = (
    ThreadCreated
    | MetadataChanged
    | Renamed
    | TurnOpened
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
    | TurnReleased
    | TurnEnded
    | FeedbackGiven
    | Late
    | CallResolved
    | Erased
)
LiveFact: TypeAlias = LiveText | LiveProgress | Beat | Sealed
AnyFact: TypeAlias = ThreadFact | LiveFact | Blob | Looked | DemoMarked

VERSIONS: dict[str, int] = {fact.model_fields["kind"].default: fact.V for fact in AnyFact.__args__}
"""Every kind there is, and the newest version of it that this code knows."""

_WITHOUT_CONTENT = frozenset(
    fact.model_fields["kind"].default for fact in AnyFact.__args__ if "content" not in fact.model_fields
)
_FACT: TypeAdapter[AnyFact] = TypeAdapter(Annotated[AnyFact, Field(discriminator="kind")])
_THREAD_FACT: TypeAdapter[ThreadFact] = TypeAdapter(Annotated[ThreadFact, Field(discriminator="kind")])
F = TypeVar("F")


def draft(fact: AnyFact) -> Draft:
    """The fact as shell and payload. A fact without content has the payload {}."""
    shell = fact.model_dump(mode="json", exclude={"kind", "content"})
    content = getattr(fact, "content", None)
    payload = content.model_dump(mode="json") if content is not None else {}
    return Draft(kind=fact.kind, v=fact.V, shell=shell, payload=payload)


def fact(entry: Entry) -> AnyFact:
    """What the entry says; `content` is None if it was erased.

    Raises Corrupt, naming stream and n, for an unknown kind, a newer version, and fields that do not fit.
    """
    return _read(_FACT, entry)


def thread_fact(entry: Entry) -> ThreadFact:
    """`fact`, for an entry of a thread; Corrupt for a kind that has no place there."""
    return _read(_THREAD_FACT, entry)


def _read(adapter: TypeAdapter[F], entry: Entry) -> F:
    version = VERSIONS.get(entry.kind)
    if version is None:
        raise Corrupt(entry.stream, entry.n, f"unknown kind {entry.kind!r}: written by a newer Rolltop?")
    if entry.v > version:
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} has version {entry.v}, this Rolltop reads {version}")
    fields = {**entry.shell, "kind": entry.kind}
    if entry.kind not in _WITHOUT_CONTENT:
        fields["content"] = entry.payload
    try:
        return adapter.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Corrupt(entry.stream, entry.n, f"{entry.kind}: {first['loc']} {first['type']}") from error
