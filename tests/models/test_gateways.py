"""Answers as gateways write them, in shapes that are combined at random: what is said comes out, however it is written.

The oracle knows what the answer is meant to be and nothing of the readers: each test draws an answer, writes it down in
one of the ways that gateways have, and compares what is read with what was meant.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import anyio
import httpx2
import pytest
from anthropic import AsyncAnthropic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from backends.models.anthropic.answer import Answer
from backends.models.anthropic.messages import MessagesModel
from backends.models.openai.responses import ResponsesModel
from backends.models.openai.responses_answer import Output
from core.model import Model, ModelEvent, ModelRequest, ToolSchema, UserMessage

LOOK = ToolSchema(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
HELLO = ModelRequest(instructions="Be brief.", messages=(UserMessage(text="hello"),), tools=(LOOK,))
ELSEWHERE = "http://127.0.0.1:9"
ROUNDS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
TORTURE = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Meant:
    """An answer: its parts in order, (`text`, words), (`thought`, words) or (`call`, name, arguments)."""

    parts: list[tuple[Any, ...]]
    stop: str

    @property
    def text(self) -> str:
        """Neighbours are one paragraph at Anthropic; here no two texts are neighbours."""
        return "\n\n".join(part[1] for part in self.parts if part[0] == "text")

    @property
    def calls(self) -> list[tuple[str, Any]]:
        return [part[1:] for part in self.parts if part[0] == "call"]

    @property
    def reason(self) -> str:
        return "tool_calls" if self.stop == "end" and self.calls else self.stop


class Draw:
    """Choices for one answer; `one` draws from a list, `maybe` is a coin."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def one(self, *choices: Any) -> Any:
        return self._data.draw(st.sampled_from(choices))

    def maybe(self) -> bool:
        return bool(self._data.draw(st.booleans()))

    def answer(self) -> Meant:
        words = st.text('aü€ 🙂\n[]{}"\\:', min_size=1, max_size=6)
        arguments = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9) | words, max_size=2)
        kinds = {
            "text": st.tuples(st.just("text"), words),
            "thought": st.tuples(st.just("thought"), words),
            "call": st.tuples(st.just("call"), st.sampled_from(["one", "two"]), arguments),
        }
        parts: list[tuple[Any, ...]] = []
        for _ in range(self._data.draw(st.integers(1, 4))):
            last = parts[-1][0] if parts else "call"
            kind = self.one(*(kind for kind in kinds if kind != last or kind == "call"))
            parts.append(self._data.draw(kinds[kind]))
        return Meant(parts, self.one("end", "end", "length", "refusal"))

    def pieces(self, text: str) -> list[str]:
        """The text in pieces, some of them empty."""
        cuts = sorted(self._data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[start:stop] for start, stop in pairwise([0, *cuts, len(text)])]

    def framed(self, events: list[dict[str, Any]]) -> list[bytes]:
        """The events as bytes, each with what stands before it."""
        end = self.one("\n", "\r\n", "\r")
        space, named = self.one("", " "), self.maybe()
        frames = []
        for number, event in enumerate(events):
            noise = "\ufeff" if number == 0 and self.one(True, False, False) else ""
            noise += self.one("", "", f": keep-alive{end}{end}", f"event: ping{end}data: {{}}{end}{end}", f"id: 7{end}")
            kind = event["type"]
            nameless = {k: v for k, v in event.items() if k != "type"} if named and self.maybe() else event
            head = f"event:{space}{kind}{end}" if named else ""
            data = json.dumps(nameless, ensure_ascii=self.maybe())
            frames.append(f"{noise}{head}data:{space}{data}{end}{end}".encode())
        return frames

    def chunks(self, body: bytes) -> list[bytes]:
        """The body, whole, byte by byte, or cut anywhere."""
        match self.one("whole", "bytes", "anywhere"):
            case "whole":
                return [body]
            case "bytes":
                return [body[at : at + 1] for at in range(len(body))]
            case _:
                cuts = sorted(self._data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
                return [body[start:stop] for start, stop in pairwise([0, *cuts, len(body)])]


class Body(httpx2.AsyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def model_at(api: str, http: httpx2.AsyncClient) -> Model:
    """The model of another server than the provider's, through the real SDK."""
    if api == "messages":
        return MessagesModel(
            "m", client=AsyncAnthropic(api_key="k", base_url=ELSEWHERE, max_retries=0, http_client=http)
        )
    return ResponsesModel("m", client=AsyncOpenAI(api_key="k", base_url=ELSEWHERE, max_retries=0, http_client=http))


def read(
    api: str, chunks: list[bytes], status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> list[ModelEvent]:
    """What the adapter of another server makes of a response, through the real SDK."""

    async def ask() -> list[ModelEvent]:
        response = httpx2.Response(status, headers=dict(headers), stream=Body(chunks))
        transport = httpx2.MockTransport(lambda _: response)
        async with httpx2.AsyncClient(transport=transport) as http:
            return [event async for event in model_at(api, http).stream(HELLO)]

    return anyio.run(ask)


def check(meant: Meant, events: list[ModelEvent], usage: tuple[int, int]) -> None:
    told = "".join(event.text for event in events if event.kind == "text")
    calls = [(event.tool, json.loads(event.arguments)) for event in events if event.kind == "call"]
    finish = events[-1]
    assert (told, calls) == (meant.text, meant.calls)
    assert finish.kind == "finish"
    assert finish.stop_reason == meant.reason
    assert (finish.usage.input, finish.usage.output) == usage
    for thought in (part[1] for part in meant.parts if part[0] == "thought"):
        assert thought in "".join(event.text for event in events if event.kind == "reasoning")


# Anthropic

ANTHROPIC_STOPS = {
    "end": ["end_turn", "stop_sequence", "STOP", "eos", "stop", "EndTurn"],
    "length": ["max_tokens", "length", "MAX_TOKENS"],
    "refusal": ["refusal", "content_filter", "SAFETY"],
}


def block(draw: Draw, part: tuple[Any, ...], index: int, places: str) -> Iterator[dict[str, Any]]:
    place = {"right": {"index": index}, "zero": {"index": 0}, "missing": {}}[places]
    start, delta = {"type": "content_block_start", **place}, {"type": "content_block_delta", **place}
    match part:
        case ("text", words):
            given, begins = draw.one(0, 0, len(words)), draw.maybe()
            if begins:
                yield {**start, "content_block": {"type": "text", "text": words[:given]}}
            for piece in draw.pieces(words[given:] if begins else words):
                yield {**delta, "delta": {"type": "text_delta", "text": piece}}
        case ("thought", words):
            if draw.maybe():
                yield {**start, "content_block": {"type": "thinking", "thinking": ""}}
            for piece in draw.pieces(words):
                yield {**delta, "delta": {"type": "thinking_delta", "thinking": piece}}
        case ("call", name, arguments):
            at_once = draw.maybe()
            value = {"type": "tool_use", "id": draw.one("same", f"t{index}"), "name": name}
            value["id"] = value["id"] if value["id"] != "same" or places == "right" else f"t{index}"
            begins = {**start, "content_block": {**value, "input": arguments if at_once else {}}}
            yield from [begins] * draw.one(1, 1, 2)
            for piece in [""] if at_once else draw.pieces(json.dumps(arguments) if arguments else ""):
                yield {**delta, "delta": {"type": "input_json_delta", "partial_json": piece}}
    if draw.maybe():
        yield from [{"type": "content_block_stop", **place}] * (2 if places == "right" and draw.maybe() else 1)


def messages_events(draw: Draw, meant: Meant) -> list[dict[str, Any]]:
    """The answer's events up to the one with its stop reason."""
    places = draw.one("right", "zero", "missing")
    message = {"role": "assistant", "content": [], "usage": {"input_tokens": 90, "output_tokens": draw.one(0, 1)}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, part in enumerate(meant.parts):
        events += block(draw, part, index, places)
        if draw.one(True, False, False):
            events.append(draw.one({"type": "news", "index": index}, {"type": "ping"}))
    usage = {"output_tokens": 7, **draw.one({}, {"input_tokens": 0}, {"input_tokens": None})}
    delta = {"stop_reason": draw.one(*ANTHROPIC_STOPS[meant.stop])}
    return [*events, {"type": "message_delta", "delta": delta, "usage": usage}]


def messages_agree(data: st.DataObject) -> None:
    draw = Draw(data)
    meant = draw.answer()
    if draw.one(True, False, False, False):
        content = [
            {"text": {"type": "text", "text": p[1]}, "thought": {"type": "thinking", "thinking": p[1]}}.get(p[0])
            or {"type": "tool_use", "name": p[1], "input": p[2]}
            for p in meant.parts
        ]
        whole = {
            "type": "message",
            "content": content,
            "stop_reason": draw.one(*ANTHROPIC_STOPS[meant.stop]),
            "usage": {"input_tokens": 90, "output_tokens": 7},
        }
        body = json.dumps(whole, indent=draw.one(None, 1)).encode() if draw.maybe() else b"".join(draw.framed([whole]))
        check(meant, read("messages", draw.chunks(body)), (90, 7))
        return
    events = messages_events(draw, meant)
    ends = draw.one([{"type": "message_stop"}], [], [{"type": "message_delta", "usage": {"output_tokens": 0}}])
    frames = draw.framed([*events, *ends])
    done = draw.one(b"", b"data: [DONE]\n\n", b"data: [DONE]")
    check(meant, read("messages", draw.chunks(b"".join(frames) + done)), (90, 7))

    # Cut before the end of its last event that says why it ends, it is not whole.
    before = b"".join(frames[: len(events)]).rstrip(b"\r\n")
    cut = before[: data.draw(st.integers(0, len(before) - 1))]
    try:
        partial = read("messages", draw.chunks(cut))
    except Exception as error:
        assert getattr(error, "code", None) == "protocol"  # noqa: PT017  # either is right, so that raises cannot say it
    else:
        assert not [event for event in partial if event.kind in ("finish", "call")]
        assert meant.text.startswith("".join(event.text for event in partial if event.kind == "text"))


@given(st.data())
@ROUNDS
def test_what_a_gateway_says_in_anthropics_format_comes_out_however_it_is_written(data):
    messages_agree(data)


@pytest.mark.torture
@given(st.data())
@TORTURE
def test_what_many_gateways_say_in_anthropics_format_comes_out_however_it_is_written(data):
    messages_agree(data)


# Responses


def item(part: tuple[Any, ...], number: int) -> dict[str, Any]:
    match part:
        case ("text", words):
            content = [{"type": "output_text", "text": words}]
            return {"type": "message", "id": f"m{number}", "role": "assistant", "content": content}
        case ("thought", words):
            summary = [{"type": "summary_text", "text": words}]
            return {"type": "reasoning", "id": f"r{number}", "summary": summary}
        case (_, name, arguments):
            raw = json.dumps(arguments)
            return {"type": "function_call", "id": f"f{number}", "call_id": "c", "name": name, "arguments": raw}
    raise TypeError(part)


def item_events(draw: Draw, part: tuple[Any, ...], number: int, places: str, listed: bool) -> Iterator[dict[str, Any]]:
    place = {"right": {"output_index": number}, "zero": {"output_index": 0}, "missing": {}}[places]
    whole = item(part, number)
    match part:
        case ("text", words):
            given = draw.one("pieces", "done", "item", *(["listed"] if listed else []))
            if given == "pieces" or draw.maybe():
                yield {"type": "response.output_item.added", "item": {**whole, "content": []}, **place}
            if given == "pieces":
                for piece in draw.pieces(words):
                    yield {"type": "response.output_text.delta", "delta": piece, **place}
            if given == "done":
                yield {"type": "response.output_text.done", "text": words, **place}
            if given != "listed":
                yield from [{"type": "response.output_item.done", "item": whole, **place}] * draw.one(1, 2)
        case ("thought", words):
            for piece in draw.pieces(words):
                yield {"type": "response.reasoning_summary_text.delta", "delta": piece, **place}
            yield {"type": "response.output_item.done", "item": whole, **place}
        case (_, _, arguments):
            given = draw.one("pieces", "done", "item")
            yield {"type": "response.output_item.added", "item": {**whole, "arguments": ""}, **place}
            if given == "pieces":
                for piece in draw.pieces(json.dumps(arguments)):
                    yield {"type": "response.function_call_arguments.delta", "delta": piece, **place}
            if given == "done":
                yield {"type": "response.function_call_arguments.done", "arguments": json.dumps(arguments), **place}
            if given == "item":
                yield from [{"type": "response.output_item.done", "item": whole, **place}] * draw.one(1, 2)


def responses_agree(data: st.DataObject) -> None:
    draw = Draw(data)
    meant = draw.answer()
    parts = meant.parts
    listed, places = draw.maybe(), draw.one("right", "zero", "missing")
    details = {
        "length": {"reason": draw.one("max_output_tokens", "max_tokens")},
        "refusal": {"reason": "content_filter"},
    }
    response = {
        "status": "incomplete" if meant.stop in details else "completed",
        "incomplete_details": details.get(meant.stop),
        "output": [item(part, number) for number, part in enumerate(parts)] if listed else draw.one([], None),
        "usage": {"input_tokens": draw.one(90, 0, None), "output_tokens": 7},
    }
    counted = {"type": "response.in_progress", "response": {"usage": {"input_tokens": 90}}}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {"error": None}}, counted]
    for number, part in enumerate(parts):
        events += item_events(draw, part, number, places, listed and part == parts[-1])
    kind = "incomplete" if meant.stop in details else draw.one("completed", "done")
    frames = draw.framed([*events, {"type": f"response.{kind}", "response": response}])
    done = draw.one(b"", b"data: [DONE]\n\n")
    check(meant, read("responses", draw.chunks(b"".join(frames) + done)), (90, 7))

    whole = b"".join(frames).rstrip(b"\r\n")
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        partial = read("responses", draw.chunks(cut))
    except Exception as error:
        assert getattr(error, "code", None) == "protocol"  # noqa: PT017  # either is right, so that raises cannot say it
    else:
        assert not [event for event in partial if event.kind in ("finish", "call")]


@given(st.data())
@ROUNDS
def test_what_a_gateway_says_in_the_format_of_responses_comes_out_however_it_is_written(data):
    responses_agree(data)


@pytest.mark.torture
@given(st.data())
@TORTURE
def test_what_many_gateways_say_in_the_format_of_responses_comes_out_however_it_is_written(data):
    responses_agree(data)


def of_anthropic(*events: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The reason for the end and the calls."""
    answer = Answer()
    for event in events:
        list(answer.read(event))
    return answer.stop_reason, [(call.tool, call.arguments) for call in answer.calls()]


def of_responses(*events: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The reason for the end and the calls."""
    output = Output()
    told = [part for event in events for part in output.read(event)]
    return output.stop_reason, [(call.tool, call.arguments) for call in told if call.kind == "call"]


def test_texts_with_a_thought_between_them_are_two_if_a_gateway_names_no_places():
    deltas = [
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "text_delta", "text": "One."},
        {"type": "thinking_delta", "thinking": "Well."},
        {"type": "text_delta", "text": "Two."},
    ]
    events = [{"type": "content_block_delta", "delta": delta} for delta in deltas]
    events.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    told = [event.text for event in read("messages", [body.encode()]) if event.kind == "text"]
    assert told == ["One.", "\n\nTwo."]


def test_an_answer_in_anthropics_format_whose_calls_were_lost_is_not_whole():
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me look."}}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}
    assert of_anthropic(said, end) == ("other", [])


def test_an_incomplete_response_is_not_whole_if_it_does_not_say_why():
    said = {"type": "response.output_text.delta", "output_index": 0, "delta": "Twelve "}
    assert of_responses(said, {"type": "response.incomplete", "response": {}}) == ("other", [])


@pytest.mark.parametrize("listed", ["", "{}", None])
@pytest.mark.parametrize("streamed", ['{"year":', '{"year":7}'])
def test_arguments_that_were_streamed_are_not_replaced_by_none(listed, streamed):
    call = {"type": "function_call", "name": "look", "call_id": "c"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": call},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": streamed},
        {"type": "response.completed", "response": {"output": [{**call, "arguments": listed}]}},
    ]
    assert of_responses(*events) == ("tool_calls", [("look", streamed)])
