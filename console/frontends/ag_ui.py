"""AG-UI, protocol version 1.0 (npm `@ag-ui/client` 1.0.0).

The turn is a run, or more than one if it waits for approvals. Its text messages, joined, are the turn's text; the
custom event `rolltop-discarded` says which of them count no more. Each tool call stands in a message of its own.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass

from console.frontends.client_requests import CallDecision, ClientRequest, field_of, objects_of, text_of_parts
from console.frontends.playback import play, text_prefix
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
from core.log.records import ToolCall, Turn

PROTOCOL = "agui1"

PROTOCOL_VERSION = "1.0"

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}

_PARTS: dict[Part, str] = {"t": "TEXT_MESSAGE", "r": "REASONING_MESSAGE"}


def run_events(
    turn: Turn, events: AsyncIterable[Event], last_event_id: str | None = None, *, run_id: str | None = None
) -> AsyncGenerator[str, None]:
    """The turn's events, as `Desk.follow` gives them, as server-sent events; send them with `HEADERS`.

    `last_event_id` is the browser's `Last-Event-ID`: then the events after it are given. None gives the turn from the
    start. `run_id` is the client's id of the run, None for the turn's id. Raises InvalidInput if the `last_event_id` is
    of another turn, and what following raises.
    """
    return play(_AgUi(run_id or turn.id), turn, events, last_event_id)


def run_request(body: Json) -> ClientRequest:
    """What an `HttpAgent` posts, a RunAgentInput: a question, or answers to the interrupts of the last run.

    Of the messages only the last one is read: the desk has the others on record. `tools`, `context` and `state` of the
    client are not used. Raises InvalidInput, which names what is wrong.
    """
    thread_id = field_of(body, "threadId")
    if body.get("resume"):
        decisions = tuple(map(_decision, objects_of(body, "resume")))
        return ClientRequest(protocol=PROTOCOL, thread_id=thread_id, text=None, request_id=None, decisions=decisions)
    last = field_of(body, "messages", -1)
    if field_of(last, "role") != "user":
        raise InvalidInput("the last message must be the user's: it is the question")
    return ClientRequest(
        protocol=PROTOCOL,
        thread_id=thread_id,
        text=text_of_parts(field_of(last, "content")),
        request_id=field_of(last, "id"),
    )


def _decision(entry: Json) -> CallDecision:
    """The decision on a call. A cancelled interrupt is a denial."""
    call_id = field_of(entry, "interruptId")
    if field_of(entry, "status") == "cancelled":
        return CallDecision(call_id=call_id, decision="deny", digest=None)
    payload = field_of(entry, "payload")
    decision = field_of(payload, "decision")
    if decision not in ("approve", "deny"):
        raise InvalidInput("the payload's decision is approve or deny")
    return CallDecision(
        call_id=call_id,
        decision=decision,
        digest=field_of(payload, "digest"),
        arguments=payload.get("arguments"),
        reason=payload.get("reason"),
    )


@dataclass(frozen=True, slots=True)
class _AgUi:
    run_id: str
    protocol: str = PROTOCOL

    def _run(self, turn: Turn) -> dict[str, Json]:
        return {"threadId": turn.thread, "runId": self.run_id}

    def head(self, turn: Turn) -> Sequence[Json]:
        started: Json = {"type": "RUN_STARTED", **self._run(turn), "protocolVersion": PROTOCOL_VERSION}
        return [started, _custom("care", turn.concern.model_dump(mode="json"))] if turn.concern else [started]

    def part_start(self, part: Part, part_id: str) -> Json:
        role = "assistant" if part == "t" else "reasoning"
        return {"type": f"{_PARTS[part]}_START", "messageId": part_id, "role": role}

    def part_delta(self, part: Part, part_id: str, delta: str) -> Json:
        return {"type": f"{_PARTS[part]}_CONTENT", "messageId": part_id, "delta": delta}

    def part_end(self, part: Part, part_id: str) -> Json:
        return {"type": f"{_PARTS[part]}_END", "messageId": part_id}

    def discarded(self, turn: Turn) -> Json:
        return _custom("discarded", {"messageIdPrefix": text_prefix(turn)})

    def announced(self, call: ToolCall) -> Sequence[Json]:
        arguments = json.dumps(call_input(call), ensure_ascii=False)
        return [
            {"type": "TOOL_CALL_START", "toolCallId": call.id, "toolCallName": call.tool},
            {"type": "TOOL_CALL_ARGS", "toolCallId": call.id, "delta": arguments},
            {"type": "TOOL_CALL_END", "toolCallId": call.id},
        ]

    def asked(self, call: ToolCall) -> None:
        return None

    def finished(self, call: ToolCall) -> Json:
        match call.status:
            case "succeeded" if isinstance(call.result, str):
                content = call.result
            case "succeeded":
                content = json.dumps(call.result, ensure_ascii=False)
            case "deferred":
                content = call.told or ""
            case _:
                content = call_error(call)
        return {
            "type": "TOOL_CALL_RESULT",
            "messageId": f"{call.id}-result",
            "toolCallId": call.id,
            "content": content,
            "role": "tool",
            "metadata": {"rolltop": call_value(call)},
        }

    def parked(self, turn: Turn, calls: Sequence[ToolCall]) -> Sequence[Json]:
        interrupts = [_interrupt(call) for call in calls]
        return [{"type": "RUN_FINISHED", **self._run(turn), "outcome": {"type": "interrupt", "interrupts": interrupts}}]

    def ended(self, turn: Turn) -> Sequence[Json]:
        events: list[Json] = []
        if turn.citations:
            events.append(_custom("citations", [citation_value(citation) for citation in turn.citations]))
        usage = _usage(turn)
        if turn.status in ("failed", "interrupted"):
            # RUN_ERROR has no field for a result.
            events.append(_custom("result", turn_value(turn)))
            events.append({"type": "RUN_ERROR", "message": turn_error(turn), "code": turn.code or turn.status, **usage})
        else:
            outcome = {"type": "cancelled" if turn.status == "cancelled" else "success"}
            result = turn_value(turn)
            events.append({"type": "RUN_FINISHED", **self._run(turn), "result": result, "outcome": outcome, **usage})
        return events

    def passing(self, name: str, value: Json) -> Json:
        return _custom(name.replace(".", "-"), value)


def _custom(name: str, value: Json) -> Json:
    return {"type": "CUSTOM", "name": f"rolltop-{name}", "value": value}


def _interrupt(call: ToolCall) -> Json:
    """The question about a waiting call. Its answer repeats the digest, which binds it to these arguments."""
    return {
        "id": call.id,
        "reason": "tool_call",
        "message": f"May {call.tool} run with these arguments?",
        "toolCallId": call.id,
        "responseSchema": {
            "type": "object",
            "properties": {
                "decision": {"enum": ["approve", "deny"]},
                "digest": {"const": call.digest},
                "arguments": {"type": "object"},
                "reason": {"type": "string"},
            },
            "required": ["decision", "digest"],
        },
        **({"expiresAt": call.expires} if call.expires else {}),
    }


def _usage(turn: Turn) -> dict[str, Json]:
    """The run's tokens, left out if the count is unknown: a part of them would look like all of them."""
    totals = turn.totals
    if totals.tokens_unknown:
        return {}
    tokens: dict[str, Json] = {"inputTokens": totals.input_tokens, "outputTokens": totals.output_tokens}
    if len(turn.models) == 1:
        tokens["model"] = turn.models[0]
    return {"usage": [tokens]}
