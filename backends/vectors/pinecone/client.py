"""A client of Pinecone's own package: made when it is first used, asked with our patience and nobody else's.

The package repeats requests too. Two such layers multiply, and its own knows no deadline: a search would sleep through
a Retry-After of a minute. So its retries are off, and requests are repeated here, as long as the caller can wait.
"""

import os
import random
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import anyio
from pinecone import AsyncIndex, AsyncPinecone, RetryConfig
from pinecone.errors import PineconeError

from backends.vectors.pinecone.errors import may_succeed_later, retry_after, translated
from core.errors import InvalidInput, Unavailable

SERVICE = "https://api.pinecone.io"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: `read` and `write` for a call with its repeats, `request` for one of these, `creation` for a new index.

    `first` is the pause before the first repeat, which then doubles; the service's Retry-After goes before it.
    """

    read: float = 15
    write: float = 120
    request: float = 30
    creation: float = 300
    first: float = 0.25
    attempts: int = 6


class Client:
    """Asks the service, or another `host` that speaks like it. Use it in one event loop, and close it there.

    Raises InvalidInput where there is no key in the environment, or one that is none.
    """

    def __init__(self, host: str = SERVICE, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._host = host
        self._key = os.environ.get("PINECONE_API_KEY", "").strip()
        self._made: AsyncPinecone | None = None
        self._indexes: dict[str, AsyncIndex] = {}
        if not self._key:
            raise InvalidInput("Pinecone needs a key: set the environment variable PINECONE_API_KEY")
        if not (self._key.isascii() and self._key.isprintable()):
            raise InvalidInput("PINECONE_API_KEY holds characters that no key has")

    @property
    def pinecone(self) -> AsyncPinecone:
        if self._made is None:
            once = RetryConfig(max_retries=0)
            self._made = AsyncPinecone(
                api_key=self._key, host=self._host, timeout=self.patience.request, retry_config=once
            )
        return self._made

    async def index(self, host: str) -> AsyncIndex:
        """The index at this address: one for all who ask, which `close` closes."""
        if (index := self._indexes.get(host)) is not None:
            return index
        index = self._indexes[host] = await self.pinecone.index(host=host)
        # An index takes no retry_config (pinecone 10.2) and does not get its client's: without this it asks four times.
        index._http._config = replace(index._http._config, retry_config=RetryConfig(max_retries=0))
        return index

    async def ask(self, act: Callable[[], Awaitable[_T]], seconds: float) -> _T:
        """What `act` gives, repeated while it may succeed later and `seconds` last. Raises as `translated` says."""
        try:
            with anyio.fail_after(seconds):
                return await self._repeated(act)
        except TimeoutError as error:
            raise Unavailable(f"Pinecone did not answer within {seconds:g} seconds") from error

    async def _repeated(self, act: Callable[[], Awaitable[_T]]) -> _T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await act()
            except PineconeError as error:
                pause = max(retry_after(error), self.patience.first * 2 ** (attempt - 1) * random.uniform(0.5, 1))
                left = anyio.current_effective_deadline() - anyio.current_time()
                if not may_succeed_later(error) or attempt == self.patience.attempts or pause > left:
                    raise translated(error) from error
            await anyio.sleep(pause)

    async def close(self) -> None:
        indexes, self._indexes = self._indexes, {}
        for index in indexes.values():
            await index.close()
        made, self._made = self._made, None
        if made is not None:
            await made.close()


def parsed(url: str, known: Set[str]) -> tuple[str, dict[str, str]]:
    """The name and the parameters of a `pinecone:` URL. Raises InvalidInput for one that is not known, or twice there.

    `host` is always known; a parameter without a value is as if it were not there.
    """
    name, _, query = url.removeprefix("pinecone:").partition("?")
    pairs = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if value]
    given = dict(pairs)
    if given.keys() - known - {"host"} or len(given) < len(pairs):
        raise InvalidInput(f"pinecone:{name} takes {', '.join(sorted(known | {'host'}))}, each once")
    if not name or not name.isprintable() or " " in name:
        raise InvalidInput("pinecone: needs a name after the colon")
    host = urlsplit(given.setdefault("host", SERVICE))
    if host.scheme not in ("http", "https") or not host.hostname or host.username or host.query or host.fragment:
        raise InvalidInput("host is http:// or https:// and a host, without a user or a query")
    return name, given
