"""The closed set of facts: every kind of entry, its shell, and the content that can be erased.

A fact's own fields are its shell: ids, numbers, statuses, fences. What people and models wrote is below `content`,
which is None once erased. Each module has the facts of one log, or of one part of a thread; all are imported from here.
"""

from typing import Annotated, TypeAlias, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from core.errors import Corrupt
from core.log.entry import Draft
from core.log.facts.administration import (
    BackupMade,
    DemoMarked,
    PersonBlocked,
    PersonUnblocked,
    ReasonContent,
    RoleEnded,
    RoleGranted,
    SignInMapped,
    StoreRestored,
    SwitchedOff,
    SwitchedOn,
)
from core.log.facts.audit import LookContent, LookDenied, Looked
from core.log.facts.base import Fact
from core.log.facts.blob import Blob, BlobContent
from core.log.facts.installation import InstallationContent, InstallationMade
from core.log.facts.live import (
    Beat,
    LiveProgress,
    LiveProgressContent,
    LiveReasoning,
    LiveText,
    LiveTextContent,
    Sealed,
)
from core.log.facts.model_calls import (
    AnswerContent,
    FailureContent,
    HistorySummarized,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    PassagesContent,
    PassagesRetrieved,
    SummaryContent,
)
from core.log.facts.person import NoticeAcknowledged
from core.log.facts.review import VerdictContent, VerdictGiven
from core.log.facts.spending import (
    QuestionsRefused,
    SliceReturned,
    SliceTaken,
    SpendingBooked,
    SpendingReserved,
    TurnAdmitted,
    TurnWithdrawn,
)
from core.log.facts.thread import (
    BranchShown,
    ErasureAsked,
    ErasureBegun,
    ErasureWithdrawn,
    HandoverAsked,
    HandoverContent,
    HandoverEndContent,
    HandoverEnded,
    InstructionsChanged,
    InstructionsContent,
    MetadataChanged,
    MetadataContent,
    Renamed,
    SealLifted,
    SealLiftedContent,
    Shelved,
    ThreadContent,
    ThreadCreated,
    ThreadErased,
    TitleContent,
)
from core.log.facts.tool_calls import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    AskedCall,
    CallDeferred,
    CallResolved,
    DecisionContent,
    DeferredCallClosed,
    EvidenceContent,
    PlannedCall,
    ResultContent,
    ToldContent,
    ToolFinished,
    ToolStarted,
    ToolTold,
)
from core.log.facts.turn import (
    EndContent,
    Erased,
    FeedbackContent,
    FeedbackGiven,
    Fork,
    HookFailed,
    HookFailedContent,
    ImportedContent,
    Late,
    Origin,
    QuestionContent,
    Report,
    Snapshot,
    TurnClaimed,
    TurnEnded,
    TurnImported,
    TurnOpened,
    TurnReleased,
)
from core.values import Entry

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
