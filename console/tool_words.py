"""Tools in words: what a call is doing, what it did, and what it will do if a person approves it.

The composition root adds the words of the tools that it opens, so that the pages work with any tools.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from console.format import day
from core.canonical import Json
from core.question_back import ASK_BACK
from core.retrieval.search import SEARCH
from core.tools import Tool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a call would do if it ran now, in words. If not `possible`, the text says why the tool would refuse it."""

    text: str
    possible: bool = True


PreviewOf: TypeAlias = Callable[[str, str | None, Mapping[str, Json]], Preview]
"""Makes the preview of a call from the asker's id and country, None if that is unknown, and the call's arguments."""


@dataclass(frozen=True, slots=True)
class ToolWords:
    """What a tool is called on a page: while it runs, once it has run, and what it will do, with its arguments.

    `preview` says more of what it will do. It must only read, and be quick: a page waits for it.
    """

    doing: str
    done: str
    will: str
    preview: PreviewOf | None = None


_parameters: dict[str, Mapping[str, Json]] = {}
_words = {
    SEARCH: ToolWords("Searching the handbooks", "Handbook search", "Search the handbooks for “{query}”."),
    ASK_BACK: ToolWords("Asking you", "Question to you", "Ask the person who asked: {question}"),
}


def add_tool_words(words: Mapping[str, ToolWords]) -> None:
    """Words for more tools, by the tool's name."""
    _words.update(words)


def add_tools(tools: Iterable[Tool]) -> None:
    """The tools whose parameters the pages are to know."""
    _parameters.update({tool.name: tool.schema.parameters for tool in tools})


def parameters_of(name: str) -> Mapping[str, Json]:
    """The JSON schema of the tool's arguments, {} for a tool that this process does not have."""
    return _parameters.get(name, {})


def tool_words(name: str) -> ToolWords:
    """The words for the tool; a tool without words gets some made from its name."""
    spaced = name.replace("_", " ").strip() or "a tool"
    return _words.get(name) or ToolWords(f"Using {spaced}", spaced.capitalize(), f"Run “{spaced}”.")


def what_it_does(name: str, arguments: Mapping[str, Json] | None) -> str:
    """One sentence with the call's arguments, dates with their weekday; a general one if they do not fit the words."""
    plain = {key: day(value) if isinstance(value, str) else value for key, value in (arguments or {}).items()}
    try:
        return tool_words(name).will.format_map(plain)
    except KeyError:
        return f"Run “{tool_words(name).done}”."


def what_it_would_do(
    name: str, employee: str, country: str | None, arguments: Mapping[str, Json] | None
) -> Preview | None:
    """The preview of this employee's call; None without a preview, or if it cannot be made now."""
    preview = tool_words(name).preview
    if preview is None or arguments is None:
        return None
    try:
        return preview(employee, country, arguments)
    except Exception as error:  # the boundary of a tool's code: without a preview the card still says what will happen
        log.warning("no preview of a call of %s: %s", name, type(error).__name__)
        return None
