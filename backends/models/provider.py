"""Which key a server is sent: a provider's own to the provider alone, another server's if its URL names it.

A key opens an account, so it must not go wherever a URL points. A URL may name a server that speaks like the provider,
and then the environment variable that holds that server's key: `openai:MODEL?base_url=http://HOST/v1&key_env=NAME`.
"""

import os
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from core.canonical import Json
from core.errors import InvalidInput

NO_KEY = "none"
"""What a server without a key is sent. The SDKs demand a key, and would take the provider's from the environment."""

NOT_FOLLOWED = "a redirect, which is not followed: put the address that it leads to into the URL"
"""A redirect would take a question and a key to a server that the operator did not name: HTTP clients hold back the
header Authorization only, and not one such as Api-Key."""

VERSION = "api-version"
"""The one parameter that the URL of a server may have: what Azure's deployments are asked with."""

_OURS = {
    *("model", "messages", "input", "system", "instructions"),
    *("stream", "store", "tools", "tool_choice", "response_format", "text"),
}
"""What an adapter writes into each request: an `extra_body` would change what is on record as sent."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST = re.compile(r"[a-z0-9._:-]+")
_VERSION = re.compile(r"[A-Za-z0-9.-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A service that is asked over HTTP, and the hosts that its key may go to.

    `hosts` are the provider's own: `api.x.com` is that host, `*.x.com` every host below x.com. `key_env` is the
    environment variable of its key. `url` is where it is asked, unless the `parameter` of a URL names another server.
    `form` is what such a URL looks like, for messages.
    """

    name: str
    url: str
    hosts: tuple[str, ...]
    key_env: str
    form: str
    parameter: Literal["base_url", "host"] = "base_url"

    def owns(self, url: str) -> bool:
        """Whether the URL's host is one of the provider's own."""
        _, _, host = (origin(split_version(url)[0]) or "").partition("://")
        return any(host.endswith(own[1:]) if own.startswith("*.") else host == own for own in self.hosts)

    def check(self, url: str) -> None:
        """Raises InvalidInput if the URL is malformed, or names the provider itself over plain http."""
        address, _ = split_version(url) if self.parameter == "base_url" else (url, None)
        server = origin(address)
        if server is None:
            but = f" but ?{VERSION}=VERSION" if self.parameter == "base_url" else ""
            raise InvalidInput(f"{self.parameter} is http:// or https://, a host and a path, without a query{but}")
        if server.startswith("http://") and self.owns(url):
            raise InvalidInput(f"{self.name} is asked over https:// only: http:// would show its key on the way")

    def check_name(self, name: str) -> None:
        """Raises InvalidInput if the name of a model or an index is missing, or has blanks or control characters."""
        if not name or not name.isprintable() or " " in name:
            raise InvalidInput(f"the name after the colon is missing or malformed: write {self.form}")

    def variable(self, url: str, key_env: str | None) -> str | None:
        """The environment variable of the key for the server at this URL; None if that server does not get a key.

        `key_env` is the variable that the operator named for it. The provider's own is for the provider's hosts only.
        """
        return self.key_env if key_env is None and self.owns(url) else key_env

    def key(self, url: str, key_env: str | None) -> str:
        """The key for the server at this URL, read from the environment; NO_KEY if that server does not get one.

        Raises InvalidInput as `check`, if `key_env` is not a variable's name, if the variable is empty, or if its value
        cannot be a key. The messages do not repeat the value.
        """
        self.check(url)
        if (variable := self.variable(url, key_env)) is None:
            return NO_KEY
        if not _VARIABLE.fullmatch(variable):
            raise InvalidInput("key_env is the name of an environment variable: letters, digits and _")
        key = os.environ.get(variable, "").strip()
        if not key:
            server = self.name if self.owns(url) else f"the server in {self.parameter}"
            raise InvalidInput(f"{server} needs a key: set the environment variable {variable}")
        if not (key.isascii() and key.isprintable()):
            raise InvalidInput(f"{variable} holds characters that no key has")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What a server is sent beside a request's own fields.

    `headers` may hold secrets: messages never repeat a value. `body` are fields of the server's own, such as `num_ctx`.
    Raises InvalidInput for a name or a value that cannot be sent, and for a field that the adapter writes itself.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                raise InvalidInput("headers: a header's name has letters, digits and -")
            if not (value.isascii() and value.isprintable()):
                raise InvalidInput(f"headers: {name} holds characters that no header has")
        if ours := sorted(_OURS & self.body.keys()):
            raise InvalidInput(f"extra_body: {', '.join(ours)}: this is written by Rolltop, and cannot be set here")


NO_ADDITIONS = Additions()


def split_version(url: str) -> tuple[str, str | None]:
    """A server's URL without its `api-version`, and that version; None if it has none. Another query stays."""
    address, _, query = url.partition("?")
    name, _, version = query.partition("=")
    return (address, version) if name == VERSION and _VERSION.fullmatch(version) else (url, None)


def origin(url: str) -> str | None:
    """The scheme and the host of an http:// or https:// URL, such as `https://api.x.com`.

    None if the URL is malformed or has a query.
    """
    # Strict, as the SDKs read the URL again: if they found another host in it, that host would be sent the key.
    scheme, _, _ = url.partition("://")
    if scheme not in ("http", "https") or not (url.isascii() and url.isprintable()) or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return None
    return f"{scheme}://{host}" if _HOST.fullmatch(host) and not parts.query and not parts.fragment else None


def public_url(url: str) -> str:
    """A server's URL as it may be shown and stored: without user and password, and without a slash at its end.

    It is without its `api-version` too, as a model stays the same in another version of its API.
    """
    parts = urlsplit(split_version(url)[0])
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def read_url(url: str, accepted: Set[str]) -> tuple[str, dict[str, str]]:
    """The name and the parameters of a URL such as `openai:MODEL?base_url=URL`.

    Raises InvalidInput if a parameter is not among the accepted ones, or is there twice.
    """
    before, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if parameters.keys() - accepted or len(parameters) < len(pairs):
        raise InvalidInput(f"{before} takes {', '.join(sorted(accepted))}, each once")
    return before.partition(":")[2], parameters
