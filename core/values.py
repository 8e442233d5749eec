"""The values that contracts and facts share: an entry as a store keeps it, and what a turn is told in.

They stand below the log, because the store, the model, the retriever and the tools speak in them too.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from core.canonical import Json

GENESIS = "0" * 64
"""The hash "before" entry 1 of any stream."""

TurnStatus: TypeAlias = Literal[
    "running", "awaiting_approval", "completed", "cancelled", "interrupted", "failed", "refused", "truncated"
]

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
]

Effect: TypeAlias = Literal["read", "idempotent", "unsafe"]

ClaimReason: TypeAlias = Literal["opened", "lost", "retried", "resumed", "stop", "expired"]

StopReason: TypeAlias = Literal["end", "tool_calls", "length", "refusal", "pause", "other"]

Decider: TypeAlias = Literal["asker", "approver"]

Purpose: TypeAlias = Literal["answer", "summary", "query"]
"""What a model is asked for: the turn's answer; or, shown to nobody, notes of earlier turns or words to search with."""

Repair: TypeAlias = Literal[
    "cut_calls",  # a length stop cut its tool calls: none of them is taken
    "calls",  # every call it holds is one that cannot be made
    "output",  # its text does not fit the schema that was asked for
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One numbered entry of a stream, as it is stored and read back.

    `at` is UTC in milliseconds, from the writer's clock: a note, never an order. `by` is the id of the viewer
    who caused it. `payload` and `salt` are None once erased. `prev` is the hash of entry n-1 (`GENESIS` for the
    first), `hash` that of this one's shell.
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

    @property
    def erased(self) -> bool:
        """Whether the payload is gone; what happened, when and by whom is still told by the shell."""
        return self.salt is None


class Value(BaseModel):
    """A frozen value that came, or may come, from a store: checked field by field, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(Value):
    """What an asker was to the company when they asked, as their session said: which handbooks hold for them."""

    roles: tuple[str, ...] = ("employee",)
    country: str | None = None
    entity: str | None = None


class Worker(Value):
    """Who holds a claim. `nonce` is made anew for each turn a desk takes; pid and start tell whether it still lives."""

    nonce: str
    host: str
    pid: int
    start: str


class Audience(Value):
    """For whom a handbook holds, casefolded: of each list that is not [] a reader is one. [] is everybody."""

    countries: list[str] = []
    entities: list[str] = []
    roles: list[str] = []


class Leg(Value):
    """How one way of searching saw a passage: `rank` counts from 1, `score` is comparable within the leg only."""

    name: str
    rank: int
    score: float


class Passage(Value):
    """A piece of a handbook that a retriever found, as it was then.

    `section` is the trail of headings, outermost first; `effective` and `until` are the days (YYYY-MM-DD) it came
    into force and last is, None when unknown; `page` counts from 1, None where the document has no pages; `start`
    and `end` are where it stands in its version's text, in characters, None when unknown. `score` is the
    retriever's own and comparable within one search only; `legs` say where it comes from, `reason` in words why it
    stands where it does. `conflicts` are the ids of passages of the same search that say otherwise.
    """

    id: str
    document: str
    title: str
    section: list[str]
    version: str
    effective: str | None = None
    until: str | None = None
    audience: Audience = Audience()
    page: int | None = None
    start: int | None = None
    end: int | None = None
    text: str
    score: float
    legs: list[Leg] = []
    reason: str = ""
    conflicts: list[str] = []


class Judgement(Value):
    """Whether passages answer the question they were found for: `confidence` is a probability, 0 to 1.

    Below `threshold` the desk says that the handbooks do not answer. `calibration` names the figures it was judged by.
    """

    confidence: float
    threshold: float
    calibration: str

    @property
    def answers(self) -> bool:
        return self.confidence >= self.threshold


class Usage(Value):
    """Tokens. `input` includes what a cache gave (`cached`) or took (`cache_write`), `output` the `reasoning`.

    None is not known, which is not 0.
    """

    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None


class Citation(Value):
    """What `[number]` in a text points to: a passage of the turn's retrievals, and the words it is quoted for.

    `quote` stands in the passage's text from `start` to `end`, in characters; it is "" where no words of the passage
    are those of the sentence that points to it.
    """

    number: int
    passage: Passage
    quote: str
    start: int = 0
    end: int = 0
