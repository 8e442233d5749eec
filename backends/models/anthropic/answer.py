"""What the events of one of Anthropic's answers add up to, block by block.

Gateways that speak as Anthropic does leave beginnings and ends of blocks out, and give one place to two blocks. What
they say is read however it is written; whether it is whole depends on the end alone. Calls are reported at that end, in
the answer's order, and their arguments while they are written: those are the only sign that the model is at work.
"""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import takewhile

from backends.models.answer_json import (
    add_counts,
    as_count,
    as_object,
    as_text,
    check_parts,
    event_object,
)
from backends.models.answer_text import AnswerText
from backends.models.call_arguments import arguments, is_json, joined, offered
from backends.models.sse import unreadable
from backends.models.stop_words import stop_reason_in
from backends.models.told_parts import ToldParts, Words
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput
from core.model import CallDelta, ModelEvent, UsageSoFar, WritingDelta
from core.values import StopReason, Usage

_THOUGHTS = {"thinking", "redacted_thinking"}
_WORDS = {"text", *_THOUGHTS}
_DELTAS = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "partial_json": "input_json_delta",
    "input": "input_json_delta",
}
"""The type of a delta that has none, by the name of what it holds."""


def json_event(name: str, data: str) -> dict[str, Json]:
    """The object in an event, by the event's name if it has no `type`; `end` for a clean end of the stream.

    Raises ModelError for anything else.
    """
    if name == "ping" or not data.strip():
        return {"type": "end" if name == "end" else "ping"}
    if data.strip() == "[DONE]":
        return {"type": "end"}
    event = event_object(data)
    if isinstance(event.get("type"), str):
        return event
    return {**event, "type": "message" if name == "body" and "content" in event else name}


@dataclass(slots=True)
class _Block:
    """A part of the answer; `words` are its text, `pieces` what it has besides text."""

    index: Json
    value: dict[str, Json]
    words: Words
    pieces: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def type(self) -> str:
        return as_text(self.value.get("type"))


@dataclass(slots=True)
class Answer:
    """An answer as far as it came, with its `text`; `ended` once it is whole. `_given` are the blocks it began with.

    It is whole after its last event, or after its stop reason and a clean end of the stream.
    """

    text: AnswerText = field(default_factory=AnswerText)
    ended: bool = False
    _told: ToldParts = field(init=False)
    _reason: Json = None
    _given: list[Json] = field(default_factory=list)
    _blocks: list[_Block] = field(default_factory=list)
    _usage: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._told = ToldParts(self.text)

    def read(self, event: Mapping[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; an unknown event is ignored. Raises ModelError."""
        index = _index(event.get("index"))
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self._given, self._reason = _blocks_in(message), message.get("stop_reason")
                if isinstance(usage := message.get("usage"), dict):
                    # The output counted so far is that of its first tokens only.
                    usage = {name: value for name, value in usage.items() if not name.startswith("output_tokens")}
                    add_counts(self._usage, usage)
                    yield UsageSoFar(usage=self.usage())
            case {"type": "message"}:
                yield from self._whole(_blocks_in(event))
                yield from self._close(event)
                yield from self._end_here()
            case {"type": "content_block_start", "content_block": dict(value)}:
                yield from self._start(index, value)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                yield from self._add(index, delta)
            case {"type": "content_block_stop"}:
                yield from self._stop(index, as_object(event.get("content_block")))
            case {"type": "message_delta"}:
                yield from self._close(event, as_object(event.get("delta")))
            case {"type": "message_stop"}:
                yield from self._close(event, as_object(event.get("message")))
                yield from self._end_here()
            case {"type": "end"} if self._reason is not None:
                yield from self._end_here()

    @property
    def stop_reason(self) -> StopReason:
        reason = self._end
        called = bool(self._uses()) or self.text.called
        if reason == "tool_calls" and not called and self._told.length:
            return "other"  # the calls were lost on their way
        return "tool_calls" if reason == "end" and called else reason

    def calls(self) -> Iterator[CallDelta]:
        """The calls of a whole answer, in its order, as far as they came. Raises ModelError."""
        if not (uses := self._uses()):
            yield from self.text.calls(self._end)
        for block in uses:
            name, raw = offered(as_text(block.value.get("name")), self.text.tools), joined(block.pieces)
            # A few servers give the arguments whole at the beginning or at the end.
            written = block.value.get("input") or raw if raw.strip() in ("", "{}", "null") else raw
            yield CallDelta(tool=name, arguments=arguments(written, self.text.tools.get(name)))

    def usage(self) -> Usage:
        """The tokens; None for a count that the provider leaves out. Unlike its input, ours includes cached tokens."""
        fresh = as_count(self._usage.get("input_tokens"))
        cached = as_count(self._usage.get("cache_read_input_tokens"))
        written = as_count(self._usage.get("cache_creation_input_tokens"))
        return Usage(
            # A request or an answer of 0 tokens is a gateway's word for unknown.
            input=None if fresh is None else fresh + (cached or 0) + (written or 0) or None,
            cached=cached,
            cache_write=written,
            output=as_count(self._usage.get("output_tokens")) or None,
            reasoning=as_count(as_object(self._usage.get("output_tokens_details")).get("thinking_tokens")),
        )

    def layout(self) -> tuple[Json, ...]:
        """Every block in the answer's order, if there is a thought in any of them; otherwise (). Raises ModelError."""
        if not any(block.type in _THOUGHTS or block.words.thoughts for block in self._blocks):
            return ()
        layout: list[Json] = []
        for block in self._blocks:
            match block.type:
                case "thinking":
                    layout.append({**block.value, "thinking": "".join(block.pieces)})
                case "redacted_thinking":
                    layout.append(block.value)
                case "tool_use":
                    layout.append({"type": "tool_use"})
                case "text" if block.words or block.words.thoughts:
                    layout.append({"type": "text", **block.words.layout()})
        layout += [] if self._uses() else [{"type": "tool_use"} for _ in self.text.found]
        try:
            canonical(layout, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise unreadable("the answer's reasoning cannot be kept as JSON") from error
        return tuple(layout)

    @property
    def _end(self) -> StopReason:
        """Why the answer ended, by its own words."""
        return "end" if self._reason is None else stop_reason_in(self._reason)

    def _uses(self) -> list[_Block]:
        return [block for block in self._blocks if block.type == "tool_use"]

    def _whole(self, blocks: list[Json]) -> Iterator[ModelEvent]:
        """The blocks of a message that did not come in pieces."""
        for value in blocks:
            if isinstance(value, dict):
                yield from self._start(len(self._blocks), value)
                self._blocks[-1].ended = True

    def _start(self, index: Json, value: dict[str, Json]) -> Iterator[ModelEvent]:
        before = self._open(index)
        if before and value.get("id") and (before.value.get("id"), before.type) == (value["id"], value.get("type")):
            return  # the same call is announced once more, and is not made twice
        block = self._begin(index, dict(value))
        yield from self._say(block, as_text(value.get("text")))
        yield from self._think(block, as_text(value.get("thinking")))

    def _begin(self, index: Json, value: dict[str, Json]) -> _Block:
        check_parts(len(self._blocks))
        for before in self._blocks:
            before.ended = before.ended or (index is not None and before.index == index)
        length = self._told.length
        self._blocks.append(_Block(index, value, Words(start=length, end=length)))
        return self._blocks[-1]

    def _open(self, index: Json, types: Set[str] | None = None, *, other: bool = False) -> _Block | None:
        """The newest block at this place that has not ended; at any place if the server does not say which.

        `types` are those that it may have, or with `other` those that it may not have.
        """
        for block in reversed(self._blocks):
            fits = types is None or (block.type in types) != other
            if not block.ended and fits and (index is None or block.index == index):
                return block
        return None

    def _add(self, index: Json, delta: Mapping[str, Json]) -> Iterator[ModelEvent]:
        match {"type": _DELTAS.get(next(iter(delta), "")), **delta}:
            case {"type": "text_delta", "text": str(text)}:
                block = self._open(index, {"text"})
                # Texts are told as they come, so that one which goes on behind another is a block of its own.
                behind = block is not None and block.words and block.words.end < self._told.length
                if block is None or behind or (index is None and block is not self._blocks[-1]):
                    block = self._begin(index, {"type": "text"})
                yield from self._say(block, text)
            case {"type": "thinking_delta"}:
                block = self._open(index, {"thinking"})
                if block is None or (index is None and block is not self._blocks[-1]):
                    block = self._begin(index, {"type": "thinking"})
                yield from self._think(block, as_text(delta.get("thinking")) or as_text(delta.get("text")))
                self._sign(index, as_text(delta.get("signature")))
            case {"type": "signature_delta"}:
                self._sign(index, as_text(delta.get("signature")))
            case {"type": "input_json_delta"}:
                if piece := delta.get("partial_json") or delta.get("input"):
                    yield from self._write(index, piece if isinstance(piece, str) else json.dumps(piece))

    def _sign(self, index: Json, signature: str) -> None:
        """A piece of a thought's signature, or all of it once more."""
        thoughts = [block for block in self._blocks if block.type == "thinking"]
        at_index = [block for block in thoughts if block.index == index]
        for block in (at_index or thoughts)[-1:] if signature else []:
            before = as_text(block.value.get("signature"))
            block.value["signature"] = signature if signature.startswith(before) else before + signature

    def _write(self, index: Json, piece: str) -> Iterator[ModelEvent]:
        block = self._open(index, _WORDS, other=True) or self._ended_early(index)
        if block is None:
            raise unreadable("the answer has arguments that belong to no call")
        block.pieces.append(piece)
        yield WritingDelta(text=piece)

    def _ended_early(self, index: Json) -> _Block | None:
        """The last call at this place, if its end came before its arguments were whole."""
        at_index = [block for block in self._uses() if block.index == index]
        unfinished = at_index and not at_index[-1].value.get("input") and not is_json("".join(at_index[-1].pieces))
        return at_index[-1] if unfinished else None

    def _stop(self, index: Json, value: Mapping[str, Json]) -> Iterator[ModelEvent]:
        if block := self._open(index):
            block.ended = True
            if value.get("type") == block.type and value.get("input"):
                block.value["input"] = value["input"]
            yield from self._told.pause(block.words)

    def _think(self, block: _Block, piece: str) -> Iterator[ModelEvent]:
        if piece:
            if not block.pieces:
                self._told.part_thoughts()
            block.pieces.append(piece)
            yield from self._told.think(piece)

    def _say(self, block: _Block, text: str) -> Iterator[ModelEvent]:
        before = takewhile(lambda other: other is not block, self._blocks)
        spoken = [other for other in before if other.type != "text" or other.words]
        # Neighbouring texts are one paragraph.
        block.words.apart = bool(spoken) and spoken[-1].type != "text"
        yield from self._told.say(block.words, text)

    def _close(self, *told: Mapping[str, Json]) -> Iterator[ModelEvent]:
        """What is told of the end: the usage and the reason, wherever they stand."""
        for part in told:
            add_counts(self._usage, as_object(part.get("usage")))
            if (reason := part.get("stop_reason")) is not None:
                self._reason = reason
                yield from self._told.pause(cut=self._end == "length")

    def _end_here(self) -> Iterator[ModelEvent]:
        if not self._blocks:
            yield from self._whole(self._given)
        yield from self._told.pause()
        self.ended = True


def _index(value: Json) -> Json:
    """A block's place, which some servers write as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 5 else value


def _blocks_in(message: Mapping[str, Json]) -> list[Json]:
    content = message.get("content")
    return (
        [{"type": "text", "text": content}]
        if isinstance(content, str)
        else content
        if isinstance(content, list)
        else []
    )
