"""What the events of a Responses answer add up to: its text as it comes, its calls, and how it was laid out.

Items are told apart by their position, and by their ids only where several have one position: servers that speak like
OpenAI leave ids out, or use one twice. They leave whole events out, too: each thing is read
from whichever event has it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from backends.models.answer_json import add_counts, as_object, as_objects, as_text, check_parts
from backends.models.answer_text import AnswerText
from backends.models.call_arguments import arguments, joined, offered
from backends.models.failures import reported
from backends.models.stop_words import stop_reason_in
from backends.models.told_parts import BETWEEN, ToldParts, Words
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, ModelEvent, WritingDelta
from core.values import StopReason

_THOUGHT = re.compile(r"response\.reasoning(_summary|_content)?(_text)?\.(delta|done)")
_TEXTS = {
    f"response.{name}.{how}" for name in ("output_text", "text", "refusal", "content_part") for how in ("delta", "done")
}
_ENDS = {f"response.{word}" for word in ("completed", "complete", "done", "finished", "end", "incomplete")}
_UNFINISHED = ("queued", "in_progress")


@dataclass(slots=True)
class _Item:
    """An item of the answer, at its place in the output; `pieces` are what has come of its text or its arguments."""

    index: Json
    value: dict[str, Json]
    pieces: list[str] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    ended: bool = False

    @property
    def type(self) -> str:
        return as_text(self.value.get("type"))


@dataclass(slots=True)
class Output:
    """What an answer's events add up to, with its `text`. `ended` after the terminal event; `usage` is as the server
    counts. `_fits`: what was streamed is what the last event lists."""

    text: AnswerText = field(default_factory=AnswerText)
    ended: bool = False
    usage: dict[str, Json] = field(default_factory=dict)
    stop_reason: StopReason = "other"
    _told: ToldParts = field(init=False)
    _thinking: bool = False
    _fits: bool = True
    _refused: bool = False
    _items: list[_Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._told = ToldParts(self.text)

    def read(self, event: dict[str, Json]) -> Iterator[ModelEvent]:
        """What an event says; an unknown event is ignored. Raises ModelError."""
        response = as_object(event.get("response"))
        for usage in (response.get("usage"), event.get("usage")):
            add_counts(self.usage, as_object(usage))
        index, item_id = event.get("output_index"), as_text(event.get("item_id"))
        match event.get("type"):
            case str(kind) if kind in _TEXTS:
                yield from self._read_text(kind, index, event)
            case str(kind) if _THOUGHT.fullmatch(kind):
                yield from self._think(_piece(event), done=kind.endswith("done"))
            case "response.output_item.added":
                self._add(index, as_object(event.get("item")))
            case "response.function_call_arguments.delta":
                piece = _piece(event)
                self._at(index, "function_call", item_id).pieces.append(piece)
                if piece:
                    yield WritingDelta(text=piece)
            case "response.function_call_arguments.done" if written := as_text(event.get("arguments")):
                call = self._at(index, "function_call", item_id)
                call.pieces = [written]
                call.value = {"name": event.get("name"), **call.value}
            case "response.output_item.done":
                yield from self._done(index, as_object(event.get("item")))
            case str(kind) if kind in _ENDS:
                cut = {"status": "incomplete"} if kind == "response.incomplete" else {}
                yield from self._end({**event, **response, **cut})
            case "response.failed":
                raise reported(response.get("error"))
            case kind if isinstance(event.get("output"), list) and (
                kind == "body" or event.get("object") == "response"
            ):
                # A whole response in place of a stream of its events.
                if event.get("status") not in _UNFINISHED:
                    yield from self._end(event)

    def layout(self) -> tuple[Json, ...]:
        """Every item in the answer's order, if any of them has to go back as it came; otherwise ()."""
        items = [item.value for item in self._items]
        thoughtful = any(item.words.thoughts for item in self._items)
        if not (thoughtful or any(item.get("type") == "reasoning" or item.get("phase") for item in items)):
            return ()
        if not self._fits:
            return ()
        blocks: list[Json] = []
        for item in self._items:
            match item.type:
                case "reasoning":
                    blocks.append(item.value)
                case "function_call":
                    blocks.append({"type": "function_call"})
                case "message" if item.words or item.words.thoughts:
                    blocks.append({"type": "message", **item.words.layout(), "phase": item.value.get("phase")})
        blocks += [] if _calls(self._items) else [{"type": "function_call"} for _ in self.text.found]
        try:
            canonical(blocks, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise ModelError("protocol", "the answer's reasoning cannot be kept as JSON") from error
        return tuple(blocks)

    def _read_text(self, kind: str, index: Json, event: dict[str, Json]) -> Iterator[ModelEvent]:
        """A piece of a message, or what a server that streams no pieces says at its end."""
        part = as_object(event.get("part"))
        text = _piece(event) or as_text(part.get("text"))
        refusal = as_text(event.get("refusal")) or as_text(part.get("refusal"))
        if kind.endswith("delta"):
            self._refused = self._refused or kind == "response.refusal.delta"
            yield from self._say(self._at(index, "message", as_text(event.get("item_id"))), text)
        elif text or refusal:
            self._refused = self._refused or bool(refusal)
            item = self._newest(index, "message") or self._add(index, {"type": "message"})
            if not item.pieces:
                yield from self._say(item, text or refusal)

    def _say(self, item: _Item, text: str) -> Iterator[ModelEvent]:
        if text:
            if not item.pieces:
                item.words.start = item.words.end = self._told.length
            item.pieces.append(text)
            yield from self._told.say(item.words, text)

    def _done(self, index: Json, value: dict[str, Json]) -> Iterator[ModelEvent]:
        """An item as a whole, and with it what of a message's text was not streamed."""
        before = self._newest(index, as_text(value.get("type")), as_text(value.get("id")))
        if before is not None and before.ended and before.value == {**before.value, **value}:
            return  # the same event once more
        item = self._at(index, as_text(value.get("type")), as_text(value.get("id")))
        told = {key: part for key, part in value.items() if part is not None or key not in item.value}
        item.value, item.ended = {**item.value, **told}, True
        said, whole = "".join(item.pieces), _text(item.value)
        if whole.startswith(said):
            yield from self._say(item, whole[len(said) :])
        if item.type == "reasoning":
            if not self._thinking:
                yield from self._think(_thought(item.value), done=True)
            self._thinking = False

    def _think(self, text: str, *, done: bool) -> Iterator[ModelEvent]:
        """A piece of a thought, or all of it once more where it is done."""
        if not (done and self._thinking):
            self._thinking = self._thinking or bool(text)
            yield from self._told.think(text)
        if done:
            self._told.part_thoughts()

    def _newest(self, index: Json, kind: str, item_id: str = "") -> _Item | None:
        """The newest item of this kind at this place, or at any place if the server does not say which; the one with
        this id if several have one place and different ids."""
        here = [
            item for item in self._items if item.type == kind and (None in (index, item.index) or item.index == index)
        ]
        named = [item for item in here if item_id and item.value.get("id") == item_id]
        return next(reversed(named if len(named) == 1 else here), None)

    def _at(self, index: Json, kind: str, item_id: str = "") -> _Item:
        """The item of this kind at this place that goes on, or begins."""
        item = self._newest(index, kind, item_id)
        return self._add(index, {"type": kind}) if item is None or item.ended else item

    def _add(self, index: Json, value: dict[str, Json]) -> _Item:
        before = self._newest(index, as_text(value.get("type")))
        if before is not None and not before.ended and before.value.keys() <= {"type", "name"} < value.keys():
            before.value = value  # it is announced after its first piece
            return before
        check_parts(len(self._items))
        self._items.append(_Item(index, value))
        return self._items[-1]

    def _end(self, response: dict[str, Json]) -> Iterator[ModelEvent]:
        """The calls, in the output's order, and the text that was not streamed. The response's own list of items is the
        whole one, unless a server leaves out of it what it has streamed."""
        if response.get("status") == "failed" or response.get("error"):
            raise reported(response.get("error"))
        streamed, listed = self._items, [_Item(None, item) for item in as_objects(response.get("output"))]
        if not listed and not streamed and (text := as_text(response.get("output_text"))):
            listed = [_Item(None, {"type": "message", "content": text})]
        if listed and len(_calls(listed)) >= len(_calls(streamed)):
            self._items = listed
            yield from self._say_rest(streamed)
        self._refused = self._refused or any(_refuses(item.value) for item in self._items)
        reason = self._stop(response)
        yield from self._told.pause(cut=reason == "length")
        calls, before = _calls(self._items), _calls(streamed)
        if not calls:
            yield from self.text.calls(reason)
        for number, call in enumerate(calls):
            at = before[number] if len(before) == len(calls) else call
            written = call.value.get("arguments")
            if written in (None, "", "{}", {}):
                # The list may lack what was streamed: arguments that were cut must not become none.
                written = joined(at.pieces) or at.value.get("arguments") or written
            name = as_text(call.value.get("name")) or as_text(at.value.get("name"))
            name = offered(name, self.text.tools)
            yield CallDelta(tool=name, arguments=arguments(written, self.text.tools.get(name)))
        called = bool(calls) or self.text.called
        self.stop_reason = "tool_calls" if reason == "end" and called else reason
        self.ended = True

    def _say_rest(self, streamed: list[_Item]) -> Iterator[ModelEvent]:
        """What of the listed messages was not streamed, if they are those that were."""
        said = [item for item in streamed if item.pieces and item.type == "message"]
        came, listed = ["".join(item.pieces) for item in said], [item for item in self._items if _text(item.value)]
        pairs = list(zip(came, (_text(item.value) for item in listed), strict=False))
        self._fits = len(pairs) == len(came) and all(whole == piece for piece, whole in pairs[:-1])
        if self._fits and pairs[-1:] and not pairs[-1][1].startswith(pairs[-1][0]):
            self._fits = False
        if self._fits:
            for item, before in zip_longest(listed, said):
                if before is not None:
                    item.words, item.pieces = before.words, before.pieces
                yield from self._say(item, _text(item.value)[len("".join(item.pieces)) :])
        elif said and (whole := BETWEEN.join(map(_text, (item.value for item in listed)))).startswith(
            BETWEEN.join(came)
        ):
            # What was streamed as one text is listed as several.
            yield from self._told.say(said[-1].words, whole[len(BETWEEN.join(came)) :])

    def _stop(self, response: dict[str, Json]) -> StopReason:
        if reason := as_object(response.get("incomplete_details")).get("reason"):
            return stop_reason_in(reason)
        if response.get("status") in ("incomplete", "cancelled"):
            return "other"
        return "refusal" if self._refused else "end"


def _calls(items: list[_Item]) -> list[_Item]:
    return [item for item in items if item.type == "function_call"]


def _piece(event: dict[str, Json]) -> str:
    """The text of an event, in the field for pieces or in the one for wholes."""
    delta = event.get("delta")
    return as_text(delta) or as_text(as_object(delta).get("text")) or as_text(event.get("text"))


def _parts(item: dict[str, Json]) -> list[dict[str, Json]]:
    content = item.get("content")
    if item.get("type") != "message":
        return []
    return [{"text": content}] if isinstance(content, str) else as_objects(content)


def _text(item: dict[str, Json]) -> str:
    return "".join(as_text(part.get("text")) or as_text(part.get("refusal")) for part in _parts(item))


def _thought(item: dict[str, Json]) -> str:
    """What a whole item of reasoning says in words."""
    parts = as_objects(item.get("summary")) or as_objects(item.get("content"))
    return BETWEEN.join(text for part in parts if (text := as_text(part.get("text"))))


def _refuses(item: dict[str, Json]) -> bool:
    return any(part.get("type") == "refusal" for part in _parts(item))
