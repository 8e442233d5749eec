"""Text on a page: what comes from outside is made harmless, and a moment is told by the reader's clock.

`markdown` and `label` are the only ways for a word of a model, a handbook or a tool into anything that Streamlit
reads as Markdown. A person's own words are drawn by `st.text`, which shows them as they are.
"""

import json
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from console.format import local_time
from core.canonical import Json

_IMAGE = re.compile(r"!\[")
_DIRECTIVE = re.compile(r":(?=[A-Za-z][\w-]*\[)")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=&^])")


def markdown(text: str) -> str:
    """Text that may be formatted, and loads nothing: an image, or one of Streamlit's badges, shows as what was written.

    The bracket is escaped, not the mark before it: a backslash that stands there already would undo that. Streamlit
    escapes HTML by itself; `$` is money here and never begins a formula.
    """
    return _DOLLAR.sub(r"\1\\$", _DIRECTIVE.sub("&#58;", _IMAGE.sub(r"!\\[", text)))


def label(text: str, most: int = 80) -> str:
    """One line in which nothing is markup, for buttons, links, steps and titles."""
    line = " ".join(text.split())
    return _MARKUP.sub(r"\\\1", line if len(line) <= most else line[: most - 1] + "…")


def when(text: str | None) -> str:
    """A recorded moment by the reader's own clock; None is `not yet`."""
    if text is None:
        return "not yet"
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return local_time(text, zone)


def shown(value: Json) -> str:
    """A JSON value as plain text: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
