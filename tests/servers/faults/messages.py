"""Anthropic's Messages API, as a server writes it: blocks that are opened, filled and closed, between two messages."""

from backends.models.scripted.model import pieces
from core.canonical import Json
from core.values import Usage
from tests.servers.faults.wire import known, seal, sse


class MessagesWire:
    """One answer. `number` makes its ids; `usage` is what it says it used, as soon as it begins: None says nothing."""

    def __init__(self, number: int, body: Json, *, usage: Usage | None) -> None:
        self._number = number
        self._model = body.get("model")
        self._usage = _before(usage)
        self._index = -1
        self._open = False

    def begin(self) -> list[bytes]:
        message = {
            "id": f"msg_{self._number:04}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            **self._usage,
        }
        return [_event("message_start", message=message), *self.ping()]

    def text(self, piece: str) -> list[bytes]:
        events = [] if self._open else self._begin({"type": "text", "text": ""})
        self._open = True
        return [*events, self._delta("text_delta", text=piece)]

    def thought(self, text: str) -> list[bytes]:
        if not text:
            return [
                *self._close(),
                *self._begin({"type": "redacted_thinking", "data": seal("redacted", "")}),
                self._stop(),
            ]
        events = [*self._close(), *self._begin({"type": "thinking", "thinking": "", "signature": ""})]
        events += [self._delta("thinking_delta", thinking=piece) for piece in pieces(text, 2)]
        return [*events, self._delta("signature_delta", signature=seal("thinking", text)), self._stop()]

    def call(self, tool: str, arguments: str, *, id: str | None, count: int) -> list[bytes]:
        block = {"type": "tool_use", **known(id=id), "name": tool, "input": {}}
        events = [*self._close(), *self._begin(block), self._delta("input_json_delta", partial_json="")]
        deltas = [self._delta("input_json_delta", partial_json=piece) for piece in pieces(arguments, count) or [""]]
        return [*events, *deltas, self._stop()]

    def ping(self) -> list[bytes]:
        return [_event("ping")]

    def failed(self, error: Json) -> list[bytes]:
        return [sse(error, "error")]

    def end(self, reason: str | None, usage: Usage | None) -> list[bytes]:
        delta = {"stop_reason": reason, "stop_sequence": None}
        return [*self._close(), _event("message_delta", delta=delta, **_after(usage)), _event("message_stop")]

    def _begin(self, block: Json) -> list[bytes]:
        self._index += 1
        return [_event("content_block_start", index=self._index, content_block=block)]

    def _close(self) -> list[bytes]:
        """The end of the text that is open, if one is."""
        was, self._open = self._open, False
        return [self._stop()] if was else []

    def _delta(self, type: str, **fields: Json) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": type, **fields})

    def _stop(self) -> bytes:
        return _event("content_block_stop", index=self._index)


def _event(type: str, **fields: Json) -> bytes:
    return sse({"type": type, **fields}, type)


def _before(usage: Usage | None) -> dict[str, Json]:
    """What is known before the answer: here `input_tokens` are those that no cache had to do with."""
    if usage is None or usage.input is None:
        return {}
    plain = usage.input - (usage.cached or 0) - (usage.cache_write or 0)
    cached = known(cache_read_input_tokens=usage.cached, cache_creation_input_tokens=usage.cache_write)
    return {"usage": {"input_tokens": plain, **cached, "output_tokens": 1}}


def _after(usage: Usage | None) -> dict[str, Json]:
    """What the whole answer took."""
    if usage is None or usage.output is None:
        return {}
    details = {} if usage.reasoning is None else {"output_tokens_details": {"thinking_tokens": usage.reasoning}}
    return {"usage": {"output_tokens": usage.output, **details}}
