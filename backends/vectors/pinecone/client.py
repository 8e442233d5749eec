"""A client of Pinecone's own package, whose requests are repeated here for as long as the caller can wait.

The package repeats requests, too, but without a deadline: a search would sleep through a Retry-After of a minute, and
two layers of repeats multiply. So its own retries are off.
"""

import random
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
from pinecone import AsyncIndex, AsyncPinecone, RetryConfig
from pinecone.errors import PineconeError

from backends.models.provider import Provider, origin, read_url
from backends.models.sdk_client import SdkClient
from backends.vectors.pinecone.errors import may_succeed_later, retry_after, translated
from core.errors import InvalidInput, Unavailable

PINECONE = Provider(
    name="Pinecone",
    url="https://api.pinecone.io",
    hosts=("*.pinecone.io",),
    key_env="PINECONE_API_KEY",
    form="pinecone:NAME, with host=http://HOST and key_env=NAME as parameters for another server",
    parameter="host",
)
"""The service itself; any other server is one that speaks like it.

`DEFAULT_BASE_URL` in `pinecone/_internal/constants.py` of the SDK 10.2 is the control plane and the inference. Indexes
are at hosts such as NAME.svc.REGION.pinecone.io, private ones and those in a customer's cloud too:
https://docs.pinecone.io/guides/manage-data/target-an-index and its pages on private endpoints and on BYOC.
"""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: `read` and `write` for a call with its repeats, `request` for one of these, `creation` for a new index.

    `first` is the pause before the first repeat, which then doubles; a longer Retry-After of the service comes first.
    """

    read: float = 15
    write: float = 120
    request: float = 30
    creation: float = 300
    first: float = 0.25
    attempts: int = 6


class Client:
    """Asks the service, or another `host` that speaks like it. Use it in one event loop, and close it there.

    `key_env` is the environment variable of the server's key; PINECONE_API_KEY is for the service alone, and another
    server gets a key only if this names one. Raises InvalidInput if a key is missing or malformed.
    """

    def __init__(
        self, host: str = PINECONE.url, *, key_env: str | None = None, patience: Patience | None = None
    ) -> None:
        self.patience = patience or Patience()
        self._host = host
        self._key = PINECONE.key(host, key_env)
        self._key_env = PINECONE.variable(host, key_env)
        self._sdk = SdkClient(self._make)
        self._indexes: dict[str, AsyncIndex] = {}

    @property
    def pinecone(self) -> AsyncPinecone:
        return self._sdk.get()

    async def index(self, host: str) -> AsyncIndex:
        """The index at this address, which the server gave. All callers share it, and `close` closes it.

        Raises InvalidInput if the key must not go there.
        """
        if (index := self._indexes.get(host)) is not None:
            return index
        index = self._indexes[host] = await self.pinecone.index(host=self._trusted(host))
        # An index takes no retry_config (pinecone 10.2) and does not get its client's: without this it asks four times.
        index._http._config = replace(index._http._config, retry_config=RetryConfig(max_retries=0))
        return index

    def _trusted(self, host: str) -> str:
        """The index's URL; without a scheme of its own it has the server's.

        The key follows an answer of the service to the service's own hosts, and an answer of another server to the host
        that `host=` names, on any port. It never leaves https. Raises InvalidInput for any other address.
        """
        url = host if "://" in host else f"{urlsplit(self._host).scheme}://{host}"
        address, server = origin(url), origin(self._host)
        own = PINECONE.owns(self._host)
        if (url.startswith("https://") and PINECONE.owns(url)) if own else address == server:
            return url
        at, only = address or "a malformed address", f"https://{', '.join(PINECONE.hosts)}" if own else server
        raise InvalidInput(
            f"the server says that the Pinecone index is at {at}, but requests with the key go to {only} alone"
        )

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
                    raise translated(error, self._key_env) from error
            await anyio.sleep(pause)

    async def close(self) -> None:
        indexes, self._indexes = self._indexes, {}
        for index in indexes.values():
            await index.close()
        await self._sdk.close()

    def _make(self) -> AsyncPinecone:
        once = RetryConfig(max_retries=0)
        return AsyncPinecone(api_key=self._key, host=self._host, timeout=self.patience.request, retry_config=once)


def parsed(url: str, accepted: Set[str]) -> tuple[str, dict[str, str]]:
    """The name and the parameters of a `pinecone:` URL. Raises InvalidInput as `read_url`, and for a malformed host.

    `host` and `key_env` are always accepted; a parameter without a value counts as missing.
    """
    name, parameters = read_url(url, accepted | {"host", "key_env"})
    parameters = {parameter: value for parameter, value in parameters.items() if value}
    PINECONE.check_name(name)
    host = parameters.setdefault("host", PINECONE.url)
    PINECONE.check(host)
    if "@" in host:
        raise InvalidInput("host is http:// or https:// and a host, without a user or a query")
    return name, parameters
