"""The session of a browser's tab: its person, the purpose of their looks, and its end.

To sign out ends a sign-in for all tabs of the browser: `tabs.js` lets them load their page anew, and the next run of
each finds that its sign-in has ended.
"""

import streamlit as st

from console.sign_in import development
from console.sign_in.development import Choice
from console.sign_in.identity import Identity
from console.sign_in.oidc import OidcSignIn
from console.sign_in.way import way
from core.errors import InvalidInput


def person() -> Identity | None:
    """The person of this session, None before the sign-in.

    Raises InvalidInput, in words for the visitor, if people cannot sign in here, or not in this way.
    """
    if way().is_development:
        _follow_choice()
    else:
        _follow_headers()
    identity: Identity | None = st.session_state.si_identity
    return identity


def _follow_choice() -> None:
    """Take over the choice in the cookie, and forget one that another tab has ended."""
    state = st.session_state
    if "si_identity" not in state:
        chosen = development.choice_in(st.context.cookies)
        state.si_identity, state.si_purpose = (chosen.identity, chosen.purpose) if chosen else (None, None)
        state.si_cookie = st.context.cookies.get(development.COOKIE, "")
    elif state.si_identity and state.get("si_cookie") in development.ended:
        _leave()
    if state.si_identity is None or state.si_identity.provider == development.PROVIDER:
        development.refuse_other_stores()


def _follow_headers() -> None:
    """Take over the person whom the tab's headers name, and forget all that the session had of another one."""
    state, sign_in = st.session_state, way().sign_in
    known: Identity | None = state.setdefault("si_identity", None)
    identity = None
    try:
        identity = sign_in.sign_in(st.context.headers)
    finally:
        if known and (identity is None or identity.key != known.key):
            _leave()
        state.si_identity = identity
    if isinstance(sign_in, OidcSignIn) and identity:
        sign_in.sessions.use(identity)


def is_of(identity: Identity) -> bool:
    """Whether the tab's headers still name this sign-in; always with the development sign-in."""
    if way().is_development:
        return True
    try:
        now = way().sign_in.sign_in(st.context.headers)
    except InvalidInput:
        return False
    return now is not None and now.key == identity.key


def begin(chosen: Choice, cookie: str) -> None:
    """Make the session this person's, by the development sign-in. `tabs.js` is to keep the cookie."""
    state = st.session_state
    state.si_identity, state.si_purpose, state.si_cookie = chosen.identity, chosen.purpose, cookie
    state.si_chosen = True


def end(identity: Identity) -> None:
    """Sign this person out, in all tabs of the browser."""
    state, sign_in = st.session_state, way().sign_in
    if isinstance(sign_in, OidcSignIn):
        sign_in.sessions.end(identity)
        _leave()
        state.si_leaving = identity.key
    else:
        development.ended.add(state.get("si_cookie", ""))
        _leave()
    st.query_params.clear()


def purpose(identity: Identity) -> str | None:
    """Why this person looks; None if they have not said so yet."""
    sign_in = way().sign_in
    if isinstance(sign_in, OidcSignIn):
        return sign_in.sessions.purpose(identity)
    said: str | None = st.session_state.get("si_purpose")
    return said


def look_for(identity: Identity, purpose: str | None) -> None:
    """This person says why they look, for as long as their sign-in lasts; None is to be asked again."""
    sign_in = way().sign_in
    if isinstance(sign_in, OidcSignIn):
        sign_in.sessions.look_for(identity, purpose)
    else:
        # The end of these sign-ins is not known here: the purpose ends with the tab.
        st.session_state.si_purpose = purpose


def take_roles(roles: frozenset[str]) -> frozenset[str]:
    """Take over the roles of now. Returns those that the person has lost in this session, until they have read it."""
    state = st.session_state
    had: frozenset[str] = state.get("si_roles", frozenset()) | state.get("si_lost", frozenset())
    state.si_roles = roles
    lost = had - roles
    if lost:
        state.si_lost = lost
    else:
        forget_lost()
    return lost


def was_refused() -> bool:
    """Whether a call of this tab was refused, because of the roles that the person has lost."""
    return "si_refused" in st.session_state


def forget_lost() -> None:
    """The person has read which roles they have lost."""
    st.session_state.pop("si_lost", None)
    st.session_state.pop("si_refused", None)


def _leave() -> None:
    """Forget what this session holds of its viewer."""
    cookie = st.session_state.get("si_cookie", "")
    st.session_state.clear()
    st.session_state.si_identity = None
    st.session_state.si_cookie = cookie
