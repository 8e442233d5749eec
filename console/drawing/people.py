"""Drawing roles on record and blocked people, and the forms in which an administrator decides, always with a reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from functools import partial
from typing import TypeAlias, get_args

import streamlit as st

from console.drawing.looks import from_account
from console.drawing.my_data import ROLES
from console.drawing.text import label, reader_zone, when
from console.sign_in.mapping import mapping_lines
from core.canonical import Json
from core.desk.administration import MAX_REASON
from core.gate import Role
from core.ids import MAX_USER_ID
from core.log.records import Block, RoleGrant, SignInMapping
from core.values import Account

Grant: TypeAlias = Callable[[str, Role, datetime | None, str], str | None]
"""Gives a person a role until a time, with a reason. Returns why that was refused, None if it was not."""
End: TypeAlias = Callable[[str, Role, str], str | None]
"""Takes a role away, as above."""
Decide: TypeAlias = Callable[[str, str], str | None]
"""Blocks or unblocks a person, as above."""


def draw_grants(grants: Sequence[RoleGrant], ended: Sequence[RoleGrant], end: End) -> None:
    """Each grant with the button that takes the role away, those that have ended by themselves below."""
    if not grants:
        st.info("No role is on record. People have the roles that they bring with their sign-in.")
    for grant in grants:
        lasts = f"until {when(grant.ends_at)}" if grant.ends_at else "without an end"
        line = f"Since {when(grant.granted_at)}, {lasts}, granted {_by(grant)}"
        with _entry(grant.person, _badge(grant), line, grant.why):
            _ask("End role", f"end_{grant.role}_{grant.person}", partial(end, grant.person, grant.role))
    for grant in ended:
        line = f"From {when(grant.granted_at)} until {when(grant.ends_at)}, granted {_by(grant)}"
        with _entry(grant.person, _badge(grant), line, grant.why):
            st.badge("Ended", icon=":material/event_busy:", color="orange")


def draw_blocks(blocks: Sequence[Block], unblock: Decide) -> None:
    """Each blocked person, with the button that lets them use the desk again."""
    if not blocks:
        st.info("Nobody is blocked.", icon=":material/check:")
    for block in blocks:
        line = f"Since {when(block.blocked_at)}, by {label(block.by, MAX_USER_ID)}{_from(block.account)}"
        with _entry(block.person, ":red-badge[Blocked]", line, block.why):
            _ask("Unblock", f"unblock_{block.person}", partial(unblock, block.person))


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
        why = st.text_input("Reason", key=f"{key}_why", max_chars=MAX_REASON)
        if st.form_submit_button("Grant role", key=f"{key}_send", type="primary"):
            until = datetime.combine(last + timedelta(days=1), time.min, reader_zone()) if last else None
            _sent("grant", grant(person.strip(), role, until, why) if role else "Choose a role.")


def draw_block_form(block: Decide) -> None:
    """The form that blocks a person."""
    with _form("block", "Block a person") as key:
        person = st.text_input("Person", key=f"{key}_person", max_chars=MAX_USER_ID, placeholder="Id, as they sign in")
        why = st.text_input("Reason", key=f"{key}_why", max_chars=MAX_REASON)
        st.caption("They can no longer use this desk, whatever their roles are. What they have asked already goes on.")
        if st.form_submit_button("Block", key=f"{key}_send", type="primary"):
            _sent("block", block(person.strip(), why))


@contextmanager
def _entry(person: str, badge: str, line: str, why: str | None) -> Iterator[None]:
    """What is on record of a person; what is drawn in it stands beside their id."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{label(person, MAX_USER_ID)}** {badge}", width="content")
            yield
        st.caption(line)
        if why is None:
            st.caption("The reason has been erased.")
        else:
            st.text(why)


def _badge(grant: RoleGrant) -> str:
    return f":gray-badge[{ROLES[grant.role]}]"


def _by(grant: RoleGrant) -> str:
    if grant.basis == "settings":
        return "by the settings of this desk"
    return f"by {label(grant.by, MAX_USER_ID)}{_from(grant.account)}"


def _from(account: Account | None) -> str:
    return label(from_account(account), 200)


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


def _ask(button: str, key: str, decide: Callable[[str], str | None]) -> None:
    """The button that opens a small form for the reason, and the form."""
    with st.popover(button, key=f"pr_{key}"), st.form(f"pr_{key}_form", border=False, enter_to_submit=False):
        why = st.text_input("Reason", key=f"pr_{key}_why", max_chars=MAX_REASON)
        if st.form_submit_button(button, key=f"pr_{key}_sure", type="primary"):
            if refused := decide(why):
                st.error(label(refused, 300), icon=":material/error:")
                return
            st.rerun()
