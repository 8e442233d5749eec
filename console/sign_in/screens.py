"""What the sign-in draws: the way in, the person and the way out, and what is asked or said of their roles."""

from typing import Any

import streamlit as st
from streamlit.url_util import make_url_path

from console.caller import Caller
from console.components.scripts import component
from console.drawing.my_data import ROLES
from console.drawing.text import label
from console.sign_in import development, tab
from console.sign_in.development import DevelopmentSignIn
from console.sign_in.identity import Identity
from console.sign_in.oidc import DEFAULT, OidcSignIn
from console.sign_in.return_path import FAILED
from console.sign_in.way import way

MARK = "rolltop_sign_in"
"""The cookie by which the tabs of a browser know that a sign-in has ended, or another has begun. It proves nothing."""

_tabs = component("tabs")


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
        if not way().is_development and way().whom_to_ask not in refusal:
            st.caption(f"If signing in again does not help, ask {label(way().whom_to_ask)}.")
    sign_in = way().sign_in
    identity: Identity | None = state.get("si_identity")  # known, but refused
    if isinstance(sign_in, DevelopmentSignIn):
        if not refusal and (made := development.draw_choice()):
            tab.begin(*made)
            st.rerun()
    elif isinstance(sign_in, OidcSignIn):
        _draw_providers(sign_in, refusal, again=bool(identity))
    elif not refusal:
        st.info(f"You are not signed in. Open this page by your company's sign-in, or ask {way().whom_to_ask}.")
    if identity:
        _draw_way_out(identity)
    # The one that is left is named: on a first visit this could arrive after the cookie of a quick choice.
    left = st.context.cookies.get(MARK, "")
    if way().is_development:
        left = "" if identity else state.get("si_cookie", "")
    _tabs(key="si_out_tabs", data=_data("", left=left))


def _draw_providers(sign_in: OidcSignIn, refusal: str, *, again: bool) -> None:
    if FAILED in st.context.cookies and not refusal:
        st.error(f"The sign-in did not succeed. Try again, or ask {way().whom_to_ask}; the server's log says why.")
    for name, provider in sign_in.settings.providers.items():
        named = provider.label or (name.capitalize() if name != DEFAULT else "")
        text = "Sign in again" if again else "Sign in"
        if st.button(f"{text} with {named}" if named else text, key=f"si_{name}", type="primary"):
            st.login(name)


def draw_signed_in(caller: Caller) -> None:
    """The person, the purpose of their looks, and the button that signs out."""
    viewer, identity = caller.viewer, caller.identity
    roles = sorted(viewer.roles - {"employee"}) or ["employee"]
    badges = " ".join(f":gray-badge[{role.replace('_', ' ')}]" for role in roles)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{label(identity.display_name or viewer.id, 60)}** {badges}", width="content")
        _draw_way_out(identity)
    if viewer.purpose and not way().is_development:
        st.caption(f"You look for: {label(viewer.purpose, 200)}")
        if st.button("Change the purpose", key="si_change", type="tertiary"):
            tab.look_for(identity, None)
            st.rerun()
    _tabs(key="si_tabs", data=_data(viewer.id, chosen=not way().is_development or "si_chosen" in st.session_state))


def _draw_way_out(identity: Identity) -> None:
    ends_here = isinstance(way().sign_in, DevelopmentSignIn | OidcSignIn)
    if ends_here and st.button("Sign out", key="si_out", type="tertiary"):
        tab.end(identity)
        st.rerun()


def draw_lost(caller: Caller) -> bool:
    """Which roles the person has no longer, if they have not read it yet. True once they have."""
    names = [name for role, name in ROLES.items() if role in caller.lost]
    if not names:
        return False
    roles, why = f"the role {names[0]}", "It was taken away, or its time is over, and its pages are"
    if more := names[1:]:
        roles = f"the roles {', '.join([*names[:-1]])} and {more[-1]}"
        why = "They were taken away, or their time is over, and their pages are"
    stopped = " What this page was doing was stopped, and saved nothing more." if tab.was_refused() else ""
    st.warning(
        f"{why} closed to you.{stopped} If this is a mistake, ask {label(way().whom_to_ask)}.",
        title=f"You no longer have {roles}",
        icon=":material/lock_person:",
    )
    read = st.button("OK", key="si_lost_read")
    if read:
        tab.forget_lost()
    return read


def draw_purpose(caller: Caller) -> None:
    """Asks an auditor, a handler or a data protection officer why they look."""
    with st.form("si_why"):
        purpose = st.text_input("Purpose (required)", key="si_wanted_purpose", max_chars=200)
        st.caption("Why you look, for example “complaint 7”. It is recorded with each look, and shown to the employee.")
        if st.form_submit_button("Go on", type="primary") and purpose.strip():
            tab.look_for(caller.identity, purpose.strip())
            st.rerun()


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
