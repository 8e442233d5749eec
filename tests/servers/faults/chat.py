"""OpenAI's Chat Completions, as a server writes them: chunks of one message, then `[DONE]`.

What other servers do otherwise is said by the script: Ollama ends with `StopAs(None)` and gives a call at once.
"""

from backends.models.scripted.model import pieces
from core.canonical import Json
from core.values import Usage
from tests.servers.faults.wire import known, sse


class ChatWire:
    """One answer. `number` makes its ids; `refuses`: what it says is a refusal."""

    def __init__(self, number: int, body: Json, *, refuses: bool) -> None:
        self._number = number
        self._model = body.get("model")
        self._counts = bool((body.get("stream_options") or {}).get("include_usage"))
        self._refuses = refuses
        self._calls = 0

    def begin(self) -> list[bytes]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def text(self, piece: str) -> list[bytes]:
        return [self._chunk({"refusal" if self._refuses else "content": piece})]

    def thought(self, text: str) -> list[bytes]:
        """As servers of open models give it: OpenAI itself keeps reasoning to itself in this API."""
        return [self._chunk({"reasoning_content": piece}) for piece in pieces(text, 2)]

    def call(self, tool: str, arguments: str, *, id: str | None, count: int) -> list[bytes]:
        index, self._calls = self._calls, self._calls + 1
        first, *rest = pieces(arguments, count) or [""]
        opening = {"index": index, **known(id=id), "type": "function", "function": {"name": tool, "arguments": first}}
        more = [{"index": index, "function": {"arguments": piece}} for piece in rest]
        return [self._chunk({"tool_calls": [call]}) for call in (opening, *more)]

    def ping(self) -> list[bytes]:
        return [b": keep-alive\n\n"]

    def failed(self, error: Json) -> list[bytes]:
        return [sse(error)]

    def end(self, reason: str | None, usage: Usage | None) -> list[bytes]:
        events = [self._chunk({}, reason)]
        if self._counts and usage is not None and usage != Usage():
            events.append(sse({**self._frame(), "choices": [], "usage": _usage(usage)}))
        return [*events, sse("[DONE]")]

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return sse({**self._frame(), "choices": [choice], **({"usage": None} if self._counts else {})})

    def _frame(self) -> dict[str, Json]:
        return {
            "id": f"chatcmpl-{self._number:04}",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": self._model,
        }


def _usage(usage: Usage) -> dict[str, Json]:
    total = usage.input + usage.output if usage.input is not None and usage.output is not None else None
    return known(
        prompt_tokens=usage.input,
        prompt_tokens_details=known(cached_tokens=usage.cached, cache_write_tokens=usage.cache_write),
        completion_tokens=usage.output,
        completion_tokens_details=known(reasoning_tokens=usage.reasoning),
        total_tokens=total,
    )
