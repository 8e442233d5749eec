"""People who are signed in without a provider: in tests of other things than the sign-in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from starlette.requests import cookie_parser
from streamlit.testing.v1 import AppTest

from console.sign_in.development import choice_in
from console.sign_in.identity import Identity
from core.gate import Role, Viewer

SINCE = datetime(2026, 11, 2, 8, tzinfo=UTC)


def sign_in(at: AppTest, viewer: Viewer | None) -> None:
    """Let the session that is about to run be this viewer's."""
    identity = viewer and Identity(
        user_id=viewer.id,
        provider="tests",
        roles=frozenset(cast(Role, role) for role in viewer.roles),
        country=viewer.country,
        entity=viewer.entity,
        display_name=None,
        signed_in_at=SINCE,
    )
    at.session_state["si_identity"] = identity
    at.session_state["si_purpose"] = viewer and viewer.purpose


class AnyStore:
    """The people of the development sign-in, over a company's store as well: the cookie says who it is."""

    def sign_in(self, headers: Mapping[str, str]) -> Identity | None:
        chosen = choice_in(cookie_parser(headers.get("cookie", "")))
        return chosen and Identity(
            user_id=chosen.identity.user_id,
            provider="tests",
            roles=chosen.identity.roles,
            country=chosen.identity.country,
            entity=None,
            display_name=None,
            signed_in_at=SINCE,
        )


any_store = AnyStore()
