"""A tool's result in plain words, whatever the tool: what its JSON says, with its keys as the names."""

import json
import re
from datetime import date

from core.canonical import Json
from core.model import ToolMessage

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def render(result: ToolMessage) -> str:
    """The result as Markdown; for a call that failed, was denied or has an unknown outcome, what was said of it."""
    name = label(result.tool)
    if result.failed:
        return f"{name}: no result. {result.content.strip() or 'The tool did not say why.'}"
    try:
        value = json.loads(result.content)
    except ValueError:
        return f"{name}: {result.content.strip()}" if result.content.strip() else f"{name}: done, without a result."
    if value is None or value == "":
        return f"{name}: done, without a result."
    if value in ([], {}):
        return f"{name}: nothing on record."
    if isinstance(value, dict | list):
        return f"{name}:\n\n" + "\n".join(_lines(value, ""))
    return f"{name}: **{_scalar(value)}**"


def label(name: str) -> str:
    """`days_left` and `daysLeft` as `Days left`."""
    spaced = " ".join(_CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").split())
    return spaced[:1].upper() + (spaced[1:].lower() if _CAMEL.search(name) else spaced[1:])


def _lines(value: Json, indent: str) -> list[str]:
    match value:
        case dict():
            return [line for key, item in value.items() for line in _item(f"{label(key)}: ", item, indent)]
        case [dict() as first, *rest] if not indent and all(
            isinstance(row, dict) and row.keys() == first.keys() for row in rest
        ):
            if all(not isinstance(cell, dict | list) for row in value for cell in row.values()):
                return _table(value)
    return [line for item in value for line in _item("", item, indent)]


def _item(name: str, value: Json, indent: str) -> list[str]:
    match value:
        case {} | [] if not value:
            return [f"{indent}- {name}none"]
        case list() if all(not isinstance(item, dict | list) for item in value):
            return [f"{indent}- {name}{', '.join(map(_scalar, value))}"]
        case dict() | list():
            inner = _lines(value, indent + "  ")
            return (
                [f"{indent}- {name.rstrip()}", *inner] if name else [f"{indent}- {inner[0].lstrip(' -')}", *inner[1:]]
            )
        case _:
            return [f"{indent}- {name}{_scalar(value)}"]


def _table(rows: list[dict[str, Json]]) -> list[str]:
    heads = list(rows[0])
    lines = [[label(head) for head in heads], ["---"] * len(heads)]
    lines += [[_scalar(row[head]).replace("|", "\\|") for head in heads] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _scalar(value: Json) -> str:
    match value:
        case None:
            return "not given"
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case str() if _DATE.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                return value
            return f"{day.day} {day:%B %Y}"
        case str():
            return " ".join(value.split())
        case _:
            return str(value)
