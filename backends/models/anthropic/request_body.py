"""A request as Anthropic's Messages API takes it.

Roles must alternate there and results come first, so what one side said in a row is one message. A cached prefix ends
at a mark: one each behind tools and instructions, which questions share, and one behind the history, which lasts while
a turn's steps grow.
"""

import json
import re
from collections.abc import Mapping, Sequence, Set
from typing import Annotated, TypeAlias

from anthropic import transform_schema
from pydantic import Field, PositiveInt

from backends.models.prompt import user_text
from backends.models.told_parts import as_written
from core.canonical import Json
from core.model import AssistantMessage, ModelRequest, SentCall, SentMessage, ToolSchema

_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]

SETTINGS: Mapping[str, object] = {
    "max_tokens": PositiveInt,
    "thinking_budget": Annotated[int, Field(ge=1024)],
    "temperature": _Share,
    "top_p": _Share,
    "top_k": PositiveInt,
    "stop": str | Annotated[list[str], Field(min_length=1)],
}

MAX_TOKENS = 8192
"""Tokens of an answer, its thinking not counted, where `max_tokens` is not set."""

_SAMPLING = ("temperature", "top_p", "top_k")
_UNFORCED = ("auto", "none")
_THOUGHTS = ("thinking", "redacted_thinking")
_CACHED: Mapping[str, Json] = {"cache_control": {"type": "ephemeral"}}
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]")


def messages_body(request: ModelRequest, *, model: str, name: str, habits: Set[str] = frozenset()) -> dict[str, Json]:
    """The request's parameters for `messages.create`. Thinking is sent where the model that gave it was `name`.

    `habits` are what the server was found to want otherwise than Anthropic, as `dialect.py` learns it.
    """
    blocks = [_blocks(message, name, habits) for message in request.messages]
    newest = max(n for n, message in enumerate(request.messages) if message.role == "user")
    _mark_history(blocks[:newest])
    messages = _alternating(request.messages, blocks)
    body: dict[str, Json] = {
        "model": model,
        "messages": messages,
        "stream": True,
        # The provider refuses to think where a call is forced.
        **_limits(request.settings, thinks=request.tool_choice in _UNFORCED and not _thoughtless(messages)),
        **_tools(request),
    }
    if stop := request.settings.get("stop"):
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    form = _form(request.output)
    if form is not None:
        body["output_config"] = {"format": form}
    system = _system(request, in_words=form is None)
    if system:
        body["system"] = [{"type": "text", "text": system, **_CACHED}]
    sampling = {setting: request.settings[setting] for setting in _SAMPLING if setting in request.settings}
    return {**body, "extra_body": sampling} if sampling else body


def _limits(settings: Mapping[str, Json], *, thinks: bool) -> dict[str, Json]:
    """`max_tokens` counts thinking too, so where it is not set there is room for both."""
    budget = settings.get("thinking_budget") if thinks else None
    if budget is None:
        return {"max_tokens": settings.get("max_tokens", MAX_TOKENS)}
    room = MAX_TOKENS + budget if isinstance(budget, int) else MAX_TOKENS
    thinking = {"type": "enabled", "budget_tokens": budget}
    return {"max_tokens": settings.get("max_tokens", room), "thinking": thinking}


def _thoughtless(messages: Sequence[Json]) -> bool:
    """Whether the newest results are of calls that were made without thinking, as by another model.

    The provider refuses to begin thinking between a call and its result.
    """
    return messages[-1]["content"][0]["type"] == "tool_result" and (messages[-2]["content"][0]["type"] not in _THOUGHTS)


def _tools(request: ModelRequest) -> dict[str, Json]:
    if request.tools:
        *tools, last = map(_tool, request.tools)
        return {"tools": [*tools, {**last, **_CACHED}], **_choice(request)}
    called = [_name(call.tool) for m in request.messages if m.role == "assistant" for call in m.calls]
    # The provider may refuse earlier calls of tools that the request does not name: they are named, and forbidden.
    named = [{"name": tool, "input_schema": {"type": "object"}} for tool in dict.fromkeys(called)]
    return {"tools": named, "tool_choice": {"type": "none"}} if named else {}


def _choice(request: ModelRequest) -> dict[str, Json]:
    match request.tool_choice:
        case "auto" | "none" as unforced:
            choice: dict[str, Json] = {"type": unforced}
        case "required":
            choice = {"type": "any"}
        case name:
            choice = {"type": "tool", "name": name}
    if not request.calls_at_once and request.tool_choice != "none":
        choice["disable_parallel_tool_use"] = True
    return {} if choice == {"type": "auto"} else {"tool_choice": choice}


def _tool(tool: ToolSchema) -> dict[str, Json]:
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}


def _form(output: Mapping[str, Json] | None) -> Json:
    """The schema as the provider enforces it; None without one, or for one that goes beyond what it can enforce."""
    if output is None:
        return None
    try:
        return {"type": "json_schema", "schema": transform_schema(dict(output))} if _closed(output) else None
    except (ValueError, TypeError, AttributeError, AssertionError):  # the SDK's words for a schema it cannot take
        return None


def _closed(schema: Json) -> bool:
    """Whether each object in it names its properties. The provider takes no others, so that of an object of free keys
    only an empty one would be left, and of two that must both fit none."""
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("additionalProperties") or schema.get("patternProperties") or "allOf" in schema:
        return False
    if schema.get("type") == "object":
        named = schema.get("properties")
        if not named or not set(named).issuperset(schema.get("required") or ()):
            return False
    return all(map(_closed, schema.values()))


def _system(request: ModelRequest, *, in_words: bool) -> str:
    if request.output is None or not in_words:
        return request.instructions.strip()
    schema = json.dumps(dict(request.output), ensure_ascii=False)
    asked = f"Your final answer is to be JSON alone, without any other text, that fits this schema:\n{schema}"
    return f"{request.instructions}\n\n{asked}".strip()


def _blocks(message: SentMessage, name: str, habits: Set[str]) -> list[Json]:
    match message.role:
        case "user":
            return _text(user_text(message))
        case "tool":
            result = {"type": "tool_result", "tool_use_id": message.id, "content": message.content}
            return [{**result, "is_error": True} if message.failed else result]
        case "assistant":
            laid_out = _laid_out(message) if message.model == name and "no_reasoning" not in habits else None
            blocks = laid_out or [*_text(message.text), *map(_use, message.calls)]
            lacks_thought = message.calls and blocks[0]["type"] not in _THOUGHTS
            return (
                [{"type": "thinking", "thinking": ""}, *blocks]
                if "all_reasoning" in habits and lacks_thought
                else blocks
            )


def _laid_out(message: AssistantMessage) -> list[Json] | None:
    """The answer as it was given, by its layout; None if that does not fit it."""
    layout = [block for block in message.reasoning if isinstance(block, dict)]
    ends = [block["end"] for block in layout if block.get("type") == "text"]
    used = sum(block.get("type") == "tool_use" for block in layout)
    if used != len(message.calls) or (message.text and ends[-1:] != [len(message.text)]):
        return None
    calls = iter(message.calls)
    blocks: list[Json] = []
    for block in layout:
        match block:
            case {"type": "text"}:
                blocks += _text(as_written(block, message.text))
            case {"type": "tool_use"}:
                blocks.append(_use(next(calls)))
            case _:
                blocks.append(dict(block))
    return blocks


def _text(text: str) -> list[Json]:
    return [{"type": "text", "text": text}] if text.strip() else []


def _use(call: SentCall) -> Json:
    return {"type": "tool_use", "id": call.id, "name": _name(call.tool), "input": call.arguments}


def _name(tool: str) -> str:
    """A model may have called what is no tool by a name that the provider refuses to read again."""
    return _NOT_NAME.sub("_", tool)


def _mark_history(blocks: list[list[Json]]) -> None:
    for message in reversed(blocks):
        for block in reversed(message):
            if block["type"] not in _THOUGHTS:
                block.update(_CACHED)
                return


def _alternating(messages: tuple[SentMessage, ...], blocks: list[list[Json]]) -> list[Json]:
    sent: list[dict[str, Json]] = []
    for message, content in zip(messages, blocks, strict=True):
        role = "assistant" if message.role == "assistant" else "user"
        if not content:
            continue
        if sent and sent[-1]["role"] == role:
            sent[-1]["content"] += content
        else:
            sent.append({"role": role, "content": [*content]})
    for whole in sent:
        if whole["role"] == "user":
            whole["content"].sort(key=lambda block: block["type"] != "tool_result")
    last = sent[-1]
    if last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        # An answer that is to be gone on with may not end in a blank.
        last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()
    return [*sent]
