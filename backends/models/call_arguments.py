"""A call's name and arguments, as models and servers write them.

They are read leniently where there is one meaning: what is cut or means two things stays as it was written, so that the
model is told.
"""

import ast
import json
import re
from collections.abc import Mapping, Sequence

from core.canonical import Json
from core.model import ToolSchema

_ENCODED = 3
"""How many times over arguments may be encoded as JSON."""

_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL | re.IGNORECASE)
_ABOUT_NAME = re.compile(r"\A(?:functions|default_api|tools)[.:]|(?::\d{1,9}|\s+(?:json|commentary))\Z")
_NONE = ("", "null", '""', "None", "undefined")
_MOST_QUOTED = 20_000
"""Characters of an object in single quotes: Python's parser needs about a hundred bytes for each."""

_TOKEN_AFTER = re.compile(r"<[|\uff5c][^<>]{1,40}>\Z|</s>\Z")
_LONGEST_TOKEN = 44
_NOTHING_BEFORE = re.compile(r"\{\s*\}\s*(?=\{)")
_WRAPS = ("arguments", "parameters")

_SAFE = re.compile(r"\{(?:[^\\'\"]|'[^\\'\"\n]*'|\"[^\\\"\n]*\")*\}")
"""An object whose quotation marks have one reading."""


def offered(name: str, tools: Mapping[str, ToolSchema]) -> str:
    """The name of the tool that is meant, if a name has blanks, a namespace or a model's own signs about it."""
    plain = name.partition("<|")[0].strip()
    bare = _ABOUT_NAME.sub("", plain)
    return next((one for one in (name, plain, bare) if one in tools), name)


def arguments(written: Json, tool: ToolSchema | None) -> str:
    """The JSON text of a call's arguments. Text that is not JSON, as it is if it was cut, stays as it was written.

    The arguments of a tool that demands none may be missing. Those that were encoded several times over, stand in a
    fence, in single quotes, within the whole call or beside a model's own sign are read, if that is safe.
    """
    if not isinstance(written, str):
        written = "" if written is None else json.dumps(written, ensure_ascii=False)
    text = written.strip()
    if token := _TOKEN_AFTER.search(text, max(0, len(text) - _LONGEST_TOKEN)):
        text = text[: token.start()].rstrip()
    if nothing := _NOTHING_BEFORE.match(text):
        text = text[nothing.end() :]
    if text in _NONE:
        demands = tool is not None and bool(tool.parameters.get("required"))
        return written if demands else "{}"
    value: Json = text
    try:
        for _ in range(_ENCODED):
            if not isinstance(value, str):
                break
            fenced = _FENCED.fullmatch(value.strip())
            value = json.loads(fenced[1] if fenced else value)
    except (ValueError, RecursionError):
        value = as_python_writes(text)
        return written if value is None else json.dumps(value, ensure_ascii=False)
    if value is None or value in ("", []):
        return arguments("", tool)
    if tool is not None and isinstance(value, dict) and set(value) in ({"name", wrap} for wrap in _WRAPS):
        inner, known = next(value[wrap] for wrap in _WRAPS if wrap in value), tool.parameters.get("properties")
        if value["name"] == tool.name and isinstance(inner, dict) and isinstance(known, dict) and "name" not in known:
            return json.dumps(inner, ensure_ascii=False)
    return text if text.startswith("{") or not isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def joined(pieces: Sequence[str]) -> str:
    """The arguments that came in pieces. Some servers repeat with each piece what came before it."""
    whole = "".join(pieces)
    parts = [piece for piece in pieces if piece]
    repeats = len(parts) > 1 and all(map(str.startswith, parts[1:], parts))
    return parts[-1] if repeats and parts[0].lstrip().startswith("{") and not is_json(whole) else whole


def as_python_writes(text: str) -> dict[str, Json] | None:
    """An object in single quotes, as Python writes it; None if it is anything else."""
    if len(text) > _MOST_QUOTED or not _SAFE.fullmatch(text):
        return None
    try:
        value = ast.literal_eval(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) and all(isinstance(key, str) for key in value) else None


def is_json(text: str) -> bool:
    """Whether the text is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def is_object(text: str) -> bool:
    """Whether the text is a JSON object."""
    return text.lstrip().startswith("{") and is_json(text)
