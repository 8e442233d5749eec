"""What stands in the content of a Chat Completions answer: its text, and what is not part of the answer.

Servers that do not know a model's own markup pass it on as content: a thought in tags, or a tool call that the model
wrote as text. What could be the beginning of either is held back until it is clear what it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Literal, TypeAlias

from backends.models.openai.chat_calls import offered
from backends.models.openai.written_calls import CALL_MARKS, Reading, may_be_call, read_calls
from core.model import ToolSchema

Part: TypeAlias = tuple[Literal["text", "thought", "held"], str]
"""A part of the answer; `held` is a sign of life only."""

_THOUGHTS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought": "<channel|>",
    "<|channel|>analysis<|message|>": "<|end|>",
}
_TOKENS = (
    *("<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|end|>", "<|return|>"),
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>"),
    *("<|begin_of_solution|>", "<|end_of_solution|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
)
"""Signs by which a model parts its answer: they are no words of it."""

_ENDS = tuple(end for end in _THOUGHTS.values() if end not in _TOKENS)
_ANYWHERE = (*_ENDS, *_TOKENS, *CALL_MARKS)
_AT_LINE = (*_THOUGHTS, "```", "{", "[")
_LONGEST = max(map(len, (*_ANYWHERE, *_AT_LINE)))
_MARK = re.compile("|".join(map(re.escape, sorted((*_ANYWHERE, *_AT_LINE), key=len, reverse=True))))
_FIRST = frozenset(mark[0] for mark in (*_ANYWHERE, *_AT_LINE))
_SLICE = 4096
"""Characters that are read at once: what is left of the text is copied at each mark."""

_MARKUP_GOES_ON = re.compile(r"\s*[{\[<]|.*(</|\[/|[|\uff5c]>)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the text. What stands in code there, in a block or in a `span`, is an example.

    `blank`: only blanks stand before it in its line, which begins with the signs `start`. An answer that is a block and
    nothing else is no example: `words` stand before the block.
    """

    start: str = ""
    span: bool = False
    block: bool = False
    fenced: bool = False
    words: bool = False

    @property
    def blank(self) -> bool:
        return not self.start

    def after(self, text: str) -> "_Place":
        """The place at the end of a text that begins here."""
        start, span, block, fenced, words = self.start, self.span, self.block, self.fenced, self.words
        for n, line in enumerate(text.split("\n")):
            if n:
                start, span = "", False
            before, start = start, (start + (line if start else line.lstrip()))[:3]
            if start in ("```", "~~~") and start != before:
                block, fenced = words and not fenced, not fenced
            span = span != bool(line.count("`") % 2)
            words = words or bool(line.strip())
        return _Place(start, span, block, fenced, words)


class ChatText:
    """The content of one answer, as it comes.

    `tools` are those that were offered. `in_json`: an answer in JSON was asked for, so that JSON is a call only of one
    of them, or if its markup says so. `thinks_first`: the content begins with a thought that lacks its beginning.

    `unopened` is set if such a thought came unexpectedly, after its words had been told as text.
    """

    def __init__(self, *, tools: Mapping[str, ToolSchema], in_json: bool, thinks_first: bool) -> None:
        self._tools = tools
        self._in_json = in_json
        self._first = thinks_first
        self._rest = ""
        self._held: list[str] = []
        self._holds = False
        self._end = ""
        self._said = self._thought = self._trims = False
        self._place = _Place()
        self.calls = Reading()
        self.unopened = False

    def told_apart(self) -> None:
        """The server gives a thought outside of the content: it knows the model's tags."""
        if self._first:
            self._first, self._rest, self._held = False, "".join(self._held), []
        self._thought = True

    def read(self, piece: str) -> Iterator[Part]:
        """What a piece of the content adds."""
        if self._holds:
            self._held.append(piece)
            yield "held", piece
            return
        slices = (piece[at : at + _SLICE] for at in range(0, len(piece), _SLICE))
        for kind, parts in groupby(chain.from_iterable(map(self._read, slices)), key=itemgetter(0)):
            yield kind, "".join(text for _, text in parts)

    def _read(self, piece: str) -> Iterator[Part]:
        if self._holds:
            self._held.append(piece)
            yield "held", piece
            return
        if self._first:
            self._held.append(piece)
            self._rest = (self._rest + piece)[-(len(piece) + _LONGEST) :]
            if not self._is_thought():
                yield "held", piece
                return
            self._rest, self._held = "".join(self._held), []
        else:
            self._rest += piece
        parts = list(self._parts(last=False))
        yield from parts or [("held", piece)]

    def finish(self) -> Iterator[Part]:
        """What is left at the end of an answer that is whole. A thought without its end stays a thought."""
        if self._first:
            self.told_apart()
        yield from self._parts(last=True)
        if self._holds:
            held, self._holds = "".join(self._held), False
            reading = read_calls(held, self._tools)
            self.calls = reading if self._calls(held, reading) else Reading()
            yield from self._say(self.calls.text if self.calls.found or self.calls.marked else held)

    def _calls(self, held: str, reading: Reading) -> bool:
        """Whether what was held back is calls, legible or not, and neither an example nor the answer itself."""
        known = all(offered(call.tool, self._tools) in self._tools for call in reading.found)
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
        return known or not (self._in_json or self._said or reading.text.strip())

    def _is_thought(self) -> bool:
        """Whether it is clear by now how the thought ends that the content begins with."""
        begins = "".join(self._held[: 2 * _LONGEST]).lstrip().startswith(tuple(_THOUGHTS))
        self._first = not begins and not any(end in self._rest for end in _ENDS)
        return not self._first

    def _parts(self, *, last: bool) -> Iterator[Part]:
        """What is clear of the rest, or all of it."""
        while self._rest and not self._holds:
            if self._end:
                thought, end, after = self._rest.partition(self._end)
                if not end:
                    thought, after = self._split(0 if last else _partial(self._rest, _beginnings((self._end,))))
                self._rest = after
                if end:
                    self._end, self._trims = "", True
                if thought:
                    yield "thought", thought
                if not end:
                    return
                continue
            at, mark = self._next_mark(last)
            if mark == "":
                keep = len(self._rest) - at if not last else 0
                text, self._rest = self._split(keep)
                yield from self._say(text)
                return
            before, after = self._rest[:at], self._rest[at + len(mark) :]
            if mark in _TOKENS:
                yield from self._say(before)
                self._rest = after
            elif mark in _ENDS:
                yield from self._close(before, after)
            elif mark in _THOUGHTS:
                yield from self._say(before if before.strip() else "")
                self._rest, self._end, self._thought = after, _THOUGHTS[mark], True
            else:
                yield from self._say(before)
                self._held, self._holds, self._rest = [self._rest[at:]], True, ""

    def _close(self, before: str, after: str) -> Iterator[Part]:
        """The end of a thought that did not begin."""
        self._rest, self._trims = after, True
        if self._thought:
            yield from self._say(before)
        elif self._said:
            self.unopened, self._rest = True, ""
        elif before.strip():
            yield "thought", before
        self._thought = True

    def _next_mark(self, last: bool) -> tuple[int, str]:
        """Where the next mark begins, and the mark; "" if what begins there may become one, or at the end."""
        if not last and not self._said and len(self._rest) < _LONGEST and not self._rest.strip():
            return 0, ""
        if _FIRST.isdisjoint(self._rest):
            return len(self._rest), ""
        place, passed = self._place, 0
        for match in _MARK.finditer(self._rest):
            at, mark = match.start(), match.group()
            place, passed = place.after(self._rest[passed:at]), at
            if place.span or (place.block and mark not in (*CALL_MARKS, "{", "[")):
                continue
            if mark in _ANYWHERE:
                return at, mark
            if not place.blank:
                continue
            if mark in _THOUGHTS:
                return at, mark
            is_call = may_be_call(self._rest[at:], last)
            if is_call is not False:
                return at, mark if is_call else ""
        return len(self._rest) - (0 if last else self._partial_mark()), ""

    def _partial_mark(self) -> int:
        anywhere, at_line = _partial(self._rest, _OF_ANYWHERE), _partial(self._rest, _OF_LINE)
        return max(anywhere, at_line if self._place.after(self._rest[: len(self._rest) - at_line]).blank else 0)

    def _split(self, keep: int) -> tuple[str, str]:
        cut = len(self._rest) - keep
        return self._rest[:cut], self._rest[cut:]

    def _say(self, text: str) -> Iterator[Part]:
        if self._trims:
            text = text.lstrip()
        if not text:
            return
        self._place = self._place.after(text)
        self._trims = False
        self._said = self._said or bool(text.strip())
        yield "text", text


def _beginnings(marks: Iterable[str]) -> frozenset[str]:
    return frozenset(mark[:size] for mark in marks for size in range(1, len(mark)))


def _partial(text: str, beginnings: frozenset[str]) -> int:
    """The length of the longest beginning of a mark that the text ends with."""
    for size in range(min(_LONGEST, len(text)), 0, -1):
        if text[-size:] in beginnings:
            return size
    return 0


_OF_ANYWHERE = _beginnings(_ANYWHERE)
_OF_LINE = _beginnings((*_THOUGHTS, "```"))
