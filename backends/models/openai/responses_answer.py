"""What the events of a Responses answer add up to: its text as it comes, its calls, and how it was laid out.

A position is the only thing by which items are told apart: servers that speak like OpenAI leave ids out, or use one
twice.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from backends.models.answer_json import as_objects, as_text, check_parts
from backends.models.openai.errors import reported
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, ModelEvent, ReasoningDelta, TextDelta, WritingDelta
from core.values import StopReason

BETWEEN = "\n\n"
"""What parts two messages of one answer, such as a remark before a call and the text after it, and two thoughts."""


@dataclass(slots=True)
class _Item:
    """An item of the answer, at its place in the output; `arguments` are the pieces a call has been given so far."""

    index: Json
    value: Json
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Output:
    """What an answer's events add up to. `ended` is the response that the terminal event holds."""

    ended: dict[str, Json] | None = None
    stop_reason: StopReason = "other"
    _pieces: list[str] = field(default_factory=list)
    _between: str = ""
    _thought: bool = False
    _apart: str = ""
    _refused: bool = False
    _items: list[_Item] = field(default_factory=list)

    def read(self, event: dict[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; an unknown event is ignored. Raises ModelError."""
        match event.get("type"):
            case "response.output_text.delta":
                yield from self._say(as_text(event.get("delta")))
            case "response.refusal.delta":
                self._refused = True
                yield from self._say(as_text(event.get("delta")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._think(as_text(event.get("delta")))
            case "response.reasoning_summary_text.done" | "response.reasoning_text.done":
                self._apart = BETWEEN if self._thought else ""
            case "response.output_item.added":
                added = self._add(event.get("output_index"), _item(event.get("item")))
                if self._pieces and added.value.get("type") == "message":
                    self._between = BETWEEN
            case "response.function_call_arguments.delta":
                piece = as_text(event.get("delta"))
                self._at(event.get("output_index")).arguments.append(piece)
                if piece:
                    yield WritingDelta(text=piece)
            case "response.output_item.done":
                self._at(event.get("output_index")).value = _item(event.get("item"))
            case "response.completed" | "response.incomplete":
                yield from self._end(_item(event.get("response")))
            case "response.failed":
                raise reported(_item(event.get("response")).get("error"))

    def layout(self) -> tuple[Json, ...]:
        """Every item in the answer's order, if any of them has to go back as it came; otherwise ()."""
        items = [item.value for item in self._items]
        texts = [text for text in map(_text, items) if text]
        if BETWEEN.join(texts) != "".join(self._pieces) or not any(
            i.get("type") == "reasoning" or i.get("phase") for i in items
        ):
            return ()
        blocks: list[Json] = []
        start = 0
        for item in items:
            match item.get("type"):
                case "reasoning":
                    blocks.append(item)
                case "function_call":
                    blocks.append({"type": "function_call"})
                case "message" if text := _text(item):
                    end = start + len(text)
                    blocks.append({"type": "message", "start": start, "end": end, "phase": item.get("phase")})
                    start = end + len(BETWEEN)
        try:
            canonical(blocks, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise ModelError("protocol", "the answer's reasoning cannot be kept as JSON") from error
        return tuple(blocks)

    def _say(self, text: str) -> Iterator[ModelEvent]:
        if text:
            text, self._between = self._between + text, ""
            self._pieces.append(text)
            yield TextDelta(text=text)

    def _think(self, text: str) -> Iterator[ModelEvent]:
        if text:
            text, self._apart, self._thought = self._apart + text, "", True
            yield ReasoningDelta(text=text)

    def _at(self, index: Json) -> _Item:
        """The item at this place in the output: the last one, where a server gives a place twice."""
        for item in reversed(self._items):
            if item.index == index:
                return item
        return self._add(index, {})

    def _add(self, index: Json, value: dict[str, Json]) -> _Item:
        check_parts(len(self._items))
        self._items.append(_Item(index, value))
        return self._items[-1]

    def _end(self, response: dict[str, Json]) -> Iterator[ModelEvent]:
        """The calls, in the output's order, and the text if none of it was streamed. The response's own list of items
        is the whole one; only where a server leaves it empty do the items as they came stand for it."""
        output = response.get("output")
        if isinstance(output, list) and output:
            self._items = [_Item(None, _item(value)) for value in output]
        if not self._pieces:
            yield from self._say(BETWEEN.join(text for item in self._items if (text := _text(item.value))))
        calls = [item for item in self._items if item.value.get("type") == "function_call"]
        for call in calls:
            written = call.value.get("arguments") or "".join(call.arguments)
            raw = written if isinstance(written, str) else json.dumps(written)
            yield CallDelta(tool=as_text(call.value.get("name")), arguments=raw)
        self._refused = self._refused or any(_refuses(item.value) for item in self._items)
        self.stop_reason = self._stop(response, bool(calls))
        self.ended = response

    def _stop(self, response: dict[str, Json], called: bool) -> StopReason:
        match response.get("incomplete_details"):
            case {"reason": "max_output_tokens"}:
                return "length"
            case {"reason": "content_filter"}:
                return "refusal"
            case {"reason": _}:
                return "other"
        if response.get("status") == "incomplete":
            return "other"
        if self._refused:
            return "refusal"
        return "tool_calls" if called else "end"


def _item(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ModelError("protocol", "an event of the answer lacks its item")
    return value


def _parts(item: dict[str, Json]) -> list[dict[str, Json]]:
    return as_objects(item.get("content")) if item.get("type") == "message" else []


def _text(item: dict[str, Json]) -> str:
    return "".join(as_text(part.get("text")) or as_text(part.get("refusal")) for part in _parts(item))


def _refuses(item: dict[str, Json]) -> bool:
    return any(part.get("type") == "refusal" for part in _parts(item))
