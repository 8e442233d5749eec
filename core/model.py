"""The model protocol: one request in, a stream of events out, and what each provider's adapter must make of its own.

Values here are neutral: an adapter in `backends` turns them into a provider's wire format and back. History, retries,
records and deadlines are the desk's; an adapter makes one physical request and reports it truthfully.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from core.canonical import Json
from core.values import Judgement, Passage, StopReason, Usage

ErrorCode: TypeAlias = Literal[
    "overloaded",  # 429, 5xx: the same request may succeed later
    "connection",  # could not connect, or was cut
    "timeout",  # no content within a deadline
    "quota",  # insufficient quota: paying helps, waiting does not
    "auth",  # 401, 403
    "too_large",  # context overflow
    "invalid_request",  # any other 4xx
    "answer_too_large",  # the answer is more than is kept of one: the same request gives it again
    "protocol",  # bytes that are not the provider's format, or an end without its terminal marker
]
"""What a ModelError's `code` may be. The desk adds `empty`, `worker_lost` and `cancelled` of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSchema:
    """A tool as the model is told of it: `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """A question, and the passages that were retrieved for it, numbered 1, 2, 3 in this order for `[n]` markers.

    `judgement` is on whether they answer it, None where nobody judged.
    """

    role: Literal["user"] = "user"
    text: str
    passages: tuple[Passage, ...] = ()
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCall:
    """A tool call of an earlier answer, as it is sent back. `id` is ours: at most 40 of `[A-Za-z0-9_-]`."""

    id: str
    tool: str
    arguments: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    """An earlier answer, with text or calls or both.

    `reasoning` goes back unchanged to the model that gave it, whose `name` is `model`, and to no other: a signature
    holds for one model. It is () for answers of earlier turns.
    """

    role: Literal["assistant"] = "assistant"
    text: str
    calls: tuple[SentCall, ...] = ()
    reasoning: tuple[Json, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMessage:
    """The result of the call `id`; every call sent has exactly one, directly after its answer, in the calls' order.

    `content` is text: the result as JSON, or what went wrong in words (`failed`).
    """

    role: Literal["tool"] = "tool"
    id: str
    tool: str
    content: str
    failed: bool = False


SentMessage: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """Everything one physical request is made of. `tools` () means that no call may be made.

    `messages` begin with a question, and are sendable as they stand: each call has its result, none is empty. `output`
    is the JSON schema that the text of the final answer is to fit, None for free text.
    """

    instructions: str
    messages: tuple[SentMessage, ...]
    tools: tuple[ToolSchema, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    output: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    kind: Literal["text"] = "text"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    """Thinking: content for the clocks, never shown."""

    kind: Literal["reasoning"] = "reasoning"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDelta:
    """One whole tool call, in the answer's order; `arguments` is the raw text the model wrote, which may be no JSON."""

    kind: Literal["call"] = "call"
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A sign of life without content: it never counts against silence."""

    kind: Literal["ping"] = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSoFar:
    """What the provider has counted before the end, the rest None: what is known of a request that breaks off.

    Like a ping it is no content.
    """

    kind: Literal["usage"] = "usage"
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The provider's terminal marker, always last. A stream that ends without one was cut.

    `cost` is nano-USD, None when unknown. `reasoning` holds the provider's blocks as they must be sent back.
    """

    kind: Literal["finish"] = "finish"
    stop_reason: StopReason
    usage: Usage
    cost: int | None
    reasoning: tuple[Json, ...] = ()


ModelEvent: TypeAlias = TextDelta | ReasoningDelta | CallDelta | Ping | UsageSoFar | Finish


class Model(Protocol):
    """A language model, or what stands in for one.

    `name` is the URL it was opened with, without secrets; a turn is resumed only by a desk whose model has the same.
    `settings` are the names that `ModelRequest.settings` may hold. `phrases`: it can put things into words of its own,
    so it may be asked for a summary's like; what only quotes cannot.
    """

    name: str
    settings: frozenset[str]
    phrases: bool

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """One physical request, without retries: its events, text exactly in the order it is to be read.

        Raises ModelError, and no other exception, for whatever the provider did wrong. Closing the generator ends
        the request.
        """

    async def close(self) -> None:
        """Let go of connections that the model opened."""
