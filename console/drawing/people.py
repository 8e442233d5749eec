"""Drawing roles on record and blocked people, and the forms in which an administrator decides, always with a reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from functools import partial
from typing import TypeAlias, get_args

import streamlit as st

from console.drawing.my_data import ROLES
from console.drawing.parts import draw_part
from console.drawing.reasons import ask_reason, draw_reason, with_command
from console.drawing.text import label, reader_zone, when
from console.format import counted
from console.sign_in.mapping import mapping_lines
from core.canonical import Json
from core.desk.administration import RolesOnRecord
from core.desk.checks import MAX_WHY
from core.gate import Role
from core.ids import MAX_USER_ID
from core.log.past_roles import Ending, PastRole
from core.log.records import RoleGrant, SignInMapping

Grant: TypeAlias = Callable[[str, Role, datetime | None, str], str | None]
"""Gives a person a role until a time, with a reason. Returns why that was refused, None if it was not."""
End: TypeAlias = Callable[[str, Role, str], str | None]
"""Takes a role away, as above."""
Decide: TypeAlias = Callable[[str, str], str | None]
"""Blocks or unblocks a person, as above."""
History: TypeAlias = Callable[[str], Sequence[PastRole]]
"""All grants and blocks of a person."""


def people_filter() -> tuple[str, bool]:
    """The field in which an id, or its beginning, is looked for, and the choice of the blocked people alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begins = st.text_input(
            "Find a person", key="pr_find", max_chars=MAX_USER_ID, type="search", placeholder="Id, or how it begins"
        )
        blocked = st.toggle("Blocked only", key="pr_blocked")
    return begins.strip(), blocked


def draw_found(people: RolesOnRecord, *, begins: str, blocked: bool) -> None:
    """How many people are on record, or why the list is empty."""
    if people.people:
        among = f"{people.blocked:,} blocked" if people.blocked else "nobody is blocked"
        st.caption(f"{counted(people.people, 'person')}{', all of them blocked' if blocked else f' · {among}'}")
    elif begins:
        st.info("Nobody on record has such an id. Upper and lower case differ.", icon=":material/search_off:")
    elif blocked:
        st.info("Nobody is blocked.", icon=":material/check:")
    else:
        st.info(
            "No role is on record, and nobody is blocked. People have the roles that they bring with their sign-in."
        )


def draw_people(people: RolesOnRecord, end: End, unblock: Decide, history: History) -> None:
    """Each person with their roles and their block, the buttons that end them, and what is over already."""
    roles = {grant.person for grant in (*people.grants, *people.ended)}
    for person in sorted(roles.union(block.person for block in people.blocks)):
        with st.container(border=True, gap="small"):
            st.markdown(f"**{label(person, MAX_USER_ID)}**")
            for block in people.blocks:
                if block.person == person:
                    by = f"{label(block.by, MAX_USER_ID)}{with_command(block.account)}"
                    line = f"Since {when(block.blocked_at)}, by {by}"
                    with _entry(":red-badge[:material/block: Blocked]", line, block.why):
                        ask_reason("Unblock", f"pr_unblock_{person}", partial(unblock, person))
            for grant in people.grants:
                if grant.person == person:
                    lasts = f"until {when(grant.ends_at)}" if grant.ends_at else "without an end"
                    line = f"Since {when(grant.granted_at)}, {lasts}, granted {_by(grant)}"
                    with _entry(_badge(grant), line, grant.why):
                        ask_reason("End role", f"pr_end_{grant.role}_{person}", partial(end, person, grant.role))
            for grant in people.ended:
                if grant.person == person:
                    line = f"From {when(grant.granted_at)} until {when(grant.ends_at)}, granted {_by(grant)}"
                    with _entry(f"{_badge(grant)} :orange-badge[:material/event_busy: Ended]", line, grant.why):
                        pass
            _draw_past(person, history)


# A fragment: to open a history does not list the people again.
@st.fragment
def _draw_past(person: str, history: History) -> None:
    draw_part("History", f"pr_past_{person}", lambda: draw_history(history(person)), icon=":material/history:")


def draw_history(past: Sequence[PastRole]) -> None:
    """All grants and blocks of a person, and how each ended."""
    for one in past:
        began, end = one.began, one.end
        if isinstance(began, RoleGrant):
            what, line = _badge(began), f"{when(began.granted_at)}, granted {_by(began)}"
            line += f", until {when(began.ends_at)}" if began.ends_at else ""
        else:
            what = ":red-badge[:material/block: Blocked]"
            line = f"{when(began.blocked_at)}, by {label(began.by, MAX_USER_ID)}{with_command(began.account)}"
        st.markdown(f"{what} {line}: {_reason(began.why)}  \n{_ended(end)}")


def _ended(end: Ending | None) -> str:
    match end:
        case None:
            return "It holds."
        case Ending(how="passed"):
            return f"It ended {when(end.at)}, as was set."
        case _:
            how = "Granted anew" if end.how == "replaced" else "Ended"
            by = f"{label(end.by or '', MAX_USER_ID)}{with_command(end.account)}"
            return f"{how} {when(end.at)}, by {by}: {_reason(end.why)}"


def _reason(why: str | None) -> str:
    return "the reason has been erased" if why is None else f"“{label(why, MAX_WHY)}”"


def draw_sign_ins(sign_ins: Sequence[SignInMapping], own: Mapping[str, Json] | None) -> None:
    """By which settings people have roles with their sign-in: the newest on record, and those before.

    `own` are those of this console, None for the development sign-in.
    """
    if not sign_ins:
        st.info("No sign-in is on record.")
    elif own is not None and own != sign_ins[0].mapping:
        st.warning(
            "This console gives roles by other settings than the newest on record, which another console has put "
            "there. Give both the same settings, and start them again."
        )
    for place, one in enumerate(sign_ins):
        with st.container(border=True, gap="small"):
            by = label(f"{one.account.user} on {one.account.host}", 200)
            st.caption(f"{'Before that, since' if place else 'Since'} {when(one.since)}, by a console of {by}")
            for line in mapping_lines(one.mapping):
                st.text(line)


def draw_grant_form(grant: Grant) -> None:
    """The form that gives a person a role."""
    with _form("grant", "Grant a role") as key:
        person = st.text_input("Person", key=f"{key}_person", max_chars=MAX_USER_ID, placeholder="Id, as they sign in")
        role: Role | None = st.selectbox(
            "Role",
            get_args(Role),
            index=None,
            key=f"{key}_role",
            format_func=lambda role: ROLES[role],
            placeholder="Choose a role",
        )
        last = st.date_input("Last day (optional)", None, key=f"{key}_last", format="DD/MM/YYYY")
        why = st.text_input("Reason", key=f"{key}_why", max_chars=MAX_WHY)
        if st.form_submit_button("Grant role", key=f"{key}_send", type="primary"):
            until = datetime.combine(last + timedelta(days=1), time.min, reader_zone()) if last else None
            _sent("grant", grant(person.strip(), role, until, why) if role else "Choose a role.")


def draw_block_form(block: Decide) -> None:
    """The form that blocks a person."""
    with _form("block", "Block a person") as key:
        person = st.text_input("Person", key=f"{key}_person", max_chars=MAX_USER_ID, placeholder="Id, as they sign in")
        why = st.text_input("Reason", key=f"{key}_why", max_chars=MAX_WHY)
        st.caption("They can no longer use this desk, whatever their roles are. What they have asked already goes on.")
        if st.form_submit_button("Block", key=f"{key}_send", type="primary"):
            _sent("block", block(person.strip(), why))


@contextmanager
def _entry(badge: str, line: str, why: str | None) -> Iterator[None]:
    """What is on record of a person; what is drawn in it stands beside it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(badge, width="content")
        yield
    st.caption(line)
    draw_reason(why)


def _badge(grant: RoleGrant) -> str:
    return f":gray-badge[{ROLES[grant.role]}]"


def _by(grant: RoleGrant) -> str:
    if grant.basis == "settings":
        return "by the settings of this desk"
    return f"by {label(grant.by, MAX_USER_ID)}{with_command(grant.account)}"


@contextmanager
def _form(name: str, title: str) -> Iterator[str]:
    """A form; gives the beginning of its widgets' keys."""
    # Another key after each decision, so that the form is empty again, and only then.
    key = f"pr_{name}_{st.session_state.get(f'pr_{name}_sent', 0)}"
    with st.form(key, enter_to_submit=False):
        st.markdown(f"**{title}**")
        yield key


def _sent(name: str, refused: str | None) -> None:
    if refused:
        st.error(label(refused, 300), icon=":material/error:")
        return
    st.session_state[f"pr_{name}_sent"] = st.session_state.get(f"pr_{name}_sent", 0) + 1
    st.rerun()
