"""Answers of any shape, over all three APIs: thoughts, words and calls, each where the server has a place for it or
written in the text, in any framing.

The generator knows what an answer means and nothing of the readers. Each test draws an answer, writes it down, and
compares what is read with what was meant, to the character.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest
from anthropic import AsyncAnthropic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from backends.models.anthropic.messages import MessagesModel
from backends.models.openai.chat import ChatModel
from backends.models.openai.responses import ResponsesModel
from core.errors import ModelError
from core.model import Model, ModelEvent, ModelRequest, UserMessage
from tests.models.test_answer_text import LOOK, WHOAMI
from tests.models.test_gateways import Body, Draw

APIS = ("chat", "messages", "responses")
ASKED = ModelRequest(instructions="", messages=(UserMessage(text="How many days?"),), tools=(LOOK, WHOAMI))

WORDS = st.sampled_from(
    [
        "Twelve",
        "days",
        "a < b",
        "[1]",
        "[2, 3]",
        "{y}",
        "`x`",
        "grün 🙂",
        "<b>x</b>",
        "`<think>`",
        "x_y",
        "look()",
        "`</s>`",
    ]
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", "\n", "\n\n"])), max_size=6).map(
    lambda pairs: "".join(word + gap for word, gap in pairs).strip()
)
THINKING = st.lists(
    st.sampled_from(["They", "may", "hide.", "`</think>`", "a < b", "[1]", "{", "```", "\n"]), max_size=5
)
ARGUMENTS = st.fixed_dictionaries(
    {"year": st.integers(-9, 2026)}, optional={"note": st.sampled_from(["a", "it is", "b, (c) [d] {e}", "ü\"'\\\n</"])}
)
CALLS = st.lists(st.one_of(st.tuples(st.just("look"), ARGUMENTS), st.just(("whoami", {}))), max_size=2)


@dataclass(frozen=True)
class Meant:
    """What an answer means, and as what it is written."""

    thought: str
    text: str
    calls: list[tuple[str, Any]]
    reason: str
    tags: tuple[str, str] | None
    form: str | None

    @property
    def content(self) -> str:
        """All that stands in the text."""
        thought = f"{self.tags[0]}{self.thought}{self.tags[1]}\n" if self.tags and self.thought else ""
        return thought + self.told + (written(self.form, self.calls) if self.form and self.calls else "")

    @property
    def told(self) -> str:
        """What of the text is the answer."""
        return self.text + ("\n" if self.form and self.calls and self.text else "")


TAGS = [
    ("<think>", "</think>"),
    ("<Thinking x='1'>\n", "</Thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<reasoning>", "</reasoning >"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("◁think▷", "◁/think▷"),
]


def python(name: str, given: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


FORMS: dict[str, Callable[[list[tuple[str, Any]]], str]] = {
    "bare": lambda calls: "\n".join(json.dumps({"name": name, "arguments": given}) for name, given in calls),
    "list": lambda calls: json.dumps([{"name": name, "parameters": given} for name, given in calls]),
    "marked": lambda calls: "\n".join(
        f"<tool_call>\n{json.dumps({'name': name, 'arguments': given})}\n</tool_call>" for name, given in calls
    ),
    "function": lambda calls: "".join(f"<function={name}>{json.dumps(given)}</function>" for name, given in calls),
    "python": lambda calls: f"[{', '.join(python(name, given) for name, given in calls)}]",
    "uses": lambda calls: json.dumps(
        {"tool_uses": [{"recipient_name": f"functions.{name}", "parameters": given} for name, given in calls]}
    ),
    "action": lambda calls: "\n".join(json.dumps({"action": name, "action_input": given}) for name, given in calls),
    "mistral": lambda calls: "[TOOL_CALLS]" + json.dumps([{"name": name, "arguments": given} for name, given in calls]),
}


def written(form: str, calls: list[tuple[str, Any]]) -> str:
    return FORMS[form](calls)


@st.composite
def meanings(draw: Any) -> Meant:
    calls = draw(CALLS)
    thought = " ".join(draw(THINKING)).strip()
    return Meant(
        thought=thought,
        text=draw(TEXTS),
        calls=calls,
        reason="tool_calls" if calls else draw(st.sampled_from(["end", "end", "length"])),
        tags=draw(st.sampled_from([None, *TAGS])),
        form=draw(st.sampled_from([None, *FORMS])),
    )


def argued(draw: Draw, given: dict[str, Any]) -> list[Any]:
    """The arguments in pieces, as servers write them."""
    raw = json.dumps(given)
    match draw.one("pieces", "twice", "fenced", "growing", "empty"):
        case "twice":
            return [json.dumps(raw)]
        case "fenced":
            return draw.pieces(f"```json\n{raw}\n```")
        case "growing":
            pieces = [piece for piece in draw.pieces(raw) if piece]
            return ["".join(pieces[: n + 1]) for n in range(len(pieces))]
        case "empty" if not given:
            return [""]
        case _:
            return draw.pieces(raw)


def chat(draw: Draw, meant: Meant) -> Iterator[dict[str, Any]]:
    def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    field = draw.one("reasoning_content", "reasoning", "thinking", "reasoning_text")
    for piece in [] if meant.tags else draw.pieces(meant.thought):
        yield chunk(**{field: piece})
    for piece in draw.pieces(meant.content):
        yield chunk(content=draw.one(piece, [{"type": "text", "text": piece}]))
    for place, (name, wrote) in enumerate([] if meant.form else meant.calls):
        yield chunk(tool_calls=[{"index": place, "id": f"c{place}", "function": {"name": name, "arguments": ""}}])
        for piece in argued(draw, wrote):
            yield chunk(tool_calls=[{"index": place, "function": {"arguments": piece}}])
    words = {"end": ["stop", "eos"], "length": ["length"], "tool_calls": ["tool_calls", "stop"]}
    yield chunk(draw.one(*words[meant.reason]))


def messages(draw: Draw, meant: Meant) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 0}}}
    blocks: list[tuple[dict[str, Any], str, list[Any]]] = []
    if meant.thought and not meant.tags:
        blocks.append(({"type": "thinking", "thinking": ""}, "thinking", draw.pieces(meant.thought)))
    if meant.content:
        blocks.append(({"type": "text", "text": ""}, "text", draw.pieces(meant.content)))
    for place, (name, wrote) in enumerate([] if meant.form else meant.calls):
        use = {"type": "tool_use", "id": f"t{place}", "name": name, "input": {}}
        blocks.append((use, "partial_json", argued(draw, wrote)))
    kinds = {"thinking": "thinking_delta", "text": "text_delta", "partial_json": "input_json_delta"}
    for index, (begins, field, pieces) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": begins}
        for piece in pieces:
            yield {"type": "content_block_delta", "index": index, "delta": {"type": kinds[field], field: piece}}
        if draw.maybe():
            yield {"type": "content_block_stop", "index": index}
    words = {"end": ["end_turn", "stop"], "length": ["max_tokens"], "tool_calls": ["tool_use", "end_turn"]}
    yield {"type": "message_delta", "delta": {"stop_reason": draw.one(*words[meant.reason])}, "usage": {}}


def responses(draw: Draw, meant: Meant) -> Iterator[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    yield {"type": "response.created", "response": {}}
    if meant.thought and not meant.tags:
        for piece in draw.pieces(meant.thought):
            yield {"type": "response.reasoning_text.delta", "output_index": 0, "delta": piece}
        output.append({"type": "reasoning", "id": "r", "summary": []})
        yield {"type": "response.output_item.done", "output_index": 0, "item": output[-1]}
    if meant.content:
        place = len(output)
        output.append({"type": "message", "content": [{"type": "output_text", "text": meant.content}]})
        for piece in draw.pieces(meant.content) if draw.maybe() else []:
            yield {"type": "response.output_text.delta", "output_index": place, "delta": piece}
        yield {"type": "response.output_item.done", "output_index": place, "item": output[-1]}
    for name, wrote in [] if meant.form else meant.calls:
        place, pieces = len(output), argued(draw, wrote)
        item = {"type": "function_call", "call_id": f"c{place}", "name": name, "arguments": ""}
        yield {"type": "response.output_item.added", "output_index": place, "item": item}
        for piece in pieces:
            yield {"type": "response.function_call_arguments.delta", "output_index": place, "delta": piece}
        output.append(item)
    response: dict[str, Any] = {"status": "completed", "output": draw.one([], None, output)}
    if meant.reason == "length":
        response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    yield {"type": "response.completed" if meant.reason != "length" else "response.incomplete", "response": response}


WRITERS = {"chat": chat, "messages": messages, "responses": responses}


def read(api: str, chunks: list[bytes]) -> tuple[list[ModelEvent], ModelError | None]:
    """What the adapter makes of a body, through the real SDK, and the error at its end."""
    told: list[ModelEvent] = []

    async def ask() -> None:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Body(chunks)))
        async with httpx2.AsyncClient(transport=transport) as http:
            model: Model
            if api == "messages":
                model = MessagesModel("m", client=AsyncAnthropic(api_key="k", http_client=http))
            else:
                client = AsyncOpenAI(api_key="k", base_url="http://127.0.0.1/v1", http_client=http)
                model = ChatModel("m", client=client) if api == "chat" else ResponsesModel("m", client=client)
            async for event in model.stream(ASKED):
                told.append(event)

    try:
        anyio.run(ask)
    except ModelError as error:
        return told, error
    return told, None


def heard(told: list[ModelEvent], kind: str) -> str:
    return "".join(event.text for event in told if event.kind == kind and hasattr(event, "text"))


def agree(api: str, data: st.DataObject) -> None:
    draw, meant = Draw(data), data.draw(meanings())
    events = list(WRITERS[api](draw, meant))
    # The events of Chat Completions have no names.
    plain = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    frames = plain if api == "chat" else draw.framed(events)
    ends = {"chat": [b"data: [DONE]\n\n", b""], "messages": [b'data: {"type": "message_stop"}\n\n', b""]}
    body = b"".join(frames) + draw.one(*ends.get(api, [b""]))

    told, error = read(api, draw.chunks(body))
    assert error is None
    assert heard(told, "text") == meant.told
    assert heard(told, "reasoning").strip() == meant.thought
    assert [(e.tool, json.loads(e.arguments)) for e in told if e.kind == "call"] == meant.calls
    assert told[-1].kind == "finish"
    assert told[-1].stop_reason == meant.reason

    # Cut before the end of the event that says why the answer ends, it is never whole, and what is shown is its words.
    whole = b"".join(frames).rstrip(b"\r\n")
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    told, error = read(api, draw.chunks(cut))
    assert error is None or error.code == "protocol"
    assert not [event for event in told if event.kind in ("finish", "call")]
    assert meant.told.startswith(heard(told, "text"))
    assert meant.thought.startswith(heard(told, "reasoning").strip())


ROUNDS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
TORTURE = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("api", APIS)
@given(st.data())
@ROUNDS
def test_what_an_answer_means_is_read_by_each_api_in_whatever_way_it_is_written(api: str, data: st.DataObject) -> None:
    agree(api, data)


@pytest.mark.torture
@pytest.mark.parametrize("api", APIS)
@given(st.data())
@TORTURE
def test_what_many_answers_mean_is_read_by_each_api_in_whatever_way_they_are_written(
    api: str, data: st.DataObject
) -> None:
    agree(api, data)
