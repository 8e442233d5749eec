"""What web frontends read of a stream: small readers that refuse what the protocols forbid."""

import json
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ag_ui.core import Event as AgUiEvent
from pydantic import TypeAdapter

from core import Event, ReasoningEvent

_AG_UI: TypeAdapter[Any] = TypeAdapter(AgUiEvent)

_AI_SDK = {
    "start": {},
    "text-start": {"id": str},
    "text-delta": {"id": str, "delta": str},
    "text-end": {"id": str},
    "reasoning-start": {"id": str},
    "reasoning-delta": {"id": str, "delta": str},
    "reasoning-end": {"id": str},
    "tool-input-start": {"toolCallId": str, "toolName": str},
    "tool-input-available": {"toolCallId": str, "toolName": str, "input": object},
    "tool-approval-request": {"approvalId": str, "toolCallId": str},
    "tool-output-available": {"toolCallId": str, "output": object},
    "tool-output-error": {"toolCallId": str, "errorText": str},
    "tool-output-denied": {"toolCallId": str},
    "source-document": {"sourceId": str, "mediaType": str, "title": str},
    "message-metadata": {"messageMetadata": object},
    "error": {"errorText": str},
    "abort": {},
    "finish": {},
}
"""The chunks of `ai` 6.0.326 and 7.0.173 that are used, with the fields that their zod schema requires."""

_OPTIONAL = {
    "start": {"messageId": str, "messageMetadata": object},
    "tool-approval-request": {"signature": str},
    "tool-output-available": {"providerMetadata": dict},
    "tool-output-error": {"providerMetadata": dict},
    "source-document": {"filename": str, "providerMetadata": dict},
    "abort": {"reason": str},
    "finish": {"finishReason": str},
}

_FINISH_REASONS = {"stop", "length", "content-filter", "tool-calls", "error", "other"}


@dataclass(frozen=True)
class Sent:
    """A server-sent event, as an EventSource reads it."""

    id: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def sent_events(text: str) -> list[Sent]:
    """The server-sent events in a text. An event that the end cuts is discarded, as the standard says."""
    events = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            events.append(Sent(**fields))
    return events


async def read(stream: AsyncIterable[str]) -> list[Sent]:
    """All server-sent events of a stream."""
    return sent_events("".join([piece async for piece in stream]))


async def replayed(events: Iterable[Event]) -> AsyncIterable[Event]:
    """Events as a follower gives them."""
    for event in events:
        yield event


_PIECES = ("text", "reasoning")


def in_pieces(events: Sequence[Event], size: int) -> list[Event]:
    """The same events with their text in other pieces: neighbours joined, then cut to `size` characters."""
    out: list[Event] = []
    for event in events:
        if event.kind in _PIECES and out and out[-1].kind == event.kind:
            out[-1] = replace(out[-1], text=out[-1].text + event.text)
        else:
            out.append(event)
    return [
        piece
        for event in out
        for piece in (
            [replace(event, text=event.text[n : n + size]) for n in range(0, len(event.text), size)]
            if event.kind in _PIECES
            else [event]
        )
    ]


@dataclass
class LaterEvent:
    """An event of a kind that this version of the library does not have."""

    kind: str
    text: str


def with_thoughts(events):
    """The events, and what the model thinks before it begins to answer, and before it answers after the calls."""
    texts = [n for n, event in enumerate(events) if event.kind == "text"]
    calls = [n for n, event in enumerate(events) if event.kind.startswith("tool.")]
    places = {texts[0]: "I think. ", next((n for n in texts if n > calls[-1]), -1): "I think again."}
    return [
        each
        for n, event in enumerate(events)
        for each in ([ReasoningEvent(call_id=f"m{n}", text=places[n]), event] if n in places else [event])
    ]


@dataclass
class Message:
    """What a page shows of a turn, whichever protocol told it. `calls` are by id, in the order of their beginning."""

    text: str = ""
    thoughts: str = ""
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    citations: list[Any] = field(default_factory=list)
    care: Any = None
    ended: str = ""
    result: Any = None
    error: str | None = None
    asked: list[str] = field(default_factory=list)
    runs: int = 0


def ai_sdk_message(events: Iterable[Sent]) -> Message:
    """The message that AI SDK chunks make. Raises AssertionError for a chunk that the client would refuse."""
    message, parts, texts, thoughts, done = Message(), set(), {}, {}, False
    for event in events:
        if event.data == "[DONE]":
            assert message.ended
            done = True
            continue
        chunk = event.json
        kind = _check_chunk(chunk)
        if kind == "start":
            message.runs, message.ended, done = message.runs + 1, "", False
            continue
        assert message.runs
        assert not done
        assert not message.ended or message.ended == "error"
        match kind:
            case "text-start":
                assert chunk["id"] not in texts
                parts.add(chunk["id"])
                texts[chunk["id"]] = ""
            case "text-delta":
                assert chunk["id"] in parts
                texts[chunk["id"]] += chunk["delta"]
            case "text-end":
                parts.remove(chunk["id"])
            case "reasoning-start":
                assert chunk["id"] not in thoughts
                parts.add(chunk["id"])
                thoughts[chunk["id"]] = ""
            case "reasoning-delta":
                assert chunk["id"] in parts
                thoughts[chunk["id"]] += chunk["delta"]
            case "reasoning-end":
                parts.remove(chunk["id"])
            case "data-discarded":
                assert not parts
                texts = dict.fromkeys(texts, "")
            case "data-care":
                message.care = chunk["data"]
            case "tool-input-start":
                assert chunk["toolCallId"] not in message.calls
                message.calls[chunk["toolCallId"]] = {"tool": chunk["toolName"]}
            case "tool-input-available":
                message.calls[chunk["toolCallId"]]["input"] = chunk["input"]
            case "tool-approval-request":
                message.asked.append(chunk["toolCallId"])
                assert "input" in message.calls[chunk["toolCallId"]]
            case "tool-output-available" | "tool-output-error" | "tool-output-denied":
                call = message.calls[chunk["toolCallId"]]
                assert "input" in call
                assert "output" not in call
                call["output"] = chunk.get("output", chunk.get("errorText", "denied"))
            case "source-document":
                message.citations.append(chunk["providerMetadata"]["rolltop"])
            case "message-metadata":
                message.result = chunk["messageMetadata"]
            case "error":
                message.error, message.ended = chunk["errorText"], "error"
            case "abort" | "finish":
                assert not parts
                message.ended = chunk.get("finishReason", "cancelled")
    assert done, "the stream was not ended"
    message.text, message.thoughts = "".join(texts.values()), "".join(thoughts.values())
    return message


def _check_chunk(chunk: dict[str, Any]) -> str:
    kind = chunk["type"]
    if kind.startswith("data-"):
        assert chunk.keys() <= {"type", "id", "data", "transient"}
        assert "data" in chunk
        return kind
    required, optional = _AI_SDK[kind], _OPTIONAL.get(kind, {})
    assert chunk.keys() - {"type"} <= required.keys() | optional.keys(), chunk
    for name, type_ in required.items():
        assert isinstance(chunk[name], type_), chunk
    for name in chunk.keys() & optional.keys():
        assert isinstance(chunk[name], optional[name]), chunk
    assert chunk.get("finishReason", "stop") in _FINISH_REASONS
    return kind


def ag_ui_message(events: Iterable[Sent]) -> Message:
    """The message that AG-UI events make. Raises if the protocol's own models or the rules of a run refuse one."""
    message, running, speaking, calling, texts, thoughts = Message(), False, set(), set(), {}, {}
    for sent in events:
        event = sent.json
        model = _AG_UI.validate_python(event)
        assert not model.model_extra, model.model_extra
        kind = event["type"]
        assert running or kind == "RUN_STARTED"
        match kind:
            case "RUN_STARTED":
                assert not running
                running, message.runs, message.ended = True, message.runs + 1, ""
            case "TEXT_MESSAGE_START":
                assert event["messageId"] not in texts
                speaking.add(event["messageId"])
                texts[event["messageId"]] = ""
            case "TEXT_MESSAGE_CONTENT":
                assert event["messageId"] in speaking
                texts[event["messageId"]] += event["delta"]
            case "TEXT_MESSAGE_END":
                speaking.remove(event["messageId"])
            case "REASONING_MESSAGE_START":
                assert event["messageId"] not in thoughts
                speaking.add(event["messageId"])
                thoughts[event["messageId"]] = ""
            case "REASONING_MESSAGE_CONTENT":
                assert event["messageId"] in speaking
                thoughts[event["messageId"]] += event["delta"]
            case "REASONING_MESSAGE_END":
                speaking.remove(event["messageId"])
            case "TOOL_CALL_START":
                assert event["toolCallId"] not in message.calls
                calling.add(event["toolCallId"])
                message.calls[event["toolCallId"]] = {"tool": event["toolCallName"], "input": ""}
            case "TOOL_CALL_ARGS":
                assert event["toolCallId"] in calling
                message.calls[event["toolCallId"]]["input"] += event["delta"]
            case "TOOL_CALL_END":
                calling.remove(event["toolCallId"])
                call = message.calls[event["toolCallId"]]
                call["input"] = json.loads(call["input"])
            case "TOOL_CALL_RESULT":
                call = message.calls[event["toolCallId"]]
                assert "output" not in call
                call["output"] = event["content"]
            case "CUSTOM" if event["name"] == "rolltop-discarded":
                prefix = event["value"]["messageIdPrefix"]
                texts = {id: "" if id.startswith(prefix) else text for id, text in texts.items()}
            case "CUSTOM" if event["name"] == "rolltop-citations":
                message.citations = event["value"]
            case "CUSTOM" if event["name"] == "rolltop-care":
                message.care = event["value"]
            case "CUSTOM" if event["name"] == "rolltop-result":
                message.result = event["value"]
            case "RUN_FINISHED":
                assert not speaking
                assert not calling
                running, message.ended = False, event["outcome"]["type"]
                message.asked += [each["id"] for each in event["outcome"].get("interrupts", ())]
                message.result = event.get("result", message.result)
            case "RUN_ERROR":
                assert not speaking
                running, message.ended, message.error = False, "error", event["message"]
    assert not running, "the stream was not ended"
    message.text, message.thoughts = "".join(texts.values()), "".join(thoughts.values())
    return message
