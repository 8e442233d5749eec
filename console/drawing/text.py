"""Text on a page: what comes from outside is made harmless, and moments are in the reader's time zone.

The words of a model, a handbook or a tool go through `markdown` or `label` before Streamlit reads them as Markdown. A
person's own words are drawn by `st.text`, which shows them as they are.
"""

import json
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from console.format import exact_time, local_time
from core.canonical import Json
from core.log.records import Thread

_IMAGE = re.compile(r"!\[")
# Streamlit draws `:name[...]` as a badge or a colour, and a quoted text must not imitate the page.
_DIRECTIVE = re.compile(r":(?=[A-Za-z][\w-]*\[)")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=&^])")


def markdown(text: str) -> str:
    """Markdown that keeps its formatting but cannot load anything.

    An image, one of Streamlit's badges and a formula are shown as they were written.
    """
    # The bracket of an image is escaped, not the mark before it: a backslash that is there already would undo that.
    # HTML needs no care, Streamlit escapes it. `$` is money here, never the start of a formula.
    return _DOLLAR.sub(r"\1\\$", _DIRECTIVE.sub("&#58;", _IMAGE.sub(r"!\\[", text)))


def label(text: str, most: int = 80) -> str:
    """One line without markup, for buttons, links, steps and titles."""
    line = " ".join(text.split())
    return _MARKUP.sub(r"\\\1", line if len(line) <= most else line[: most - 1] + "…")


def titled(thread: Thread) -> str:
    """The thread's title, or why it has none."""
    return thread.title or ("Erased" if thread.erased_upto else "Untitled")


def when(text: str | None, *, seconds: bool = False) -> str:
    """A recorded moment in the time zone of the reader's browser, to the minute or second; None is `not yet`."""
    return "not yet" if text is None else local_time(text, reader_zone(), seconds=seconds)


def exactly(text: str | None) -> str:
    """The same to the millisecond."""
    return "not yet" if text is None else exact_time(text, reader_zone())


def reader_zone() -> ZoneInfo:
    """The time zone of the reader's browser; UTC if it is unknown."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def shown(value: Json) -> str:
    """A JSON value as plain text: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
