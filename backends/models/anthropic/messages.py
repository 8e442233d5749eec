"""Anthropic's Messages API: `anthropic:MODEL`.

A model that thinks must get its signed thoughts back unchanged, each where it stood among texts and calls, until its
tool calls have led to an answer. `Finish.reasoning` is therefore the answer's whole layout: thinking as it came, and
between it where texts and calls stood.
"""

import os
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio
import httpx2
from anthropic import AnthropicError, AsyncAnthropic

from backends.models.anthropic.answer import Answer, json_event
from backends.models.anthropic.errors import reported, translated
from backends.models.anthropic.request_body import SETTINGS, messages_body
from backends.models.prices import Prices
from backends.models.sse import server_events
from core.canonical import Json
from core.errors import InvalidInput, ModelError
from core.model import Finish, ModelEvent, ModelRequest, Ping

OWN = "https://api.anthropic.com"
"""Anthropic itself; any other server is one that speaks like it."""

TIMEOUT = httpx2.Timeout(400, connect=5)
"""Seconds. Pings reset the time for reading: it is the desk's clocks that judge silence."""

_FORM = "anthropic:MODEL, with ?base_url=http://HOST for another server"
_DRAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A model's name, and the server, which may hold a user and a password."""

    model: str
    base_url: str = OWN

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """`anthropic:MODEL?base_url=URL`, the parameter optional. Raises InvalidInput for anything else."""
        model, _, query = url.removeprefix("anthropic:").partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        base_url = given.pop("base_url", OWN)
        if given:
            raise InvalidInput(f"an Anthropic model takes base_url, not {', '.join(sorted(given))}: {_FORM}")
        return cls(model=model, base_url=base_url)

    def __post_init__(self) -> None:
        if not self.model or not self.model.isprintable() or " " in self.model:
            raise InvalidInput(f"an Anthropic model needs a name: {_FORM}")
        try:
            parts, url = urlsplit(self.base_url), httpx2.URL(self.base_url)
        except (ValueError, httpx2.InvalidURL) as error:
            raise InvalidInput("base_url is no URL") from error
        if parts.scheme not in ("http", "https") or not url.host or parts.query or parts.fragment:
            raise InvalidInput("base_url is http:// or https://, a host and a path, without a query")

    @property
    def server(self) -> str:
        """The base URL, without user and password."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")

    @property
    def own(self) -> bool:
        """Whether it is Anthropic that is asked."""
        return self.server == OWN

    @property
    def name(self) -> str:
        """The URL again, without user and password."""
        query = "" if self.own else "?" + urlencode({"base_url": self.server}, safe="/:")
        return f"anthropic:{self.model}{query}"


class MessagesModel:
    """A model asked by Messages, at Anthropic or at `base_url`; `client` is an application's own, and stays open.

    An answer has 8192 tokens at most, and `thinking_budget` more where the model is to think, unless `max_tokens` says
    otherwise. `prices` None are those of genai-prices. Raises InvalidInput where there is no key, which only Anthropic
    itself needs, or one that is none: it is read from ANTHROPIC_API_KEY.
    """

    settings = SETTINGS
    phrases = True

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OWN,
        client: AsyncAnthropic | None = None,
        prices: Prices | None = None,
    ) -> None:
        address = Address(model=model, base_url=str(client.base_url) if client else base_url)
        self._key = os.environ.get("ANTHROPIC_API_KEY", "").strip()
        if client is None and address.own and not self._key:
            raise InvalidInput("Anthropic needs a key: set the environment variable ANTHROPIC_API_KEY")
        if client is None and not (self._key.isascii() and self._key.isprintable()):
            raise InvalidInput("ANTHROPIC_API_KEY holds characters that no key has")
        self.name = address.name
        self._address = address
        self._given = client.with_options(max_retries=0) if client else None
        self._made: AsyncAnthropic | None = None
        self._prices = prices or Prices()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        answer = Answer()
        body = messages_body(request, model=self._address.model, name=self.name)
        async with aclosing(self._events(body)) as events:
            async for event in events:
                if event.get("type") == "ping":
                    yield Ping()
                for said in answer.read(event):
                    yield said
                if answer.ended:
                    await _drain(events)
                    yield self._finish(answer)
                    return

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.close()

    async def _events(self, body: Mapping[str, Json]) -> AsyncGenerator[dict[str, Json], None]:
        create = self._client().messages.with_streaming_response.create
        try:
            async with create(**body) as response, aclosing(server_events(response.iter_bytes())) as events:
                async for name, data in events:
                    event = json_event(name, data)
                    if event.get("type") == "error":
                        raise reported(event, response.headers)
                    yield event
        except (AnthropicError, httpx2.RequestError, ssl.SSLError, anyio.EndOfStream) as error:
            raise translated(error) from error

    def _client(self) -> AsyncAnthropic:
        if self._given is not None:
            return self._given
        if self._made is None:
            key, base_url = self._key or "none", self._address.base_url
            self._made = AsyncAnthropic(api_key=key, base_url=base_url, timeout=TIMEOUT, max_retries=0)
        return self._made

    def _finish(self, answer: Answer) -> Finish:
        used, provider = answer.usage(), "anthropic" if self._address.own else ""
        cost = self._prices.cost(provider, self._address.model, used)
        return Finish(stop_reason=answer.stop_reason, usage=used, cost=cost, reasoning=answer.layout())


async def _drain(events: AsyncGenerator[dict[str, Json], None]) -> None:
    """Read what little follows the terminal marker, so that the connection can be used again.

    The answer is whole by now: what goes wrong here is no fault of it.
    """
    with anyio.move_on_after(_DRAIN):
        try:
            async for _ in events:
                pass
        except ModelError:
            return
