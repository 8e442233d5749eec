"""The AI SDK's UI message stream, version 1, as the npm package `ai` 6 and 7 reads it (`useChat`).

The turn is one assistant message. Its text parts, joined, are the turn's text; a `data-discarded` part says that the
text parts before it count no more.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from console.frontends.client_requests import CallDecision, ClientRequest, field_of, objects_of, text_of_parts
from console.frontends.playback import play
from console.frontends.position import Part
from console.frontends.record_values import (
    call_error,
    call_input,
    call_value,
    citation_value,
    turn_error,
    turn_value,
)
from core.canonical import Json
from core.errors import InvalidInput
from core.live.events import Event
from core.log.record_ids import answer_id, turn_of_answer
from core.log.records import ToolCall, Turn
from core.values import TurnStatus

PROTOCOL = "ai1"

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
}

_PARTS: dict[Part, str] = {"t": "text", "r": "reasoning"}

_FINISH: dict[TurnStatus, str] = {"completed": "stop", "truncated": "length", "refused": "content-filter"}


def ui_message_stream(
    turn: Turn, events: AsyncIterable[Event], last_event_id: str | None = None
) -> AsyncGenerator[str, None]:
    """The turn's events, as `Desk.follow` gives them, as server-sent events; send them with `HEADERS`.

    `last_event_id` is the browser's `Last-Event-ID`: then the events after it are given. None gives the turn from the
    start. Raises InvalidInput if it is of another turn, and what following raises.
    """
    return play(_AiSdk(), turn, events, last_event_id)


def chat_request(body: Json) -> ClientRequest:
    """What `useChat` posts: a question, the same question again (`regenerate`), or answers to approval requests.

    The chat's `id` is the thread's. Of the messages only the last one is read: the desk has the others on record.
    Raises InvalidInput, which names what is wrong.
    """
    last = field_of(body, "messages", -1)
    parts = field_of(last, "parts")
    text, request_id, replaces = None, None, None
    decisions: tuple[CallDecision, ...] = ()
    if field_of(last, "role") == "assistant":
        decisions = tuple(
            _decision(part) for part in objects_of(last, "parts") if part.get("state") == "approval-responded"
        )
        if not decisions:
            raise InvalidInput("the last message is the assistant's, and answers no approval request")
    elif body.get("trigger") == "regenerate-message":
        text, replaces = text_of_parts(parts), turn_of_answer(str(body.get("messageId")))
        if replaces is None:
            raise InvalidInput("name the answer to give again: call regenerate({ messageId })")
    else:
        text, request_id = text_of_parts(parts), field_of(last, "id")
    return ClientRequest(
        protocol=PROTOCOL,
        thread_id=field_of(body, "id"),
        text=text,
        request_id=request_id,
        replaces=replaces,
        decisions=decisions,
    )


def _decision(part: Json) -> CallDecision:
    return CallDecision(
        call_id=field_of(part, "approval", "id"),
        decision="approve" if field_of(part, "approval", "approved") is True else "deny",
        digest=field_of(part, "approval", "signature"),
        reason=field_of(part, "approval").get("reason"),
    )


class _AiSdk:
    protocol = PROTOCOL

    def head(self, turn: Turn) -> Sequence[Json]:
        start: Json = {"type": "start", "messageId": answer_id(turn.id), "messageMetadata": {"turn": turn.id}}
        if turn.concern is None:
            return [start]
        return [start, {"type": "data-care", "id": "care", "data": turn.concern.model_dump(mode="json")}]

    def part_start(self, part: Part, part_id: str) -> Json:
        return {"type": f"{_PARTS[part]}-start", "id": part_id}

    def part_delta(self, part: Part, part_id: str, delta: str) -> Json:
        return {"type": f"{_PARTS[part]}-delta", "id": part_id, "delta": delta}

    def part_end(self, part: Part, part_id: str) -> Json:
        return {"type": f"{_PARTS[part]}-end", "id": part_id}

    def discarded(self, turn: Turn) -> Json:
        return {"type": "data-discarded", "data": {}}

    def announced(self, call: ToolCall) -> Sequence[Json]:
        named = {"toolCallId": call.id, "toolName": call.tool}
        return [
            {"type": "tool-input-start", **named},
            {"type": "tool-input-available", **named, "input": call_input(call)},
        ]

    def asked(self, call: ToolCall) -> Json:
        # The client sends `signature` back with the decision: it is what binds the decision to these arguments.
        return {
            "type": "tool-approval-request",
            "approvalId": call.id,
            "toolCallId": call.id,
            "signature": call.digest,
        }

    def finished(self, call: ToolCall) -> Json:
        named = {"toolCallId": call.id, "providerMetadata": {"rolltop": call_value(call)}}
        match call.status:
            case "succeeded":
                return {"type": "tool-output-available", **named, "output": call.result}
            case "deferred":
                return {"type": "tool-output-available", **named, "output": call.told}
            case "denied":
                return {"type": "tool-output-denied", "toolCallId": call.id}
            case _:
                return {"type": "tool-output-error", **named, "errorText": call_error(call)}

    def parked(self, turn: Turn, calls: Sequence[ToolCall]) -> Sequence[Json]:
        return [{"type": "finish", "finishReason": "tool-calls"}, "[DONE]"]

    def ended(self, turn: Turn) -> Sequence[Json]:
        sources = [
            {
                "type": "source-document",
                "sourceId": str(citation.number),
                "mediaType": "text/plain",
                "title": citation.passage.title,
                "providerMetadata": {"rolltop": citation_value(citation)},
            }
            for citation in turn.citations
        ]
        # Before the error: the client reads no further than that.
        outcome = {"type": "message-metadata", "messageMetadata": turn_value(turn)}
        if turn.status == "cancelled":
            last: list[Json] = [{"type": "abort", "reason": turn_error(turn)}]
        elif turn.status in _FINISH:
            last = [{"type": "finish", "finishReason": _FINISH[turn.status]}]
        else:
            last = [
                {"type": "error", "errorText": turn_error(turn)},
                {"type": "finish", "finishReason": "error"},
            ]
        return [*sources, outcome, *last, "[DONE]"]

    def passing(self, name: str, value: Json) -> Json:
        return {"type": f"data-{name.replace('.', '-')}", "data": value, "transient": True}
