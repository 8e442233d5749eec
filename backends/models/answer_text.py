"""The text of an answer as it comes, by whatever API: its words, and what is not part of the answer.

Servers that do not know a model's own markup pass it on as text: a thought in tags, or a tool call that the model
wrote. What could be the beginning of either is held back until it is clear what it is.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Literal, TypeAlias

from backends.models.answer_marks import (
    LONGEST,
    THOUGHT_ENDS,
    Mark,
    Place,
    begins_with_thought,
    ends_of,
    marks,
    spoken_of,
    unfinished,
)
from backends.models.call_arguments import arguments, offered
from backends.models.stripped_channels import StrippedChannels
from backends.models.written_calls import CALL_MARKS, Reading, WrittenCall, may_be_call, read_calls
from core.errors import ModelError
from core.model import CallDelta, ToolSchema
from core.values import StopReason

Part: TypeAlias = tuple[Literal["text", "thought", "held"], str]
"""A part of the answer; `held` is a sign of life only."""

CANNOT_CALL = "the model wrote a tool call as text that is not a call of a tool it was offered: it cannot call tools"

_SLICE = 4096
"""Characters that are read at once: what is left of the text is copied at each mark."""

_MARKUP_GOES_ON = re.compile(r"\s*[{\[<]|.*(</|\[/|[|\uff5c]>)", re.DOTALL)
_CALLS_END: frozenset[StopReason] = frozenset(("end", "tool_calls", "length"))
"""The ends of answers whose calls are whole or known to be cut. After any other end nobody knows."""


class AnswerText:
    """The text of one answer, or of its parts one after the other. `found` are the calls that were written in it.

    `tools` were offered. `in_json`: an answer in JSON was asked for, so that JSON is a call only of one of them, or if
    its markup says so. `thinks_first`: the text begins with a thought that lacks its beginning.

    `unopened` is set if such a thought came unexpectedly, after its words had been told as text; `unthinking` if the
    text was expected to begin with one and did not. `said` is set once there was a word of the answer.
    """

    def __init__(self, tools: Sequence[ToolSchema] = (), *, in_json: bool = False, thinks_first: bool = False) -> None:
        self.tools = {tool.name: tool for tool in tools}
        self._in_json = in_json
        self._first = self._expected = self._opens = thinks_first
        self._rest = self._head = self._before = ""
        self._stripped = StrippedChannels()
        self._held: list[str] = []
        self._holds = False
        self._end: re.Pattern[str] | None = None
        self._nested = 0
        self._thought = self._trims = self._marked = False
        self._place = Place()
        self.found: list[WrittenCall] = []
        self.said = self.unopened = self.unthinking = False

    @property
    def called(self) -> bool:
        """Whether the text had calls in it."""
        return bool(self.found)

    def told_apart(self) -> None:
        """The server gives a thought outside of the text: it knows the model's tags."""
        self._let_go()
        self._expected, self._thought = False, True

    def read(self, piece: str) -> Iterator[Part]:
        """What a piece of the text adds."""
        if self._holds:
            self._held.append(piece)
            yield "held", piece
            return
        piece = self._stripped.read(piece)
        slices = (piece[at : at + _SLICE] for at in range(0, len(piece), _SLICE))
        yield from _joined(chain.from_iterable(map(self._read, slices)))

    def finish(self, *, cut: bool = False) -> Iterator[Part]:
        """What is left at the end of a text that is whole. Another part of the answer may follow.

        A thought without its end stays a thought, and so does what lacks its beginning if it was `cut` off.
        """
        if rest := self._stripped.finish():
            yield from self.read(rest)
        if self._first and self._expected and cut:
            thought, self._first, self._rest, self._held = "".join(self._held), False, "", []
            if thought:
                yield "thought", thought
        self.unthinking = self.unthinking or (self._first and self._expected)
        self._let_go()
        yield from _joined(self._parts(last=True))
        while self._first:
            self._let_go()
            yield from _joined(self._parts(last=True))
        self._end, self._nested = None, 0
        if self._holds:
            held, self._holds, self._held = "".join(self._held), False, []
            reading = read_calls(held, self.tools)
            reading = reading if self._are_calls(held, reading) else Reading()
            self.found += reading.found
            self._marked = self._marked or (reading.marked and not reading.found)
            yield from self._say(reading.text if reading.found or reading.marked else held)
        self._place = Place(words=self._place.words)

    def calls(self, reason: StopReason) -> Iterator[CallDelta]:
        """The calls that were written as text, for an answer that ended so and has no others. Raises ModelError."""
        if reason not in _CALLS_END or not (self.found or self._marked):
            return
        if reason == "length":
            yield CallDelta(tool=self.found[0].tool if self.found else "", arguments="")
            return
        if self._marked or any(offered(call.tool, self.tools) not in self.tools for call in self.found):
            raise ModelError("no_tools", CANNOT_CALL)
        for found in self.found:
            name = offered(found.tool, self.tools)
            yield CallDelta(tool=name, arguments=arguments(found.arguments, self.tools.get(name)))

    def _are_calls(self, held: str, reading: Reading) -> bool:
        """Whether what was held back is calls, legible or not, and neither an example nor the answer itself."""
        known = all(offered(call.tool, self.tools) in self.tools for call in reading.found)
        if self._place.block:
            return bool(reading.found) and known and not reading.text.strip()
        if reading.marked:
            mark = next(mark for mark in CALL_MARKS if held.startswith(mark))
            if self._place.blank:
                return True
            # In a sentence that only speaks of calls the markup does not go on, or another tool's call is the example.
            if reading.found:
                return known or not reading.text.strip()
            return bool(_MARKUP_GOES_ON.match(held[len(mark) :]))
        return known or not (self._in_json or self.said or reading.text.strip())

    def _read(self, piece: str) -> Iterator[Part]:
        if self._holds:
            self._held.append(piece)
            yield "held", piece
            return
        if not self._first:
            self._rest += piece
        elif not self._is_clear(piece):
            yield "held", piece
            return
        parts = list(self._parts(last=False))
        yield from parts or [("held", piece)]

    def _let_go(self) -> None:
        """What was held back as a thought without its beginning is text after all."""
        if self._first:
            self._first, self._rest, self._held, self._nested = False, "".join(self._held), [], 0

    def _is_clear(self, piece: str) -> bool:
        """Whether it is clear by now how the thought ends that lacks its beginning. If so, it is the rest."""
        self._held.append(piece)
        self._rest = (self._rest + piece)[-(len(piece) + 2 * LONGEST) :]
        begins = self._expected and len(self._head) < LONGEST
        if begins:
            self._head += piece[:LONGEST]
            begins = begins_with_thought(self._head)
        ends = (sign for sign in THOUGHT_ENDS.finditer(self._rest) if sign["end"] is not None)
        if not begins and not any(_quoted(sign, last=False) is False for sign in ends):
            return False
        self._first, self._rest, self._held = False, "".join(self._held), []
        self._end = None if begins else THOUGHT_ENDS
        self._expected = False
        return True

    def _parts(self, *, last: bool) -> Iterator[Part]:
        """What is clear of the rest, or all of it."""
        while self._rest and not self._holds and not self._first:
            if len(self._rest) > 2 * _SLICE:
                whole, self._rest = self._rest, ""
                for at in range(0, len(whole), _SLICE):
                    yield from self._read(whole[at : at + _SLICE])
                continue
            if self._end:
                if not (yield from self._think(self._end, last)):
                    return
                continue
            mark, clear = self._next_mark(last)
            if mark is None:
                text, self._rest = self._rest[:clear], self._rest[clear:]
                yield from self._say(text)
                return
            before, after = self._rest[: mark.start], self._rest[mark.end :]
            match mark.sign:
                case "thought":
                    yield from self._say(before if before.strip() else "")
                    self._rest, self._end, self._thought = after, ends_of(mark.text), True
                case "end":
                    yield from self._close(before, after)
                case "token" | "last":
                    yield from self._say(before)
                    self._rest = after
                case _:
                    yield from self._say(before)
                    self._held, self._holds, self._rest = [self._rest[mark.start :]], True, ""

    def _think(self, ends: re.Pattern[str], last: bool) -> Generator[Part, None, bool]:
        """The thought that the rest begins with, up to the next sign in it; returns whether there was one."""
        sign, clear = None, len(self._rest) - (0 if last else unfinished(self._rest))
        for found in ends.finditer(self._rest):
            quoted = _quoted(found, last)
            if quoted is None:
                clear = found.start() - 1
            elif not quoted:
                sign = found
                break
        if sign is None:
            thought, self._rest = self._rest[:clear], self._rest[clear:]
            if thought:
                yield "thought", thought
            return False
        thought, self._rest = self._rest[: sign.start()], self._rest[sign.end() :]
        if sign["end"] is None:
            self._nested += 1
            thought += sign.group()
        else:
            self._end, self._trims, self._thought = None, True, True
        if thought:
            yield "thought", thought
        if self._end is None and self._nested:
            # It ended a thought within the thought, or the thought, which only spoke of another one. If no other end
            # comes, what follows is the answer.
            self._nested -= 1
            held, self._rest, self._first = self._rest, "", True
            self._is_clear(held)
        return True

    def _close(self, before: str, after: str) -> Iterator[Part]:
        """The end of a thought that did not begin."""
        self._rest, self._trims = after, True
        if self._thought or self._opens:
            yield from self._say(before)
        elif self.said:
            self.unopened, self._rest = True, ""
        elif before.strip():
            yield "thought", before
        self._thought = True

    def _next_mark(self, last: bool) -> tuple[Mark | None, int]:
        """The next mark; None if there is none, and how many characters before the beginning of one are clear."""
        if not last and not self.said and len(self._rest) < LONGEST and not self._rest.strip():
            return None, 0
        place, passed = self._place, 0
        for mark in marks(self._rest):
            place, passed = place.after(self._rest[passed : mark.start]), mark.start
            in_calls = mark.sign in ("call", "bracket")
            if place.span or (place.fenced and not in_calls) or (place.block and mark.text == "```"):
                continue
            after = self._rest[mark.end :]
            match mark.sign:
                case "thought" if mark.tag and not place.blank:
                    continue
                case "end":
                    spoken = spoken_of(self._before + self._rest[: mark.start], after, last)
                    if spoken:
                        continue
                    if spoken is None:
                        return None, mark.start
                case "last" if after.strip():
                    continue
                case "bracket" if not place.blank:
                    continue
                case "last" | "token" | "bracket" if not last and mark.goes_on(after):
                    return None, mark.start
                case "bracket":
                    is_call = may_be_call(self._rest[mark.start :], last, self.tools)
                    if is_call is False:
                        continue
                    return (mark, 0) if is_call else (None, mark.start)
            return mark, 0
        return None, len(self._rest) - (0 if last else unfinished(self._rest))

    def _say(self, text: str) -> Iterator[Part]:
        if self._trims:
            text = text.lstrip()
        if not text:
            return
        self._place = self._place.after(text)
        self._before = (self._before + text)[-LONGEST:]
        self._trims = False
        self.said = self.said or bool(text.strip())
        yield "text", text


def _quoted(sign: re.Match[str], last: bool) -> bool | None:
    """Whether a sign stands in code marks and is spoken of; None if what follows decides, unless this is the `last`."""
    text, before = sign.string, sign.string[max(0, sign.start() - 2) : sign.start()]
    if before[-1:] != "`" or before == "``":
        return False
    after = text[sign.end() : sign.end() + 1]
    return after == "`" if after or last else None


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, with neighbours of one kind in one."""
    for kind, same in groupby(parts, key=itemgetter(0)):
        yield kind, "".join(text for _, text in same)
