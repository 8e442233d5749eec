"""How values read on screen: words for statuses, money, times, and text from outside made harmless.

`markdown` and `label` are the only ways for a word of a model, a handbook or a tool into anything that Streamlit
reads as Markdown. A person's own words are drawn by `st.text`, which reads nothing into them.
"""

import json
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.canonical import Json
from core.clock import moment
from core.entries import CallStatus, TurnStatus
from core.records import Totals

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


def money(nano_usd: int | None) -> str:
    """`$0.0012`; what nobody knows is `unknown`, never 0."""
    match nano_usd:
        case None:
            return "unknown"
        case 0:
            return "$0"
        case _:
            places = min(max(2, 11 - len(str(nano_usd))), 9)
            return f"${nano_usd / 1e9:,.{places}f}"


def cost(totals: Totals) -> str:
    """What is known of a sum, and how much of it is not."""
    if not totals.cost_unknown:
        return money(totals.cost)
    return f"{money(totals.cost)} + {counted(totals.cost_unknown, 'call')} unknown" if totals.cost else "unknown"


def counted(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def tokens(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def took(milliseconds: int | None) -> str:
    """`340 ms`, `2.1 s`, `3 min 5 s`."""
    if milliseconds is None:
        return "unknown"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds // 60_000} min {milliseconds // 1000 % 60} s"


def when(text: str | None) -> str:
    """A recorded moment by the reader's own clock, which is named."""
    if text is None:
        return "not yet"
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = moment(text).astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def shown(value: Json) -> str:
    """A JSON value as plain text: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


@dataclass(frozen=True, slots=True)
class Word:
    """A status as a badge shows it: never by colour alone."""

    text: str
    color: str
    icon: str

    @property
    def badge(self) -> str:
        return f":{self.color}-badge[{self.icon} {self.text}]"


TURN_WORDS: dict[TurnStatus, Word] = {
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "awaiting_approval": Word("Waits for approval", "orange", ":material/approval:"),
    "completed": Word("Completed", "green", ":material/check:"),
    "cancelled": Word("Stopped", "gray", ":material/stop_circle:"),
    "interrupted": Word("Interrupted", "orange", ":material/link_off:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "refused": Word("Refused", "orange", ":material/block:"),
    "truncated": Word("Cut short", "orange", ":material/content_cut:"),
}

CALL_WORDS: dict[CallStatus, Word] = {
    "planned": Word("Planned", "gray", ":material/schedule:"),
    "awaiting_approval": Word("Waits for approval", "orange", ":material/approval:"),
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "succeeded": Word("Succeeded", "green", ":material/check:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "timed_out": Word("Timed out", "red", ":material/timer_off:"),
    "denied": Word("Denied", "gray", ":material/block:"),
    "invalid_arguments": Word("Invalid arguments", "red", ":material/data_alert:"),
    "unknown_tool": Word("Unknown tool", "red", ":material/question_mark:"),
    "cancelled": Word("Cancelled", "gray", ":material/stop_circle:"),
    "unknown": Word("Outcome unknown", "orange", ":material/help:"),
}

_NEW_THREAD = "Start a new thread and ask again."
_FAILURES = {
    "overloaded": "The language model is overloaded. Try again in a minute.",
    "connection": "The language model could not be reached. Try again.",
    "timeout": "The language model did not answer in time. Try again.",
    "quota": "The language model's quota is used up. Tell the administrator; waiting does not help.",
    "auth": "The language model refused our key. Tell the administrator.",
    "too_large": f"The thread has become too long for the language model. {_NEW_THREAD}",
    "invalid_request": "The language model did not accept the request. Tell the administrator.",
    "protocol": "The language model's answer could not be read. Try again.",
    "empty": "The language model gave an empty answer. Try again, perhaps in other words.",
    "step_limit": "It took more steps than are allowed. Ask for less at once.",
    "bad_calls": "The language model kept asking for what the desk does not have. Put it in other words.",
    "answer_too_large": "The language model's answer became too long to keep. Ask for less at once.",
    "unrecordable": "What came of it was too large to keep. Ask for less at once.",
    "turn_deadline": "It took longer than is allowed. Ask for less at once.",
    "hook_failed": "A check of the desk failed, so the language model was not asked. Tell the administrator.",
    "model_unavailable": "The language model failed several times in a row and is left alone for a minute. Try then.",
    "invalid_output": "The language model did not answer in the form that was asked for. Try again.",
    "no_worker": "The desk that was to answer is gone. Try again.",
    "worker_lost": "The desk was restarted while it answered. Try again.",
    "approval_expired": "Nobody decided in time, so nothing was done. Ask again if it is still wanted.",
}


def what_went_wrong(code: str | None) -> str:
    """Words and a next step for the `code` of a turn that did not complete."""
    return _FAILURES.get(code or "", "Something went wrong that has no name yet. Try again.")
