"""What a turn asked for: model calls, searches, summaries."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.clock import Time
from core.values import Judgement, Passage, Purpose, Repair, StopReason, Usage, Value, usd


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
