"""What the events of one of Anthropic's answers add up to, block by block.

A call is reported when its block ends; a truncated call is discarded. Its arguments are reported while they
are written, because they are the only sign that the model is at work.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backends.models.answer_json import as_count, as_object, as_text, check_parts, event_object
from backends.models.sse import unreadable
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput
from core.model import CallDelta, ModelEvent, ReasoningDelta, TextDelta, UsageSoFar, WritingDelta
from core.values import StopReason, Usage

_BETWEEN = "\n\n"
"""Between two texts that had something else between them."""

_STOPS: Mapping[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_THOUGHTS = ("thinking", "redacted_thinking")


def json_event(name: str, data: str) -> dict[str, Json]:
    """The object in an event, by the event's name where it has no `type`. Raises ModelError for anything else."""
    if name in ("ping", "end"):
        return {"type": name}
    return {"type": name, **event_object(data)}


@dataclass(slots=True)
class _Block:
    """A part of the answer; `start` and `end` are its place in the text, `pieces` what it has besides text."""

    value: dict[str, Json]
    start: int
    end: int
    pieces: list[str] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True)
class Answer:
    """An answer as far as it came; `ended` after its terminal marker. `_length` is that of its text."""

    ended: bool = False
    stop_reason: StopReason = "other"
    _length: int = 0
    _thought: bool = False
    _blocks: dict[int, _Block] = field(default_factory=dict)
    _usage: dict[str, Json] = field(default_factory=dict)

    def read(self, event: Mapping[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; an unknown event is ignored. Raises ModelError."""
        match event:
            case {"type": "message_start", "message": {"usage": dict(usage)}}:
                self._count(usage)
                # The output counted so far is that of its first tokens only.
                so_far = self.usage().model_copy(update={"output": None, "reasoning": None})
                yield UsageSoFar(usage=so_far)
            case {"type": "content_block_start", "index": int(index), "content_block": dict(value)}:
                yield from self._start(index, value)
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                yield from self._add(self._at(index), delta)
            case {"type": "content_block_stop", "index": int(index)}:
                yield from self._stop(self._at(index))
            case {"type": "message_delta"}:
                self._close(event)
            case {"type": "message_stop"}:
                self.ended = True
            case {"type": "content_block_start" | "content_block_delta" | "content_block_stop"}:
                raise unreadable("an event of the answer lacks its block")

    def usage(self) -> Usage:
        """The tokens; None for a count that the provider leaves out. Unlike its input, ours includes cached tokens."""
        fresh = as_count(self._usage.get("input_tokens"))
        cached = as_count(self._usage.get("cache_read_input_tokens"))
        written = as_count(self._usage.get("cache_creation_input_tokens"))
        return Usage(
            input=None if fresh is None else fresh + (cached or 0) + (written or 0),
            cached=cached,
            cache_write=written,
            output=as_count(self._usage.get("output_tokens")),
            reasoning=as_count(as_object(self._usage.get("output_tokens_details")).get("thinking_tokens")),
        )

    def layout(self) -> tuple[Json, ...]:
        """Every block in the answer's order, if any of them is a thought; otherwise (). Raises ModelError."""
        blocks = [block for _, block in sorted(self._blocks.items())]
        if not any(block.value.get("type") in _THOUGHTS for block in blocks):
            return ()
        layout: list[Json] = []
        for block in blocks:
            match block.value.get("type"):
                case "thinking":
                    layout.append({**block.value, "thinking": "".join(block.pieces)})
                case "redacted_thinking":
                    layout.append(block.value)
                case "tool_use":
                    layout.append({"type": "tool_use"})
                case "text" if block.end > block.start:
                    layout.append({"type": "text", "start": block.start, "end": block.end})
        try:
            canonical(layout, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise unreadable("the answer's reasoning cannot be kept as JSON") from error
        return tuple(layout)

    def _start(self, index: int, value: dict[str, Json]) -> Iterator[ModelEvent]:
        if index in self._blocks:
            raise unreadable("a block of the answer begins twice")
        check_parts(len(self._blocks))
        block = self._blocks[index] = _Block(dict(value), self._length, self._length)
        yield from self._say(block, as_text(value.get("text")))
        yield from self._think(block, as_text(value.get("thinking")))

    def _add(self, block: _Block, delta: Mapping[str, Json]) -> Iterator[ModelEvent]:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                yield from self._say(block, text)
            case {"type": "thinking_delta", "thinking": str(text)}:
                yield from self._think(block, text)
            case {"type": "signature_delta", "signature": str(signature)}:
                block.value["signature"] = signature
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                block.pieces.append(piece)
                if piece:
                    yield WritingDelta(text=piece)

    def _stop(self, block: _Block) -> Iterator[ModelEvent]:
        block.ended = True
        if block.value.get("type") == "tool_use":
            yield _call(block)

    def _think(self, block: _Block, piece: str) -> Iterator[ModelEvent]:
        if piece:
            between = _BETWEEN if self._thought and not block.pieces else ""
            self._thought = True
            block.pieces.append(piece)
            yield ReasoningDelta(text=between + piece)

    def _say(self, block: _Block, text: str) -> Iterator[ModelEvent]:
        if not text:
            return
        between = ""
        if block.start == block.end:
            between = _BETWEEN if self._length and self._follows_other(block) else ""
            block.start = self._length + len(between)
        self._length += len(between) + len(text)
        block.end = self._length
        yield TextDelta(text=between + text)

    def _follows_other(self, block: _Block) -> bool:
        before = [other for other in self._blocks.values() if other is not block]
        spoken = [other for other in before if other.value.get("type") != "text" or other.end > other.start]
        return spoken[-1].value.get("type") != "text"

    def _at(self, index: int) -> _Block:
        if index not in self._blocks:
            raise unreadable("an event of the answer lacks its block")
        if self._blocks[index].ended:
            raise unreadable("a block of the answer goes on after its end")
        return self._blocks[index]

    def _close(self, event: Mapping[str, Json]) -> None:
        delta, usage = event.get("delta"), event.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        if isinstance(delta, dict) and delta.get("stop_reason") is not None:
            self.stop_reason = _STOPS.get(as_text(delta["stop_reason"]), "other")

    def _count(self, usage: Mapping[str, Json]) -> None:
        self._usage.update({name: value for name, value in usage.items() if value is not None})


def _call(block: _Block) -> CallDelta:
    # A call without arguments comes with one empty piece, or with none; a few servers give them whole at the start.
    raw = "".join(block.pieces) or json.dumps(block.value.get("input") or {}, ensure_ascii=False)
    return CallDelta(tool=as_text(block.value.get("name")), arguments=raw)
