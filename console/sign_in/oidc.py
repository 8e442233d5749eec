"""The sign-in with OpenID Connect: Streamlit asks the provider, and keeps the checked claims in a signed cookie.

Streamlit reads that cookie once per connection, keeps it for 30 days, and checks neither the age of the sign-in nor the
time at which its token expires. So the claims are read here from the headers at each call, and the limits are ours.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from itsdangerous import URLSafeTimedSerializer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from starlette.requests import cookie_parser
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from console.sign_in.claims import ClaimMapping
from console.sign_in.identity import Identity
from console.sign_in.loopback import is_loopback_host
from console.sign_in.sessions import Sessions
from core.errors import InvalidInput

CALLBACK = "/oauth2callback"
"""Streamlit's own path, to which a provider sends the browser back."""
DEFAULT = "default"
"""The name of the one provider that was given none."""
_KEPT = 256
"""The most sign-ins whose claims are kept, by their cookies."""
_SIGNED_TOGETHER = timedelta(seconds=1)
"""How far apart the cookies of one sign-in may be signed: at once, but their times are whole seconds."""
_WELL_KNOWN = "/.well-known/openid-configuration"


def _encrypted(url: str) -> str:
    """The URL, if it is https, or http on this machine alone."""
    parts = urlsplit(url)
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(parts.netloc))
    if parts.netloc and "@" not in parts.netloc and encrypted:
        return url
    raise ValueError(
        "give a URL without a password that begins with https://, or with http:// and an address of this machine alone"
    )


Url = Annotated[str, AfterValidator(_encrypted)]


class Provider(ClaimMapping):
    """A provider of sign-ins. `issuer` is its URL, or that of its metadata; `scopes` have blanks between."""

    issuer: Url
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    scopes: str = "openid profile email"
    label: str = ""

    @property
    def metadata_url(self) -> str:
        return self.issuer if self.issuer.endswith(_WELL_KNOWN) else self.issuer.rstrip("/") + _WELL_KNOWN


class Oidc(BaseModel):
    """The table `[oidc]` of rolltop.toml, with `providers` by name.

    `redirect` is the URL to which providers send a browser back: the console's own, and `/oauth2callback`. A sign-in
    ends `session_hours` after it was made and once it was unused for `idle_minutes`; with `until_token_expires` also
    when its ID token expires.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    redirect: Url
    cookie_secret: SecretStr = Field(min_length=32)
    session_hours: float = Field(default=8, gt=0, le=24)
    idle_minutes: float = Field(default=60, gt=0, le=24 * 60)
    until_token_expires: bool = False
    providers: dict[str, Provider] = Field(min_length=1)

    @field_validator("redirect")
    @classmethod
    def _to_the_callback(cls, url: str) -> str:
        if not urlsplit(url).path.endswith(CALLBACK):
            raise ValueError(f"give the console's own URL with {CALLBACK} at its end")
        return url

    @field_validator("providers")
    @classmethod
    def _plain_names(cls, providers: dict[str, Provider]) -> dict[str, Provider]:
        for name in providers:
            if not (name.isascii() and name.isalnum() and name == name.lower()):
                raise ValueError(f"the provider's name {name!r} has other characters than small letters and digits")
        return providers

    @property
    def origin(self) -> str:
        """Where the console is: its scheme, host and port."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.redirect))

    def auth_secrets(self) -> dict[str, Any]:
        """What Streamlit's `st.login` needs, as the secrets of an `st.App`."""
        providers = {
            name: {
                "client_id": provider.client_id,
                "client_secret": provider.client_secret.get_secret_value(),
                "server_metadata_url": provider.metadata_url,
                "client_kwargs": {"scope": provider.scopes},
            }
            for name, provider in self.providers.items()
        }
        shared = {"redirect_uri": self.redirect, "cookie_secret": self.cookie_secret.get_secret_value()}
        return {"auth": {**shared, **providers}}


class OidcSignIn:
    """The people whom the providers sign in; `sessions` says how long for."""

    def __init__(self, settings: Oidc, now: Callable[[], datetime]) -> None:
        self.settings, self._now = settings, now
        lasts, idle = timedelta(hours=settings.session_hours), timedelta(minutes=settings.idle_minutes)
        self.sessions = Sessions(lasts, idle, now)
        # Each call of a page asks, and to check the signatures takes a millisecond.
        self._claims = lru_cache(_KEPT)(self._read)

    def sign_in(self, headers: Mapping[str, str]) -> Identity | None:
        claims = self._claims(headers.get("cookie", ""))
        provider = self.settings.providers.get(claims.get("provider", ""))
        if provider is None:
            return None
        now = self._now()
        prefix = f"{claims['provider']}:" if len(self.settings.providers) > 1 else ""
        identity = provider.identity(claims, claims["provider"], prefix=prefix, now=now)
        expired = self.settings.until_token_expires and now.timestamp() >= claims["exp"]
        if expired or self.sessions.ends_in(identity) <= timedelta():
            raise InvalidInput("Your sign-in has ended: you signed out, or it was too long ago. Sign in again.")
        return identity

    def _read(self, sent: str) -> Mapping[str, Any]:
        """The claims in the cookie; {} without one that is whole, signed by us and made for this address."""
        cookies, secret = cookie_parser(sent), self.settings.cookie_secret.get_secret_value()
        signed_at: list[datetime] = []

        def signed(name: str) -> bytes | None:
            value = decode_signed_value(secret, name, cookies.get(name, ""))
            if value is not None:
                signed_at.append(
                    URLSafeTimedSerializer(secret, salt=name).loads(cookies[name], return_timestamp=True)[1]
                )
            return value

        whole = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
        # Claims that are too long for one cookie are in several, each signed by itself. Some of an earlier sign-in
        # beside some of a new one would give a role that the person had then.
        if whole is None or max(signed_at) - min(signed_at) > _SIGNED_TOGETHER:
            return {}
        claims: dict[str, Any] = json.loads(whole)
        # Another console on this machine may have the same secret, and other people.
        return claims if claims.get("origin") == self.settings.origin else {}
