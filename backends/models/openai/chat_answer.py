"""What the chunks of a Chat Completions answer add up to, however a server writes them.

It is lenient about how an answer is written, and strict about what is whole: an answer that has a reason for its end or
is one JSON object, with no byte of an event missing, or one that is followed by `[DONE]`.
"""

from collections.abc import Iterator, Sequence

from backends.models.answer_json import as_count, as_object, as_objects, as_text
from backends.models.answer_text import AnswerText, Part
from backends.models.call_arguments import arguments, is_object, offered
from backends.models.failures import reported
from backends.models.openai.chat_body import THOUGHT_FIELDS
from backends.models.openai.chat_calls import Calls, pieces_of
from backends.models.openai.client import usage
from backends.models.openai.stream import Reported
from backends.models.sse import unreadable
from backends.models.stop_words import stop_reason_in
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, Finish, ModelEvent, ModelRequest, ReasoningDelta, TextDelta, ToolSchema, WritingDelta
from core.values import StopReason, Usage

_THOUGHT_PARTS = ("thinking", "reasoning", "reasoning_content", "thought")
_TEXT_PARTS = (None, "text", "output_text")
_CALL_PARTS = ("tool_use", "tool_call", "function_call", "function")


class Answer:
    """An answer as far as it came. `tools` were offered; `in_json` and `thinks_first` are as `AnswerText` has them."""

    def __init__(self, tools: Sequence[ToolSchema] = (), *, in_json: bool = False, thinks_first: bool = False) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._calls = Calls(self._tools)
        self.text = AnswerText(tools, in_json=in_json, thinks_first=thinks_first)
        self._reason: Json = None
        self._choice: str | None = None
        self._body = self._refused = False
        self._streamed: set[str] = set()
        self._thoughts: dict[str, list[str]] = {}
        self._extras: dict[str, Json] = {}
        self.usage = Usage()

    @property
    def whole(self) -> bool:
        """Whether a clean end of the stream ends a whole answer."""
        return self._body or self._reason is not None

    @property
    def stop_reason(self) -> StopReason:
        reason = "end" if self._reason is None else stop_reason_in(self._reason)
        called = bool(self._calls) or self.text.called
        if reason == "tool_calls" and not called and self.text.said:
            return "other"  # the calls were lost on their way
        if reason != "end":
            return reason
        if self._refused:
            return "refusal"
        return "tool_calls" if called else "end"

    def read(self, chunk: dict[str, Json]) -> Iterator[ModelEvent]:
        """What a chunk says; of several choices the first. Raises ModelError."""
        choices = as_objects(chunk.get("choices")) or [one for one in [as_object(chunk.get("choices"))] if one]
        if chunk.get("type") == "body":
            if not choices:
                raise unreadable("the answer is JSON without choices")
            self._body = True
        self._count(chunk.get("usage"), as_object(chunk.get("x_groq")).get("usage"))
        for choice in choices:
            index = str(choice.get("index") or 0)
            self._choice = self._choice or index
            if index != self._choice:
                continue
            self._count(choice.get("usage"))
            if failed := choice.get("error"):
                raise reported(failed) from Reported(failed)
            delta = _message_in(choice.get("delta"))
            reasons = (place.get(name) for place in (choice, delta) for name in ("finish_reason", "finishReason"))
            self._reason = next((reason for reason in reasons if reason not in (None, "", "null")), self._reason)
            yield from self._message(delta or _message_in(choice.get("text")), streamed=True)
            yield from self._message(_message_in(choice.get("message")), streamed=False)

    def finish(self) -> Iterator[ModelEvent]:
        """What was held back of an answer that is whole: the end of its text, then its calls. Raises ModelError."""
        reason = "end" if self._reason is None else stop_reason_in(self._reason)
        yield from self._parts(self.text.finish(cut=reason == "length"))
        if not self._calls:  # else the text repeats them
            yield from self.text.calls(reason)
        elif reason in ("end", "tool_calls", "length"):  # after any other the calls may be cut, too
            for call in self._calls.in_order():
                name = offered(call.tool, self._tools)
                yield CallDelta(tool=name, arguments=arguments(call.written, self._tools.get(name)))

    def blocks(self) -> tuple[Json, ...]:
        """What must go back with the answer if it has calls: its thoughts, and for each call what the server gave it.

        They go back in later turns, too. Raises ModelError if they cannot be kept.
        """
        calls = self._calls.in_order()
        if not calls and not self.text.called:
            return ()
        message = {name: "".join(pieces) for name, pieces in self._thoughts.items()} | self._extras
        extras = [{"id": call.id, "extra_content": call.extra} for call in calls]
        if not message and not any(call.id or call.extra for call in calls):
            return ()
        blocks: list[Json] = [{"type": "message", "later": True, **message}]
        blocks += [{"type": "call", "later": True, **{k: v for k, v in extra.items() if v}} for extra in extras]
        try:
            canonical(blocks, most=MAX_DEPTH - ROOM)
        except InvalidInput as error:
            raise ModelError("protocol", "the answer's reasoning cannot be kept as JSON") from error
        return tuple(blocks)

    def _message(self, message: dict[str, Json], *, streamed: bool) -> Iterator[ModelEvent]:
        """What a message says, or the part of it that a chunk adds.

        A whole message after its parts repeats them.
        """
        fields = {name: value for name, value in message.items() if value and (streamed or name not in self._streamed)}
        if streamed:
            self._streamed.update(fields)
        for name in ("reasoning_details", "extra_content"):
            self._keep(name, fields.get(name))
        yield from self._think(fields)
        google = as_object(as_object(fields.get("extra_content")).get("google"))
        yield from self._content(fields.get("content"), thought=google.get("thought") is True)
        if refusal := as_text(fields.get("refusal")):
            self._refused = True
            yield TextDelta(text=refusal)
        for piece in pieces_of(fields):
            yield from self._call(piece)

    def _think(self, fields: dict[str, Json]) -> Iterator[ModelEvent]:
        """The thought that stands outside of the content."""
        for name in THOUGHT_FIELDS:
            if thought := _thought_in(fields.get(name)):
                yield from self._thought(name, thought)
                return
        # The details repeat a thought that stands in a field.
        if not any(name in self._thoughts for name in THOUGHT_FIELDS):
            for detail in as_objects(fields.get("reasoning_details")):
                if thought := as_text(detail.get("text")) or as_text(detail.get("summary")):
                    yield from self._thought("", thought)

    def _content(self, content: Json, *, thought: bool) -> Iterator[ModelEvent]:
        """The content: text, or a list of parts."""
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, str):
                yield from self._thought("in_content", part) if thought else self._parts(self.text.read(part))
                continue
            match (part := as_object(part)).get("type"):
                case kind if kind in _THOUGHT_PARTS:
                    said = next(
                        (part[name] for name in (*_THOUGHT_PARTS, "text", "content", "summary") if name in part), None
                    )
                    yield from self._thought("in_parts", _thought_in(said))
                case "refusal":
                    self._refused = True
                    yield TextDelta(text=as_text(part.get("refusal")))
                case kind if kind in _TEXT_PARTS:
                    said = part.get("text")
                    yield from self._parts(self.text.read(as_text(said) or as_text(as_object(said).get("value"))))
                case kind if kind in _CALL_PARTS:
                    yield from self._call(part)

    def _call(self, piece: dict[str, Json]) -> Iterator[ModelEvent]:
        if written := self._calls.write(piece):
            yield WritingDelta(text=written)

    def _thought(self, name: str, text: str) -> Iterator[ModelEvent]:
        """A thought that stands where the server puts thoughts; "" if it goes back otherwise."""
        if not text:
            return
        self.text.told_apart()
        if name:
            self._thoughts.setdefault(name, []).append(_clean(text))
        yield ReasoningDelta(text=text)

    def _parts(self, parts: Iterator[Part]) -> Iterator[ModelEvent]:
        for kind, text in parts:
            match kind:
                case "thought":
                    self._thoughts.setdefault("in_content", []).append(_clean(text))
                    yield ReasoningDelta(text=text)
                case "held" if text:
                    yield WritingDelta(text=text)
                case "text":
                    yield TextDelta(text=text)

    def _keep(self, name: str, value: Json) -> None:
        known = self._extras.get(name)
        if isinstance(known, list) and isinstance(value, list):
            self._extras[name] = [*known, *value]
        elif value:
            self._extras[name] = value

    def _count(self, *counts: Json) -> None:
        """Add what is known of the tokens used: a 0 does not replace a count."""
        for body in map(as_object, counts):
            told = usage(body, "prompt", "completion").model_dump()
            told["cached"] = _first(told["cached"], body.get("prompt_cache_hit_tokens"), body.get("cached_tokens"))
            told["input"] = _first(told["input"], body.get("input_tokens"))
            told["output"] = _first(told["output"], body.get("output_tokens"))
            known = self.usage.model_dump()
            self.usage = Usage(
                **{name: told[name] or (known[name] if known[name] is not None else told[name]) for name in told}
            )


def rescued(request: ModelRequest, error: Json) -> Iterator[ModelEvent]:
    """The answer in an error that says that the server could not read the calls in it: nothing, if we cannot, either.

    Its tokens are unknown.
    """
    answer = Answer(request.tools, in_json=request.output is not None)
    text = as_text(as_object(error).get("failed_generation"))
    try:
        whole = {"message": {"content": text}, "finish_reason": "stop"}
        told = [*answer.read({"choices": [whole]}), *answer.finish()]
    except ModelError:
        return
    calls = [event for event in told if event.kind == "call"]
    if calls and all(is_object(call.arguments) for call in calls):
        yield from told
        yield Finish(stop_reason="tool_calls", usage=answer.usage, cost=None, reasoning=answer.blocks())


def _message_in(value: Json) -> dict[str, Json]:
    """A message, which may be no more than its text."""
    return {"content": value} if isinstance(value, str) else as_object(value)


def _first(*counts: Json) -> int | None:
    return next((count for count in map(as_count, counts) if count is not None), None)


def _thought_in(value: Json) -> str:
    """A thought, which may be text, a list of parts, or an object with it."""
    if isinstance(value, list):
        return "".join(map(_thought_in, value))
    fields = as_object(value)
    return as_text(value) or as_text(fields.get("text")) or as_text(fields.get("content"))


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()
