"""OpenAI's Chat Completions: `openai:MODEL?api=chat`, the one API that every other server speaks as well.

Its dialects differ, so little is demanded of a stream but its `[DONE]`: Ollama ends good answers without a finish
reason and gives a call's arguments at once, others in pieces; some number their calls and some only name them.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated

from openai import AsyncOpenAI
from openai.types.shared import ReasoningEffort
from pydantic import Field, PositiveInt

from backends.models.answer_json import as_object, as_objects, as_text, check_parts
from backends.models.openai.client import CHOICES, OPENAI, Address, Client, Share, Temperature, cost, settings_at, usage
from backends.models.prices import Prices
from backends.models.prompt import user_text
from backends.models.sse import drain
from core.canonical import Json, canonical
from core.model import (
    CallDelta,
    Finish,
    ModelEvent,
    ModelRequest,
    Ping,
    ReasoningDelta,
    SentCall,
    SentMessage,
    TextDelta,
    ToolSchema,
    WritingDelta,
)
from core.values import StopReason, Usage

SETTINGS: Mapping[str, object] = {
    "temperature": Temperature,
    "top_p": Share,
    "max_output_tokens": PositiveInt,
    "reasoning_effort": ReasoningEffort,
    "stop": str | Annotated[list[str], Field(min_length=1, max_length=4)],
    "seed": int,
}

_STOPS: Mapping[Json, StopReason] = {
    None: "end",
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}


class ChatModel:
    """A model asked by Chat Completions, at OpenAI or at `base_url`; `client` is an application's own, and stays open.

    `key_env` is the environment variable of the server's key; OPENAI_API_KEY is for OpenAI alone, and another server
    gets a key only if this names one. `prices` None are those of genai-prices. Raises InvalidInput if a key is missing
    or malformed.
    """

    phrases = True

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OPENAI.url,
        key_env: str | None = None,
        client: AsyncOpenAI | None = None,
        prices: Prices | None = None,
    ) -> None:
        base_url = str(client.base_url) if client else base_url
        address = Address(model=model, api="chat", base_url=base_url, key_env=key_env)
        self.name = address.name
        self.settings = settings_at(address, SETTINGS)
        self._address = address
        self._client = Client(address, client)
        self._prices = prices or Prices()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        answer = _Answer()
        body = chat_body(request, model=self._address.model, own=self._address.own)
        async with aclosing(self._client.stream("chat", body)) as events:
            async for event in events:
                match event:
                    case "ping":
                        yield Ping()
                    case "done":
                        for call in answer.calls():
                            yield CallDelta(tool=call.tool, arguments="".join(call.arguments))
                        await drain(events)
                        yield self._finish(answer)
                        return
                    case dict():
                        for part in answer.read(event):
                            yield part

    async def close(self) -> None:
        await self._client.close()

    def _finish(self, answer: "_Answer") -> Finish:
        paid = cost(self._prices, self._address, answer.usage)
        return Finish(stop_reason=answer.stop_reason, usage=answer.usage, cost=paid)


def chat_body(request: ModelRequest, *, model: str, own: bool) -> dict[str, Json]:
    """The request's parameters for `chat.completions.create`. `own`: OpenAI's, which not every other server knows."""
    system = [{"role": "system", "content": request.instructions}] if request.instructions else []
    body: dict[str, Json] = {
        "model": model,
        "messages": [*system, *map(_message, request.messages)],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if own:
        body["store"] = False
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice in CHOICES:
            body["tool_choice"] = request.tool_choice
        elif request.tool_choice != "auto":
            body["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice}}
        if not request.calls_at_once:
            body["parallel_tool_calls"] = False
    if request.output is not None:
        schema = {"name": "answer", "schema": dict(request.output), "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    longest = "max_completion_tokens" if own else "max_tokens"
    return body | {longest if name == "max_output_tokens" else name: value for name, value in request.settings.items()}


def _message(message: SentMessage) -> Json:
    match message.role:
        case "user":
            return {"role": "user", "content": user_text(message)}
        case "tool":
            return {"role": "tool", "tool_call_id": message.id, "content": message.content}
        case "assistant" if message.calls:
            calls = [_called(call) for call in message.calls]
            return {"role": "assistant", "content": message.text or None, "tool_calls": calls}
        case "assistant":
            return {"role": "assistant", "content": message.text}


def _called(call: SentCall) -> Json:
    function = {"name": call.tool, "arguments": canonical(call.arguments).decode()}
    return {"type": "function", "id": call.id, "function": function}


def _tool(tool: ToolSchema) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


@dataclass(slots=True)
class _Call:
    """A call as it is being written, at the `index` and under the `id` that the server gave it, if any."""

    index: Json
    id: Json
    tool: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Answer:
    """What an answer's chunks add up to."""

    usage: Usage = field(default_factory=Usage)
    _calls: list[_Call] = field(default_factory=list)
    _reason: Json = None
    _refused: bool = False

    def read(self, chunk: dict[str, Json]) -> Iterator[ModelEvent]:
        """What a chunk says; of several choices the first."""
        if chunk.get("usage"):
            self.usage = usage(chunk["usage"], "prompt", "completion")
        for choice in as_objects(chunk.get("choices")):
            if choice.get("index") not in (None, 0):
                continue
            self._reason = choice.get("finish_reason") or self._reason
            yield from self._delta(as_object(choice.get("delta")))

    def calls(self) -> list[_Call]:
        """By their index; those that have none as they came."""
        return sorted(self._calls, key=lambda call: call.index if isinstance(call.index, int) else 0)

    @property
    def stop_reason(self) -> StopReason:
        reason = _STOPS.get(self._reason, "other") if isinstance(self._reason, str | None) else "other"
        if reason != "end":
            return reason
        if self._refused:
            return "refusal"
        return "tool_calls" if self._calls else "end"

    def _delta(self, delta: dict[str, Json]) -> Iterator[ModelEvent]:
        if thought := as_text(delta.get("reasoning_content")) or as_text(delta.get("reasoning")):
            yield ReasoningDelta(text=thought)
        if text := as_text(delta.get("content")):
            yield TextDelta(text=text)
        if refusal := as_text(delta.get("refusal")):
            self._refused = True
            yield TextDelta(text=refusal)
        for piece in as_objects(delta.get("tool_calls")):
            if written := self._write(piece):
                yield WritingDelta(text=written)

    def _write(self, piece: dict[str, Json]) -> str:
        """The arguments that the piece adds to its call."""
        function = as_object(piece.get("function"))
        tool, written = as_text(function.get("name")), function.get("arguments") or ""
        call = self._call(piece, tool)
        call.tool = call.tool or tool
        written = written if isinstance(written, str) else json.dumps(written)
        call.arguments.append(written)
        return written

    def _call(self, piece: dict[str, Json], tool: str) -> _Call:
        """The call that the piece goes on with. A new call begins at a new index, and at a known index with another id.
        Without an index it begins with a name."""
        index, call_id = piece.get("index"), piece.get("id")
        for call in reversed(self._calls):
            same = not call_id or not call.id or call.id == call_id
            if call.index == index and same and not (index is None and tool):
                return call
        check_parts(len(self._calls))
        self._calls.append(_Call(index, call_id))
        return self._calls[-1]
