"""Text on a page: what comes from outside is made harmless, and moments are in the reader's time zone.

The words of a model, a handbook or a tool go through `markdown` or `label` before Streamlit reads them as Markdown. A
person's own words are drawn by `st.text`, which shows them as they are.
"""

import json
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from console.format import exact_time, local_time
from core.canonical import Json
from core.log.records import Thread

_IMAGE = re.compile(r"!\[")
# Streamlit draws `:name[...]` as a badge or a colour, and a quoted text must not imitate the page.
_DIRECTIVE = re.compile(r":(?=[A-Za-z][\w-]*\[)")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
# Streamlit draws emojis and a logo for words between colons, and other signs for these; in code it draws neither.
_EMOJI = re.compile(r":(?=[\w+-]*[A-Za-z+_-][\w+-]*:)")
_SIGN = re.compile(r"(?<!\S)(?=(?:<->|->|<-|--|>=|<=|~=)(?!\S)(?!\s*\|))(?<!\|\s)(?<!^)", re.MULTILINE)
_MATERIAL = re.compile(r":(?=material/)")
_CODE = re.compile(
    r"^ {0,3}(?P<fence>```+|~~~+)[^\n]*\n(?:.*?^ {0,3}(?P=fence)|.*)"
    r"|(?<!`)(?P<ticks>`{1,9})(?!`)[^\n]{1,300}?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_BREAK = re.compile(r"(?<=\S)[ \t]*\n(?=[^\n])")
_JOINER = "\u2060"
"""A character without width. It keeps signs that stand together from being read as one."""

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=&^])")


def markdown(text: str) -> str:
    """Markdown that keeps its formatting but cannot load anything.

    An image, a formula, and one of Streamlit's badges, emojis, icons and arrows are shown as they were written.
    """
    # The bracket of an image is escaped, not the mark before it: a backslash that is there already would undo that.
    # HTML needs no care, Streamlit escapes it. `$` is money here, never the start of a formula.
    text = _DOLLAR.sub(r"\1\\$", _DIRECTIVE.sub("&#58;", _IMAGE.sub(r"!\\[", text)))
    return _outside_code(_as_written, text)


def answer_markdown(text: str) -> str:
    """The same for an answer, whose single line breaks are kept: a model's lines are meant."""
    return _outside_code(lambda words: _BREAK.sub("  \n", words), markdown(text))


def _as_written(words: str) -> str:
    """Words without code, in which Streamlit finds no emoji, no icon and no arrow to draw."""
    words = _EMOJI.sub(f":{_JOINER}", _MATERIAL.sub("&#58;", words))
    return _SIGN.sub(_JOINER, words)


def _outside_code(change: Callable[[str], str], text: str) -> str:
    """The text with `change` made in what is not code."""
    pieces, start = [], 0
    for code in _CODE.finditer(text):
        pieces += [change(text[start : code.start()]), code[0]]
        start = code.end()
    return "".join([*pieces, change(text[start:])])


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
