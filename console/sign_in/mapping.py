"""The mapping of a sign-in: which claims give which roles and countries, as it goes on record, and in words.

An auditor can tell from it later why a person had a role. The fields are listed by name, so that a secret that is added
to the settings stays out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from console.sign_in.claims import ClaimMapping
from console.sign_in.oidc import DEFAULT
from console.sign_in.settings import SignInSettings
from core.canonical import Json

Recorded = Mapping[str, Any]
"""A mapping as it was read from the record."""


def mapping_of(settings: SignInSettings) -> dict[str, Json] | None:
    """The mapping as it goes on record; None without a sign-in."""
    asked: dict[str, Json] = {"whom_to_ask": settings.sign_in.whom_to_ask}
    if oidc := settings.oidc:
        limits = oidc.model_dump(include={"session_hours", "idle_minutes", "until_token_expires"})
        providers: dict[str, Json] = {
            name: {"issuer": one.issuer, **_claims(one)} for name, one in oidc.providers.items()
        }
        return {"way": "oidc", **asked, **limits, "providers": providers}
    if proxy := settings.proxy:
        return {"way": "proxy", **asked, "providers": {DEFAULT: _claims(proxy)}}
    if own := settings.sign_in.own:
        return {"way": "own", **asked, "own": own, "providers": {}}
    return None


def mapping_lines(mapping: Recorded) -> list[str]:
    """The mapping in words, a line each for roles, countries and companies, and the limits."""
    lines = [line for name, claims in mapping["providers"].items() for line in _provider_lines(name, claims)]
    if mapping["way"] == "own":
        lines.append(f"Roles by sign-in: {mapping['own']} gives them")
    if mapping["way"] == "oidc":
        ends = [f"after {mapping['session_hours']:g} hours", f"after {mapping['idle_minutes']:g} minutes without use"]
        ends += ["when its token expires"] * mapping["until_token_expires"]
        lines.append(f"A sign-in ends {', or '.join(ends)}")
    return [*lines, f"A person without a role is told to ask {mapping['whom_to_ask']}"]


def _claims(claims: ClaimMapping) -> dict[str, Json]:
    fields = claims.model_dump(include=set(ClaimMapping.model_fields))
    # Sorted, because a set has another order in each process, and the same mapping would go on record again.
    roles = {value: sorted(roles) for value, roles in claims.roles.items()}
    return {**fields, "everyone": sorted(claims.everyone), "roles": roles}


def _provider_lines(name: str, claims: Recorded) -> Iterator[str]:
    of = "" if name == DEFAULT else f" with {name}"
    gives = [f"everyone is {_listed(claims['everyone'])}"] if claims["everyone"] else []
    noun = {"groups": "group", "roles": "role"}.get(claims["roles_claim"], claims["roles_claim"])
    gives += [f"{noun} {value} gives {_listed(roles)}" for value, roles in claims["roles"].items()]
    yield f"Roles by sign-in{of}: {'; '.join(gives) or 'it gives none'}"
    for what, claim, table in (
        ("Country", claims["country_claim"], claims["countries"]),
        ("Company", claims["entity_claim"], claims["entities"]),
    ):
        if claim:
            values = [f"{value} is {meaning}" for value, meaning in table.items()]
            yield f"{what} by sign-in{of}: {'; '.join([f'from {claim}', *values])}"
    issuer = f" at {claims['issuer']}" if "issuer" in claims else ""
    yield f"A person's id{of}: from {claims['user_id']}{issuer}"


def _listed(roles: list[str]) -> str:
    return " and ".join(role.replace("_", " ") for role in roles)
