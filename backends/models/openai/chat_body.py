"""What is sent to a server that speaks Chat Completions.

`habits` are what such a server was found to want otherwise than OpenAI, as `dialect.py` learns it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set

from backends.models.openai.client import CHOICES
from backends.models.prompt import user_text
from core.canonical import Json, canonical
from core.model import AssistantMessage, ModelRequest, SentMessage, ToolSchema

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")
_IN_JSON = "Answer with JSON that fits this JSON schema, and with nothing else:\n"

THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
"""Where servers put a thought. The first of them that holds one is read, as some servers write it twice."""

_SENT_BACK = (*THOUGHT_FIELDS, "reasoning_details")


def chat_body(
    request: ModelRequest, *, model: str, own: bool, name: str = "", habits: Set[str] = frozenset()
) -> dict[str, Json]:
    """The request's parameters for `chat.completions.create`. `own`: OpenAI's, which not every other server knows.

    What an earlier answer's server gave with it is sent back if `name` is the model that answered.
    """
    body: dict[str, Json] = {
        "model": model,
        "messages": _messages(request, name, habits),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if own:
        body["store"] = False
    if request.tools:
        body |= _tools(request, habits)
    if request.output is not None and "no_json_schema" not in habits:
        schema = {"name": "answer", "schema": dict(request.output), "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif request.output is not None and "no_response_format" not in habits:
        body["response_format"] = {"type": "json_object"}
    longest = "max_completion_tokens" if own != ("other_max_tokens" in habits) else "max_tokens"
    body |= {longest if name == "max_output_tokens" else name: value for name, value in request.settings.items()}
    if "no_stream" in habits:
        body["stream"] = False
    for field in ("stream_options", "store", "parallel_tool_calls"):
        if f"no_{field}" in habits or (field == "stream_options" and not body["stream"]):
            body.pop(field, None)
    return body


def _tools(request: ModelRequest, habits: Set[str]) -> dict[str, Json]:
    """The tools, and how the model may use them.

    A choice that the server does not take is made by what is offered: that one tool, or none.
    """
    choice, tools = request.tool_choice, request.tools
    if "no_tool_choice" in habits and choice == "none":
        return {}
    if "no_named_choice" in habits and choice not in ("auto", *CHOICES):
        tools, choice = tuple(tool for tool in tools if tool.name == choice), "required"
    body: dict[str, Json] = {"tools": [_tool(tool) for tool in tools]}
    if "no_tool_choice" not in habits and choice != "auto":
        body["tool_choice"] = (
            choice if choice in CHOICES else {"type": "function", "function": {"name": request.tool_choice}}
        )
    if not request.calls_at_once:
        body["parallel_tool_calls"] = False
    return body


def _messages(request: ModelRequest, name: str, habits: Set[str]) -> list[dict[str, Json]]:
    instructions = request.instructions
    if request.output is not None and "no_json_schema" in habits:
        instructions = f"{instructions}\n\n{_IN_JSON}{json.dumps(dict(request.output))}".strip()
    ids = _ids(request.messages, name, short="short_ids" in habits)
    last = max((n for n, message in enumerate(request.messages) if message.role == "user"), default=0)
    sent: list[dict[str, Json]] = [{"role": "system", "content": instructions}] if instructions else []
    for n, message in enumerate(request.messages):
        match message.role:
            case "user":
                sent.append({"role": "user", "content": user_text(message)})
            case "tool":
                sent.append({"role": "tool", "tool_call_id": ids[message.id], "content": message.content})
            case "assistant":
                sent.append(_answer(message, name, ids, habits, current=n > last))
    if "no_system" in habits and instructions and len(sent) > 1:
        sent[:2] = [{"role": "user", "content": f"{instructions}\n\n{sent[1]['content']}"}]
    return list(_alternating(sent, "no_user_after_tool" in habits))


def _answer(
    message: AssistantMessage, name: str, ids: Mapping[str, str], habits: Set[str], *, current: bool
) -> dict[str, Json]:
    """An answer, with what its server gave to be sent back. Thoughts go back within their turn, if nothing else is
    known."""
    sent: dict[str, Json] = {"role": "assistant", "content": message.text}
    if not message.calls:
        return sent
    told, *extras = _blocks(message, name) or [{}]
    thoughts = {} if "no_reasoning" in habits or not (current or "all_reasoning" in habits) else told
    sent |= {field: thoughts[field] for field in _SENT_BACK if field in thoughts}
    if "extra_content" in told:
        sent["extra_content"] = told["extra_content"]
    if {"all_reasoning", "no_reasoning"} & habits == {"all_reasoning"} and not any(
        field in sent for field in _SENT_BACK
    ):
        sent["reasoning_content"] = ""
    if "in_content" in thoughts:
        sent["content"] = f"<think>\n{str(thoughts['in_content']).strip()}\n</think>\n\n{message.text}"
    elif "in_parts" in thoughts:
        text = [{"type": "text", "text": message.text}] if message.text else []
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts["in_parts"]}]}
        sent["content"] = [thinking, *text]
    elif not message.text and "no_null_content" not in habits:
        sent["content"] = None
    calls = []
    for number, call in enumerate(message.calls):
        function = {"name": call.tool, "arguments": canonical(call.arguments).decode()}
        extra = extras[number].get("extra_content") if extras else None
        more = {"extra_content": extra} if extra else {}
        calls.append({"type": "function", "id": ids[call.id], "function": function, **more})
    return {**sent, "tool_calls": calls}


def _blocks(message: AssistantMessage, name: str) -> list[dict[str, Json]]:
    """What the server gave: a block for the message, and one for each call or for none. [] if it is not known."""
    blocks = [block for block in message.reasoning if isinstance(block, dict)]
    kinds = [block.get("type") for block in blocks]
    if message.model != name or kinds not in (["message"], ["message", *["call"] * len(message.calls)]):
        return []
    return blocks


def _ids(messages: Sequence[SentMessage], name: str, *, short: bool) -> dict[str, str]:
    """The id of each call as it is sent, by our own: the server's, unless it gave none or gave it to another call."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for message in messages:
        if message.role != "assistant":
            continue
        blocks = _blocks(message, name)[1:]
        for number, call in enumerate(message.calls):
            sent = str(blocks[number].get("id") or "") if blocks else ""
            sent = sent if sent and sent not in taken else call.id
            salt = 0
            while (short and not _SHORT_ID.fullmatch(sent)) or sent in taken:
                sent = hashlib.sha256(f"{call.id}{salt or ''}".encode()).hexdigest()[:9]
                salt += 1
            taken.add(sent)
            ids[call.id] = sent
    return ids


def _alternating(messages: Sequence[dict[str, Json]], parted: bool) -> Iterator[dict[str, Json]]:
    """The messages, with what one side said in a row in one of them. `parted`: a question does not follow a result."""
    held: dict[str, Json] | None = None
    for message in messages:
        if held is not None and _joins(held, message):
            text = "\n\n".join(part for part in (held["content"], message["content"]) if isinstance(part, str) and part)
            held = {**message, "content": text}
            continue
        if held is not None:
            yield held
            if parted and (held["role"], message["role"]) == ("tool", "user"):
                yield {"role": "assistant", "content": "(no answer)"}
        held = message
    if held is not None:
        yield held


def _joins(first: Mapping[str, Json], then: Mapping[str, Json]) -> bool:
    same = first["role"] == then["role"] and first["role"] in ("user", "assistant")
    return same and "tool_calls" not in first and not isinstance(then["content"], list)


def _tool(tool: ToolSchema) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}
