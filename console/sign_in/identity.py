"""What a sign-in says of a person, and the plug-in point for sign-ins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from core.gate import Role

LOOKERS: tuple[Role, ...] = ("auditor", "handler", "data_protection_officer")
"""The roles that look at what is on record of others, and say why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the sign-in with `provider` knows them.

    `roles` are those that the sign-in itself gives, perhaps none. `country` and `entity` None are unknown.
    `display_name` is shown to this person alone and never stored. `signed_in_at` is in UTC.
    """

    user_id: str
    provider: str
    roles: frozenset[Role]
    country: str | None
    entity: str | None
    display_name: str | None
    signed_in_at: datetime

    @property
    def key(self) -> str:
        """What names this one sign-in; the same in all tabs of a browser, and after a restart of the server."""
        named = f"{self.provider}\n{self.user_id}\n{self.signed_in_at.isoformat()}"
        return sha256(named.encode()).hexdigest()


class SignIn(Protocol):
    """A way to sign in: `ROLLTOP_SIGN_IN=module:name` names an object that has this method."""

    def sign_in(self, headers: Mapping[str, str]) -> Identity | None:
        """The person who sent these headers, None if the headers do not sign anybody in.

        They are the headers of a request or of a tab's websocket; their names may be written in any case. Raises
        InvalidInput if a person has signed in but cannot be taken in; its message is shown to that person.

        The method is called for each run of a page and each click, from several threads, so it must not wait for a
        server. An identity with another `signed_in_at` is another sign-in: the tabs of the first one begin anew.
        """
