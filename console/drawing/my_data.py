"""Drawing what is kept about the viewer: in numbers, their requests, the looks of others, and their threads."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import streamlit as st

from console.drawing.erasure import confirm_erasure
from console.drawing.looks import done_at_own
from console.drawing.text import label, reader_zone, titled, when
from console.format import counted, short_day
from core.desk.exports.contents import ExportFormat
from core.desk.own_data import OwnLook, OwnTotals
from core.gate import Role
from core.log.records import Person, Thread

FORMATS: dict[ExportFormat, tuple[str, str]] = {
    "html": ("HTML, to read and print", "text/html"),
    "jsonl": ("JSON Lines, all records", "application/jsonl"),
}
"""The formats of an export: in words, and the type of the file."""

ROLES: dict[Role, str] = {
    "employee": "Employee",
    "auditor": "HR auditor",
    "approver": "Approver",
    "knowledge_owner": "Knowledge owner",
    "handler": "Handler of sealed threads",
    "data_protection_officer": "Data protection officer",
    "administrator": "Administrator",
}

Change = Callable[[str], None]
"""Asks for the erasure of a thread, or takes the request back; the argument is the thread's id."""


def draw_totals(totals: OwnTotals, person: Person | None, elsewhere: str) -> None:
    """What is kept, how long, what `elsewhere`, and which roles may read it."""
    since = f", since {short_day(totals.since, reader_zone())}" if totals.since else ""
    rows = [
        f"**{counted(totals.threads, 'thread')}**, **{counted(totals.questions, 'question')}** and the answers{since}",
        f"**{counted(totals.tool_calls, 'tool call')}**: what went in, what came out, who approved it",
        f"**{counted(totals.handovers, 'request')}** for a person, **{counted(totals.ratings, 'rating')}** of answers",
    ]
    if person:
        rows.append(f"That you have read the notice {label(person.notice)}, {when(person.acknowledged_at)}")
    st.markdown("\n".join(f"- {row}" for row in rows))
    st.markdown(
        "**How long:** until you ask for erasure. There are no retention periods yet: content is not erased by itself."
        f"\n\n**Elsewhere:** {elsewhere}"
        "\n\n**Who can read it:** you, and HR auditors. A thread closed to auditors is open to handlers instead. "
        "Approvers read the requests that wait for them."
    )


def draw_erasures(threads: Sequence[Thread], withdraw: Change) -> None:
    """The viewer's requests for erasure, each with its status."""
    zone = reader_zone()
    for thread in threads:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            asked = f"asked on {short_day(thread.erase_asked, zone)}" if thread.erase_asked else ""
            if thread.erase_due:
                status = f"{asked}, due on {short_day(thread.erase_due, zone)}"
            else:
                status = f"{asked}, carried out on {short_day(thread.erased_at or '', zone)}"
            st.markdown(f"**{label(titled(thread))}**: {status}", width="content")
            if thread.erase_due:
                st.button("Take back", key=f"md_back_{thread.id}", on_click=withdraw, args=(thread.id,))


def draw_looks(looks: Sequence[OwnLook]) -> None:
    """What others did with what is the viewer's."""
    for look in looks:
        title = f" **{label(look.title or 'Untitled')}**" if look.thread else ""
        roles = " or ".join(ROLES[role] for role in look.roles) or "Role not recorded"
        purpose = "erased" if look.purpose is None else label(look.purpose, 300) or "not stated"
        with st.container(gap=None):
            st.markdown(f"{done_at_own(look)}{title}")
            st.caption(f"{roles} · {when(look.at)}{' · With a command' if look.command else ''} · Purpose: {purpose}")


def draw_own_thread(
    thread: Thread, export: Callable[[ExportFormat], bytes], erase_after: timedelta, ask: Change, withdraw: Change
) -> None:
    """One of the viewer's threads: to open, to export, to erase."""
    with st.container(border=True, key=f"md_thread_{thread.id}"):
        draw_thread_link(thread, f"**{label(titled(thread))}**")
        st.caption(" · ".join([f"Last activity {when(thread.updated_at)}", *_marks(thread)]))
        with st.container(horizontal=True):
            draw_own_export("Export", export, f"md_export_{thread.id}")
            if thread.erase_due:
                st.button(
                    "Take back the request for erasure",
                    key=f"md_keep_{thread.id}",
                    icon=":material/undo:",
                    on_click=withdraw,
                    args=(thread.id,),
                )
            elif _holds_content(thread) and st.button(
                "Ask for erasure", key=f"md_erase_{thread.id}", icon=":material/auto_delete:"
            ):
                confirm_erasure(thread, erase_after, ask)


def draw_thread_link(thread: Thread, text: str) -> None:
    """A link to the thread on Ask HR."""
    st.page_link("../pages/chat.py", label=text, icon=":material/forum:", query_params={"thread": thread.id})


def draw_own_export(title: str, export: Callable[[ExportFormat], bytes], key: str, note: str = "") -> None:
    """A button for each format behind `title`; the file is made on the click."""
    popover = st.popover(title, icon=":material/download:", key=key, on_change="rerun")
    if popover.open:
        with popover:
            for file_format, (text, mime) in FORMATS.items():
                st.download_button(
                    text,
                    partial(export, file_format),
                    file_name=f"rolltop-my-threads.{file_format}",
                    mime=mime,
                    on_click="ignore",
                    key=f"{key}_{file_format}",
                )
            st.caption(f"All versions of your questions are in it. What auditors have noted is left out.{note}")


def _holds_content(thread: Thread) -> bool:
    """Whether anything was written since the thread was erased last, if ever."""
    # A title does not make a thread newer.
    return thread.erased_at is None or thread.updated_at > thread.erased_at or thread.named


def _marks(thread: Thread) -> list[str]:
    """What the viewer should know of the thread."""
    marks = []
    if thread.sealed:
        marks.append(":material/lock: Closed to HR auditors")
    if thread.shelf == "archived":
        marks.append(":material/archive: Archived")
    if thread.erase_due:
        marks.append(f":material/auto_delete: Will be erased on {short_day(thread.erase_due, reader_zone())}")
    elif thread.erased_upto:
        marks.append(":material/ink_eraser: Erased")
    return marks
