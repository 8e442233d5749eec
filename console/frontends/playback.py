"""A turn's events as server-sent events of a protocol, from any position on.

`play` reads the turn's events from the first one, and sends what the browser does not have yet. So a stream is resumed
by following the turn again: in any process, without a buffer of what was sent.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

from console.frontends.position import Ending, Part, Position, digest_of, parsed
from core.canonical import Json
from core.live.events import Event
from core.log.records import ToolCall, Turn

KEEP_ALIVE = ": beat\n\n"
"""A comment: readers skip it, and proxies see that the connection is in use."""

_ASKED, _FINISHED = 8, 9
"""The steps of a call after those that announce it."""


class Dialect(Protocol):
    """What a protocol makes of a turn: each method gives events as JSON, in order."""

    @property
    def protocol(self) -> str:
        """The protocol and the version of its positions, such as `ai1`."""

    def head(self, turn: Turn) -> Sequence[Json]:
        """Open a run. A turn that goes on after an approval opens another one."""

    def part_start(self, part: Part, part_id: str) -> Json: ...
    def part_delta(self, part: Part, part_id: str, delta: str) -> Json: ...
    def part_end(self, part: Part, part_id: str) -> Json: ...

    def discarded(self, turn: Turn) -> Json:
        """The text parts so far count no more."""

    def announced(self, call: ToolCall) -> Sequence[Json]:
        """The call, with its arguments: at most seven events."""

    def asked(self, call: ToolCall) -> Json | None:
        """The call waits for a decision; None if the protocol says so at the run's end."""

    def finished(self, call: ToolCall) -> Json:
        """What came of the call."""

    def parked(self, turn: Turn, calls: Sequence[ToolCall]) -> Sequence[Json]:
        """End a run that waits for decisions on these calls."""

    def ended(self, turn: Turn) -> Sequence[Json]:
        """End the last run."""

    def passing(self, name: str, value: Json) -> Json:
        """What is of interest only now, and is not sent again."""


def play(
    dialect: Dialect, turn: Turn, events: AsyncIterable[Event], last_event_id: str | None
) -> AsyncGenerator[str, None]:
    """The turn's events as server-sent events, each with its position as `id`.

    Raises InvalidInput at once if `last_event_id` is of another turn or protocol. The generator raises what following
    raises: then the browser connects again, and goes on where it was.
    """
    # Not a generator itself: what is wrong with the request is to be known before a response has begun.
    return _played(_Playback(dialect, turn, parsed(last_event_id, dialect.protocol, turn.id)), events)


async def _played(playback: "_Playback", events: AsyncIterable[Event]) -> AsyncGenerator[str, None]:
    for data in playback.begin():
        yield playback.sent(data)
    async for event in events:
        if event.kind == "beat":
            yield KEEP_ALIVE
        for data in playback.of(event):
            yield playback.sent(data)


class _Playback:
    """A browser's position, and how events move it."""

    def __init__(self, dialect: Dialect, turn: Turn, position: Position) -> None:
        self._dialect = dialect
        self._turn = turn
        self._at = position
        # The text that the browser has, while the events have not told yet whether it still counts.
        self._unsettled: list[str] | None = [] if position.length else None
        self._hash = hashlib.sha256()
        self._thought = 0

    def sent(self, data: Json) -> str:
        """The server-sent event. A str is sent as it is, all else as JSON."""
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self._at}\ndata: {text}\n\n"

    def begin(self) -> Iterator[Json]:
        """The events that open the run, if it is not known to have ended."""
        if self._at.ending == "-":
            yield from self._opened()

    def of(self, event: Event) -> Iterator[Json]:
        """The events that the browser needs after this one. The position moves before each of them."""
        match event.kind:
            case "beat":
                return
            case "text":
                yield from self._text(event.text)
            case "reasoning":
                yield from self._reasoning(event.text)
            case "attempt":
                yield from self._attempt()
            case "tool.started":
                yield from self._call(event.call)
            case "tool.finished":
                yield from self._call(event.call, finished=True)
            case "approval.asked":
                for call in event.calls:
                    yield from self._call(call, asked=True)
                yield from self._ending("p", self._dialect.parked(self._turn, event.calls))
            case "ended":
                for call in event.calls:
                    yield from self._call(call, finished=True)
                yield from self._ending("e", self._dialect.ended(event.turn))
            case _:
                # Also kinds that are newer than this module: their fields are sent under their name.
                yield from self._opened()
                value = {name: field for name, field in asdict(event).items() if name != "kind"}
                yield self._dialect.passing(event.kind, value)

    def _part_id(self) -> str:
        # With the length of the other kind: a part that was cut before its first character may begin again after it.
        if self._at.part == "r":
            return f"{self._turn.id}-reasoning-{self._at.start}-{self._at.length}"
        return f"{text_prefix(self._turn)}{self._at.start}-{self._at.thought}-{self._at.discards}"

    def _opened(self) -> Iterator[Json]:
        if self._at.ending == "p":
            self._at.ending, self._at.left, self._at.head = "-", 0, 0
        for data in self._dialect.head(self._turn)[self._at.head :]:
            self._at.head += 1
            yield data

    def _text(self, more: str) -> Iterator[Json]:
        if self._unsettled is not None:
            self._unsettled.append(more)
            text = "".join(self._unsettled)
            if len(text) >= self._at.length:
                yield from self._settled(text)
            return
        yield from self._begun("t", self._at.length)
        self._hash.update(more.encode())
        self._at.length += len(more)
        self._at.digest = self._hash.hexdigest()[:16]
        yield self._dialect.part_delta("t", self._part_id(), more)

    def _reasoning(self, more: str) -> Iterator[Json]:
        self._thought += len(more)
        new = self._thought - self._at.thought
        if new > 0 and self._at.ending == "p":
            # The run after an approval begins with a call: this was thought before, and `parked_id` cannot count it.
            self._at.thought = self._thought
        elif new > 0:
            yield from self._begun("r", self._at.thought)
            self._at.thought = self._thought
            yield self._dialect.part_delta("r", self._part_id(), more[-new:])

    def _begun(self, part: Part, start: int) -> Iterator[Json]:
        """What must have been sent before more of a part of this kind is."""
        yield from self._opened()
        if self._at.part != part:
            yield from self._closed()
            self._at.start, self._at.part = start, part
            yield self._dialect.part_start(part, self._part_id())

    def _settled(self, text: str) -> Iterator[Json]:
        """Compare the text that the browser has with the text that counts, and send the rest."""
        self._unsettled = None
        shown = text[: self._at.length]
        if len(shown) == self._at.length and digest_of(shown) == self._at.digest:
            self._hash.update(shown.encode())
            rest = text[self._at.length :]
        else:
            yield from self._discarded()
            rest = text
        if rest:
            yield from self._text(rest)

    def _attempt(self) -> Iterator[Json]:
        if self._unsettled is not None:
            self._unsettled = []
        elif self._at.length:
            yield from self._discarded()

    def _discarded(self) -> Iterator[Json]:
        yield from self._opened()
        yield from self._closed()
        self._hash = hashlib.sha256()
        self._at.discards, self._at.length, self._at.digest = self._at.discards + 1, 0, digest_of("")
        yield self._dialect.discarded(self._turn)

    def _closed(self) -> Iterator[Json]:
        if self._at.part != "-":
            part, part_id = self._at.part, self._part_id()
            self._at.part = "-"
            yield self._dialect.part_end(part, part_id)

    def _before(self) -> Iterator[Json]:
        """What must have been sent before anything but a part is."""
        if self._unsettled is not None:
            yield from self._settled("".join(self._unsettled))
        yield from self._opened()
        yield from self._closed()

    def _call(self, call: ToolCall, *, asked: bool = False, finished: bool = False) -> Iterator[Json]:
        steps = list(enumerate(self._dialect.announced(call), 1))
        if asked and (request := self._dialect.asked(call)):
            steps.append((_ASKED, request))
        if finished:
            steps.append((_FINISHED, self._dialect.finished(call)))
        for step, data in steps:
            if step > self._at.of_call(call.number):
                yield from self._before()
                self._at.has_of_call(call.number, step)
                yield data

    def _ending(self, ending: Ending, events: Sequence[Json]) -> Iterator[Json]:
        if self._at.ending == ending:
            events = events[len(events) - self._at.left :]
        else:
            yield from self._before()
            self._at.ending, self._at.left = ending, len(events)
        for data in events:
            self._at.left -= 1
            yield data


def text_prefix(turn: Turn) -> str:
    """What the ids of the turn's text parts begin with."""
    return f"{turn.id}-text-"


def parked_id(protocol: str, turn: Turn, calls: Sequence[ToolCall]) -> str:
    """The id after which a client goes on that has seen a turn up to its approval, and kept no id.

    `turn` and `calls` are as they are while the turn waits.
    """
    position = Position(protocol=protocol, turn=turn.id, ending="p")
    position.length, position.digest = len(turn.text), digest_of(turn.text)
    asked_in = {call.model_call for call in calls if call.status == "awaiting_approval"}
    for call in calls:
        # A call beside them that is decided has a result that the client has not seen.
        waits = call.model_call in asked_in and call.approval is not None
        position.has_of_call(call.number, _ASKED if waits else _FINISHED)
    return str(position)
