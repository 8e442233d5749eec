"""A model that plays a script, for tests of everything around a model.

It is shipped, and runs behind the same protocol as a provider, so that a test does not need a mock. It can do all that
a provider may do on a bad day: fall silent, break off, fail, or name an unknown tool.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Literal, TypeAlias

import anyio
import anyio.lowlevel

from core.canonical import Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, ErrorCode, Finish, ModelEvent, ModelRequest, Ping, ReasoningDelta, TextDelta
from core.values import StopReason, Usage

_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Say:
    """Text, streamed in `pieces` pieces of equal length; None: word by word. `delay` seconds pass before each piece."""

    text: str
    pieces: int | None = None
    delay: float = 0
    kind: Literal["say"] = "say"

    def __post_init__(self) -> None:
        if self.pieces is not None and self.pieces < 1:
            raise InvalidInput("text is said in at least one piece")


@dataclass(frozen=True, slots=True)
class Think:
    """Reasoning, streamed word by word; `blocks` are the provider's own, which Finish hands over to be sent back."""

    text: str
    blocks: tuple[Json, ...] = ()
    kind: Literal["think"] = "think"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. Text as `arguments` is sent as it is, JSON or not; anything else as its JSON."""

    tool: str
    arguments: Json
    kind: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds."""

    seconds: float
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence until the event is set, or until the function's awaitable is done: a held stream without a clock."""

    gate: anyio.Event | Callable[[], Awaitable[object]]
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream ends here, cleanly and without its Finish, as after a connection that was lost unnoticed."""

    kind: Literal["cut"] = "cut"


@dataclass(frozen=True, slots=True)
class Fail:
    """ModelError, raised here: after whatever the answer said before it."""

    code: ErrorCode
    message: str = "the script says so"
    retryable: bool = False
    retry_after: float | None = None
    kind: Literal["fail"] = "fail"


@dataclass(frozen=True, slots=True)
class Stop:
    """The Finish's stop reason; without one it is `tool_calls` after a Call, otherwise `end`."""

    reason: StopReason
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Bill:
    """The Finish's usage, and its cost in nano-USD; without one both are unknown."""

    usage: Usage
    cost: int | None = None
    kind: Literal["bill"] = "bill"


Part: TypeAlias = Say | Think | Call | Pause | Wait | Cut | Fail | Stop | Bill | Ping
Answer: TypeAlias = Sequence[Part]


class ScriptedModel:
    """Answers from a script; the same script and requests always give the same events.

    A script is a list of answers, used one per request in the order in which requests start streaming, or a function
    from the request to its answer. An answer is a list of parts, played in order, then Finish:

        model = ScriptedModel([
            [Say("Let me look."), Call("vacation_balance", {"year": 2026})],
            [Say("You have 12 days left."), Bill(Usage(input=90, output=7), cost=1_200)],
        ])

    A list that is used up raises ModelError (`invalid_request`), unless `loop` starts it again. `requests` are all that
    began to stream, oldest first, failed ones included; `closed` says whether `close` was called. `price` says what
    so many tokens cost, in nano-USD; without it the price is unknown. Raises InvalidInput if a part stands in place of
    an answer.
    """

    def __init__(
        self,
        script: Iterable[Answer] | Callable[[ModelRequest], Answer],
        *,
        loop: bool = False,
        name: str = "scripted:",
        settings: Mapping[str, object] | None = None,
        phrases: bool = False,
        price: Callable[[Usage], int | None] | None = None,
    ) -> None:
        self.name = name
        self.settings = settings or {}
        self.phrases = phrases
        self.price = price
        self.requests: list[ModelRequest] = []
        self.closed = False
        self._answer = script if callable(script) else one_by_one(script, loop=loop)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        await anyio.lowlevel.checkpoint()
        stop: StopReason = "end"
        scripted: StopReason | None = None
        bill = Bill(Usage())
        blocks: list[Json] = []
        for part in self._answer(request):
            match part.kind:
                case "say":
                    for piece in pieces(part.text, part.pieces):
                        await anyio.sleep(part.delay)
                        yield TextDelta(text=piece)
                case "think":
                    blocks.extend(part.blocks)
                    for piece in pieces(part.text, None):
                        await anyio.lowlevel.checkpoint()
                        yield ReasoningDelta(text=piece)
                case "call":
                    stop = "tool_calls"
                    raw = part.arguments
                    yield CallDelta(tool=part.tool, arguments=raw if isinstance(raw, str) else canonical(raw).decode())
                case "pause":
                    await anyio.sleep(part.seconds)
                case "wait":
                    await (part.gate.wait() if isinstance(part.gate, anyio.Event) else part.gate())
                case "ping":
                    yield part
                case "cut":
                    return
                case "fail":
                    raise ModelError(part.code, part.message, retryable=part.retryable, retry_after=part.retry_after)
                case "stop":
                    scripted = part.reason
                case "bill":
                    bill = part
        yield Finish(stop_reason=scripted or stop, usage=bill.usage, cost=bill.cost, reasoning=tuple(blocks))

    async def close(self) -> None:
        self.closed = True


def one_by_one(answers: Iterable[Answer], *, loop: bool) -> Callable[[ModelRequest], Answer]:
    """A script that gives each request the next answer; when they are used up ModelError, or the first again."""
    script = [_checked(answer) for answer in answers]
    left = cycle(script) if loop else chain(script)

    def answer(request: ModelRequest) -> Answer:
        for following in left:
            return following
        raise ModelError("invalid_request", f"the script is used up: it has {len(script)} answers")

    return answer


def _checked(answer: Answer) -> Answer:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise InvalidInput(f"an answer is a list of parts, not {answer!r}: write [[Say(...)], [Say(...)]]")
    return tuple(answer)


def pieces(text: str, count: int | None) -> list[str]:
    """The text in `count` pieces of equal length, as far as it has characters; None: word by word."""
    if count is None:
        return _WORD.findall(text)
    size = max(1, -(-len(text) // count))
    return [text[start : start + size] for start in range(0, len(text), size)]
