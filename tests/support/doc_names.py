"""The names that pages speak of, and whether they exist."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from typing import get_args

import backends
import core
from core.live.events import Event
from core.server_log import EVENTS
from tests.support.paths import ROOT

# Endings of file names, hosts, addresses and tables of settings: what stands before them is not an object.
_FILES = re.compile(r"\.(NAME|py|md|db|jsonl?|yaml|txt|csv|zip|pdf|html|svg|lock|toml|sh|git|xml)$")
_DOTTED = re.compile(r"(?:^|[\s(\[*])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?=$|[\s()\[\],:=])")
_SPAN = re.compile(r"`([^`\n]+)`")
_KINDS = {field.default for event in get_args(Event) for field in fields(event) if field.name == "kind"}
_ENTRY = re.compile(r"[a-z_]+\.[a-z_]+")
_OBJECTS = {"reply": "Reply", "call": "ToolCall", "context": "ToolContext", "event": "Event", "runner": "Runner"}


_OF_SPANS = ("gen_ai.", "rolltop.", "error.type")
"""How the names of a span's attributes begin, and of the loggers."""


def spoken_names(text: str) -> list[str]:
    """The dotted names of Python in the text's code spans, without file names and kinds of events and entries."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [name for span in _SPAN.findall(prose) for name in _DOTTED.findall(span) if not _is_other(name)]


def _is_other(name: str) -> bool:
    if name in EVENTS or name.startswith(_OF_SPANS):
        return True
    return bool(_FILES.search(name)) or name in _KINDS | _entry_kinds() or (ROOT / name).exists()


def _entry_kinds() -> set[str]:
    from core.log import facts

    values = [value for value in vars(facts).values() if inspect.isclass(value)]
    kinds = [field.default for value in values for field in getattr(value, "model_fields", {}).values()]
    return {kind for kind in kinds if isinstance(kind, str) and _ENTRY.fullmatch(kind)}


def resolves(name: str, objects: Mapping[str, object]) -> bool:
    """Whether the name exists: of a public class, one of the objects, or a module."""
    first, *rest = name.split(".")
    if first == "tests":
        return find_spec(name) is not None
    if first in ("core", "backends", "console", "asyncio"):
        return any(_imported(name.split("."), cut) for cut in range(len(rest) + 1, 0, -1))
    value = objects.get(first) or _public(_OBJECTS.get(first, first))
    return value is not None and _has(value, rest)


def _public(name: str) -> object:
    return getattr(core, name, None) or getattr(backends, name, None) if name[0].isupper() else None


def _imported(parts: list[str], cut: int) -> bool:
    try:
        module = import_module(".".join(parts[:cut]))
    except ModuleNotFoundError:
        return False
    return _has(module, parts[cut:])


def _has(value: object, names: list[str]) -> bool:
    if get_args(value):  # a union: one of its classes has it
        return any(_has(one, names) for one in get_args(value))
    for name in names:
        if name in getattr(value, "model_fields", {}) or name in getattr(value, "__annotations__", {}):
            return True
        if not hasattr(value, name):
            return _is_set(value, name)
        value = getattr(value, name)
    return True


def _is_set(value: object, name: str) -> bool:
    """Whether a class sets the attribute when it makes an instance, as errors do."""
    return inspect.isclass(value) and f"self.{name} = " in inspect.getsource(value)
