"""What the events of a Responses answer add up to: its text as it comes, its calls, and how it was laid out.

A position is the only thing by which items are told apart: servers that speak like OpenAI leave ids out, or use one
twice. They leave whole events out, too, so that each thing is read from whichever event has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from backends.models.answer_json import add_counts, as_object, as_objects, as_text, check_parts
from backends.models.answer_text import AnswerText, Part
from backends.models.call_arguments import arguments, joined, offered
from backends.models.openai.errors import reported
from backends.models.stop_words import stop_reason_in
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, ModelEvent, ReasoningDelta, TextDelta, WritingDelta
from core.values import StopReason

BETWEEN = "\n\n"
"""What parts two messages of one answer, such as a remark before a call and the text after it, and two thoughts."""


@dataclass(slots=True)
class _Item:
    """An item of the answer, at its place in the output; `pieces` are what has come of its text or its arguments."""

    index: Json
    value: dict[str, Json]
    pieces: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def type(self) -> str:
        return as_text(self.value.get("type"))


@dataclass(slots=True)
class Output:
    """What an answer's events add up to, with its `text`. `ended` after the terminal event; `usage` is as the server
    counts. `_pieces` are the text as it came, `_told` what of it is the answer's."""

    text: AnswerText = field(default_factory=AnswerText)
    ended: bool = False
    usage: dict[str, Json] = field(default_factory=dict)
    stop_reason: StopReason = "other"
    _pieces: list[str] = field(default_factory=list)
    _told: list[str] = field(default_factory=list)
    _gap: str = ""
    _speaking: _Item | None = None
    _thought: bool = False
    _apart: str = ""
    _refused: bool = False
    _items: list[_Item] = field(default_factory=list)

    def read(self, event: dict[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; an unknown event is ignored. Raises ModelError."""
        add_counts(self.usage, as_object(as_object(event.get("response")).get("usage")))
        index = event.get("output_index")
        match event.get("type"):
            case "response.output_text.delta":
                yield from self._say(self._at(index, "message"), as_text(event.get("delta")))
            case "response.refusal.delta":
                self._refused = True
                yield from self._say(self._at(index, "message"), as_text(event.get("delta")))
            case "response.output_text.done":
                item = self._newest(index, "message") or self._add(index, {"type": "message"})
                if not item.pieces:
                    yield from self._say(item, as_text(event.get("text")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._think(as_text(event.get("delta")))
            case "response.reasoning_summary_text.done" | "response.reasoning_text.done":
                self._apart = BETWEEN if self._thought else ""
            case "response.output_item.added":
                self._add(index, as_object(event.get("item")))
            case "response.function_call_arguments.delta":
                piece = as_text(event.get("delta"))
                self._at(index, "function_call").pieces.append(piece)
                if piece:
                    yield WritingDelta(text=piece)
            case "response.function_call_arguments.done" if written := as_text(event.get("arguments")):
                self._at(index, "function_call").pieces = [written]
            case "response.output_item.done":
                yield from self._done(index, as_object(event.get("item")))
            case "response.completed" | "response.done" | "response.incomplete":
                response = as_object(event.get("response"))
                cut = {"status": "incomplete"} if event.get("type") == "response.incomplete" else {}
                yield from self._end(response | cut)
            case "response.failed":
                raise reported(as_object(event.get("response")).get("error"))
            case _ if event.get("object") == "response" and isinstance(event.get("output"), list):
                add_counts(self.usage, as_object(event.get("usage")))
                yield from self._end(event)  # a whole response in place of a stream of its events

    def layout(self) -> tuple[Json, ...]:
        """Every item in the answer's order, if any of them has to go back as it came; otherwise ()."""
        items = [item.value for item in self._items]
        texts = [text for text in map(_text, items) if text]
        as_it_came = "".join(self._pieces)
        # A text from which a thought or a call was taken is laid out otherwise than its items say.
        if not BETWEEN.join(texts) == as_it_came == "".join(self._told):
            return ()
        if not any(item.get("type") == "reasoning" or item.get("phase") for item in items):
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

    def _say(self, item: _Item, text: str) -> Iterator[ModelEvent]:
        if text:
            if item is not self._speaking:
                yield from self._parts(self.text.finish())
            self._speaking = item
            between = BETWEEN if self._pieces and not item.pieces else ""
            self._gap = between if between and self._told else self._gap
            item.pieces.append(text)
            self._pieces.append(between + text)
            yield from self._parts(self.text.read(text))

    def _parts(self, parts: Iterator[Part]) -> Iterator[ModelEvent]:
        for kind, text in parts:
            match kind:
                case "thought":
                    yield ReasoningDelta(text=text)
                case "held" if text:
                    yield WritingDelta(text=text)
                case "text":
                    text, self._gap = self._gap + text, ""
                    self._told.append(text)
                    yield TextDelta(text=text)

    def _done(self, index: Json, value: dict[str, Json]) -> Iterator[ModelEvent]:
        """An item as a whole, and with it what of a message's text was not streamed."""
        before = self._newest(index, as_text(value.get("type")))
        if before is not None and before.ended and before.value == {**before.value, **value}:
            return  # the same event once more
        item = self._at(index, as_text(value.get("type")))
        item.value, item.ended = {**item.value, **value}, True
        said, whole = "".join(item.pieces), _text(item.value)
        if whole.startswith(said):
            yield from self._say(item, whole[len(said) :])

    def _think(self, text: str) -> Iterator[ModelEvent]:
        if text:
            self.text.told_apart()
            text, self._apart, self._thought = self._apart + text, "", True
            yield ReasoningDelta(text=text)

    def _newest(self, index: Json, kind: str) -> _Item | None:
        """The newest item of this kind at this place; at any place if the server does not say which."""
        for item in reversed(self._items):
            if item.type == kind and (None in (index, item.index) or item.index == index):
                return item
        return None

    def _at(self, index: Json, kind: str) -> _Item:
        """The item of this kind at this place that goes on, or begins."""
        item = self._newest(index, kind)
        return self._add(index, {"type": kind}) if item is None or item.ended else item

    def _add(self, index: Json, value: dict[str, Json]) -> _Item:
        check_parts(len(self._items))
        self._items.append(_Item(index, value))
        return self._items[-1]

    def _end(self, response: dict[str, Json]) -> Iterator[ModelEvent]:
        """The calls, in the output's order, and the text that was not streamed. The response's own list of items is the
        whole one, unless a server leaves out of it what it has streamed."""
        if response.get("status") == "failed" or response.get("error"):
            raise reported(response.get("error"))
        listed = [_Item(None, item) for item in as_objects(response.get("output"))]
        streamed, self._items = self._items, listed
        if not listed or len(_calls(listed)) < len(_calls(streamed)):
            self._items = streamed
        came = "".join(self._pieces)
        whole = BETWEEN.join(text for item in self._items if (text := _text(item.value)))
        if whole.startswith(came) and whole != came:
            self._pieces.append(whole[len(came) :])
            yield from self._parts(self.text.read(whole[len(came) :]))
        self._refused = self._refused or any(_refuses(item.value) for item in self._items)
        reason = self._stop(response)
        yield from self._parts(self.text.finish(cut=reason == "length"))
        calls, before = _calls(self._items), _calls(streamed)
        if not calls:
            yield from self.text.calls(reason)
        for number, call in enumerate(calls):
            written = call.value.get("arguments")
            if written in (None, "", "{}", {}):
                # The list may lack what was streamed: arguments that were cut must not become none.
                at = before[number] if len(before) == len(calls) else call
                written = joined(at.pieces) or at.value.get("arguments") or written
            name = offered(as_text(call.value.get("name")), self.text.tools)
            yield CallDelta(tool=name, arguments=arguments(written, self.text.tools.get(name)))
        called = bool(calls) or self.text.called
        self.stop_reason = "tool_calls" if reason == "end" and called else reason
        self.ended = True

    def _stop(self, response: dict[str, Json]) -> StopReason:
        if reason := as_object(response.get("incomplete_details")).get("reason"):
            return stop_reason_in(reason)
        if response.get("status") in ("incomplete", "cancelled"):
            return "other"
        return "refusal" if self._refused else "end"


def _calls(items: list[_Item]) -> list[_Item]:
    return [item for item in items if item.type == "function_call"]


def _parts(item: dict[str, Json]) -> list[dict[str, Json]]:
    return as_objects(item.get("content")) if item.get("type") == "message" else []


def _text(item: dict[str, Json]) -> str:
    return "".join(as_text(part.get("text")) or as_text(part.get("refusal")) for part in _parts(item))


def _refuses(item: dict[str, Json]) -> bool:
    return any(part.get("type") == "refusal" for part in _parts(item))
