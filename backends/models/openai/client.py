"""What OpenAI's APIs have in common: an address, a client of the SDK, a stream of events, a count of tokens.

The address alone says where questions go: the SDK would also take a server from the environment, and then the model's
name, which stands on every record, would name another than the one that was asked.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlencode

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError
from pydantic import Field, PositiveInt

from backends.models.answer_json import as_count, as_object
from backends.models.failures import CUT
from backends.models.openai.errors import translated
from backends.models.openai.stream import Event, events
from backends.models.prices import Prices
from backends.models.provider import (
    NO_ADDITIONS,
    NO_KEY,
    VERSION,
    Additions,
    Provider,
    public_url,
    read_url,
    split_version,
)
from backends.models.sdk_client import SdkClient
from core.canonical import Json
from core.errors import InvalidInput
from core.values import Usage

Api: TypeAlias = Literal["responses", "chat"]

Form: TypeAlias = Literal["base64", "float"] | None
"""How vectors are asked for; None leaves it to the server."""

OPENAI = Provider(
    name="OpenAI",
    url="https://api.openai.com/v1",
    hosts=("api.openai.com", "*.api.openai.com"),
    key_env="OPENAI_API_KEY",
    form="openai:MODEL, with ?api=chat for Chat Completions, &base_url=http://HOST/v1&key_env=NAME for another server",
)
"""OpenAI itself; any other server is one that speaks like it.

Its regions are hosts below api.openai.com, such as eu.api.openai.com: `openai/_data_residency.py` of the SDK 3.57, and
https://developers.openai.com/api/docs/guides/data-residency.
"""

CHOICES = ("none", "required")
"""What `ModelRequest.tool_choice` and both APIs call by one word; `auto` is what they do unasked."""

USE_CHAT = "the server may not speak the Responses API: add api=chat to the model's URL, for Chat Completions"

Temperature: TypeAlias = Annotated[float, Field(ge=0, le=2)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]

TIMEOUT = httpx2.Timeout(None, connect=5)
"""Seconds. Reading has no end of its own: silence is judged by the desk's deadlines, which are settings."""


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
        model, parameters = read_url(url, {"api", "base_url", "key_env"})
        match parameters.get("api", "responses"):
            case "responses" | "chat" as api:
                base_url = parameters.get("base_url", OPENAI.url)
                return cls(model=model, api=api, base_url=base_url, key_env=parameters.get("key_env"))
            case _:
                raise InvalidInput(f"api is responses or chat, as in {OPENAI.form}")

    def __post_init__(self) -> None:
        OPENAI.check_name(self.model)
        OPENAI.check(self.base_url)

    @property
    def own(self) -> bool:
        """Whether it is OpenAI that is asked, in whatever region."""
        return OPENAI.owns(self.base_url)

    @property
    def name(self) -> str:
        """The URL again, without user and password, and without `key_env`: of another account it is the same model."""
        server = public_url(self.base_url)
        query: dict[str, str] = {} if self.api == "responses" else {"api": self.api}
        if server != OPENAI.url:
            query["base_url"] = server
        return f"openai:{self.model}" + (f"?{urlencode(query, safe='/:')}" if query else "")


class Client:
    """Makes requests through the SDK. Use it in one event loop, and close it there.

    A `lent` client is used with its own address and key, but without its retries, and stays open. If there is none,
    raises InvalidInput as `Provider.key`.
    """

    def __init__(self, address: Address, lent: AsyncOpenAI | None = None, additions: Additions = NO_ADDITIONS) -> None:
        self._address = address
        self._additions = additions
        self._key = OPENAI.key(address.base_url, address.key_env) if lent is None else ""
        self._sdk = SdkClient(self._make, lent.with_options(max_retries=0) if lent else None)

    async def stream(self, api: Api, body: Mapping[str, Json]) -> AsyncGenerator[Event, None]:
        """The events that answer a request, made once. Raises ModelError."""
        client = self._sdk.get()
        create = client.chat.completions if api == "chat" else client.responses
        unknown_path = USE_CHAT if api == "responses" and not self._address.own else ""
        try:
            async with (
                create.with_streaming_response.create(**body, **self._sent_too()) as response,
                aclosing(events(response.iter_bytes(), unknown_path)) as stream,
            ):
                async for event in stream:
                    yield event
        except (OpenAIError, *CUT) as error:
            raise translated(error, unknown_path) from error

    async def embeddings(
        self, texts: Sequence[str], dimensions: int | None, form: Form, timeout: httpx2.Timeout
    ) -> bytes:
        """The body that answers a request for these texts' vectors, made once, as it came. Raises ModelError.

        The SDK's own method would ask for base64 where nothing is asked for, and its own reading would take one vector
        too few, or an error page, for an answer.
        """
        fields = {"dimensions": dimensions, "encoding_format": form}
        body = {
            "input": list(texts),
            "model": self._address.model,
            **{k: v for k, v in fields.items() if v is not None},
        }
        try:
            response = await self._sdk.get().post(
                "/embeddings", cast_to=httpx2.Response, body=body, options={"timeout": timeout}
            )
        except (OpenAIError, *CUT) as error:
            raise translated(error) from error
        return response.content

    async def close(self) -> None:
        await self._sdk.close()

    def _sent_too(self) -> dict[str, Json]:
        return {"extra_headers": dict(self._additions.headers), "extra_body": dict(self._additions.body)}

    def _make(self) -> AsyncOpenAI:
        base_url, version = split_version(self._address.base_url)
        # A deployment of Azure, which has a version, looks for its key there.
        azure = version is not None and self._key != NO_KEY
        return AsyncOpenAI(
            api_key=self._key,
            base_url=base_url,
            default_headers={"api-key": self._key} if azure else None,
            default_query=None if version is None else {VERSION: version},
            timeout=TIMEOUT,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )


def settings_at(address: Address, settings: Mapping[str, object]) -> Mapping[str, object]:
    """The settings and their types at an address. Other servers have efforts and limits of their own."""
    return settings if address.own else {**settings, "reasoning_effort": str, "max_output_tokens": PositiveInt}


def usage(body: Json, before: str, after: str) -> Usage:
    """The tokens of a usage object. Its names begin with `before` (input, prompt) and `after` (output, completion).

    A request or an answer of 0 tokens is a server's word for unknown.
    """
    body = as_object(body)
    read, written = as_object(body.get(f"{before}_tokens_details")), as_object(body.get(f"{after}_tokens_details"))
    return Usage(
        input=as_count(body.get(f"{before}_tokens")) or None,
        cached=as_count(read.get("cached_tokens")),
        cache_write=as_count(read.get("cache_write_tokens")),
        output=as_count(body.get(f"{after}_tokens")) or None,
        reasoning=as_count(written.get("reasoning_tokens")),
    )


def cost(prices: Prices, address: Address, used: Usage) -> int | None:
    """Nano-USD; None if the price is unknown. That of another server, or of a region, only the operator's table has."""
    return prices.cost("openai" if address.base_url.rstrip("/") == OPENAI.url else "", address.model, used)
