"""Drawing the list of the viewer's own threads, beside the conversation."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import streamlit as st

from console.asking import Asking
from console.drawing.paging import Pages
from console.drawing.shortcuts import NEW_THREAD
from console.drawing.status_words import CALL_WORDS, TURN_WORDS
from console.drawing.text import label, reader_zone, titled
from console.format import short_day
from core.clock import moment
from core.desk.snippets import Snippet
from core.log.records import Thread
from core.values import Shelf

THREADS = 20
"""On a page of the list, and of what a search finds."""

PINNED = 10
"""On a page of the pinned ones, which stand above each page of the list."""

# Theming has no option for this: a label is centered in a wide button.
STYLE = """<style>
[class*="st-key-chat_open_"] button > div { width: 100%; justify-content: flex-start; text-align: left }
</style>"""


def draw_thread_list(asking: Asking) -> None:
    """The list, with a search. Call it inside the sidebar."""
    st.html(STYLE)
    st.button(
        "New thread",
        key="chat_new",
        icon=":material/add:",
        width="stretch",
        shortcut=NEW_THREAD,
        on_click=asking.open_thread,
        args=(None,),
    )
    words = st.text_input(
        "Search your threads",
        key="chat_words",
        type="search",
        placeholder="Search your threads",
        label_visibility="collapsed",
    )
    if words.strip():
        _draw_found(asking, words)
    else:
        zone = reader_zone()
        pinned = _draw_shelf(asking, "pinned", zone)
        listed = _draw_shelf(asking, "listed", zone)
        if not (pinned or listed):
            st.caption("Ask a question to start a thread. It will be listed here.")
        archived = st.expander("Archived", key="chat_archive", type="compact", on_change="rerun")
        if archived.open:
            with archived:
                if not _draw_shelf(asking, "archived", zone):
                    st.caption("To keep a thread out of the list, open it and choose Archive in its menu.")


def heading(at: date, today: date) -> str:
    """What a list calls the day: `Today`, `Yesterday`, `Last 7 days`, or its month, as in `October 2026`."""
    # Two machines' clocks differ a little, so a moment can seem to lie ahead.
    days = max(0, (today - at).days)
    if days < 2:
        return ("Today", "Yesterday")[days]
    return "Last 7 days" if days < 7 else f"{at:%B %Y}"


def _draw_shelf(asking: Asking, shelf: Shelf, zone: ZoneInfo) -> bool:
    """A page of the threads of a shelf, by days. False for an empty shelf."""
    pages = Pages[str](f"chat_{shelf}", None)
    limit = PINNED if shelf == "pinned" else THREADS
    listing = asking.run(asking.desk.archive.threads(asking.viewer, shelf, limit=limit, cursor=pages.cursor))
    today = datetime.now(zone).date()

    def day(thread: Thread) -> str:
        return "Pinned" if shelf == "pinned" else heading(moment(thread.updated_at).astimezone(zone).date(), today)

    for name, threads in groupby(listing.items, day):
        with st.container(gap=None):
            st.caption(f"**{name}**")
            for thread in threads:
                _draw_row(asking, thread, label(titled(thread), 200), _marks(thread, zone))
    pages.draw(listing.cursor)
    return bool(listing.items) or pages.cursor is not None


def _draw_found(asking: Asking, words: str) -> None:
    """A page of the threads with these words: those with a title that has them, then those with a message."""
    zone = reader_zone()
    pages = Pages[str]("chat_found", words)
    found = asking.run(asking.desk.archive.search_threads(asking.viewer, words, limit=THREADS, cursor=pages.cursor))
    with st.container(gap=None):
        for one in found.items:
            title, marks = label(titled(one.thread), 200), _marks(one.thread, zone)
            if one.hit.turn is None:
                title = _marked(one.hit.snippet)
            else:
                marks.insert(0, _marked(one.hit.snippet))
            if one.thread.shelf == "archived":
                marks.append(":material/archive: Archived")
            _draw_row(asking, one.thread, title, marks, one.hit.turn)
    if not found.items:
        st.caption("No threads match. Search for fewer or other words.")
    pages.draw(found.cursor)


def _draw_row(asking: Asking, thread: Thread, title: str, marks: Sequence[str], turn: str | None = None) -> None:
    """A thread; a click opens it, at the turn if there is one."""
    st.button(
        title,
        key=f"chat_open_{thread.id}",
        type="secondary" if thread.id == asking.thread else "tertiary",
        width="stretch",
        wrap=False,
        on_click=asking.open_thread,
        args=(thread.id, turn),
    )
    if marks:
        st.caption("  \n".join(marks))


def _marks(thread: Thread, zone: ZoneInfo) -> list[str]:
    """What the viewer should know before they open the thread."""
    marks = []
    if thread.open:
        waits = thread.open.status == "awaiting_approval"
        marks.append(f"{TURN_WORDS['awaiting_approval'].icon} Waiting for you" if waits else TURN_WORDS["running"].sign)
    if any(call.decision is None for call in thread.deferred):
        marks.append(f"{CALL_WORDS['deferred'].icon} Waiting for an approver")
    if thread.erase_due:
        marks.append(f":material/auto_delete: Will be erased on {short_day(thread.erase_due, zone)}")
    elif thread.erased_upto:
        marks.append(":material/ink_eraser: Erased")
    return marks


def _marked(found: Snippet) -> str:
    """The snippet with its marks in bold."""
    parts, at = [], 0
    for begin, end in found.marks:
        parts += [label(found.text[at:begin], 300), f"**{label(found.text[begin:end], 300)}**"]
        at = end
    # The marks are whole runs between spaces, so the spaces can be put back.
    return " ".join(part for part in [*parts, label(found.text[at:], 300)] if part)
