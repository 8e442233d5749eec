"""The way in which people sign in to this process, and whom they ask if they cannot.

A process has one way: OpenID Connect, a proxy, a sign-in of one's own, or else the development sign-in.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from console.sign_in.development import DevelopmentSignIn
from console.sign_in.identity import SignIn
from console.sign_in.mapping import mapping_of
from console.sign_in.oidc import OidcSignIn
from console.sign_in.proxy import ProxySignIn
from console.sign_in.settings import read_sign_in
from core.canonical import Json
from core.clock import SystemClock
from core.errors import InvalidInput


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
