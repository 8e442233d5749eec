"""The rules that providers have for a request beyond its types, one function an API.

Strict where they differ among themselves: Anthropic joins messages of one role and Bedrock refuses them, so they are
refused; the Responses API finds a call's output wherever it stands and others do not, so it stands next to its call.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from core.canonical import Json
from tests.servers.faults.errors import Api
from tests.servers.faults.wire import unsealed

MAX_BREAKPOINTS = 4
"""Of Anthropic's cache, in one request."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOOL_USE_ID = re.compile(r"[A-Za-z0-9_-]+")
_THOUGHTS = ("thinking", "redacted_thinking")
_MIN_BUDGET = 1024
_MAX_ID: Mapping[Api, int] = {"responses": 64, "chat": 40}


class Refused(ValueError):
    """The provider would answer 400; the message says why, `message.index.field: reason` where it can."""


def check_responses(body: dict[str, Json]) -> None:
    """The input of the Responses API. Raises Refused."""
    items = body["input"]
    if isinstance(items, str):
        items = [{"type": "message", "role": "user", "content": items}]
    _check_first([item.get("role") for item in items], ("system", "developer"))
    _check_ids("responses", [item["call_id"] for item in items if item.get("type") == "function_call"])
    waiting: list[str] = []
    for n, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "function_call_output":
            _answers(waiting, item["call_id"], f"input.{n}: no tool call found for function call output")
            continue
        # What an answer holds beside its calls stands among them; nothing else comes before all have their outputs.
        if waiting and (item.get("role", "assistant") != "assistant" or _is_output(items[n - 1])):
            raise Refused(f"input.{n}: no tool output found for function call {waiting[0]}")
        match kind:
            case "function_call":
                waiting.append(item["call_id"])
                _check_arguments(item["arguments"], f"input.{n}.arguments")
            case "reasoning":
                _check_reasoning(item, items[n + 1] if n + 1 < len(items) else {}, f"input.{n}")
            case _:
                _check_text(item["content"], f"input.{n}.content")
    if waiting:
        raise Refused(f"input: no tool output found for function call {waiting[0]}")
    _check_tools([(tool["name"], tool["parameters"]) for tool in body.get("tools", ()) if tool["type"] == "function"])


def _is_output(item: dict[str, Json]) -> bool:
    return item.get("type") == "function_call_output"


def _check_reasoning(item: dict[str, Json], following: dict[str, Json], where: str) -> None:
    """Nothing is kept here, as with `store` false: reasoning that is not sent whole cannot be found."""
    what = f"{where}: item '{item['id']}' of type 'reasoning'"
    if following.get("role") != "assistant" and following.get("type") not in ("function_call", "reasoning"):
        raise Refused(f"{what} was provided without its required following item")
    text = unsealed("reasoning", item.get("encrypted_content"))
    if text is None or "".join(part["text"] for part in item["summary"]) != text:
        raise Refused(f"{what}: its encrypted content is missing or could not be verified")


def check_chat(body: dict[str, Json]) -> None:
    """The messages of Chat Completions. Raises Refused."""
    messages = body["messages"]
    _check_first([message["role"] for message in messages], ("system", "developer"))
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    _check_ids("chat", [call["id"] for call in calls])
    waiting: list[str] = []
    for n, message in enumerate(messages):
        if message["role"] == "tool":
            said = (
                f"messages.{n}: a message with role 'tool' must be a response to a preceding message with 'tool_calls'"
            )
            _answers(waiting, message["tool_call_id"], said)
            continue
        if waiting:
            raise Refused(f"messages.{n}: 'tool_calls' must be followed by tool messages; none for {waiting[0]}")
        for call in message.get("tool_calls", ()):
            waiting.append(call["id"])
            _check_arguments(call["function"]["arguments"], f"messages.{n}.tool_calls")
        if message.get("content") is not None or not waiting:
            _check_text(message.get("content"), f"messages.{n}.content")
    if waiting:
        raise Refused(f"messages: 'tool_calls' must be followed by tool messages; none for {waiting[0]}")
    functions = [tool["function"] for tool in body.get("tools", ()) if tool["type"] == "function"]
    _check_tools([(function["name"], function.get("parameters", {"type": "object"})) for function in functions])


def check_messages(body: dict[str, Json], paused: bool) -> None:
    """The messages of Anthropic's API; `paused` as `check` has it. Raises Refused."""
    messages = body["messages"]
    _check_first([message["role"] for message in messages], ())
    blocks = [_blocks(message["content"]) for message in messages]
    uses = [block for content in blocks for block in content if block["type"] == "tool_use"]
    _check_ids("messages", [block["id"] for block in uses])
    waiting: list[str] = []
    for n, (message, content) in enumerate(zip(messages, blocks, strict=True)):
        if n and message["role"] == messages[n - 1]["role"]:
            raise Refused(f"messages.{n}: roles must alternate between user and assistant")
        waiting = _check_content(message["role"], content, waiting, f"messages.{n}")
    if messages[-1]["role"] != "user":
        _check_last(blocks[-1], paused)
    if uses and not body.get("tools"):
        raise Refused("tools: requests which include `tool_use` or `tool_result` blocks must define tools")
    _check_thinking(body, blocks)
    _check_breakpoints(body, blocks)
    _check_tools([(tool["name"], tool["input_schema"]) for tool in body.get("tools", ()) if "input_schema" in tool])


def _check_last(content: list[dict[str, Json]], paused: bool) -> None:
    """An answer that ends the request: one to be gone on with, as it was paused."""
    if not paused or content[-1]["type"] == "tool_use":
        raise Refused("messages: the conversation must end with a user message that answers every tool_use")
    if content[-1].get("text", "-")[-1:].isspace():
        raise Refused("messages: final assistant content cannot end with trailing whitespace")


def _check_content(role: str, content: list[dict[str, Json]], waiting: list[str], where: str) -> list[str]:
    """The ids of the calls that the message makes, once it has answered those that wait."""
    if not content:
        raise Refused(f"{where}: all messages must have non-empty content")
    results = [block for block in content if block["type"] == "tool_result"]
    if content[: len(results)] != results:
        raise Refused(f"{where}: tool_result blocks come before anything else")
    for block in results:
        said = f"{where}: each `tool_result` block must have a corresponding `tool_use` block in the previous message"
        _answers(waiting, block["tool_use_id"], said)
    if waiting:
        raise Refused(
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {waiting[0]}"
        )
    for block in content:
        _check_block(role, block, where)
    return [block["id"] for block in content if block["type"] == "tool_use"]


def _check_block(role: str, block: dict[str, Json], where: str) -> None:
    match block["type"]:
        case "text":
            _check_text(block["text"], f"{where}.text")
        case "tool_use" | "thinking" | "redacted_thinking" if role != "assistant":
            raise Refused(f"{where}: `{block['type']}` blocks can only be in `assistant` messages")
        case "thinking" if unsealed("thinking", block["signature"]) != block["thinking"]:
            raise Refused(f"{where}: invalid `signature` in `thinking` block")
        case "redacted_thinking" if unsealed("redacted", block["data"]) is None:
            raise Refused(f"{where}: invalid `data` in `redacted_thinking` block")


def _check_thinking(body: dict[str, Json], blocks: Sequence[list[dict[str, Json]]]) -> None:
    """A model that is to think has thought before the calls whose results it is given, and has room to."""
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if not _MIN_BUDGET <= thinking["budget_tokens"] < body["max_tokens"]:
        raise Refused(f"thinking.budget_tokens: at least {_MIN_BUDGET} and less than max_tokens")
    if blocks[-1][0]["type"] == "tool_result" and (first := blocks[-2][0]["type"]) not in _THOUGHTS:
        raise Refused(f"messages.{len(blocks) - 2}: expected `thinking` or `redacted_thinking`, but found `{first}`")


def _check_breakpoints(body: dict[str, Json], blocks: Sequence[list[dict[str, Json]]]) -> None:
    marked = [*body.get("tools", ()), *(block for content in blocks for block in content)]
    marked += body["system"] if isinstance(body.get("system"), list) else []
    count = sum(block.get("cache_control") is not None for block in (*marked, body))
    if count > MAX_BREAKPOINTS:
        raise Refused(f"a maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided; found {count}")


def _blocks(content: Json) -> list[dict[str, Json]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _check_first(roles: Sequence[Json], before: Sequence[str]) -> None:
    first = next((role for role in roles if role not in before), None)
    if first != "user":
        raise Refused(f"the first message must be a user's, not {first or 'none'}")


def _check_ids(api: Api, ids: Sequence[str]) -> None:
    for id, count in Counter(ids).items():
        if count > 1:
            raise Refused(f"tool call ids must be unique: {id} occurs {count} times")
        if not id or (api in _MAX_ID and len(id) > _MAX_ID[api]):
            raise Refused(f"a tool call id has 1 to {_MAX_ID.get(api)} characters, not {len(id)}")
        if api == "messages" and not _TOOL_USE_ID.fullmatch(id):
            raise Refused("tool_use.id: string should match pattern '^[a-zA-Z0-9_-]+$'")


def _answers(waiting: list[str], id: str, otherwise: str) -> None:
    """Take the call that a result belongs to off the list of those that wait for one."""
    if id not in waiting:
        raise Refused(f"{otherwise}: {id}")
    waiting.remove(id)


def _check_arguments(written: str, where: str) -> None:
    try:
        whole = isinstance(json.loads(written), dict)
    except ValueError:
        whole = False
    if not whole:
        raise Refused(f"{where}: arguments must be a JSON object")


def _check_text(content: Json, where: str) -> None:
    """Text, or parts of it, of which none may be empty. A part that holds no text is none of ours to judge."""
    texts = [content] if isinstance(content, str) else [part.get("text", "-") for part in content or ()]
    if not texts or not all(text.strip() for text in texts):
        raise Refused(f"{where}: text must be non-empty and hold more than whitespace")


def _check_tools(tools: Sequence[tuple[str, Json]]) -> None:
    for name, count in Counter(name for name, _ in tools).items():
        if count > 1 or not _NAME.fullmatch(name):
            raise Refused(f"tools: names match {_NAME.pattern} and are unique, unlike {name!r}")
    for name, schema in tools:
        if not isinstance(schema, Mapping) or schema.get("type") != "object":
            raise Refused(f'tools.{name}: the schema\'s type must be "object"')
