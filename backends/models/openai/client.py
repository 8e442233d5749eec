"""What OpenAI's APIs have in common: an address, a client of the SDK, a stream of events, a count of tokens.

The address alone says where questions go: the SDK would also take a server from the environment, and then the model's
name, which stands on every record, would name another than the one that was asked.
"""

import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

import anyio
import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError, omit

from backends.models.openai.errors import translated
from backends.models.openai.stream import Event, events
from backends.models.prices import Prices
from backends.models.provider import Provider, read_url
from core.canonical import Json
from core.errors import InvalidInput, ModelError
from core.values import Usage

Api: TypeAlias = Literal["responses", "chat"]

OPENAI = Provider(
    name="OpenAI",
    url="https://api.openai.com/v1",
    hosts=("api.openai.com", "*.api.openai.com"),
    key_env="OPENAI_API_KEY",
)
"""OpenAI itself; any other server is one that speaks like it.

Its regions are hosts below api.openai.com, such as eu.api.openai.com: `openai/_data_residency.py` of the SDK 3.57, and
https://developers.openai.com/api/docs/guides/data-residency.
"""

TIMEOUT = httpx2.Timeout(900, connect=5)
"""Seconds. Reading takes longer than a model call may: it is the desk's clocks that judge silence."""

_FORM = "openai:MODEL, with ?api=chat for Chat Completions and &base_url=http://HOST/v1&key_env=NAME for another server"
_DRAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A model's name, the API it is asked by, and the server, which may hold a user and a password.

    `key_env` is the environment variable of the server's key, None as `Provider.variable` says.
    """

    model: str
    api: Api = "responses"
    base_url: str = OPENAI.url
    key_env: str | None = None

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """`openai:MODEL?api=chat&base_url=URL&key_env=NAME`, each of them optional. Raises InvalidInput."""
        model, given = read_url(url, {"api", "base_url", "key_env"})
        match given.get("api", "responses"):
            case "responses" | "chat" as api:
                base_url = given.get("base_url", OPENAI.url)
                return cls(model=model, api=api, base_url=base_url, key_env=given.get("key_env"))
            case _:
                raise InvalidInput(f"api is responses or chat, as in {_FORM}")

    def __post_init__(self) -> None:
        if not self.model or not self.model.isprintable() or " " in self.model:
            raise InvalidInput(f"an OpenAI model needs a name: {_FORM}")
        OPENAI.check(self.base_url)

    @property
    def own(self) -> bool:
        """Whether it is OpenAI that is asked, in whatever region."""
        return OPENAI.owns(self.base_url)

    @property
    def name(self) -> str:
        """The URL again, without user and password, and without `key_env`: of another account it is the same model."""
        parts = urlsplit(self.base_url)
        server = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        query: dict[str, str] = {} if self.api == "responses" else {"api": self.api}
        if server.rstrip("/") != OPENAI.url:
            query["base_url"] = server.rstrip("/")
        return f"openai:{self.model}" + (f"?{urlencode(query, safe='/:')}" if query else "")


class Client:
    """A client of the SDK, made when it is first used, in the event loop that uses it, and closed by `close`.

    One that was `given` is used as it is, with its own address and key, but for its retries, and left open. Otherwise
    raises InvalidInput as `Provider.key`.
    """

    def __init__(self, address: Address, given: AsyncOpenAI | None = None) -> None:
        self._address = address
        self._given = given.with_options(max_retries=0) if given else None
        self._made: AsyncOpenAI | None = None
        self._key = OPENAI.key(address.base_url, address.key_env) if given is None else ""

    async def stream(self, api: Api, body: Mapping[str, Json]) -> AsyncGenerator[Event, None]:
        """The events that answer a request, made once. Raises ModelError."""
        client = self._client()
        create = client.chat.completions if api == "chat" else client.responses
        try:
            async with (
                create.with_streaming_response.create(**body) as response,
                aclosing(events(response.iter_bytes())) as found,
            ):
                async for event in found:
                    yield event
        except (OpenAIError, httpx2.RequestError, ssl.SSLError, anyio.EndOfStream) as error:
            raise translated(error) from error

    async def embeddings(self, texts: Sequence[str], dimensions: int | None, timeout: httpx2.Timeout) -> bytes:
        """The body that answers a request for these texts' vectors, made once, as it came. Raises ModelError.

        The SDK's own reading of it would take one vector too few, or an error page, for an answer.
        """
        create = self._client().embeddings.with_raw_response.create
        asked, model = omit if dimensions is None else dimensions, self._address.model
        try:
            response = await create(
                input=list(texts), model=model, dimensions=asked, encoding_format="base64", timeout=timeout
            )
        except (OpenAIError, httpx2.RequestError, ssl.SSLError, anyio.EndOfStream) as error:
            raise translated(error) from error
        return response.content

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.close()

    def _client(self) -> AsyncOpenAI:
        if self._given is not None:
            return self._given
        if self._made is None:
            self._made = AsyncOpenAI(
                api_key=self._key,
                base_url=self._address.base_url,
                timeout=TIMEOUT,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(follow_redirects=False),
            )
        return self._made


async def drain(stream: AsyncGenerator[Event, None]) -> None:
    """Read what little follows a terminal marker, so that the connection can be used again.

    The answer is whole by now: what goes wrong here is no fault of it.
    """
    with anyio.move_on_after(_DRAIN):
        try:
            async for _ in stream:
                pass
        except ModelError:
            return


def usage(body: Json, taken: str, given: str) -> Usage:
    """The tokens of a usage object whose names begin with `taken` (input, prompt) and `given` (output, completion)."""
    body = _object(body)
    before, after = _object(body.get(f"{taken}_tokens_details")), _object(body.get(f"{given}_tokens_details"))
    return Usage(
        input=_count(body.get(f"{taken}_tokens")),
        cached=_count(before.get("cached_tokens")),
        cache_write=_count(before.get("cache_write_tokens")),
        output=_count(body.get(f"{given}_tokens")),
        reasoning=_count(after.get("reasoning_tokens")),
    )


def cost(prices: Prices, address: Address, used: Usage) -> int | None:
    """Nano-USD, None when unknown. What another server takes, or a region's, only the operator's own table can say."""
    return prices.cost("openai" if address.base_url.rstrip("/") == OPENAI.url else "", address.model, used)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _count(value: Json) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None
