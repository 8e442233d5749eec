"""The tool calls of a Chat Completions answer, put together from pieces as many servers write them.

An index, an id and a name may each be missing, come late, come again with every piece, or be shared by two calls. So a
piece begins a call only if it names a tool, and if the call that it would go on with has all of its arguments.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from backends.models.answer_json import as_object, as_objects, as_text, check_parts
from backends.models.call_arguments import is_json, joined
from core.canonical import Json
from core.model import ToolSchema


@dataclass(slots=True)
class Call:
    """A call as it is being written. `extra` is what else must go back with it.

    `again`: it has begun like the call before it, of the same tool, and may be that one.
    """

    index: Json = None
    id: str = ""
    tool: str = ""
    extra: Json = None
    again: bool = False
    _pieces: list[str] = field(default_factory=list)
    _depth: int = 0
    _quoted: bool = False
    _escaped: bool = False
    _repeats: bool = False

    @property
    def written(self) -> str:
        """The arguments so far, as they were written."""
        return joined(self._pieces)

    @property
    def begun(self) -> bool:
        """Whether any arguments were written."""
        return bool(self._pieces)

    @property
    def whole(self) -> bool:
        """Whether all brackets of the arguments, and the fence about them, are closed."""
        if not self.begun:
            return False
        if self._pieces[0].startswith("`"):
            return "".join(self._pieces[-4:]).rstrip().endswith("```") and "{" in self.written
        return (self._depth <= 0 and not self._quoted) or (self._repeats and is_json(self._pieces[-1]))

    def add(self, written: str) -> None:
        """Go on with the arguments. Blanks before the first are left out."""
        if not self.begun:
            written = written.lstrip()
        if not written or (self.whole and not written.strip()):
            return
        if self.whole and written.startswith("{") and self.written.strip() == "{}":
            self._pieces = []  # it stood there until the first arguments came
        self._repeats = bool(self._pieces) and written.startswith(self._pieces[-1]) and written.rstrip().endswith("}")
        self._pieces.append(written)
        for sign in written:
            if self._escaped:
                self._escaped = False
            elif sign == "\\":
                self._escaped = self._quoted
            elif sign == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += (sign in "{[") - (sign in "}]")


class Calls:
    """The calls of one answer. `tools` are those that were offered, by their names."""

    def __init__(self, tools: Mapping[str, ToolSchema]) -> None:
        self._tools = tools
        self._calls: list[Call] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def in_order(self) -> list[Call]:
        """By their index; those without one as they came."""
        calls = [call for call in self._calls if call.begun or not call.again]
        return sorted(calls, key=lambda call: call.index if isinstance(call.index, int) else 0)

    def write(self, piece: dict[str, Json]) -> str:
        """Add a piece of a call, and return the arguments that it adds. Raises ModelError for too many calls."""
        function = as_object(piece.get("function")) or piece
        name, call_id = as_text(function.get("name")), as_text(piece.get("id"))
        written = _as_written(function.get("arguments", function.get("parameters", function.get("input"))))
        call = self._place(_index(piece.get("index")), call_id, name, written)
        call.id = call.id or call_id
        call.extra = piece.get("extra_content") or call.extra
        call.tool = self._named(call.tool, name)
        if call.whole and written.strip() and written.strip() == call.written.strip():
            return ""  # told again as a whole
        call.add(written)
        return written

    def _place(self, index: int | None, call_id: str, name: str, written: str) -> Call:
        """The call that a piece goes on with, or a new one."""
        same_id = next((call for call in reversed(self._calls) if call_id and call.id == call_id), None)
        if index is None:
            there = self._calls[-1] if self._calls else None
        else:
            there = next((call for call in reversed(self._calls) if call.index == index), None)
        call = same_id or there
        if call is not None:
            if same_id is not None:
                elsewhere = index is not None and same_id.index != index
                new = self._another(call, name, written, same=True)
                new = new or (elsewhere and bool(name) and (name != call.tool or call.whole))
            elif call_id and call.id:
                new = bool(name) or (call.whole and bool(written.strip()))
            else:
                new = self._another(call, name, written, same=False)
            if not new:
                return call
        check_parts(len(self._calls))
        again = call is not None and not call_id and call.tool == name and not written.strip()
        self._calls.append(Call(index=index, id=call_id, again=again))
        return self._calls[-1]

    def _another(self, call: Call, name: str, written: str, *, same: bool) -> bool:
        """Whether the piece begins another call than this one. `same`: it names the id of this one."""
        if not name or not call.tool:
            return False
        if not call.begun:
            if name == call.tool or call.tool not in self._tools:
                return False
            return name in self._tools or not any(tool.startswith(call.tool + name) for tool in self._tools)
        if name != call.tool:
            return True
        if not call.whole:
            return False
        return not (same and written.strip() in ("", call.written.strip()))

    def _named(self, known: str, name: str) -> str:
        """The tool's name with another piece of it, or with the whole of it once more."""
        if name.startswith(known) and (name == known or name in self._tools):
            return name
        return known + name


def pieces_of(message: dict[str, Json]) -> list[dict[str, Json]]:
    """The pieces of calls in a message, or in the part of it that a chunk adds: one, several or none."""
    listed = message.get("tool_calls") or message.get("tool_call")
    if isinstance(listed, dict):
        by_index = listed and not {"function", "name", "id", "arguments"} & listed.keys()
        listed = list(listed.values()) if by_index else [listed]
    pieces = as_objects(listed)
    if not pieces and (function := as_object(message.get("function_call"))):
        return [{"function": function}]
    return pieces


def _as_written(value: Json) -> str:
    """Arguments as text: those that are not text already, as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _index(value: Json) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if type(value) is int else None
