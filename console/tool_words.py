"""Tools in words: what a call is doing, what it did, and what it will do if a person approves it.

The composition root adds the words of the tools that it opens, so that the pages work with any tools.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from console.format import day
from core.canonical import Json
from core.retrieval.search import SEARCH


@dataclass(frozen=True, slots=True)
class ToolWords:
    """What a tool is called on a page: while it runs, once it has run, and what it will do, with its arguments."""

    doing: str
    done: str
    will: str


_words = {SEARCH: ToolWords("Searching the handbooks", "Handbook search", "Search the handbooks for “{query}”.")}


def add_tool_words(words: Mapping[str, ToolWords]) -> None:
    """Words for more tools, by the tool's name."""
    _words.update(words)


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
