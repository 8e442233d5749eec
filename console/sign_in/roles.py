"""The signed-in person, with the roles that they claim and those on record by now."""

from functools import partial

import streamlit as st

from console.app import app, start
from console.caller import Caller
from console.sign_in import tab
from console.sign_in.identity import Identity
from console.sign_in.way import way
from core.errors import Blocked, Corrupt, Denied, InvalidInput, StoreRefused, Unavailable
from core.gate import Viewer


def viewer_of(identity: Identity, purpose: str | None = None) -> Viewer:
    """This person as a viewer, for one call: with the roles of their claims, and those that they were granted.

    Raises Blocked for a blocked person, and what `app` or the store raises if either does not answer.
    """
    wanted = app().desk.administration.viewer(
        identity.user_id,
        claimed=identity.roles,
        country=identity.country,
        entity=identity.entity,
        purpose=purpose,
    )
    return app().run(wanted)


def signed_in() -> Caller | None:
    """The caller of this session, None before the sign-in.

    If the store does not answer, the caller has the roles of the run before, or else those that they claim: perhaps
    none. Raises InvalidInput, in words for the visitor, if people cannot sign in here, or the one who did is blocked or
    lacks a role.
    """
    identity = tab.person()
    if identity is None:
        return None
    state, purpose = st.session_state, tab.purpose(identity)
    answers = start().failure is None
    if answers:
        try:
            viewer = viewer_of(identity, purpose)
        except Blocked:
            raise InvalidInput(
                f"You are signed in as {identity.user_id}, and an administrator has blocked you here. What you have "
                f"asked already goes on, and stays on record. Ask {way().whom_to_ask}."
            ) from None
        except (Unavailable, StoreRefused, Corrupt):
            answers = False
    if not answers:
        # The menu stays as it was. The calls of the page are checked too, and say what is wrong.
        roles: frozenset[str] = state.get("si_roles", identity.roles)
        return _caller(Viewer(identity.user_id, roles, purpose, identity.country, identity.entity), identity)
    lost = tab.take_roles(viewer.roles)
    if not viewer.roles:
        when = "any more" if lost else "yet"
        raise InvalidInput(f"You are signed in as {viewer.id}, and have no role here {when}. Ask {way().whom_to_ask}.")
    return _caller(viewer, identity, lost)


def current_caller() -> Caller:
    """The caller of a page. Raises Denied if this session is not signed in."""
    caller = signed_in()
    if caller is None:
        raise Denied("page.open")
    return caller


def _caller(viewer: Viewer, identity: Identity, lost: frozenset[str] = frozenset()) -> Caller:
    started = start()
    confirm = partial(started.confirm, viewer, identity.roles)
    return Caller(viewer, identity, lost, started.runner, confirm, partial(tab.is_of, identity))
