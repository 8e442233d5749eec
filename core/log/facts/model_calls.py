"""The facts of searches, of requests to models, and of summaries."""

from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.log.facts.base import Fact
from core.log.facts.tool_calls import PlannedCall
from core.values import Judgement, Passage, Purpose, Repair, StopReason, Usage, Value


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
