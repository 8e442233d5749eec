"""Anthropic's Messages API: `anthropic:MODEL`.

A model that thinks must get its signed thoughts back unchanged, each where it stood among texts and calls, until its
tool calls have led to an answer. `Finish.reasoning` is therefore the answer's whole layout: thinking as it came, and
between it where texts and calls stood.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import httpx2
from anthropic import AnthropicError, AsyncAnthropic, DefaultAsyncHttpxClient

from backends.models.answer_json import as_object
from backends.models.answer_text import AnswerText
from backends.models.anthropic.answer import Answer, json_event
from backends.models.anthropic.errors import translated
from backends.models.anthropic.request_body import SETTINGS, messages_body
from backends.models.dialect import Dialect, dialect_of, learnt
from backends.models.error_body import error_in
from backends.models.failures import CUT, reported
from backends.models.first_thoughts import first_thoughts
from backends.models.prices import Prices
from backends.models.provider import NO_ADDITIONS, VERSION, Additions, Provider, public_url, read_url, split_version
from backends.models.sdk_client import SdkClient
from backends.models.sse import drain, server_events
from core.canonical import Json
from core.model import Finish, ModelEvent, ModelRequest, Ping
from core.values import Usage

ANTHROPIC = Provider(
    name="Anthropic",
    url="https://api.anthropic.com",
    hosts=("api.anthropic.com",),
    key_env="ANTHROPIC_API_KEY",
    form="anthropic:MODEL, with ?base_url=http://HOST&key_env=NAME for another server",
)
"""Anthropic itself; any other server is one that speaks like it. The host is the one in `anthropic/_client.py` of the
SDK 2.13: it has no regions."""

TIMEOUT = httpx2.Timeout(None, connect=5)
"""Seconds. Reading has no end of its own, which pings would put off: silence is judged by the desk's deadlines."""


_USE_CHAT = (
    "the server may not speak Anthropic's API there: base_url goes without /v1, and a server that speaks like OpenAI "
    "is openai:MODEL?api=chat&base_url=URL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A model's name, and the server, which may hold a user and a password.

    `key_env` is the environment variable of the server's key, None as `Provider.variable` says.
    """

    model: str
    base_url: str = ANTHROPIC.url
    key_env: str | None = None

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """`anthropic:MODEL?base_url=URL&key_env=NAME`, each of them optional. Raises InvalidInput."""
        model, parameters = read_url(url, {"base_url", "key_env"})
        base_url = parameters.get("base_url", ANTHROPIC.url)
        return cls(model=model, base_url=base_url, key_env=parameters.get("key_env"))

    def __post_init__(self) -> None:
        ANTHROPIC.check_name(self.model)
        ANTHROPIC.check(self.base_url)

    @property
    def own(self) -> bool:
        """Whether it is Anthropic that is asked."""
        return public_url(self.base_url) == ANTHROPIC.url

    @property
    def name(self) -> str:
        """The URL again, without user and password, and without `key_env`: of another account it is the same model."""
        query = "" if self.own else "?" + urlencode({"base_url": public_url(self.base_url)}, safe="/:")
        return f"anthropic:{self.model}{query}"


class MessagesModel:
    """A model asked by Messages, at Anthropic or at `base_url`; `client` is an application's own, and stays open.

    An answer has 8192 tokens at most, and `thinking_budget` more where the model is to think, unless `max_tokens` says
    otherwise. `key_env` is the environment variable of the server's key; ANTHROPIC_API_KEY is for Anthropic alone, and
    another server gets a key only if this names one. `prices` None are those of genai-prices. Raises InvalidInput if a
    key is missing or malformed.
    """

    settings = SETTINGS
    phrases = True

    def __init__(
        self,
        model: str,
        *,
        base_url: str = ANTHROPIC.url,
        key_env: str | None = None,
        client: AsyncAnthropic | None = None,
        prices: Prices | None = None,
        additions: Additions = NO_ADDITIONS,
    ) -> None:
        address = Address(model=model, base_url=str(client.base_url) if client else base_url, key_env=key_env)
        self._key = ANTHROPIC.key(address.base_url, address.key_env) if client is None else ""
        self.name = address.name
        self._address = address
        self._additions = additions
        self._sdk = SdkClient(self._make, client.with_options(max_retries=0) if client else None)
        self._prices = prices or Prices()
        # A client that was passed in may lead anywhere, whatever its address says.
        self._dialect = Dialect() if client else dialect_of(f"messages {address.base_url}", model)
        self._first_thoughts = first_thoughts(model, None if client else address.base_url)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return learnt(self._dialect, self._stream(request), partial(self._body, request))

    async def _stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        in_json, thinks_first = request.output is not None, self._first_thoughts.expected
        text = AnswerText(request.tools, in_json=in_json, thinks_first=thinks_first)
        answer = Answer(text)
        body = self._body(request, self._dialect.habits)
        if self._additions.body:
            body["extra_body"] = {**as_object(body.get("extra_body")), **self._additions.body}
        async with aclosing(self._events(body)) as events:
            async for event in events:
                if event.get("type") == "ping":
                    yield Ping()
                for part in answer.read(event):
                    yield part
                self._first_thoughts.check(text)
                if answer.ended:
                    for call in answer.calls():
                        yield call
                    await drain(events)
                    yield self._finish(answer)
                    return

    async def close(self) -> None:
        await self._sdk.close()

    def _body(self, request: ModelRequest, habits: frozenset[str]) -> dict[str, Json]:
        return messages_body(request, model=self._address.model, name=self.name, habits=habits)

    async def _events(self, body: Mapping[str, Json]) -> AsyncGenerator[dict[str, Json], None]:
        create = self._sdk.get().messages.with_streaming_response.create
        unknown_path = "" if self._address.own else _USE_CHAT
        try:
            headers = dict(self._additions.headers)
            async with (
                create(**body, extra_headers=headers) as response,
                aclosing(server_events(response.iter_bytes())) as events,
            ):
                async for name, data in events:
                    event = json_event(name, data)
                    if (error := error_in(name, event)) is not None:
                        raise reported(error, response.headers, unknown_path)
                    yield event
        except (AnthropicError, *CUT) as error:
            raise translated(error, unknown_path) from error

    def _make(self) -> AsyncAnthropic:
        base_url, version = split_version(self._address.base_url)
        return AsyncAnthropic(
            api_key=self._key,
            base_url=base_url,
            default_query=None if version is None else {VERSION: version},
            timeout=TIMEOUT,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )

    def price(self, usage: Usage) -> int | None:
        """What so many tokens cost, in nano-USD; None if the price is unknown."""
        return self._prices.cost("anthropic" if self._address.own else "", self._address.model, usage)

    def _finish(self, answer: Answer) -> Finish:
        used = answer.usage()
        return Finish(stop_reason=answer.stop_reason, usage=used, cost=self.price(used), reasoning=answer.layout())
