"""URLs in arguments. Each process of a machine can read the arguments of all others: a password there is refused."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from getpass import getpass
from urllib.parse import quote, unquote

from anyio.to_thread import run_sync as blocking

# MongoDB's options may have semicolons between, and a session token within the value of one.
_SECRET = re.compile(r"[?&;][^=&;]*(password|passwd|secret|token|api_?key)[^=&;]*=|session_token:", re.IGNORECASE)

REFUSED = "a URL with a password does not belong into an argument, which all processes can read"


def has_password(url: str) -> bool:
    """Whether the URL, or a text with one, has a password or another secret in it."""
    scheme, _, rest = url.partition("://")
    # A password may hold any character that its writer forgot to escape, so the last @ ends it.
    user, at, _ = rest.rpartition("@")
    return bool((at and ":" in user and scheme != "sqlite") or _SECRET.search(unquote(url)))


def url_argument(instead: str) -> Callable[[str], str]:
    """The type of an option that takes a URL. One with a password is refused; `instead` says what to write."""

    def url(text: str) -> str:
        if has_password(text):
            raise argparse.ArgumentTypeError(
                f"{REFUSED}: {instead}, or leave the password out and enter it when you are asked"
            )
        return text

    return url


STORE = url_argument("set ROLLTOP_STORE to it")
"""The type of `--store`."""


def url_in(variable: str) -> str:
    """The URL in this variable of the environment, as the type of an option."""
    if not (url := os.environ.get(variable, "")):
        raise argparse.ArgumentTypeError(f"the variable {variable} is not set: put the URL into it")
    return url


async def with_password(url: str) -> str:
    """The URL; if it names a user of a server without a password, with the one that is entered in this terminal."""
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    if not at or ":" in user or scheme == "sqlite" or "authmechanism=" in url.lower() or not sys.stdin.isatty():
        return url
    password = await blocking(getpass, f"Password of {user} at {place.partition('/')[0]}: ")
    return f"{scheme}{separator}{user}:{quote(password, safe='')}@{place}"


def shown_url(url: str) -> str:
    """Where the URL leads, without the user, the password and the options, for the record."""
    scheme, separator, place = url.partition("://")
    if scheme != "sqlite":
        # As `has_password` reads it, and not `urlsplit`, which ends the host at a / in a password.
        place = place.rpartition("@")[2].partition("?")[0]
    return f"{scheme}{separator}{place}"
