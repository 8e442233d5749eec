"""The development sign-in: a visitor chooses any of the sample people.

It does not protect anything. It therefore runs on a loopback address only, and every page says what it is;
`console.loopback` refuses requests that reach that address from elsewhere. A cookie keeps the choice over a reload. The
cookie proves as little as the choice itself, and is checked in the same way.

A sign-in is named by its cookie's value, which is never the same twice. To sign out ends it for all tabs of the
browser: `tabs.js` lets them load their page anew, and the next run of each finds that its sign-in has ended.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote
from uuid import uuid4

import streamlit as st

from console.components.scripts import component
from console.loopback import is_loopback
from console.people import PEOPLE
from core.errors import Denied, InvalidInput
from core.gate import Role, Viewer

COOKIE = "rolltop_development_sign_in"

_LOOKERS: tuple[Role, ...] = ("auditor", "handler", "data_protection_officer")
COUNTRIES = sorted({person.country for person in PEOPLE})
_BY_ID = {person.id: person for person in PEOPLE}
_MAY: dict[Role, str] = {
    "employee": "Asks questions and reads their own threads",
    "auditor": "Also reads any thread and tool call but sealed ones; each look is recorded with its purpose",
    "approver": "Also approves or denies other people's requests",
    "knowledge_owner": "Also imports and edits handbooks",
    "handler": "Also reads the sealed threads of people in need; each look is recorded with its purpose",
    "data_protection_officer": "Also reads who looked at what and why; each look is recorded with its purpose",
    "administrator": "Also grants roles and blocks people; reads nothing that other people wrote",
}

_tabs = component("tabs")
_ended: set[str] = set()
"""The sign-ins that have ended while this process runs."""


def refuse_other_addresses() -> None:
    """Raises InvalidInput unless the server listens on this machine alone."""
    address = st.get_option("server.address")
    if not is_loopback(address or ""):
        raise InvalidInput(
            f"the development sign-in does not start on {address or 'every address'}: set server.address to 127.0.0.1, "
            "or start from the project's folder, whose .streamlit/config.toml sets it"
        )


def signed_in() -> Viewer | None:
    """The viewer of this session, None before the sign-in."""
    state = st.session_state
    if "viewer" not in state:
        state.viewer = viewer_from(st.context.cookies)
        state.si_cookie = st.context.cookies.get(COOKIE, "")
    elif state.viewer and state.get("si_cookie") in _ended:  # by another tab
        _leave()
    viewer: Viewer | None = state.viewer
    return viewer


def current_viewer() -> Viewer:
    """The viewer of a page. Raises Denied if this session is not signed in."""
    viewer = signed_in()
    if viewer is None:
        raise Denied("page.open")
    return viewer


def viewer_from(cookies: Mapping[str, str]) -> Viewer | None:
    """The viewer that these cookies name; None without a valid choice, and if the sign-in has ended."""
    cookie = cookies.get(COOKIE, "")
    if cookie in _ended:
        return None
    try:
        chosen = json.loads(unquote(cookie))
        return viewer_for(chosen["person"], chosen["role"], chosen["purpose"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def viewer_for(person: str, role: Role, purpose: str) -> Viewer:
    """The viewer of this choice. Raises InvalidInput if the person, the role or the purpose is invalid."""
    if person not in _BY_ID or role not in _BY_ID[person].roles:
        raise InvalidInput("Unknown person, or a role that this person does not have.")
    country = _BY_ID[person].country
    if role not in _LOOKERS:
        return Viewer(person, {"employee", role}, country=country)
    if not purpose.strip():
        raise InvalidInput("Enter a purpose: it is recorded each time you open, search or list what is on record.")
    return Viewer(person, {"employee", role}, purpose=purpose.strip(), country=country)


def draw_sign_in() -> None:
    """The choice of a person and a role."""
    st.title("Rolltop")
    st.markdown("The HR chatbot that stores every answer before it is shown.")
    with st.container(border=True):
        person = st.radio(
            "Person",
            PEOPLE,
            key="si_person",
            format_func=lambda person: person.id,
            captions=[person.about for person in PEOPLE],
        )
        role = st.radio(
            "Role",
            person.roles,
            key=f"si_role_{person.id}",
            format_func=lambda role: role.replace("_", " ").capitalize(),
            captions=[_MAY[role] for role in person.roles],
        )
        purpose = ""
        if role in _LOOKERS:
            purpose = st.text_input("Purpose (required)", key="si_purpose", max_chars=200)
            st.caption(
                "Why you look, for example “complaint 7”. It is recorded with each look, and shown to the employee."
            )
        if st.button("Sign in", type="primary", width="stretch"):
            try:
                st.session_state.viewer = viewer_for(person.id, role, purpose)
            except InvalidInput as error:
                st.error(str(error))
            else:
                chosen = {"person": person.id, "role": role, "purpose": purpose.strip(), "id": uuid4().hex}
                st.session_state.si_cookie = quote(json.dumps(chosen))
                st.session_state.si_chosen = True
                st.rerun()
    # The one that is left is named: on a first visit this could arrive after the cookie of a quick choice.
    left = st.session_state.get("si_cookie", "")
    _tabs(key="si_out_tabs", data={"name": COOKIE, "person": "", "cookie": "", "left": left})


def draw_signed_in(viewer: Viewer) -> None:
    """The viewer and the button that signs out."""
    state = st.session_state
    role = next(iter(viewer.roles - {"employee"}), "employee")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{viewer.id}** :gray-badge[{role.replace('_', ' ')}]", width="content")
        if st.button("Sign out", key="si_out", type="tertiary"):
            if cookie := state.get("si_cookie"):
                _ended.add(cookie)
            _leave()
            st.query_params.clear()
            st.rerun()
    data = {"name": COOKIE, "person": viewer.id, "cookie": state.get("si_cookie", ""), "chosen": "si_chosen" in state}
    _tabs(key="si_tabs", data=data)


def _leave() -> None:
    """Forget what this session holds of its viewer."""
    cookie = st.session_state.get("si_cookie", "")
    st.session_state.clear()
    st.session_state.viewer = None
    st.session_state.si_cookie = cookie


def draw_banner(*, demo: bool) -> None:
    """What this sign-in is; every page shows it."""
    text = (
        "**Demo:** choose any sample person. All data is fictional."
        if demo
        else "**Development sign-in.** Anyone on this machine can sign in as anyone, with any role."
    )
    st.markdown(f":small[:orange[:material/warning:] {text}]")
