"""People & roles: the roles on record, and the blocked people. An administrator decides both here, with a reason."""

from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import streamlit as st

from console.app import app
from console.drawing.people import draw_block_form, draw_blocks, draw_grant_form, draw_grants, draw_sign_ins
from console.drawing.text import label
from console.drawing.troubles import REFUSALS, why_refused
from console.sign_in.roles import current_caller
from console.sign_in.way import way
from core.gate import Role

st.set_page_config(page_title="People & roles", layout="centered")
caller = current_caller()
viewer, run, administration = caller.viewer, caller.run, app().desk.administration


def decide(decision: Coroutine[Any, Any, object], done: str) -> str | None:
    """Put the decision on record; returns why it was refused. Once it is done, the page says so."""
    try:
        run(decision)
    except REFUSALS as error:
        return why_refused(error)
    st.session_state.pr_notice = done
    return None


def grant(person: str, role: Role, until: datetime | None, why: str) -> str | None:
    return decide(administration.grant(viewer, person, role, why, until=until), f"{person} has the role now.")


def end(person: str, role: Role, why: str) -> str | None:
    return decide(administration.end_grant(viewer, person, role, why), f"{person} no longer has the granted role.")


def block(person: str, why: str) -> str | None:
    return decide(administration.block(viewer, person, why), f"{person} is blocked.")


def unblock(person: str, why: str) -> str | None:
    return decide(administration.unblock(viewer, person, why), f"{person} is no longer blocked.")


st.title("People & roles", anchor=False)
st.caption(
    "Administration · each change is recorded with your id and your reason, and holds within a second. Roles that "
    "people bring with their sign-in are not listed; below is how a sign-in gives them."
)
if "pr_notice" in st.session_state:
    st.success(label(st.session_state.pop("pr_notice"), 300), icon=":material/check:")
people = run(administration.people(viewer))

st.subheader("Roles", anchor=False)
draw_grants(people.grants, people.ended, end)
draw_grant_form(grant)

st.subheader("Blocked people", anchor=False)
draw_blocks(people.blocks, unblock)
draw_block_form(block)

st.subheader("Roles by sign-in", anchor=False)
draw_sign_ins(people.sign_ins, way().mapping)
