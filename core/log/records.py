"""The records that lists, filters and statistics read. Each is a pure fold of a thread's entries up to its `n`.

All that a record holds follows from its log, so any record can be deleted and folded again. Times are `core.clock.iso`
texts, money is an integer of nano-USD. None is unknown, or not yet known.

Beside each time of a record stands the same time as a datetime in UTC: `created_time` for `created_at`, `time` for
`at`, `expires_time` for `expires`. `cost_usd` is `cost` in USD. Neither is a field.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import Field, computed_field

from core.canonical import Json, canonical
from core.clock import Time, iso
from core.errors import Corrupt
from core.gate import Role
from core.ids import KINDS_OF_STREAM, user_named
from core.log.facts import Origin, Snapshot
from core.store import In, Query, Record
from core.values import (
    Account,
    Attached,
    CallStatus,
    Cause,
    Citation,
    Concern,
    Decider,
    DeferredClosed,
    DeferredStatus,
    Dislike,
    Effect,
    GrantBasis,
    HandoverStatus,
    ImportedAnswer,
    ImportedCall,
    Judgement,
    Outcome,
    Passage,
    Purpose,
    Repair,
    Standing,
    StopReason,
    Switched,
    TurnStatus,
    Usage,
    Value,
    Verdict,
    Worker,
    shortened,
    usd,
)

FOLD = 9
"""The version of the fold. It grows when records get fields that older ones lack: their logs are then folded again."""

OUTDATED = {
    kind: Query(kind=kind, where={"fold": In((None, *range(1, FOLD)))})
    for kind, of in KINDS_OF_STREAM.items()
    if of.numbered
}
"""By kind of stream the heads of those whose records an older fold made."""

MAX_FILTER = 200
"""The most characters of a text in `filters`: as many as a store compares."""

MAX_SEEN = 100
"""The most times that a version keeps of those in which it was shown; the log has all of them."""

MAX_LATER = 50
"""The most later entries that a call keeps the numbers of; the log has all of them."""

MAX_DISTINCT = 200
"""The most tools, handbooks and models that a head names; further ones are left out."""


class Totals(Value):
    """Sums over model and tool calls. `cost` adds the known costs; `cost_unknown` counts the calls of unknown cost.

    In the same way `tokens_unknown` counts the calls of unknown usage.
    """

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_unknown: int = 0
    cost: int = 0
    cost_unknown: int = 0

    @property
    def whole_cost(self) -> int | None:
        """The cost of all calls in nano-USD, None if that of one of them is unknown."""
        return None if self.cost_unknown else self.cost

    @property
    def cost_usd(self) -> Decimal | None:
        """The same in USD."""
        return usd(self.whole_cost)

    @property
    def total_tokens(self) -> int | None:
        """Input and output tokens together, None if those of one of the calls are unknown."""
        return None if self.tokens_unknown else self.input_tokens + self.output_tokens

    def billed(self, usage: Usage, cost: int | None) -> "Totals":
        """These totals plus one closed model call."""
        # An unknown cost is counted and never taken for 0: a sum that hides it would look like the whole bill.
        unknown = usage.input is None or usage.output is None
        return self.model_copy(
            update={
                "input_tokens": self.input_tokens + (usage.input or 0),
                "output_tokens": self.output_tokens + (usage.output or 0),
                "tokens_unknown": self.tokens_unknown + unknown,
                "cost": self.cost + (cost or 0),
                "cost_unknown": self.cost_unknown + (cost is None),
            }
        )


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
    needs a new claim. If it is `waiting` as well, that is first for the process of `worker`.
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

    @property
    def foreign(self) -> bool:
        """Whether the model has read in this turn what a stranger may have written: passages, or an outside result."""
        return self.passages > 0 or any(call.outside and call.attempts for call in self.calls)

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


class Thread(Value):
    """A thread's head, from which every operation starts. `hash` is that of entry n; `status` is the newest turn's.

    `title` None: the first question will give it. `open` is the open turn, None between turns. `rejected` counts the
    entries of an outdated fence, which had no effect; a count above 0 is an alarm.

    `last` is the newest turn of the branch that is shown, None before the first turn; `hidden` is what that branch
    leaves out (`core.log.branches`). `acted` is the first entry of the thread's newest turn with a call that acted, on
    whatever branch, else 0.
    `deferred` are the calls that wait for an approver, or for the turn that reports the decision.

    `sealed`: auditors do not see the thread; None if it is open to them. `topic` is that of the newest concern, None
    without one or once erased.

    `updated_at` is the time of the newest entry that is more than housekeeping, such as a new title or an erasure.

    `shelf` is where the owner's list shows it, None among the others. `text` is the title if it was given to the
    thread, else None: then the title is the beginning of a question.

    `erase_due` is when its content will be erased because the owner asks for that, None without such a request;
    `erasing`: that is going on, and the request cannot be taken back. `erased_upto` is the last entry whose content was
    erased for that reason, else 0. `erase_asked` is when the owner asked last, None without a request and after it was
    taken back; `erased_at` is when the last request was carried out.

    `outcome_counts` and `rating_counts` count the ended turns; `outcomes` and `ratings` name the different ones, the
    open turn's outcome included. `tools` holds, for each call of an ended turn, `name`, `name:status` and `:status`;
    `handbooks` the ids of the cited documents, `models` the models that answered. `filters` are the metadata as
    `name=value` (see `filter_text`). All are sorted and without repeats. `fold` is the version of the fold that made
    the thread's records, None before there were versions.
    """

    kind: Literal["thread"] = "thread"
    id: str
    n: int
    hash: str
    owner: str
    title: str | None
    metadata: dict[str, Json]
    instructions: str
    created_at: str
    updated_at: str
    status: TurnStatus | None = None
    turns: int = 0
    totals: Totals = Field(default_factory=Totals)
    open: OpenTurn | None = None
    rejected: int = 0
    last: str | None = None
    hidden: list[tuple[int, int]] = Field(default_factory=list)
    acted: int = 0
    deferred: list[OpenDeferred] = Field(default_factory=list)
    # None and not False: a filter for None also finds the heads that were written before threads had seals.
    sealed: Literal[True] | None = None
    topic: str | None = None
    # None and not "listed", for the same reason.
    shelf: Literal["pinned", "archived"] | None = None
    text: str | None = None
    erase_due: str | None = None
    erase_asked: str | None = None
    erased_upto: int = 0
    erasing: bool = False
    erased_at: str | None = None
    outcomes: list[Outcome] = Field(default_factory=list)
    outcome_counts: dict[Outcome, int] = Field(default_factory=dict)
    ratings: list[Literal["up", "down"]] = Field(default_factory=list)
    rating_counts: dict[Literal["up", "down"], int] = Field(default_factory=dict)
    tools: list[str] = Field(default_factory=list)
    handbooks: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    filters: list[str] = Field(default_factory=list)
    fold: int | None = None

    created_time: ClassVar = Time[datetime]("created_at")
    updated_time: ClassVar = Time[datetime]("updated_at")
    erase_due_time: ClassVar = Time[datetime | None]("erase_due")
    erase_asked_time: ClassVar = Time[datetime | None]("erase_asked")
    erased_time: ClassVar = Time[datetime | None]("erased_at")

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        yield from {"id": self.id, "owner": self.owner, "title": shortened(self.title)}.items()
        yield from {"status": self.status, "turns": self.turns}.items()

    @property
    def named(self) -> bool:
        """Whether the thread was given its title, and not by its first question."""
        return self.text is not None

    def waiting_for(self, call: str) -> OpenDeferred | None:
        """The deferred call of this id that is not reported yet, decided or not; None if there is none."""
        return next((one for one in self.deferred if one.call == call), None)


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

    `origin` is the turn that it is a copy of, None if the application brought the messages. `acted` is as in the fact.
    """

    origin: Origin | None
    acted: bool = False
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


class ModelCall(Value):
    """One physical request to a model; failed ones are records too. `cost` is in nano-USD, None if unknown.

    `reasoning_text` is the model's thinking, or its summary, as followers were shown it, "" without any; `reasoning`
    are the provider's own blocks, as they are sent back.

    `code` and `message` say why it failed, `repair` and `fault` why its answer had to be given again. `changed` names
    the parts of the request that hooks changed, `hook_failures` the hooks that failed. `covers` is the first and last
    entry of a summary. `left_out` are the numbers of markers that were removed from the text, because the turn has not
    found a passage of that number. `day` is the UTC day of the request, `entity` the asker's.
    """

    kind: Literal["model_call"] = "model_call"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    model: str
    step: int
    attempt: int
    fence: int
    status: Literal["asked", "answered", "failed"]
    stop_reason: StopReason | None = None
    answer: str | None = None
    reasoning: list[dict[str, Json]] = Field(default_factory=list)
    reasoning_text: str = ""
    usage: Usage = Field(default_factory=Usage)
    cost: int | None = None
    ttft_ms: int | None = None
    duration_ms: int | None = None
    code: str | None = None
    message: str | None = None
    repair: Repair | None = None
    fault: str | None = None
    request: str
    window: int
    purpose: Purpose = "answer"
    summary: str | None = None
    changed: list[str] = Field(default_factory=list)
    covers: tuple[int, int] | None = None
    left_out: list[int] = Field(default_factory=list)
    hook_failures: list[str] = Field(default_factory=list)
    asked_at: str
    ended_at: str | None = None
    at_n: int
    erased: bool = False
    day: str = ""
    entity: str | None = None

    asked_time: ClassVar = Time[datetime]("asked_at")
    ended_time: ClassVar = Time[datetime | None]("ended_at")

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost in USD, None if unknown."""
        return usd(self.cost)


class Retrieval(Value):
    """One search for passages, best first; the turn numbers them from `first_number` on. `error` is set if it failed.

    `call` is the tool call that searched, None for the search before the first model call. `judgement` is None if the
    retriever does not judge; `answers` repeats its result, so that lists can be filtered by it.
    """

    kind: Literal["retrieval"] = "retrieval"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    query: str | None
    passages: list[Passage]
    first_number: int
    count: int
    error: str | None
    call: str | None = None
    judgement: Judgement | None = None
    answers: bool | None = None
    duration_ms: int
    at: str
    at_n: int
    erased: bool = False

    time: ClassVar = Time[datetime]("at")


class Summary(Value):
    """The text that models get in place of the thread's entries `first_n` to `last_n`, written by `model_call`."""

    kind: Literal["summary"] = "summary"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    model_call: str
    first_n: int
    last_n: int
    text: str | None
    at: str
    at_n: int

    time: ClassVar = Time[datetime]("at")


class HandoverRecord(Value):
    """An employee's matter on its way to a person. `asked` becomes `sent`, `failed` or `unknown`.

    `attached` says what of the thread went along with `note`. `reference` is what the employee can quote, `message`
    says in words what went wrong. None is unknown, or not yet known, or erased.
    """

    kind: Literal["handover"] = "handover"
    id: str
    n: int
    thread: str
    turn: str
    owner: str
    status: HandoverStatus
    attached: Attached
    note: str | None
    reference: str | None = None
    message: str | None = None
    asked_at: str
    ended_at: str | None = None
    at_n: int

    asked_time: ClassVar = Time[datetime]("asked_at")
    ended_time: ClassVar = Time[datetime | None]("ended_at")


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


class Given(Value):
    """One person's verdict on an answer, their newest. `cause` is None unless it is wrong. None: erased."""

    by: str
    at: str
    verdict: Verdict
    cause: Cause | None
    note: str | None
    corrected: str | None

    time: ClassVar = Time[datetime]("at")


class Review(Value):
    """The verdicts on a turn, folded from `review:<turn>`: the newest of each person, in the order of their first.

    `verdicts` names the different ones, sorted, for lists. `id` is the turn's; `owner` and `opened_at` are the turn's.
    """

    kind: Literal["review"] = "review"
    id: str
    n: int
    hash: str
    thread: str
    owner: str
    opened_at: str
    given: list[Given]
    verdicts: list[Verdict]

    opened_time: ClassVar = Time[datetime]("opened_at")


class Look(Value):
    """One entry of an audit log: a look, a search, an export or a denial.

    `by` is the viewer. `object` is `kind:id`, None for a search; `owners` are the people whose content it showed, []
    for a list. `roles` are the viewer's at that time, [] if they are not on record. `denied`: it was refused; `more`
    counts the denials that are not on record one by one. `purpose` and `words` are None once erased, and for a denial.
    `account` is that of a command.
    """

    kind: Literal["look"] = "look"
    id: str
    n: int
    by: str
    at: str
    action: str
    object: str | None
    owners: list[str]
    denied: bool
    more: int
    filters: dict[str, Json]
    manifest: str | None
    purpose: str | None
    words: str | None
    roles: list[str] = Field(default_factory=list)
    account: Account | None = None

    time: ClassVar = Time[datetime]("at")


class Person(Value):
    """What a person has told the desk about themselves: `notice` is the newest notice that they have acknowledged.

    `id` is the person's id as it stands in the name of their stream, `user` the id itself. `hash` is that of entry n of
    `person:<id>`.
    """

    kind: Literal["person"] = "person"
    id: str
    n: int
    hash: str
    notice: str
    acknowledged_at: str

    acknowledged_time: ClassVar = Time[datetime]("acknowledged_at")

    @property
    def user(self) -> str:
        """The person's id."""
        return user_named(self.id)


class RoleGrant(Value):
    """A role that was granted, the newest grant of this person and role. `by` granted it, as `basis` says.

    `ends_at` is when it ends by itself, None for never. `why` is None once erased. `account` is that of a command.
    """

    person: str
    role: Role
    granted_at: str
    ends_at: str | None
    by: str
    basis: GrantBasis
    why: str | None
    account: Account | None

    granted_time: ClassVar = Time[datetime]("granted_at")
    ends_time: ClassVar = Time[datetime | None]("ends_at")

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.ends_at is None or iso(now) < self.ends_at


class Block(Value):
    """A blocked person: they may not use the desk. `why` is None once erased. `account` is that of a command."""

    person: str
    blocked_at: str
    by: str
    why: str | None
    account: Account | None

    blocked_time: ClassVar = Time[datetime]("blocked_at")


class SignInMapping(Value):
    """The settings by which a sign-in gives people their roles, since then. `account` is that of the program."""

    since: str
    mapping: dict[str, Json]
    account: Account

    since_time: ClassVar = Time[datetime]("since")


class OffSwitch(Value):
    """A tool or a model that is switched off. `why` is None once erased. `account` is that of a command."""

    what: Switched
    name: str
    off_at: str
    by: str
    why: str | None
    account: Account | None

    off_time: ClassVar = Time[datetime]("off_at")


class Backup(Value):
    """A backup of the store: it holds `entries` entries, all up to `taken_at` at least.

    `manifest` is the SHA-256 of its manifest. `account` is that of the command that made it.
    """

    taken_at: str
    by: str
    manifest: str
    entries: int
    account: Account | None

    taken_time: ClassVar = Time[datetime]("taken_at")


class Restore(Value):
    """The store was made at `restored_at` from a backup. `turns` and `calls` were open in it, and are closed since."""

    restored_at: str
    by: str
    backup: Backup
    turns: int
    calls: int
    why: str | None

    restored_time: ClassVar = Time[datetime]("restored_at")


class AdministrationRecord(Value):
    """What people have decided for the installation, folded from `administration:desk`, entry n of which has `hash`.

    `held` are the roles that were not taken away, `blocked` the blocked people, `off` the tools and models that are
    switched off, all in the order of their entries; a store keeps the former as the lists `grants` and `blocks`.
    `installed` are the people whom the settings have made administrators, even if the role has ended since. `sign_ins`
    are the newest mapping of a sign-in and the one before it, newest first. `demo`: the store is a demo. `backup` is
    the newest backup, `restored` the newest restore, None without one.
    """

    kind: Literal["administration"] = "administration"
    id: str
    n: int
    hash: str
    demo: bool
    # By person: each entry of the log, and each call of each person, asks for one of many thousands.
    held: dict[tuple[str, Role], RoleGrant] = Field(exclude=True)
    blocked: dict[str, Block] = Field(exclude=True)
    installed: list[str]
    sign_ins: list[SignInMapping]
    off: list[OffSwitch]
    backup: Backup | None = None
    restored: Restore | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know it above a property
    @property
    def grants(self) -> list[RoleGrant]:
        """The roles that were not taken away, in the order of their entries."""
        return list(self.held.values())

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know it above a property
    @property
    def blocks(self) -> list[Block]:
        """The blocked people, in the order of their entries."""
        return list(self.blocked.values())

    def grant(self, person: str, role: Role) -> RoleGrant | None:
        """The person's grant of this role, also one that has ended by itself."""
        return self.held.get((person, role))

    def block(self, person: str) -> Block | None:
        """The person's block."""
        return self.blocked.get(person)

    def off_switch(self, what: Switched, name: str) -> OffSwitch | None:
        """What is on record of the tool or the model, None while it is switched on."""
        return next((one for one in self.off if (one.what, one.name) == (what, name)), None)


class Admission(Value):
    """A question that the limits let through, and in which minute."""

    turn: str
    minute: str


class Spending(Value):
    """What was used of the limits on one day (UTC), folded from `spending:<id>`, entry n of which has `hash`.

    `user` None: it is all people's together, and the numbers are what processes have taken of it in slices. `minute`
    is the newest minute with a question (`2026-11-30T14:20`), with `minute_turns` of them. `cost` is in nano-USD.
    `refused` counts what was refused, by the limit; `recent` are the questions of the newest two minutes.
    """

    kind: Literal["spending"] = "spending"
    id: str
    n: int
    hash: str
    day: str
    turns: int = 0
    minute: str = ""
    minute_turns: int = 0
    tokens: int = 0
    cost: int = 0
    refused: dict[str, int] = Field(default_factory=dict)
    recent: list[Admission] = Field(default_factory=list)

    @property
    def user(self) -> str | None:
        """The person's id, None if it is all people's."""
        name, _, _ = self.id.rpartition(":")
        return user_named(name) if name else None


def carrying_call(turn: str) -> str:
    """The id of the call that the turn `turn` carries out first, because an approver has allowed it."""
    return f"{turn}-t1"


def filter_text(name: str, value: Json) -> str | None:
    """`name=value`, the value as JSON, by which lists are filtered; None if it is no scalar, or null, or too long."""
    if value is None or isinstance(value, list | dict):
        return None
    text = f"{name}={canonical(value).decode()}"
    return text if len(text) <= MAX_FILTER else None


Item: TypeAlias = Thread | Turn | Message | ToolCall | ModelCall | Retrieval | Summary | HandoverRecord | DeferredCall
I = TypeVar(  # noqa: E741  # an item
    "I",
    Thread,
    Turn,
    Message,
    ToolCall,
    ModelCall,
    Retrieval,
    Summary,
    HandoverRecord,
    DeferredCall,
    Review,
    Look,
    Person,
    Spending,
)
Stored: TypeAlias = Item | Review | Look | Person | AdministrationRecord | Spending


def record_kind(item_type: type[Stored]) -> str:
    """The kind under which a store keeps records of this type."""
    return str(item_type.model_fields["kind"].default)


_TYPES: dict[str, type[Any]] = {record_kind(item_type): item_type for item_type in Item.__args__}


def record(item: Stored) -> Record:
    """The record in the form that a store keeps; `item` is the way back."""
    return Record(
        kind=item.kind, id=item.id, n=item.n, fields=item.model_dump(mode="json", exclude={"kind", "id", "n"})
    )


def item(record: Record) -> Item:
    """The value that `record` stored. Raises Corrupt for another kind of record, and for fields that do not fit."""
    if record.kind not in _TYPES:
        raise Corrupt(f"record {record.kind}", record.n, "has an unknown kind")
    read: Item = item_of(_TYPES[record.kind], record)
    return read


def item_of(kind: type[I], record: Record) -> I:
    """`item`, for a record whose type is known. Raises Corrupt also if the record is of another type."""
    try:
        return kind.model_validate({**record.fields, "kind": record.kind, "id": record.id, "n": record.n})
    except ValueError as error:
        raise Corrupt(f"record {record.kind}:{record.id}", record.n, "does not fit: rebuild the records") from error
