"""The sign-in by a proxy of one's own: it signs people in, and says in headers who they are.

Anybody who reaches the console past the proxy can send such headers, so they count only beside a secret that the proxy
adds.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from typing import Any

from pydantic import Field, SecretStr

from console.sign_in.claims import ClaimMapping
from console.sign_in.identity import Identity
from core.errors import InvalidInput


class Proxy(ClaimMapping):
    """The table `[proxy]` of rolltop.toml. What is a claim elsewhere is a header here; a list has commas between."""

    secret: SecretStr = Field(min_length=32)
    secret_header: str = "X-Rolltop-Proxy-Secret"
    user_id: str = "X-Forwarded-User"
    name_header: str = "X-Forwarded-Preferred-Username"
    roles_claim: str = "X-Forwarded-Groups"


class ProxySignIn:
    """The people whom the proxy names."""

    def __init__(self, settings: Proxy, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self._since = now()  # the proxy does not say since when, and ends its sign-ins itself

    def sign_in(self, headers: Mapping[str, str]) -> Identity | None:
        settings = self.settings
        secret = settings.secret.get_secret_value()
        if not compare_digest(headers.get(settings.secret_header, "").encode(), secret.encode()):
            return None
        names = (settings.user_id, settings.country_claim, settings.entity_claim)
        claims: dict[str, Any] = {name: _header(headers, name) for name in names if name}
        claims["name"] = _header(headers, settings.name_header)
        claims[settings.roles_claim] = [one.strip() for one in _header(headers, settings.roles_claim).split(",")]
        claims["iat"] = self._since.timestamp()
        return settings.identity(claims, "proxy", now=self._since)


def _header(headers: Mapping[str, str], name: str) -> str:
    try:
        # A header is bytes; servers hand them over as Latin-1, and proxies write UTF-8.
        return headers.get(name, "").encode("latin-1").decode()
    except UnicodeError:
        raise InvalidInput(f"The header {name} of your sign-in is not UTF-8.") from None
