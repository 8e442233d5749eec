"""What OpenAI's APIs have in common: an address, a client of the SDK, a stream of events, a count of tokens.

The address alone says where questions go: the SDK would also take a server from the environment, and then the model's
name, which stands on every record, would name another than the one that was asked.
"""

import os
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio
import httpx2
from openai import AsyncOpenAI, OpenAIError, omit

from backends.models.openai.errors import translated
from backends.models.openai.stream import Event, events
from backends.models.prices import Prices
from core.canonical import Json
from core.errors import InvalidInput, ModelError
from core.values import Usage

Api: TypeAlias = Literal["responses", "chat"]

OWN = "https://api.openai.com/v1"
"""OpenAI itself; any other server is one that speaks like it."""

TIMEOUT = httpx2.Timeout(900, connect=5)
"""Seconds. Reading takes longer than a model call may: it is the desk's clocks that judge silence."""

_FORM = "openai:MODEL, with ?api=chat for Chat Completions and &base_url=http://HOST/v1 for another server"
_DRAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A model's name, the API it is asked by, and the server, which may hold a user and a password."""

    model: str
    api: Api = "responses"
    base_url: str = OWN

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """`openai:MODEL?api=chat&base_url=URL`, both parameters optional. Raises InvalidInput for anything else."""
        model, _, query = url.removeprefix("openai:").partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        api, base_url = given.pop("api", "responses"), given.pop("base_url", OWN)
        if given:
            raise InvalidInput(f"an OpenAI model takes api and base_url, not {', '.join(sorted(given))}: {_FORM}")
        match api:
            case "responses" | "chat":
                return cls(model=model, api=api, base_url=base_url)
            case _:
                raise InvalidInput(f"api is responses or chat, as in {_FORM}")

    def __post_init__(self) -> None:
        if not self.model or not self.model.isprintable() or " " in self.model:
            raise InvalidInput(f"an OpenAI model needs a name: {_FORM}")
        try:
            parts, url = urlsplit(self.base_url), httpx2.URL(self.base_url)
        except (ValueError, httpx2.InvalidURL) as error:
            raise InvalidInput("base_url is no URL") from error
        if parts.scheme not in ("http", "https") or not url.host or parts.query or parts.fragment:
            raise InvalidInput("base_url is http:// or https://, a host and a path, without a query")

    @property
    def own(self) -> bool:
        """Whether it is OpenAI that is asked, in whatever region."""
        return f".{urlsplit(self.base_url).hostname}".endswith(".api.openai.com")

    @property
    def name(self) -> str:
        """The URL again, without user and password."""
        parts = urlsplit(self.base_url)
        server = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        query: dict[str, str] = {} if self.api == "responses" else {"api": self.api}
        if server.rstrip("/") != OWN:
            query["base_url"] = server.rstrip("/")
        return f"openai:{self.model}" + (f"?{urlencode(query, safe='/:')}" if query else "")


class Client:
    """A client of the SDK, made when it is first used, in the event loop that uses it, and closed by `close`.

    One that was `given` is used as it is, but for its retries, and left open. Raises InvalidInput where there is no
    key in the environment, which only OpenAI itself needs, or one that is none.
    """

    def __init__(self, address: Address, given: AsyncOpenAI | None = None) -> None:
        self._address = address
        self._given = given.with_options(max_retries=0) if given else None
        self._made: AsyncOpenAI | None = None
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()
        if given is None and address.own and not self._key:
            raise InvalidInput("OpenAI needs a key: set the environment variable OPENAI_API_KEY")
        if given is None and not (self._key.isascii() and self._key.isprintable()):
            raise InvalidInput("OPENAI_API_KEY holds characters that no key has")

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
            key, base_url = self._key or "none", self._address.base_url
            self._made = AsyncOpenAI(api_key=key, base_url=base_url, timeout=TIMEOUT, max_retries=0)
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
    return prices.cost("openai" if address.base_url.rstrip("/") == OWN else "", address.model, used)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _count(value: Json) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None
