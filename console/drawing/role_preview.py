"""Drawing what a role may open and do, by the menu and the gate themselves: the viewer does not get the role."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import streamlit as st

from console.drawing.looks import ACTION_WORDS
from console.drawing.my_data import ROLES
from console.drawing.text import label
from console.menu import offered_to
from core.gate import Permission, Role, Scope, permissions

_NOUNS = {"thread": "a thread", "turn": "an answer", "call": "a tool call", "answer": "an answer", "seal": "a thread"}
_OF: Mapping[Scope, str] = {
    "all": "",
    "own": "their own",
    "others": "of other people",
    "requests": "of other people, while an approver has to decide",
    "sealed": "of other people, if it is closed to auditors",
}


def draw_preview() -> None:
    """The choice of a role, the pages in its menu, and all that it may do."""
    st.caption(
        "What the menu offers to a role, and what the desk allows it. This shows the rules, and no page as that role "
        "sees it: a page would show what people wrote."
    )
    role: Role | None = st.selectbox(
        "Role",
        get_args(Role),
        index=None,
        key="pr_preview",
        format_func=lambda role: ROLES[role],
        placeholder="Choose a role",
    )
    if role is None:
        return
    for section, pages in offered_to({role}).items():
        names = [label(page.title) if page.icon else f"{label(page.title)} (by links)" for page in pages]
        st.markdown(f"**{f'Menu, {section}' if section else 'Menu'}:** {', '.join(names)}")
    rows = preview(role)
    st.table(
        {
            "May": [label(row.may, 200) for row in rows],
            "Whose": [label(row.whose, 200) for row in rows],
            "On record": ["Each look" if row.recorded else "" for row in rows],
        },
        border="horizontal",
        hide_index=True,
        alt=f"What the role {ROLES[role]} may do",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """What a role may do, with whose things, and whether that is put on record as a look."""

    may: str
    whose: str
    recorded: bool


def preview(role: Role) -> list[Row]:
    """What the role may do, in words: a row for each action, with one object or with many."""
    rows: dict[tuple[str, bool], list[str]] = {}
    for one in permissions(role):
        whose = rows.setdefault((_may(one), one.access != "own"), [])
        # Requests are calls, and an auditor reads those of others in any case.
        if _OF[one.of] and (one.of != "requests" or (one.action.startswith("call.") and _OF["others"] not in whose)):
            whose.append(_OF[one.of])
    return [Row(may, "; ".join(whose), recorded) for (may, recorded), whose in rows.items()]


def _may(one: Permission) -> str:
    asked = ACTION_WORDS[one.action].asked
    match one.action, one.of:
        case "call.read", "all":
            return "list the tool calls that wait for an approver"
        case "audit.list", "all" if one.access == "own":
            return "list what the audit log says of them"
        case _, "all":
            return asked
        case _:
            return f"{asked} {_NOUNS[one.action.partition('.')[0]]}"
