"""Tool calls that a model wrote as Python writes them: `[look(year=2026), whoami()]`, `print(look(year=2026))`."""

import ast
import json
import re
from collections.abc import Mapping

from backends.models.answer_json import as_object
from backends.models.call_arguments import offered
from core.canonical import Json
from core.model import ToolSchema

_CALL = re.compile(r"(?P<print>print\s{0,9}\(\s{0,9})?(?P<name>[A-Za-z_][\w.]{0,99})\s{0,9}(?=\()")
_BEGINS = re.compile(r"(?:print\s{0,9}\(\s{0,9})?(?P<name>[A-Za-z_][\w.]{0,99})?(?P<more>.?)", re.DOTALL)
_SIGN = re.compile(r"""[()\[\]{}]|\\.|("|')""", re.DOTALL)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}
_MOST = 20_000
"""Characters of a call. Python's parser needs about a hundred bytes for each."""

_ODD = re.compile(r"""\\[^\\'"abfnrtvx0-7uUN\n]""")
"""An escape that Python does not have, and warns of."""


def may_be_python_call(text: str, last: bool, tools: Mapping[str, ToolSchema] | None) -> bool | None:
    """Whether the text begins with a call of one of the tools, of any if None; None if that is not clear yet."""
    begins = _BEGINS.match(text)
    if begins is None or begins["more"] not in ("", "(", " "):
        return False
    name = begins["name"] or ""
    if begins["more"]:
        return (tools is None or tool_named(name, tools) in tools) and _CALL.match(text) is not None
    return None if not last and (tools is None or any(_goes_on(name, tool) for tool in tools)) else False


def tool_named(name: str, tools: Mapping[str, ToolSchema]) -> str:
    """The tool that is meant by a name in Python."""
    return offered(name if name in tools else name.removesuffix(".call"), tools)


def read_python_call(text: str, at: int, tools: Mapping[str, ToolSchema]) -> tuple[str, str, int] | None:
    """The name, the arguments as JSON, and the end of the call at this place; None if there is none.

    Arguments that cannot be read stay as they were written.
    """
    match = _CALL.match(text, at)
    if match is None:
        return None
    name = tool_named(match["name"], tools)
    end = closing(text, match.end())
    written = text[match.end() : end]
    arguments = None if end is None else _arguments(written, tools.get(name))
    end = len(text) if end is None else end
    if match["print"] and text[end : end + 1] == ")":
        end += 1
    return name, written if arguments is None else json.dumps(arguments, ensure_ascii=False), end


def closing(text: str, at: int) -> int | None:
    """The place behind the bracket that closes the one at this place, None if it is not closed."""
    open_brackets: list[str] = []
    quote = ""
    for sign in _SIGN.finditer(text, at):
        bracket = sign.group()
        if quote or sign[1]:
            quote = "" if bracket == quote else quote or (sign[1] or "")
        elif bracket in _CLOSES:
            open_brackets.append(_CLOSES[bracket])
        elif bracket[0] != "\\":
            if open_brackets.pop() != bracket:
                return None
            if not open_brackets:
                return sign.end()
    return None


def _arguments(written: str, tool: ToolSchema | None) -> dict[str, Json] | None:
    """The arguments in the brackets of a call. Those without a name are the tool's in their order."""
    if len(written) > _MOST or _ODD.search(written):
        return None
    try:
        call = ast.parse(f"f{written}", mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        names = list(as_object(dict(tool.parameters) if tool else {}).get("properties") or {})
        values = [_value(one) for one in call.args]
        named = {str(one.arg): _value(one.value) for one in call.keywords if one.arg}
        given = dict(zip(names, values, strict=False))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if len(values) == 1 and isinstance(values[0], dict) and not named:
        return values[0]
    whole = len(values) <= len(names) and len(named) == len(call.keywords) and not given.keys() & named.keys()
    return given | named if whole else None


def _value(node: ast.expr) -> Json:
    """The JSON that a literal stands for. Raises ValueError for anything else."""
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part) for part in parts]
        case ast.Dict(keys=keys, values=values):
            names = [_value(key) if key else None for key in keys]
            if not all(isinstance(name, str) for name in names):
                raise ValueError("a key is not text")
            return {str(name): _value(value) for name, value in zip(names, values, strict=True)}
        case ast.Name(id=name) if name in _WORDS:
            return _WORDS[name]
    raise ValueError("not a literal")


def _goes_on(begun: str, tool: str) -> bool:
    return any(f"{before}{tool}".startswith(begun) for before in ("", "functions.", "default_api.", "print", "tools."))
