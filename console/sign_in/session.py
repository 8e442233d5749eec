"""Who is signed in: the session's person, as one of the ways to sign in knows them.

A process has one way: OpenID Connect, a proxy, a sign-in of one's own, or else the development sign-in. To sign out
ends a sign-in for all tabs of the browser: `tabs.js` lets them load their page anew, and the next run of each finds
that its sign-in has ended.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import streamlit as st
from streamlit.url_util import make_url_path

from console.components.scripts import component
from console.drawing.text import label
from console.sign_in import development
from console.sign_in.development import DevelopmentSignIn
from console.sign_in.identity import LOOKERS, Identity, SignIn
from console.sign_in.mapping import mapping_of
from console.sign_in.oidc import DEFAULT, OidcSignIn
from console.sign_in.proxy import ProxySignIn
from console.sign_in.return_path import FAILED
from console.sign_in.settings import read_sign_in
from core.canonical import Json
from core.clock import SystemClock
from core.errors import Denied, InvalidInput
from core.gate import Viewer

MARK = "rolltop_sign_in"
"""The cookie by which the tabs of a browser know that a sign-in has ended, or another has begun. It proves nothing."""

_tabs = component("tabs")


@dataclass(frozen=True, slots=True)
class Way:
    """How people sign in here, and whom they ask if they cannot.

    `mapping` says for the record how people get their roles, None for the development sign-in.
    """

    sign_in: SignIn
    whom_to_ask: str
    mapping: dict[str, Json] | None

    @property
    def is_development(self) -> bool:
        return isinstance(self.sign_in, DevelopmentSignIn)


@cache
def way() -> Way:
    """This process's way to sign in. Raises InvalidInput if its settings are invalid."""
    settings, now = read_sign_in(), SystemClock().now
    sign_in: SignIn
    if settings.oidc:
        sign_in = OidcSignIn(settings.oidc, now)
    elif settings.proxy:
        sign_in = ProxySignIn(settings.proxy, now)
    elif settings.sign_in.own:
        sign_in = _imported(settings.sign_in.own)
    else:
        sign_in = DevelopmentSignIn()
    return Way(sign_in, settings.sign_in.whom_to_ask, mapping_of(settings))


def _imported(place: str) -> SignIn:
    module, _, name = place.partition(":")
    try:
        own: SignIn = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f"sign_in.own: {place} cannot be imported: {error}") from error
    if not callable(getattr(own, "sign_in", None)):
        raise InvalidInput(f"sign_in.own: {place} lacks the method sign_in(headers)")
    return own


def signed_in() -> Viewer | None:
    """The viewer of this session, None before the sign-in.

    Raises InvalidInput, in words for the visitor, if nobody can sign in here or the person who did has no role.
    """
    if way().is_development:
        _follow_choice()
    else:
        _follow_headers()
    identity: Identity | None = st.session_state.si_identity
    if identity is None:
        return None
    viewer = viewer_of(identity, st.session_state.get("si_purpose"))
    if not viewer.roles:
        raise InvalidInput(f"You are signed in as {viewer.id}, and have no role here yet. Ask {way().whom_to_ask}.")
    return viewer


def current_viewer() -> Viewer:
    """The viewer of a page. Raises Denied if this session is not signed in."""
    viewer = signed_in()
    if viewer is None:
        raise Denied("page.open")
    return viewer


def viewer_of(identity: Identity, purpose: str | None = None) -> Viewer:
    """This person as a viewer, for one call."""
    return Viewer(identity.user_id, identity.roles, purpose, identity.country, identity.entity)


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


def draw_sign_in(refusal: str) -> None:
    """The way to sign in, and why it did not lead in, if it did not."""
    state = st.session_state
    st.title("Rolltop")
    if state.get("si_leaving"):
        st.markdown("Signing out …")
        logout = make_url_path(st.get_option("server.baseUrlPath") or "", "auth/logout")
        _tabs(key="si_out_tabs", data=_data("", left=state.si_leaving, then=logout))
        return
    st.markdown("The HR chatbot that stores every answer before it is shown.")
    if refusal:
        st.error(label(refusal, 500))
    sign_in = way().sign_in
    if isinstance(sign_in, DevelopmentSignIn):
        if not refusal and (made := development.draw_choice()):
            chosen, state.si_cookie = made
            state.si_identity, state.si_purpose, state.si_chosen = chosen.identity, chosen.purpose, True
            st.rerun()
    elif isinstance(sign_in, OidcSignIn):
        _draw_providers(sign_in, refusal)
    elif not refusal:
        st.info(f"You are not signed in. Open this page by your company's sign-in, or ask {way().whom_to_ask}.")
    # The one that is left is named: on a first visit this could arrive after the cookie of a quick choice.
    left = state.get("si_cookie", "") if way().is_development else st.context.cookies.get(MARK, "")
    _tabs(key="si_out_tabs", data=_data("", left=left))


def _draw_providers(sign_in: OidcSignIn, refusal: str) -> None:
    if FAILED in st.context.cookies and not refusal:
        st.error(f"The sign-in did not succeed. Try again, or ask {way().whom_to_ask}; the server's log says why.")
    for name, provider in sign_in.settings.providers.items():
        named = provider.label or (name.capitalize() if name != DEFAULT else "")
        if st.button(f"Sign in with {named}" if named else "Sign in", key=f"si_{name}", type="primary"):
            st.login(name)
    identity: Identity | None = st.session_state.si_identity
    if identity and st.button("Sign out", key="si_out", type="tertiary"):
        _sign_out(identity)


def draw_signed_in(viewer: Viewer) -> None:
    """The viewer, the purpose of their looks, and the button that signs out."""
    state = st.session_state
    identity: Identity = state.si_identity
    roles = sorted(viewer.roles - {"employee"}) or ["employee"]
    badges = " ".join(f":gray-badge[{role.replace('_', ' ')}]" for role in roles)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{label(identity.display_name or viewer.id, 60)}** {badges}", width="content")
        ends_here = isinstance(way().sign_in, DevelopmentSignIn | OidcSignIn)
        if ends_here and st.button("Sign out", key="si_out", type="tertiary"):
            _sign_out(identity)
    if viewer.purpose and not way().is_development:
        st.caption(f"You look for: {label(viewer.purpose, 200)}")
        if st.button("Change the purpose", key="si_change", type="tertiary"):
            state.si_purpose = None
            st.rerun()
    _tabs(key="si_tabs", data=_data(viewer.id, chosen=not way().is_development or "si_chosen" in state))


def _sign_out(identity: Identity) -> None:
    state, sign_in = st.session_state, way().sign_in
    if isinstance(sign_in, OidcSignIn):
        sign_in.sessions.end(identity)
        _leave()
        state.si_leaving = identity.key
    else:
        development.ended.add(state.get("si_cookie", ""))
        _leave()
    st.query_params.clear()
    st.rerun()


def draw_purpose() -> None:
    """Asks an auditor, a handler or a data protection officer why they look."""
    with st.form("si_why"):
        purpose = st.text_input("Purpose (required)", key="si_wanted_purpose", max_chars=200)
        st.caption("Why you look, for example “complaint 7”. It is recorded with each look, and shown to the employee.")
        if st.form_submit_button("Go on", type="primary") and purpose.strip():
            st.session_state.si_purpose = purpose.strip()
            st.rerun()


def lacks_purpose(viewer: Viewer) -> bool:
    """Whether this viewer must say why before they look."""
    return not viewer.purpose and not viewer.roles.isdisjoint(LOOKERS)


def draw_banner(*, demo: bool) -> None:
    """What the development sign-in is; every page shows it."""
    if not way().is_development:
        return
    text = (
        "**Demo:** choose any sample person. All data is fictional."
        if demo
        else "**Development sign-in.** Anyone on this machine can sign in as anyone, with any role."
    )
    st.markdown(f":small[:orange[:material/warning:] {text}]")


def _data(person: str, **more: Any) -> dict[str, Any]:
    """What `tabs.js` is told."""
    state = st.session_state
    if way().is_development:
        return {"name": development.COOKIE, "person": person, "cookie": person and state.get("si_cookie", ""), **more}
    if person and isinstance(sign_in := way().sign_in, OidcSignIn):
        more["ends_in"] = sign_in.sessions.ends_in(state.si_identity).total_seconds()
    return {"name": MARK, "person": person, "cookie": person and state.si_identity.key, **more}


def _leave() -> None:
    """Forget what this session holds of its viewer."""
    cookie = st.session_state.get("si_cookie", "")
    st.session_state.clear()
    st.session_state.si_identity = None
    st.session_state.si_cookie = cookie
