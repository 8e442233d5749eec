"""OpenAI's Responses API: `openai:MODEL`.

Nothing is kept there (`store` false), so a model that reasons gets its reasoning back from us, encrypted, and each
item of it directly before what it led to; else the provider refuses the request. `Finish.reasoning` is therefore the
answer's whole layout: reasoning items as they came, and between them where its texts and calls stood.
"""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from openai import AsyncOpenAI

from backends.openai_client import OWN, Address, Client, cost, drain, usage
from backends.openai_errors import reported
from backends.rendering import user_text
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.entries import StopReason
from core.errors import InvalidInput, ModelError
from core.model import (
    AssistantMessage,
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
)

if TYPE_CHECKING:
    from backends.prices import Prices

SETTINGS = frozenset({"temperature", "top_p", "max_output_tokens", "reasoning_effort", "reasoning_summary"})

_BETWEEN = "\n\n"
"""What parts two messages of one answer, such as a remark before a call and the text after it."""


class ResponsesModel:
    """A model asked by the Responses API, at OpenAI or at `base_url`; `client` is an application's own, and stays open.

    A model that thinks for longer than the desk waits for a first content shows no sign of life meanwhile, unless it
    is asked for a summary of its thoughts (`reasoning_summary`: "auto"). Costs are known where `prices` knows them.
    Raises InvalidInput where there is no key.
    """

    settings = SETTINGS

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OWN,
        client: AsyncOpenAI | None = None,
        prices: "Prices | None" = None,
    ) -> None:
        address = Address(model=model, base_url=str(client.base_url) if client else base_url)
        self.name = address.name
        self._address = address
        self._client = Client(address, client)
        self._prices = prices

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        answer = _Answer()
        body = responses_body(request, model=self._address.model, name=self.name)
        async with aclosing(self._client.stream("responses", body)) as events:
            async for event in events:
                if event == "ping":
                    yield Ping()
                if not isinstance(event, dict):
                    continue
                for said in answer.read(event):
                    yield said
                if (ended := answer.ended) is not None:
                    await drain(events)
                    yield self._finish(answer, ended)
                    return

    async def close(self) -> None:
        await self._client.close()

    def _finish(self, answer: "_Answer", response: dict[str, Json]) -> Finish:
        used = usage(response.get("usage"), "input", "output")
        return Finish(
            stop_reason=answer.stop_reason,
            usage=used,
            cost=cost(self._prices, self._address, used),
            reasoning=answer.layout(),
        )


def responses_body(request: ModelRequest, *, model: str, name: str) -> dict[str, Json]:
    """The request's parameters for `responses.create`. Reasoning is sent where the model that gave it was `name`."""
    body: dict[str, Json] = {
        "model": model,
        "input": [item for message in request.messages for item in _items(message, name)],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.output is not None:
        schema = dict(request.output)
        body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}}
    reasoning = {}
    for setting, value in request.settings.items():
        if setting.startswith("reasoning_"):
            reasoning[setting.removeprefix("reasoning_")] = value
        else:
            body[setting] = value
    return {**body, "reasoning": reasoning} if reasoning else body


def _items(message: SentMessage, name: str) -> list[Json]:
    match message.role:
        case "user":
            return [{"type": "message", "role": "user", "content": user_text(message)}]
        case "tool":
            return [{"type": "function_call_output", "call_id": message.id, "output": message.content}]
        case "assistant":
            laid_out = _laid_out(message) if message.model == name else None
            return laid_out or [*_said(message.text), *(_called(call) for call in message.calls)]


def _laid_out(message: AssistantMessage) -> list[Json] | None:
    """The answer as it was given, by its layout; None if that does not fit it. What leads to nothing is left out."""
    blocks = [block for block in message.reasoning if isinstance(block, dict)]
    ends = [block["end"] for block in blocks if block.get("type") == "message"]
    called = sum(block.get("type") == "function_call" for block in blocks)
    if called != len(message.calls) or (message.text and ends[-1:] != [len(message.text)]):
        return None
    calls = iter(message.calls)
    items: list[Json] = []
    thoughts: list[Json] = []
    for block in blocks:
        match block:
            case {"type": "message", "start": start, "end": end}:
                led_to = _said(message.text[start:end], block.get("phase"))
            case {"type": "function_call"}:
                led_to = [_called(next(calls))]
            case _:
                thoughts.append({key: value for key, value in block.items() if value is not None})
                continue
        if led_to:
            items += [*thoughts, *led_to]
        thoughts = []
    return items


def _said(text: str, phase: Json = None) -> list[Json]:
    if not text.strip():
        return []
    message = {"type": "message", "role": "assistant", "content": text}
    return [{**message, "phase": phase} if phase else message]


def _called(call: SentCall) -> Json:
    arguments = canonical(call.arguments).decode()
    return {"type": "function_call", "call_id": call.id, "name": call.tool, "arguments": arguments}


def _tool(tool: ToolSchema) -> Json:
    parameters = dict(tool.parameters)
    # Unasked, this API makes a schema strict: it would demand every argument, those with a default too.
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": parameters,
        "strict": False,
    }


@dataclass(slots=True)
class _Item:
    """An item of the answer, at its place in the output; `arguments` are those a call has been given so far."""

    index: Json
    value: Json
    arguments: str = ""


@dataclass(slots=True)
class _Answer:
    """What an answer's events add up to. `ended` is the response that the terminal event holds."""

    text: str = ""
    ended: dict[str, Json] | None = None
    stop_reason: StopReason = "other"
    _between: str = ""
    _refused: bool = False
    _items: list[_Item] = field(default_factory=list)

    def read(self, event: dict[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; nothing for one that is not known. Raises ModelError."""
        match event.get("type"):
            case "response.output_text.delta":
                yield from self._say(_str(event.get("delta")))
            case "response.refusal.delta":
                self._refused = True
                yield from self._say(_str(event.get("delta")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from _thought(_str(event.get("delta")))
            case "response.output_item.added":
                self._items.append(_Item(event.get("output_index"), _item(event.get("item"))))
                if self.text and self._items[-1].value.get("type") == "message":
                    self._between = _BETWEEN
            case "response.function_call_arguments.delta":
                piece = _str(event.get("delta"))
                self._at(event.get("output_index")).arguments += piece
                yield from _thought(piece)
            case "response.output_item.done":
                self._at(event.get("output_index")).value = _item(event.get("item"))
            case "response.completed" | "response.incomplete":
                yield from self._end(_item(event.get("response")))
            case "response.failed":
                raise reported(_item(event.get("response")).get("error"))

    def layout(self) -> tuple[Json, ...]:
        """Every item in the answer's order, if any of them has to go back as it came; otherwise ()."""
        items = [item.value for item in self._items]
        texts = [text for text in map(_text, items) if text]
        if _BETWEEN.join(texts) != self.text or not any(i.get("type") == "reasoning" or i.get("phase") for i in items):
            return ()
        blocks: list[Json] = []
        start = 0
        for item in items:
            match item.get("type"):
                case "reasoning":
                    blocks.append(item)
                case "function_call":
                    blocks.append({"type": "function_call"})
                case "message" if text := _text(item):
                    end = start + len(text)
                    blocks.append({"type": "message", "start": start, "end": end, "phase": item.get("phase")})
                    start = end + len(_BETWEEN)
        try:
            canonical(blocks, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise ModelError("protocol", "the answer's reasoning is no JSON that can be kept") from error
        return tuple(blocks)

    def _say(self, text: str) -> Iterator[ModelEvent]:
        if text:
            text, self._between = self._between + text, ""
            self.text += text
            yield TextDelta(text=text)

    def _at(self, index: Json) -> _Item:
        """The item at this place in the output: the last one, where a server gives a place twice."""
        for item in reversed(self._items):
            if item.index == index:
                return item
        self._items.append(_Item(index, {}))
        return self._items[-1]

    def _end(self, response: dict[str, Json]) -> Iterator[ModelEvent]:
        """The calls, in the output's order, and the text if none of it was streamed. The response's own list of items
        is the whole one; only where a server leaves it empty do the items as they came stand for it."""
        output = response.get("output")
        if isinstance(output, list) and output:
            self._items = [_Item(None, _item(value)) for value in output]
        if not self.text:
            yield from self._say(_BETWEEN.join(text for item in self._items if (text := _text(item.value))))
        calls = [item for item in self._items if item.value.get("type") == "function_call"]
        for call in calls:
            written = call.value.get("arguments") or call.arguments
            raw = written if isinstance(written, str) else json.dumps(written)
            yield CallDelta(tool=_str(call.value.get("name")), arguments=raw)
        self._refused = self._refused or any(_refuses(item.value) for item in self._items)
        self.stop_reason = self._stop(response, bool(calls))
        self.ended = response

    def _stop(self, response: dict[str, Json], called: bool) -> StopReason:
        match response.get("incomplete_details"):
            case {"reason": "max_output_tokens"}:
                return "length"
            case {"reason": "content_filter"}:
                return "refusal"
            case {"reason": _}:
                return "other"
        if response.get("status") == "incomplete":
            return "other"
        if self._refused:
            return "refusal"
        return "tool_calls" if called else "end"


def _thought(text: str) -> Iterator[ModelEvent]:
    if text:
        yield ReasoningDelta(text=text)


def _item(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ModelError("protocol", "an event of the answer lacks its item")
    return value


def _str(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _parts(item: dict[str, Json]) -> list[dict[str, Json]]:
    content = item.get("content") if item.get("type") == "message" else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text(item: dict[str, Json]) -> str:
    return "".join(_str(part.get("text")) or _str(part.get("refusal")) for part in _parts(item))


def _refuses(item: dict[str, Json]) -> bool:
    return any(part.get("type") == "refusal" for part in _parts(item))
