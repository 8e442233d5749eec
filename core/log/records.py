"""The records: what lists, filters and statistics read. Each is a pure fold of a thread's entries up to its `n`.

A record holds nothing that its log does not say, so that any of them can be thrown away and folded again. Times are
`core.clock.iso` texts, money is integers of nano-USD; None is not known, or not yet.
"""

from typing import Any, Literal, TypeAlias

from core.canonical import Json
from core.errors import Corrupt
from core.log.facts import Snapshot
from core.store import Record
from core.values import (
    CallStatus,
    Citation,
    Decider,
    Effect,
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


class Totals(Value):
    """Sums over model calls. `cost` adds what is known; `cost_unknown` counts the calls whose cost is not."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_unknown: int = 0
    cost: int = 0
    cost_unknown: int = 0

    def billed(self, usage: Usage, cost: int | None) -> "Totals":
        """These totals with one closed model call more."""
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
    """The model call that is under way: `fence` names the live stream that its text goes to.

    What is not for the turn's answer is shown to nobody.
    """

    call: str
    fence: int
    step: int
    attempt: int
    with_tools: bool = True
    purpose: Purpose = "answer"
    covers: tuple[int, int] | None = None


class OpenCall(Value):
    """A tool call of the open turn: what deciding about it takes. `fence` is that of its last start.

    `told`: hooks have had their say on what the model is told of it.
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

    @property
    def closed(self) -> bool:
        """Whether the call has reached its last status."""
        return self.status not in ("planned", "awaiting_approval", "running")

    @property
    def waits(self) -> bool:
        """Whether a person must agree before the call may start."""
        return self.status == "planned" and self.approval is not None and self.decision is None


class OpenTurn(Value):
    """All that deciding about the open turn takes, and no content: it rides on the head record.

    `attempts` and `failure` are those of the step under way; `repairs` lists why answers had to be given again.
    """

    turn: str
    request_id: str
    asker: str
    standing: Standing = Standing()
    snapshot: Snapshot
    first_n: int
    status: Literal["running", "awaiting_approval"]
    fence: int = 0
    worker: Worker | None = None
    released: bool = False
    lost: int = 0
    retried: int = 0
    step: int = 0
    retrievals: int = 0
    passages: int = 0
    queries: int = 0
    summaries: int = 0
    repairs: list[Repair] = []
    model_call: OpenModelCall | None = None
    attempts: int = 0
    failure: str | None = None
    failure_shown: bool = False
    calls: list[OpenCall] = []
    expires: str | None = None
    last_at: str = ""

    def call(self, id: str) -> OpenCall | None:
        """The turn's call of this id, or None."""
        return next((call for call in self.calls if call.call == id), None)


class Thread(Value):
    """A thread's head: everything an operation starts from. `hash` is that of entry n; `status` of the newest turn.

    `rejected` counts entries that came from a fence no longer in force: other than 0 is an alarm.
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
    totals: Totals = Totals()
    open: OpenTurn | None = None
    rejected: int = 0


class Turn(Value):
    """One question to its final answer.

    `text` is the answer so far: the whole model answers, joined, and in the end all that is kept; `partial` the
    text of a model call that failed, as long as nothing took its place. `waiting` are the ids of calls that wait
    for a decision; `first_n` to `last_n` the turn's entries, up to its end; `size` its length in the model's history,
    in characters; `output` the answer as JSON, where a schema was asked for and it fits. `citations_left_out`
    is how many of its citations were too much to keep.
    """

    kind: Literal["turn"] = "turn"
    id: str
    n: int
    thread: str
    owner: str
    request_id: str
    snapshot: Snapshot
    status: TurnStatus
    question: str | None
    text: str = ""
    citations: list[Citation] = []
    citations_left_out: int = 0
    output: Json = None
    code: str | None = None
    message: str | None = None
    opened_at: str
    ended_at: str | None = None
    first_n: int
    last_n: int
    fence: int = 0
    partial: str = ""
    waiting: list[str] = []
    totals: Totals = Totals()
    rating: Literal["up", "down"] | None = None
    comment: str | None = None
    size: int = 0
    erased: list[str] = []


class Message(Value):
    """The question (`user`) or the answer (`assistant`) of a turn; `at_n` orders the messages of a thread.

    `status` is the turn's. `text` None: erased.
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
    citations: list[Citation] = []
    at: str
    at_n: int


class Decision(Value):
    """What a person said of a call: to which arguments (`asked`), and which were to run (`digest`)."""

    outcome: Literal["given", "denied"]
    by: str
    at: str
    asked: str
    digest: str
    reason: str | None = None


class ToolCall(Value):
    """One tool call, the `number`th of its turn, planned by `model_call`.

    `planned` are the model's arguments, `arguments` those that ran; `code` says in a word why it failed. `told` is what
    the model was told in place of the result, None when it was told the result; `hook_failures` are hooks that failed.

    `late` holds what a superseded worker reported, `resolution` a person's word on an `unknown`; the status it had
    stays beside them.
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
    expires: str | None = None
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
    hook_failures: list[str] = []
    planned_at: str
    started_at: str | None = None
    finished_at: str | None = None
    duration_ms: int | None = None
    late: list[Json] = []
    resolution: Json = None
    at_n: int
    erased: bool = False


class ModelCall(Value):
    """One physical request to a model. `cost` is nano-USD or None; `code` and `message` say what went wrong.

    `repair` and `fault` say why an answer had to be given again; `changed` which parts of the request hooks changed,
    `hook_failures` which hooks failed; `covers` of which entries it made a summary; `left_out` which markers its text
    is without, because they pointed to no passage.
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
    reasoning: list[dict[str, Json]] = []
    usage: Usage = Usage()
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
    changed: list[str] = []
    covers: tuple[int, int] | None = None
    left_out: list[int] = []
    hook_failures: list[str] = []
    asked_at: str
    ended_at: str | None = None
    at_n: int
    erased: bool = False


class Retrieval(Value):
    """One search for passages, best first, numbered in the turn from `first_number` on; `error` when it failed.

    `call` is the tool call that searched, None for the search before the first answer. `answers` is the judgement's
    word, None where there is none: a list can be filtered by it.
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


class Summary(Value):
    """What a model is told in place of the thread's entries `first_n` to `last_n`; made in `turn` by `model_call`."""

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


Item: TypeAlias = Thread | Turn | Message | ToolCall | ModelCall | Retrieval | Summary
_TYPES: dict[str, type[Any]] = {
    "thread": Thread,
    "turn": Turn,
    "message": Message,
    "tool_call": ToolCall,
    "model_call": ModelCall,
    "retrieval": Retrieval,
    "summary": Summary,
}


def record(item: Item) -> Record:
    """The item as a store keeps it."""
    return Record(
        kind=item.kind, id=item.id, n=item.n, fields=item.model_dump(mode="json", exclude={"kind", "id", "n"})
    )


def item(record: Record) -> Item:
    """What `record` stored. Raises Corrupt for a kind that is not a thread's, and for fields that do not fit."""
    if record.kind not in _TYPES:
        raise Corrupt(f"record {record.kind}", record.n, "is of no known kind")
    try:
        read: Item = _TYPES[record.kind].model_validate({**record.fields, "id": record.id, "n": record.n})
    except ValueError as error:
        raise Corrupt(f"record {record.kind}:{record.id}", record.n, "does not fit: rebuild the records") from error
    return read
