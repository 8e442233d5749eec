"""The model protocol: one request in, a stream of events out.

These values are neutral: an adapter in `backends` turns them into a provider's wire format and back. An adapter
makes one physical request and reports it truthfully. History, retries, records and deadlines are the desk's part.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from core.canonical import Json
from core.values import CallStatus, Judgement, Passage, StopReason, Usage

ErrorCode: TypeAlias = Literal[
    "overloaded",  # 429, 5xx: the same request may succeed later
    "connection",  # could not connect, or was cut
    "timeout",  # no content within a deadline
    "quota",  # insufficient quota: paying helps, waiting does not
    "auth",  # 401, 403
    "too_large",  # context overflow
    "refusal",  # the provider's filter of contents refused the request: it would refuse it again
    "adapted",  # refused or not understood for its form: the adapter writes or reads the next request otherwise
    "no_tools",  # the model cannot call tools
    "invalid_request",  # any other 4xx
    "answer_too_large",  # longer than is kept of an answer: the same request would give it again
    "protocol",  # bytes that are not the provider's format, or an end without its terminal marker
]
"""The codes of a ModelError. On record the desk uses three more: `empty`, `worker_lost` and `cancelled`.

`adapted` does not count among a step's attempts. An adapter raises it only if it has learnt something new.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSchema:
    """The description of a tool that is sent to the model; `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """A question, and the passages found for it. `[n]` markers in the answer count these passages from 1.

    `judgement` says whether the passages answer the question; None if the retriever does not judge. `topic` is that of
    the concern which care recognised in the text: the asker may be in need. The passages are then those on the topic.

    `report` is set if the text is not the employee's but the desk's, and reports what became of a request. It is what
    the text says of the tool, for adapters that answer by it.
    """

    role: Literal["user"] = "user"
    text: str
    passages: tuple[Passage, ...] = ()
    judgement: Judgement | None = None
    topic: str | None = None
    report: "ToolMessage | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCall:
    """A tool call of an earlier answer, as it is sent back. `id` is the desk's own: at most 40 of `[A-Za-z0-9_-]`."""

    id: str
    tool: str
    arguments: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    """An earlier answer, with text or calls or both.

    `reasoning` is sent unchanged, and only to the model that gave it, whose `name` is `model`: its signature is valid
    for that model alone. Of answers of earlier turns it holds only the blocks with `"later": True`.
    """

    role: Literal["assistant"] = "assistant"
    text: str
    calls: tuple[SentCall, ...] = ()
    reasoning: tuple[Json, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMessage:
    """The result of the call `id`. Every call has exactly one, directly after its answer, in the order of the calls.

    `content` is the result as JSON text; if `failed`, it says in words what went wrong. `status` is that of the call on
    record, None without a call, for adapters that answer by it.
    """

    role: Literal["tool"] = "tool"
    id: str
    tool: str
    content: str
    failed: bool = False
    status: CallStatus | None = None


SentMessage: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """All that one physical request needs. With `tools` () the model must answer in text.

    `messages` begin with a question and can be sent as they are: each call has its result, and every message has
    content. `output` is the JSON schema that the final answer's text has to fit, None for free text.

    `tool_choice` is `auto` if the model decides, `none` if it may not call a tool, `required` if it must call one of
    them, or the name of the tool that it must call. `calls_at_once` False: an answer has one call at most.

    `asked_at` is when the newest question was put on record, in UTC, and `country` is the asker's: what "tomorrow" and
    "1/2" mean depends on them. Both are None if they are unknown.
    """

    instructions: str
    messages: tuple[SentMessage, ...]
    tools: tuple[ToolSchema, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    output: Mapping[str, Json] | None = None
    tool_choice: str = "auto"
    calls_at_once: bool = True
    asked_at: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    kind: Literal["text"] = "text"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    """A piece of the model's thinking, or of the provider's summary of it. It is never part of the answer.

    It counts as content for deadlines.
    """

    kind: Literal["reasoning"] = "reasoning"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingDelta:
    """A piece of a call's arguments while they are written: content for deadlines. The CallDelta brings the whole."""

    kind: Literal["writing"] = "writing"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDelta:
    """One whole tool call, in the answer's order; `arguments` is the model's raw text, which may be invalid JSON."""

    kind: Literal["call"] = "call"
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A sign of life without content: it does not extend the deadline between contents."""

    kind: Literal["ping"] = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSoFar:
    """The tokens that the provider has counted before the end; None for those it has not.

    This is what is known of a request that breaks off. Like a ping it does not count as content.
    """

    kind: Literal["usage"] = "usage"
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The provider's terminal marker, always the last event. A stream that ends without it was cut.

    `cost` is in nano-USD, None if unknown. `reasoning` holds the provider's blocks exactly as they must be sent back.
    """

    kind: Literal["finish"] = "finish"
    stop_reason: StopReason
    usage: Usage
    cost: int | None
    reasoning: tuple[Json, ...] = ()


ModelEvent: TypeAlias = TextDelta | ReasoningDelta | WritingDelta | CallDelta | Ping | UsageSoFar | Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What one model needs for itself, in place of a desk's options; None leaves the desk's.

    `settings` go to this model only, before those of `Options.model_settings`. `context_window` is how many tokens of a
    request and its answer the model can hold, so that the history is trimmed before a server refuses it. The others are
    the deadlines of `Options` by the same names, in seconds.
    """

    settings: Mapping[str, Json] = field(default_factory=dict)
    context_window: int | None = None
    first_content: float | None = None
    between_contents: float | None = None
    model_call: float | None = None


def tuning_of(model: "Model") -> Tuning:
    """The model's `tuning`. A model without one leaves all to the desk."""
    tuning = getattr(model, "tuning", None)
    return tuning if isinstance(tuning, Tuning) else Tuning()


def cost_of(model: "Model", usage: Usage) -> int | None:
    """What so many tokens cost with this model, in nano-USD; None if its price is unknown, or it does not say."""
    price = getattr(model, "price", None)
    cost = price(usage) if callable(price) else None
    return cost if isinstance(cost, int) else None


class Model(Protocol):
    """A language model, or a stand-in such as the offline model.

    `name` is the URL it was opened with, without secrets; only a desk whose model has the same name resumes its turns.
    `settings` are the names that `ModelRequest.settings` may hold, each with the type of its value as pydantic reads
    it, such as `Annotated[float, Field(ge=0, le=2)]`: a desk checks the values by it when it is made. `phrases`: it can
    write sentences of its own, so summaries and search queries may be requested from it; False for a model that only
    quotes. A model may also have a `tuning`, as `Tuning` describes it, and a method `price(usage)`, which says what so
    many tokens cost, in nano-USD or None: limits of costs ask it before a request.
    """

    name: str
    settings: Mapping[str, object]
    phrases: bool

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Send one physical request, without retries, and give its events; text comes in reading order.

        Any fault of the provider raises ModelError. Closing the generator ends the request.
        """

    async def close(self) -> None:
        """Close the connections that the model opened; a client that was passed in stays open."""
