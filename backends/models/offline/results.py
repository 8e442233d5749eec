"""A tool's result in plain words, whatever the tool: what its JSON says, with its keys as the names.

A call that waits for an approver has no result yet. Its decision comes later, in a message of the desk's own.
"""

import json
import re
from datetime import date

from backends.models.offline.phrases import Phrases
from core.canonical import Json, canonical
from core.model import ToolMessage

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DENIED = re.compile(r"The request (\S+) was denied\.(?: Reason: (.*?))? It was not carried out\.", re.DOTALL)


def render(result: ToolMessage, phrases: Phrases, arguments: Json = None) -> str:
    """The result as Markdown; for a call that failed, was denied or has an unknown outcome, what was said of it.

    For a call that waits for an approver it says so, with its `arguments`.
    """
    name, content = label(result.tool), result.content.strip()
    if result.status == "deferred":
        requested = ["\n".join(_Words(phrases).lines(arguments, ""))] if arguments else []
        return "\n\n".join([phrases.waits.format(name=name), *requested, phrases.not_yet])
    if result.failed:
        return phrases.no_result.format(name=name, reason=content or phrases.no_reason)
    try:
        value = json.loads(content)
        canonical(value)  # a text may be nested more deeply than a result can be
    except (ValueError, RecursionError):
        value = content
        if content:
            return f"{name}: {content}"
    if value is None or value == "":
        return phrases.done.format(name=name)
    if value in ([], {}):
        return phrases.nothing_on_record.format(name=name)
    words = _Words(phrases)
    if isinstance(value, dict | list):
        return f"{name}:\n\n" + "\n".join(words.lines(value, ""))
    return f"{name}: **{words.scalar(value)}**"


def render_report(report: ToolMessage, phrases: Phrases) -> str:
    """What an approver has decided on a request, and what came of it, as Markdown."""
    name = label(report.tool)
    match report.status:
        case None:
            denied = _DENIED.fullmatch(report.content)
            if denied is None:
                return report.content  # erased
            said = [phrases.denied.format(name=label(denied[1]))]
            return " ".join([*said, phrases.reason.format(reason=denied[2])] if denied[2] else said)
        case "succeeded":
            return f"{phrases.approved.format(name=name)}\n\n{render(report, phrases)}"
        case "unknown" | "timed_out":
            return phrases.approved_unknown.format(name=name)
        case _:
            return phrases.approved_failed.format(name=name, reason=report.content.strip() or phrases.no_reason)


def label(name: str) -> str:
    """`days_left` and `daysLeft` as `Days left`."""
    spaced = " ".join(_CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").split())
    return spaced[:1].upper() + (spaced[1:].lower() if _CAMEL.search(name) else spaced[1:])


class _Words:
    """JSON as Markdown, in the words of one language."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def lines(self, value: Json, indent: str) -> list[str]:
        match value:
            case dict():
                return [line for key, item in value.items() for line in self._item(f"{label(key)}: ", item, indent)]
            case [dict() as first, *rest] if not indent and all(
                isinstance(row, dict) and row.keys() == first.keys() for row in rest
            ):
                if all(not isinstance(cell, dict | list) for row in value for cell in row.values()):
                    return self._table(value)
        return [line for item in value for line in self._item("", item, indent)]

    def scalar(self, value: Json) -> str:
        match value:
            case None:
                return self._phrases.not_given
            case bool():
                return self._phrases.yes if value else self._phrases.no
            case float() if value.is_integer():
                return str(int(value))
            case str() if _DATE.fullmatch(value):
                try:
                    return self._phrases.date(date.fromisoformat(value))
                except ValueError:
                    return value
            case str():
                return " ".join(value.split())
            case _:
                return str(value)

    def _item(self, name: str, value: Json, indent: str) -> list[str]:
        match value:
            case {} | [] if not value:
                return [f"{indent}- {name}{self._phrases.none}"]
            case list() if all(not isinstance(item, dict | list) for item in value):
                return [f"{indent}- {name}{', '.join(map(self.scalar, value))}"]
            case dict() | list():
                inner = self.lines(value, indent + "  ")
                if name:
                    return [f"{indent}- {name.rstrip()}", *inner]
                return [f"{indent}- {inner[0].lstrip(' -')}", *inner[1:]]
            case _:
                return [f"{indent}- {name}{self.scalar(value)}"]

    def _table(self, rows: list[dict[str, Json]]) -> list[str]:
        heads = list(rows[0])
        lines = [[label(head) for head in heads], ["---"] * len(heads)]
        lines += [[self.scalar(row[head]).replace("|", "\\|") for head in heads] for row in rows]
        return ["| " + " | ".join(line) + " |" for line in lines]
