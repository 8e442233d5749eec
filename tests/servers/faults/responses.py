"""OpenAI's Responses API, as a server writes it: items that are opened, filled and closed, each event numbered."""

from backends.models.scripted.model import pieces
from core.canonical import Json
from core.values import Usage
from tests.servers.faults.wire import known, seal, sse


class ResponsesWire:
    """One answer. `number` makes its ids; `refuses`: what it says is a refusal."""

    def __init__(self, number: int, body: Json, *, refuses: bool) -> None:
        self._number = number
        self._model = body.get("model")
        self._refuses = refuses
        self._sequence = -1
        self._output: list[dict[str, Json]] = []
        self._said: str | None = None

    def begin(self) -> list[bytes]:
        response = self._response("in_progress")
        return [
            self._event("response.created", response=response),
            self._event("response.in_progress", response=response),
        ]

    def text(self, piece: str) -> list[bytes]:
        events = []
        if self._said is None:
            self._said = ""
            item = {
                "type": "message",
                "id": self._id("msg"),
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            }
            self._output.append(item)
            events = [
                self._event("response.output_item.added", output_index=self._at, item=dict(item)),
                self._event("response.content_part.added", **self._place(), part=self._part("")),
            ]
        self._said += piece
        return [*events, self._event(f"response.{self._word}.delta", **self._place(), delta=piece, **self._logprobs())]

    def thought(self, text: str) -> list[bytes]:
        events = self._close()
        item: dict[str, Json] = {"type": "reasoning", "id": self._id("rs"), "summary": [], "status": "in_progress"}
        self._output.append(item)
        events.append(self._event("response.output_item.added", output_index=self._at, item=dict(item)))
        if text:
            place = {"item_id": item["id"], "output_index": self._at, "summary_index": 0}
            part = {"type": "summary_text", "text": text}
            added = self._event("response.reasoning_summary_part.added", **place, part={**part, "text": ""})
            deltas = [
                self._event("response.reasoning_summary_text.delta", **place, delta=piece) for piece in pieces(text, 2)
            ]
            events += [added, *deltas, self._event("response.reasoning_summary_text.done", **place, text=text)]
            events.append(self._event("response.reasoning_summary_part.done", **place, part=part))
            item["summary"] = [part]
        item |= {"status": "completed", "encrypted_content": seal("reasoning", text)}
        return [*events, self._event("response.output_item.done", output_index=self._at, item=item)]

    def call(self, tool: str, arguments: str, *, id: str | None, count: int) -> list[bytes]:
        events = self._close()
        item = {"type": "function_call", "id": self._id("fc"), "name": tool, "arguments": "", "status": "in_progress"}
        if id is not None:
            item["call_id"] = id
        self._output.append(item)
        events.append(self._event("response.output_item.added", output_index=self._at, item=dict(item)))
        place = {"item_id": item["id"], "output_index": self._at}
        for piece in pieces(arguments, count) or [""]:
            events.append(self._event("response.function_call_arguments.delta", **place, delta=piece))
        events.append(self._event("response.function_call_arguments.done", **place, arguments=arguments))
        item |= {"status": "completed", "arguments": arguments}
        return [*events, self._event("response.output_item.done", output_index=self._at, item=item)]

    def ping(self) -> list[bytes]:
        return [b": keep-alive\n\n"]

    def failed(self, error: Json) -> list[bytes]:
        said = error["error"]
        failure = {"code": said["code"] or said["type"], "message": said["message"]}
        return [self._event("response.failed", response=self._response("failed", error=failure))]

    def end(self, reason: str | None, usage: Usage | None) -> list[bytes]:
        status = "completed" if reason is None else "incomplete"
        details = None if reason is None else {"reason": reason}
        events = self._close(status)
        whole = self._response(status, incomplete_details=details, output=self._output, usage=_usage(usage))
        return [*events, self._event(f"response.{status}", response=whole)]

    @property
    def _at(self) -> int:
        return len(self._output) - 1

    @property
    def _word(self) -> str:
        return "refusal" if self._refuses else "output_text"

    def _close(self, status: str = "completed") -> list[bytes]:
        """The end of the message that is open, if one is."""
        if self._said is None:
            return []
        said, item, part = self._said, self._output[-1], self._part(self._said)
        word = {"refusal": said} if self._refuses else {"text": said}
        done = self._event(f"response.{self._word}.done", **self._place(), **word, **self._logprobs())
        whole = self._event("response.content_part.done", **self._place(), part=part)
        item |= {"status": status, "content": [part]}
        self._said = None
        return [done, whole, self._event("response.output_item.done", output_index=self._at, item=item)]

    def _part(self, text: str) -> dict[str, Json]:
        if self._refuses:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _logprobs(self) -> dict[str, Json]:
        return {} if self._refuses else {"logprobs": []}

    def _place(self) -> dict[str, Json]:
        return {"item_id": self._output[-1]["id"], "output_index": self._at, "content_index": 0}

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._number:04}{len(self._output):04}"

    def _event(self, type: str, **fields: Json) -> bytes:
        self._sequence += 1
        return sse({"type": type, "sequence_number": self._sequence, **fields}, type)

    def _response(self, status: str, **fields: Json) -> dict[str, Json]:
        return {
            "id": f"resp_{self._number:04}",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._model,
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
            **fields,
        }


def _usage(usage: Usage | None) -> dict[str, Json] | None:
    if usage is None or usage == Usage():
        return None
    total = usage.input + usage.output if usage.input is not None and usage.output is not None else None
    return known(
        input_tokens=usage.input,
        input_tokens_details=known(cached_tokens=usage.cached, cache_write_tokens=usage.cache_write),
        output_tokens=usage.output,
        output_tokens_details=known(reasoning_tokens=usage.reasoning),
        total_tokens=total,
    )
