"""The development sign-in: a visitor chooses any of the sample people.

It does not protect anything. It therefore signs people in over a demo store only, and runs on a loopback address only;
every page says what it is, and `loopback` refuses requests that reach that address from elsewhere. A cookie
keeps the choice over a reload. The cookie proves as little as the choice itself, and is checked in the same way.

A sign-in is named by its cookie's value, which is never the same twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import uuid4

import streamlit as st
from starlette.requests import cookie_parser

from console.app import start
from console.people import PEOPLE, entity_in
from console.sign_in.identity import LOOKERS, Identity
from console.sign_in.loopback import is_loopback
from core.clock import SystemClock
from core.errors import InvalidInput
from core.gate import Role

COOKIE = "rolltop_development_sign_in"
PROVIDER = "development"

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

ended: set[str] = set()
"""The cookies whose sign-ins have ended while this process runs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A person, and the purpose of their looks, as a visitor has chosen them."""

    identity: Identity
    purpose: str | None


def refuse_other_addresses() -> None:
    """Raises InvalidInput unless the server listens on this machine alone."""
    address = st.get_option("server.address")
    if not is_loopback(address or ""):
        raise InvalidInput(
            f"the development sign-in does not start on {address or 'every address'}: leave server.address out, or set "
            "it to 127.0.0.1, or set up a sign-in first, as docs/sign-in.md says"
        )


def refuse_other_stores() -> None:
    """Raises InvalidInput unless the store is a demo, or not open yet: then there is nothing to read."""
    started = start()
    if started.failure is None and not started.demo:
        raise InvalidInput(
            "This store is no demo, so its people must sign in: set ROLLTOP_OIDC_ISSUER and the other settings of a "
            "sign-in, as docs/sign-in.md says, and start the console again."
        )


class DevelopmentSignIn:
    """The person whom the cookie of a visitor's browser names."""

    def sign_in(self, headers: Mapping[str, str]) -> Identity | None:
        refuse_other_stores()
        chosen = choice_in(cookie_parser(headers.get("cookie", "")))
        return chosen.identity if chosen else None


def choice_in(cookies: Mapping[str, str]) -> Choice | None:
    """What these cookies say was chosen; None without a valid choice, and if the sign-in has ended."""
    cookie = cookies.get(COOKIE, "")
    if cookie in ended:
        return None
    try:
        chosen = json.loads(unquote(cookie))
        return choose(chosen["person"], chosen["role"], chosen["purpose"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def choose(person: str, role: Role, purpose: str) -> Choice:
    """This choice, checked. Raises InvalidInput if the person, the role or the purpose is invalid."""
    if person not in _BY_ID or role not in _BY_ID[person].roles:
        raise InvalidInput("Unknown person, or a role that this person does not have.")
    if role in LOOKERS and not purpose.strip():
        raise InvalidInput("Enter a purpose: it is recorded each time you open, search or list what is on record.")
    identity = Identity(
        user_id=person,
        provider=PROVIDER,
        roles=frozenset[Role](("employee", role)),
        country=_BY_ID[person].country,
        entity=entity_in(_BY_ID[person].country),
        display_name=None,
        signed_in_at=SystemClock().now(),
    )
    return Choice(identity, purpose.strip() if role in LOOKERS else None)


def draw_choice() -> tuple[Choice, str] | None:
    """The choice of a person and a role; once it is made, it and the value of its cookie."""
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
        if role in LOOKERS:
            purpose = st.text_input("Purpose (required)", key="si_wanted_purpose", max_chars=200)
            st.caption(
                "Why you look, for example “complaint 7”. It is recorded with each look, and shown to the employee."
            )
        if st.button("Sign in", type="primary", width="stretch"):
            try:
                chosen = choose(person.id, role, purpose)
            except InvalidInput as error:
                st.error(str(error))
            else:
                cookie = {"person": person.id, "role": role, "purpose": purpose.strip(), "id": uuid4().hex}
                return chosen, quote(json.dumps(cookie))
    return None
