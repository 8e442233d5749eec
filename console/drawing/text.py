"""Text on a page: what comes from outside is made harmless, and moments are in the reader's time zone.

The words of a model, a handbook or a tool go through `markdown` or `label` before Streamlit reads them as Markdown. A
person's own words are drawn by `st.text`, which shows them as they are.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from html import unescape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from console.format import exact_time, local_time
from core.canonical import Json
from core.clock import SystemClock, iso
from core.log.records import Thread

_IMAGE = re.compile(r"!\[")
# Streamlit draws `:name[...]` as a badge or a colour, and a quoted text must not imitate the page.
_DIRECTIVE = re.compile(r":(?=[A-Za-z][\w-]*\[)")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
# A link whose target is certain: it has nothing that Markdown or a browser would read as something else. No part of the
# pattern can begin where another of its parts goes on, so it takes linear time.
_LINK = re.compile(
    r"(?<!\\)\[(?P<text>(?:\\.|[^\[\]\\<\n])*)\]\((?P<target>"
    r"(?i:https?)://(?P<host>[A-Za-z0-9.-]+(?::\d+)?)(?P<rest>[/?#][\w\-.~:/?#@!&'*+,;=%]*)?"
    r"|(?i:mailto):(?P<mail>[\w.+-]+@[A-Za-z0-9.-]+)|(?i:tel):(?P<phone>\+?[\d.-]+)"
    r")(?: +(?:\"[^\"\n]*\"|'[^'\n]*'))? *\)"
    # What else may begin a link's target: the target of a link, of a reference, and an address in angle brackets.
    r"|\](?=[(:])|<(?=(?P<scheme>[A-Za-z][\w+.-]*):)",
    re.ASCII,
)
# A link within a handbook or the console; a number alone is a citation's marker.
_WITHIN = re.compile(r"(?<![\\!])\[(?!\d+\])((?:\\.|[^\[\]\\<\n])*)\]\([\w-]*[./#][\w./#-]*\)", re.ASCII)
_SCHEMES = ("http", "https", "mailto")
# These let text be read in another order than it stands, a link's address too.
_OVERRIDE = re.compile("[\u202d\u202e]")
# Streamlit draws emojis and a logo for words between colons, and other signs for these; in code it draws neither.
_EMOJI = re.compile(r":(?=[\w+-]*[A-Za-z+_-][\w+-]*:)")
_SIGN = re.compile(r"(?<!\S)(?=(?:<->|->|<-|--|>=|<=|~=)(?!\S)(?!\s*\|))(?<!\|\s)(?<!^)", re.MULTILINE)
_MATERIAL = re.compile(r":(?=material/)")
_CODE = re.compile(
    r"^ {0,3}(?P<fence>```+|~~~+)[^\n]*\n(?:.*?^ {0,3}(?P=fence)|.*)"
    r"|(?<!`)(?P<ticks>`{1,9})(?!`)[^\n]{1,300}?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
# GitHub's Markdown links an address without brackets too, also one whose signs are written as escapes.
_WORD = re.compile(r"[^ \t\r\n]+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_TARGET = re.compile(r"\]\([^ \t\r\n()]*")
_BEGINNING = re.compile(r"(https?:(?=//)|www(?=\.))", re.IGNORECASE)
_PLACE = re.compile(r"(?:(?<=//)|www\.)[^ \t\r\n/?#]*", re.IGNORECASE)
# Before an @ stands a user's name, which looks like the host; other scripts have signs that look like those of a host.
_HIDES_HOST = re.compile(r"[@%]|[^\W\x00-\x7f]|[^\x00-\x7f][\x00-\x7f]*[A-Za-z0-9]")
_BREAK = re.compile(r"(?<=\S)[ \t]*\n(?=[^\n])")
_JOINER = "\u2060"
"""A character without width. It keeps signs that stand together from being read as one."""

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=&^])")


def markdown(text: str) -> str:
    """Markdown that keeps its formatting but cannot load anything, and in which each link says where it leads.

    A link's host, mail address or number stands behind its text. Of a link within a handbook or the console only the
    text is left. A link that leads elsewhere, or not certainly there, is shown as it was written, and so are an address
    that hides its host, an image, a formula, and one of Streamlit's badges, emojis, icons and arrows.
    """
    # The bracket of an image is escaped, not the mark before it: a backslash that is there already would undo that.
    # HTML needs no care, Streamlit escapes it. `$` is money here, never the start of a formula.
    # What takes something away comes first, because what is left may form something new.
    text = _IMAGE.sub(r"!\\[", _WITHIN.sub(r"\1", _OVERRIDE.sub("", text)))
    text = _LINK.sub(_with_target, text)
    text = _DOLLAR.sub(r"\1\\$", _DIRECTIVE.sub("&#58;", text))
    return _outside_code(_as_written, text)


def _with_target(found: re.Match[str]) -> str:
    """The link with its target in its text; of anything else, the sign that begins it, so that it begins nothing."""
    if found[0] == "]":
        return "]\\"
    if scheme := found["scheme"]:
        return found[0] if scheme.lower() in _SCHEMES else "&lt;"
    text, target = found["text"], found["target"]
    if text.isdigit():  # a citation's marker, which the text behind it would make a link
        return f"[{text}]\\({target})"
    place = (found["host"] or found["mail"] or found["phone"]).lower()
    said = "" if text.lower() in (place, target.lower()) else f" ({place})".replace("_", r"\_")
    if rest := found["rest"]:  # where words between colons would be kept from becoming an emoji
        target = target.removesuffix(rest) + rest.replace(":", "%3A")
    return f"[{text}{said}]({target.replace('&', '&amp;')})"


def answer_markdown(text: str) -> str:
    """The same for an answer, whose single line breaks are kept: a model's lines are meant."""
    return _outside_code(lambda words: _BREAK.sub("  \n", words), markdown(text))


def _as_written(words: str) -> str:
    """Words without code, in which Streamlit finds no emoji, no icon and no arrow to draw."""
    words = _EMOJI.sub(f":{_JOINER}", _MATERIAL.sub("&#58;", words))
    return _WORD.sub(_honest, _SIGN.sub(_JOINER, words))


def _honest(word: re.Match[str]) -> str:
    """The word as it is; one with an address that hides its host, as plain text that begins no link."""
    if word[0].isascii() and not any(sign in word[0] for sign in "@%&"):
        return word[0]
    said = _ESCAPED.sub(r"\1", unescape(_TARGET.sub("](", word[0])))
    if not _hides_host(said):
        return word[0]
    return _MARKUP.sub(r"\\\1", _unlinked(_ESCAPED.sub(r"\1", unescape(word[0]))))


def _hides_host(text: str) -> bool:
    """Whether the text has an address that a reader may take for one of another host."""
    return bool(_BEGINNING.search(text)) and any(_HIDES_HOST.search(place[0]) for place in _PLACE.finditer(text))


def _unlinked(text: str) -> str:
    return _BEGINNING.sub(rf"\1{_JOINER}", text)


def _outside_code(change: Callable[[str], str], text: str) -> str:
    """The text with `change` made in what is not code."""
    pieces, start = [], 0
    for code in _CODE.finditer(text):
        pieces += [change(text[start : code.start()]), code[0]]
        start = code.end()
    return "".join([*pieces, change(text[start:])])


def label(text: str, most: int = 80) -> str:
    """One line without markup, for buttons, links, steps and titles."""
    # Not left out: a label may be a person's id, which another id must not look like.
    line = " ".join(_OVERRIDE.sub("\N{REPLACEMENT CHARACTER}", text).split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    return _MARKUP.sub(r"\\\1", _unlinked(line) if _hides_host(line) else line)


def titled(thread: Thread) -> str:
    """The thread's title, or why it has none."""
    return thread.title or ("Erased" if thread.erased_upto else "Untitled")


def when(text: str | None, *, seconds: bool = False) -> str:
    """A recorded moment in the time zone of the reader's browser, to the minute or second; None is `not yet`."""
    return "not yet" if text is None else local_time(text, reader_zone(), seconds=seconds)


def again(until: datetime) -> str:
    """From when on something is possible again, for the reader: `at 14:20`, or the whole moment on another day."""
    local = until.astimezone(reader_zone())
    today = local.date() == SystemClock().now().astimezone(local.tzinfo).date()
    return f"at {local:%H:%M}" if today else f"from {when(iso(until))}"


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
