"""From a provider's claims about a person to what the desk needs: a user id, roles, a country and an entity.

Claims come from outside. A claim of another shape than expected is refused in words: read wrongly, it could give a
role.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from console.sign_in.identity import Identity
from core.errors import InvalidInput
from core.gate import Role
from core.ids import check_user_id

Claims = Mapping[str, Any]

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far a provider's clock may be ahead of this machine's."""
_MISSING = object()


def words(value: Any) -> Any:
    """A text, as the environment has it, as the list of its words."""
    return value.split() if isinstance(value, str) else value


Roles = Annotated[frozenset[Role], BeforeValidator(words)]


class ClaimMapping(BaseModel):
    """Which claims say what; each field is a setting.

    A claim is named by itself, or by a path with dots if it is within another, such as `realm_access.roles`.
    `everyone` are the roles of all whom the provider signs in. `roles` gives roles to those whose claim `roles_claim`
    is, or lists, a value. `countries` and `entities` translate a claim's value; without them it is taken as it is, and
    with them a value that they lack is unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user_id: str = Field(default="sub", min_length=1)
    everyone: Roles = frozenset()
    roles_claim: str = "groups"
    roles: dict[str, Roles] = {}
    country_claim: str = ""
    countries: dict[str, str] = {}
    entity_claim: str = ""
    entities: dict[str, str] = {}

    def identity(self, claims: Claims, provider: str, *, prefix: str = "", now: datetime) -> Identity:
        """The person of these claims. Raises InvalidInput, with words for that person, if the claims do not do."""
        return Identity(
            user_id=check_user_id(prefix + self._user_id(claims)),
            provider=provider,
            roles=self._roles(claims),
            country=_translated(claims, self.country_claim, self.countries),
            entity=_translated(claims, self.entity_claim, self.entities),
            display_name=_text(claims, "name"),
            signed_in_at=_issued_at(claims, now),
        )

    def _user_id(self, claims: Claims) -> str:
        if not (value := _text(claims, self.user_id)):
            raise InvalidInput(f"Your sign-in lacks the claim {self.user_id}, which names you here.")
        # Anybody can enter another person's address or number at a provider that does not verify it.
        verified = _claim(claims, f"{self.user_id}_verified")
        if verified is not _MISSING and verified is not True:
            raise InvalidInput(f"Your provider has not verified the claim {self.user_id}, which names you here.")
        return value

    def _roles(self, claims: Claims) -> frozenset[Role]:
        if not self.roles:
            return self.everyone
        if self._left_out(claims):
            raise InvalidInput(
                "You are in more groups than fit into a sign-in, so your provider left them out, and your roles are "
                "unknown. An administrator can set the provider to send app roles, or only the groups of this app."
            )
        listed = _texts(claims, self.roles_claim)
        return self.everyone.union(*(self.roles.get(value, ()) for value in listed))

    def _left_out(self, claims: Claims) -> bool:
        """Whether the roles' claim is elsewhere: Entra ID then names a server where it could be asked for."""
        elsewhere = claims.get("_claim_names")
        named = isinstance(elsewhere, Mapping) and self.roles_claim in elsewhere
        return named or (self.roles_claim == "groups" and bool(claims.get("hasgroups")))


def _claim(claims: Claims, name: str) -> Any:
    """The claim of this name or path, else _MISSING."""
    if name in claims:  # first, because the name itself may have dots: `https://hr.example/roles`
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _MISSING
        value = value[part]
    return value


def _text(claims: Claims, name: str) -> str | None:
    value = _claim(claims, name)
    if value is _MISSING or value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"The claim {name} of your sign-in is not a text.")
    return value


def _texts(claims: Claims, name: str) -> list[str]:
    value = _claim(claims, name)
    if value is _MISSING or value is None:
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise InvalidInput(f"The claim {name} of your sign-in is neither a text nor a list of texts.")
    return values


def _translated(claims: Claims, name: str, table: Mapping[str, str]) -> str | None:
    value = _text(claims, name) if name else None
    return table.get(value) if value and table else value or None


def _issued_at(claims: Claims, now: datetime) -> datetime:
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise InvalidInput("Your sign-in lacks the claim iat, the time at which it was made.")
    try:
        at = datetime.fromtimestamp(issued, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidInput("The claim iat of your sign-in is not a time.") from None
    if at > now + CLOCKS_DIFFER:
        raise InvalidInput("Your sign-in comes from the future: the provider's clock or this server's is wrong.")
    return at
