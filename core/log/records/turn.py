"""A turn and its messages."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.clock import Time
from core.log.facts import Origin, Snapshot
from core.log.records.totals import Totals
from core.values import Citation, Concern, Dislike, ImportedAnswer, ImportedCall, Outcome, TurnStatus, Value, shortened

MAX_SEEN = 100
"""The most times that a version keeps of those in which it was shown; the log has all of them."""


class Wait(Value):
    """A time in which a turn waited for a place, from entry `n` on. `until` is None while it waits."""

    n: int
    since: str
    until: str | None = None


class Seen(Value):
    """A time in which a version was the one shown in its place, from entry `n` on. `until` is None while it is."""

    n: int
    since: str
    until: str | None = None


class Version(Value):
    """One of the turns in the same place of a thread. `n` is its first entry.

    `last` is the newest turn of its branch when another version was last shown in its place, None before that. `seen`
    are the times in which it was shown, the newest MAX_SEEN of them.
    """

    turn: str
    n: int
    last: str | None = None
    seen: list[Seen] = Field(default_factory=list)


class Imported(Value):
    """What a model is sent of an imported turn: `answers` follow its question, [] once erased.

    `origin` is the turn that it is a copy of, None if the application brought the messages. `acted` and `outside` are
    as in the fact.
    """

    origin: Origin | None
    acted: bool = False
    outside: bool = False
    answers: list[ImportedAnswer]


class Turn(Value):
    """One question and all that follows from it, up to its final answer.

    `question` is None once erased. `text` is the answer so far: the complete model answers, joined; at the end, all the
    text that is kept. `partial` is the text of a failed model call until the next call replaces it. `output` is the
    answer as JSON, None unless the turn has a schema and the answer fits it. `citations_left_out` counts the citations
    that were dropped because of their size, `cited` those that were kept, also once they are erased; None in turns that
    are older than the field, were imported, or have not ended. `code` and `message` say why the turn did not complete,
    `until` from when on to ask again after a limit, None if no time is known.

    `concern` is what care recognised in the question, None if nothing, or once erased. `rating`, `dislike` and
    `comment` are the asker's newest.

    `waiting` are the ids of the calls that wait for a decision. `waits` are the times in which the turn had no place,
    because its desk worked on as many turns as it may. `first_n` to `last_n` are the turn's entries up to its
    end; `size` is its length in a model's history, as `characters` estimates it. `erased` lists the kinds of entry
    whose payloads were erased.

    `replaces` is the turn whose place this one has taken, `original` the first turn in that place; both are None if it
    has taken none. The original holds the `versions` of its place, itself first; [] if there is no other. `hidden` is
    what the turn's branch leaves out up to the turn. `report` is the deferred call whose decision the turn reports:
    then `question` is not the employee's but ours.

    `imported` is set if the turn was answered elsewhere. Then its times are those of the import, `snapshot` is
    None and `request_id` is "": this desk ran nothing for it.

    `day` is the UTC day of the question (YYYY-MM-DD), "" if it was imported, `country` and `entity` are the asker's.
    `handbooks` and `models` are as in `Thread`. `first_text_ms` is the time from the question to the first content of
    an answer, `first_text_bucket` its `core.log.buckets.bucket`.
    """

    kind: Literal["turn"] = "turn"
    id: str
    n: int
    thread: str
    owner: str
    request_id: str
    snapshot: Snapshot | None
    status: TurnStatus
    question: str | None
    concern: Concern | None = None
    text: str = ""
    citations: list[Citation] = Field(default_factory=list)
    citations_left_out: int = 0
    cited: int | None = None
    output: Json = None
    code: str | None = None
    message: str | None = None
    until: str | None = None
    opened_at: str
    ended_at: str | None = None
    first_n: int
    last_n: int
    fence: int = 0
    partial: str = ""
    waiting: list[str] = Field(default_factory=list)
    waits: list[Wait] = Field(default_factory=list)
    totals: Totals = Field(default_factory=Totals)
    rating: Literal["up", "down"] | None = None
    dislike: Dislike | None = None
    comment: str | None = None
    size: int = 0
    erased: list[str] = Field(default_factory=list)
    replaces: str | None = None
    original: str | None = None
    versions: list[Version] = Field(default_factory=list)
    hidden: list[tuple[int, int]] = Field(default_factory=list)
    report: str | None = None
    imported: Imported | None = None
    day: str = ""
    outcome: Outcome = "running"
    country: str | None = None
    entity: str | None = None
    handbooks: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    first_text_ms: int | None = None
    first_text_bucket: int | None = None

    opened_time: ClassVar = Time[datetime]("opened_at")
    ended_time: ClassVar = Time[datetime | None]("ended_at")

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        yield from {"id": self.id, "thread": self.thread, "status": self.status, "code": self.code}.items()
        yield from {"question": shortened(self.question), "text": shortened(self.text)}.items()

    @property
    def answer_erased(self) -> bool:
        """Whether the text of the answer was erased."""
        # One entry holds the question and the answer of an imported turn.
        return "turn.ended" in self.erased or (self.imported is not None and self.question is None)

    @property
    def imported_calls(self) -> list[ImportedCall]:
        """The tool calls of an imported turn, which ran elsewhere, in order; [] for any other turn."""
        return [call for answer in self.imported.answers for call in answer.calls] if self.imported else []


class Message(Value):
    """The question (`user`) or the answer (`assistant`) of a turn; `at_n` orders the messages of a thread.

    A turn that reports a decision has two messages of the `assistant`: the report, and the answer.

    `status` is the turn's. `text` is None once erased.
    """

    kind: Literal["message"] = "message"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    role: Literal["user", "assistant"]
    text: str | None
    status: TurnStatus
    citations: list[Citation] = Field(default_factory=list)
    at: str
    at_n: int

    time: ClassVar = Time[datetime]("at")
