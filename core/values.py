"""The values that contracts and facts share: the entry of a store, and the parts of a turn.

They stand below the log, because the store, the model, the retriever and the tools use them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field

from core.canonical import Json, canonical

GENESIS = "0" * 64
"""The `prev` of entry 1 of every stream."""

TurnStatus: TypeAlias = Literal[
    "running", "awaiting_approval", "completed", "cancelled", "interrupted", "failed", "refused", "truncated"
]

OPEN_TURN: tuple[TurnStatus, ...] = ("running", "awaiting_approval")
"""The statuses of a turn that has not ended."""

CallStatus: TypeAlias = Literal[
    "planned",
    "awaiting_approval",
    "running",
    "succeeded",
    "failed",
    "timed_out",
    "denied",
    "invalid_arguments",
    "unknown_tool",
    "cancelled",
    "unknown",
    "deferred",
]

FAILED_CALL: tuple[CallStatus, ...] = ("failed", "timed_out", "invalid_arguments", "unknown_tool")
"""The statuses of a call that certainly did not do what it was asked for, and that no person has stopped."""

Effect: TypeAlias = Literal["read", "idempotent", "unsafe"]

ToolOutput: TypeAlias = Literal["own", "outside"]
"""Where a tool's results come from: the company's own records, or texts that strangers wrote."""

ClaimReason: TypeAlias = Literal["opened", "lost", "retried", "resumed", "stop", "expired", "restored"]

ReleaseReason: TypeAlias = Literal["left", "waiting"]

StopReason: TypeAlias = Literal["end", "tool_calls", "length", "refusal", "pause", "other"]

Decider: TypeAlias = Literal["asker", "approver"]

GrantBasis: TypeAlias = Literal["administrator", "settings", "first"]
"""What a grant rests on: an administrator, the settings of the installation, or the first command in a new store."""

Switched: TypeAlias = Literal["tool", "model"]
"""What an administrator may switch off."""

Attached: TypeAlias = Literal["nothing", "answer", "from_here", "thread"]
"""What of a thread goes to a person with a hand-over: nothing, one turn, that turn and those after it, or all turns."""

Outcome: TypeAlias = Literal["running", "waiting", "sourced", "unsourced", "not_found", "failed", "stopped", "imported"]
"""What came of a turn, for lists and figures.

`waiting` waits for a person's decision. `sourced` cites a handbook; `not_found` says that the handbooks do not answer;
`unsourced` is every other complete answer, such as one from the employee's own records. `failed` also stands for a turn
that was interrupted, refused or cut short; `stopped` was stopped by a person, or expired. `imported` was answered
elsewhere: in another program, or in the thread that this one is a fork of.
"""

Verdict: TypeAlias = Literal["right", "wrong", "cannot_tell"]

Cause: TypeAlias = Literal["wrong_source", "missing_source", "misread", "tool", "tone", "other"]
"""Why an answer is wrong."""

DeferredStatus: TypeAlias = Literal["waiting", "decided", "reported", "closed"]
"""Where a deferred call stands. `waiting`: for an approver. `decided`: an approver has decided, and the turn that
reports it is still to be opened. `reported`: that turn was opened. `closed`: it is neither run nor reported."""

DeferredClosed: TypeAlias = Literal["expired", "withdrawn", "erased", "tool_gone", "restored"]
"""Why a deferred call was closed: nobody decided in time, the asker took it back, its arguments were erased, no desk
had its tool until it expired, or the store was restored from a backup in which it was open."""

CloseReason: TypeAlias = Literal["stop", "expired", "lost", "restored"]
"""Why a turn is ended from outside its worker."""

HandoverStatus: TypeAlias = Literal["asked", "sent", "failed", "unknown"]

Purpose: TypeAlias = Literal["answer", "summary", "query"]
"""What a model call is for: the turn's answer, or, never shown, a summary of earlier turns or a search query."""

Shelf: TypeAlias = Literal["pinned", "listed", "archived"]
"""Where the owner's list of threads shows a thread: above the others, among them, or only if it is asked for."""

Dislike: TypeAlias = Literal["wrong", "no_answer", "outdated", "unclear", "other"]
"""Why an asker has rated an answer down."""

Repair: TypeAlias = Literal[
    "cut_calls",  # the answer stopped at its length limit, so its tool calls may be cut: all are dropped
    "calls",  # all its calls are invalid
    "output",  # its text does not fit the requested schema
]
"""Why an answer has to be given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One numbered entry of a stream, as it is stored and read back.

    `at` is UTC in milliseconds, from the writer's clock; entries are ordered by `n`, never by `at`. `by` is the id of
    the viewer that caused it. `payload` and `salt` are None once erased. `prev` is the hash of entry n-1 (`GENESIS`
    for the first), `hash` that of this entry's shell.
    """

    stream: str
    n: int
    kind: str
    v: int
    at: datetime
    by: str
    shell: Json
    payload: Json
    salt: str | None
    commitment: str
    prev: str
    hash: str
    _shell_json: bytes | None = field(default=None, init=False, repr=False, compare=False)
    _payload_json: bytes | None = field(default=None, init=False, repr=False, compare=False)
    _fact: object | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def shell_json(self) -> bytes:
        """The canonical JSON of the shell, encoded once. Raises InvalidInput if it is not JSON."""
        if self._shell_json is None:
            object.__setattr__(self, "_shell_json", canonical(self.shell))
        return cast(bytes, self._shell_json)

    @property
    def payload_json(self) -> bytes:
        """As `shell_json`, of the payload."""
        if self._payload_json is None:
            object.__setattr__(self, "_payload_json", canonical(self.payload))
        return cast(bytes, self._payload_json)

    @property
    def erased(self) -> bool:
        """Whether the payload is gone. The shell still tells what happened, when, and by which viewer."""
        return self.salt is None


class Value(BaseModel):
    """A frozen value that a store may hold. Reading checks each field and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these fields changed, unchecked. It shares the other fields: `deep` makes no difference."""
        # A fold makes several copies for each entry, and pydantic's own takes five times as long.
        copy = object.__new__(type(self))
        object.__setattr__(copy, "__dict__", {**self.__dict__, **(update or {})})
        object.__setattr__(copy, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        object.__setattr__(copy, "__pydantic_extra__", None)
        object.__setattr__(copy, "__pydantic_private__", None)
        return copy


class Standing(Value):
    """The asker's roles, country and entity at the time of the question, from the session."""

    # Kept on the turn: a worker in another process must search the handbooks that applied to the asker at that time.

    roles: tuple[str, ...] = ("employee",)
    country: str | None = None
    entity: str | None = None


class Account(Value):
    """The operating system's account in which a command ran, and its host."""

    user: str
    host: str


class CareLine(Value):
    """A line that helps at once, such as a crisis line. `number` is as a person dials it, `hours` "" if unknown."""

    name: str
    number: str
    hours: str = ""


class CareCard(Value):
    """What an employee in need is shown above any answer: fixed words of the company, and where help is.

    `lines` are those of the employee's country. `contact` names the person or office to turn to, None if the company
    has named none. `document` and `section` are the handbook's own section on the topic, None without one; a section
    is the last heading above it.
    """

    title: str
    text: str
    lines: tuple[CareLine, ...] = ()
    contact: str | None = None
    document: str | None = None
    section: str | None = None


class Concern(Value):
    """What a message says of a person in need: its topic, and the card that is shown.

    `card` is None if the company has none for the topic; then a person is offered, and no more. `seals` says whether
    the thread is closed to auditors from now on.
    """

    topic: str
    seals: bool = True
    card: CareCard | None = None


class Worker(Value):
    """The holder of a claim. `nonce` is new for each turn that a desk takes.

    `pid` and `start` (when that process started) tell another process on `host` whether the holder is still alive.
    """

    nonce: str
    host: str
    pid: int
    start: str


class Audience(Value):
    """The readers to whom a handbook applies, casefolded. A reader must be in each list that is not []."""

    countries: list[str] = []
    entities: list[str] = []
    roles: list[str] = []


class Leg(Value):
    """A passage's place in one of the searches that were fused; `rank` counts from 1, `score` compares within it."""

    name: str
    rank: int
    score: float


class Highlight(Value):
    """A piece of a passage's text, from `start` to `end` in characters, and how well it answers the query."""

    start: int
    end: int
    score: float


class Passage(Value):
    """A piece of a handbook that a retriever found, as it was at that time.

    `section` lists the headings above it, outermost first. `effective` and `until` are its first and last day in force
    (YYYY-MM-DD), None if unknown. `page` counts from 1, None for a document without pages. `start` and `end` are its
    place in the version's text, in characters, None if unknown.

    `score` compares within one search only. `legs` are its places in the searches that were fused, `reason` says in
    words why it ranks where it does. `conflicts` are the ids of passages of the same search that contradict it.
    `highlights` are the sentences, items and rows that answer best, best first; [] if the retriever does not say.
    """

    id: str
    document: str
    title: str
    section: list[str]
    version: str
    effective: str | None = None
    until: str | None = None
    audience: Audience = Field(default_factory=Audience)
    page: int | None = None
    start: int | None = None
    end: int | None = None
    text: str
    score: float
    legs: list[Leg] = []
    reason: str = ""
    conflicts: list[str] = []
    highlights: list[Highlight] = []


class Judgement(Value):
    """Whether passages answer the question they were found for. `confidence` is from 0 to 1, and no probability.

    Below `threshold` the desk says that the handbooks do not answer, below `sure` that it is not sure whether they do;
    None if the retriever makes no such difference. `calibration` names the figures used.
    """

    confidence: float
    threshold: float
    sure: float | None = None
    calibration: str

    @property
    def answers(self) -> bool:
        return self.confidence >= self.threshold

    @property
    def doubtful(self) -> bool:
        """Whether the passages may answer, or may be on the topic and lack the fact."""
        return self.answers and self.sure is not None and self.confidence < self.sure


class Usage(Value):
    """Tokens; None is unknown, never 0.

    `input` includes the tokens read from the provider's cache (`cached`) and written to it (`cache_write`); `output`
    includes `reasoning`.
    """

    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None

    @property
    def total_tokens(self) -> int | None:
        """`input` and `output` together, None if one of them is unknown."""
        return None if self.input is None or self.output is None else self.input + self.output


class Citation(Value):
    """What `[number]` in a text points to: a passage that the turn found, and a quote from it.

    `quote` stands in the passage's text from `start` to `end`, in characters. It is "" if the passage and the
    sentence that cites it have different words.
    """

    number: int
    passage: Passage
    quote: str
    start: int = 0
    end: int = 0


class ImportedCall(Value):
    """A tool call in an imported answer, which ran elsewhere, and the result that its model was told.

    `failed`: the result says in words what went wrong.
    """

    id: str
    tool: str
    arguments: Json
    result: str
    failed: bool = False


class ImportedAnswer(Value):
    """One answer of a model to an imported question. One with calls is followed by their results."""

    text: str
    calls: list[ImportedCall] = []


def usd(nano_usd: int | None) -> Decimal | None:
    """The amount in USD, exactly; None stays unknown."""
    return None if nano_usd is None else Decimal(nano_usd) / 1_000_000_000


def shortened(text: str | None) -> str | None:
    """The beginning of the text for a `repr`, which ends up in logs: at most 40 characters, on one line."""
    line = None if text is None else " ".join(text.split())
    return line if line is None or len(line) <= 40 else f"{line[:39]}…"
