"""OpenAI's Responses API: `openai:MODEL`.

Nothing is kept there (`store` false), so a model that reasons gets its reasoning back from us, encrypted, and each
item of it directly before what it led to; else the provider refuses the request. `Finish.reasoning` is therefore the
answer's whole layout: reasoning items as they came, and between them where its texts and calls stood.
"""

import re
from collections.abc import AsyncGenerator, Mapping, Set
from contextlib import aclosing
from functools import partial
from typing import Annotated, Literal

from openai import AsyncOpenAI
from openai.types.shared import ReasoningEffort
from pydantic import Field

from backends.models.answer_text import AnswerText
from backends.models.dialect import Dialect, dialect_of, learnt
from backends.models.first_thoughts import first_thoughts
from backends.models.openai.client import CHOICES, OPENAI, Address, Client, Share, Temperature, cost, settings_at, usage
from backends.models.openai.responses_answer import Output
from backends.models.prices import Prices
from backends.models.prompt import user_text
from backends.models.provider import NO_ADDITIONS, Additions
from backends.models.sse import drain
from backends.models.told_parts import as_written
from core.canonical import Json, canonical
from core.model import (
    AssistantMessage,
    Finish,
    ModelEvent,
    ModelRequest,
    Ping,
    SentCall,
    SentMessage,
    ToolSchema,
)
from core.values import Usage

_NEVER_REASONS = re.compile(r"(^|[/:])(gpt-3|gpt-4|chatgpt-|gpt-5-chat)")

SETTINGS: Mapping[str, object] = {
    "temperature": Temperature,
    "top_p": Share,
    "max_output_tokens": Annotated[int, Field(ge=16)],
    "reasoning_effort": ReasoningEffort,
    "reasoning_summary": Literal["auto", "concise", "detailed"],
}


class ResponsesModel:
    """A model asked by the Responses API, at OpenAI or at `base_url`; `client` is an application's own, and stays open.

    A model that thinks for longer than the desk waits for a first content shows no sign of life meanwhile, unless it is
    asked for a summary of its thoughts (`reasoning_summary`: "auto"). `key_env` is the environment variable of the
    server's key; OPENAI_API_KEY is for OpenAI alone, and another server gets a key only if this names one. `prices`
    None are those of genai-prices. Raises InvalidInput if a key is missing or malformed.
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
        additions: Additions = NO_ADDITIONS,
    ) -> None:
        base_url = str(client.base_url) if client else base_url
        address = Address(model=model, base_url=base_url, key_env=key_env)
        self.name = address.name
        self.settings = settings_at(address, SETTINGS)
        self._address = address
        self._client = Client(address, client, additions)
        self._prices = prices or Prices()
        self._dialect = Dialect() if client else dialect_of(f"responses {base_url}", model)
        self._first_thoughts = first_thoughts(model, None if client else base_url)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return learnt(self._dialect, self._stream(request), partial(self._body, request))

    async def _stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        in_json, thinks_first = request.output is not None, self._first_thoughts.expected
        output = Output(AnswerText(request.tools, in_json=in_json, thinks_first=thinks_first))
        body = self._body(request, self._dialect.habits)
        async with aclosing(self._client.stream("responses", body)) as events:
            async for event in events:
                if event == "ping":
                    yield Ping()
                if not isinstance(event, dict):
                    continue
                for part in output.read(event):
                    yield part
                self._first_thoughts.check(output.text)
                if output.ended:
                    await drain(events)
                    yield self._finish(output)
                    return

    async def close(self) -> None:
        await self._client.close()

    def price(self, usage: Usage) -> int | None:
        """What so many tokens cost, in nano-USD; None if the price is unknown."""
        return cost(self._prices, self._address, usage)

    def _body(self, request: ModelRequest, habits: frozenset[str]) -> dict[str, Json]:
        return responses_body(request, model=self._address.model, name=self.name, habits=habits)

    def _finish(self, output: Output) -> Finish:
        chat_names = "prompt_tokens" in output.usage and "input_tokens" not in output.usage
        used = usage(output.usage, *(("prompt", "completion") if chat_names else ("input", "output")))
        return Finish(
            stop_reason=output.stop_reason,
            usage=used,
            cost=self.price(used),
            reasoning=output.layout(),
        )


def responses_body(request: ModelRequest, *, model: str, name: str, habits: Set[str] = frozenset()) -> dict[str, Json]:
    """The request's parameters for `responses.create`. Reasoning is sent where the model that gave it was `name`.

    `habits` are what the server was found to want otherwise than OpenAI, as `dialect.py` learns it.
    """
    name = "" if "no_reasoning" in habits else name
    body: dict[str, Json] = {
        "model": model,
        "input": [item for message in request.messages for item in _items(message, name)],
        "stream": True,
        "store": False,
    }
    if "no_include" not in habits and not _NEVER_REASONS.search(
        model
    ):  # those refuse a request that asks for what they do not have
        body["include"] = ["reasoning.encrypted_content"]
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice in CHOICES:
            body["tool_choice"] = request.tool_choice
        elif request.tool_choice != "auto":
            body["tool_choice"] = {"type": "function", "name": request.tool_choice}
        if not request.calls_at_once and "no_parallel_tool_calls" not in habits:
            body["parallel_tool_calls"] = False
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
            case {"type": "message"}:
                led_to = _said(as_written(block, message.text), block.get("phase"))
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
    # Unasked, this API makes a schema strict: it would demand every argument, those with a default too.
    function = {"type": "function", "name": tool.name, "description": tool.description, "strict": False}
    return {**function, "parameters": dict(tool.parameters)}
