"""OpenAI's Chat Completions: `openai:MODEL?api=chat`, the one API that every other server speaks as well.

Its dialects differ. How an answer is written, `chat_answer.py` reads; what a server refuses to be sent, `dialect.py`
learns from its refusals, each of which is a failed model call of its own on record.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Annotated

import openai
from openai import AsyncOpenAI
from openai.types.shared import ReasoningEffort
from pydantic import Field, PositiveInt

from backends.models.dialect import Dialect, dialect_of, learnt
from backends.models.first_thoughts import first_thoughts
from backends.models.openai.chat_answer import Answer, rescued
from backends.models.openai.chat_body import chat_body
from backends.models.openai.client import OPENAI, Address, Client, Share, Temperature, cost, settings_at
from backends.models.openai.stream import Reported
from backends.models.prices import Prices
from backends.models.provider import NO_ADDITIONS, Additions
from backends.models.sse import drain
from core.canonical import Json
from core.errors import ModelError
from core.model import Finish, ModelEvent, ModelRequest, Ping
from core.values import Usage

SETTINGS: Mapping[str, object] = {
    "temperature": Temperature,
    "top_p": Share,
    "max_output_tokens": PositiveInt,
    "reasoning_effort": ReasoningEffort,
    "stop": str | Annotated[list[str], Field(min_length=1, max_length=4)],
    "seed": int,
}


class ChatModel:
    """A model asked by Chat Completions, at OpenAI or at `base_url`; `client` is an application's own, and stays open.

    `key_env` is the environment variable of the server's key; OPENAI_API_KEY is for OpenAI alone, and another server
    gets a key only if this names one. `prices` None are those of genai-prices. Raises InvalidInput if a key is missing
    or malformed.
    """

    phrases = True

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OPENAI.url,
        key_env: str | None = None,
        client: AsyncOpenAI | None = None,
        prices: Prices | None = None,
        additions: Additions = NO_ADDITIONS,
    ) -> None:
        base_url = str(client.base_url) if client else base_url
        address = Address(model=model, api="chat", base_url=base_url, key_env=key_env)
        self.name = address.name
        self.settings = settings_at(address, SETTINGS)
        self._address = address
        self._client = Client(address, client, additions)
        self._prices = prices or Prices()
        # A client that was passed in may lead anywhere, whatever its address says.
        self._dialect = Dialect() if client else dialect_of(base_url, model)
        self._first_thoughts = first_thoughts(model, None if client else base_url)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return learnt(self._dialect, self._rescued(request), partial(self._body, request))

    async def close(self) -> None:
        await self._client.close()

    def price(self, usage: Usage) -> int | None:
        """What so many tokens cost, in nano-USD; None if the price is unknown."""
        return cost(self._prices, self._address, usage)

    async def _rescued(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """The answer, which an error may hold before anything was told of it."""
        begun = False
        try:
            async with aclosing(self._stream(request)) as events:
                async for event in events:
                    begun = begun or event.kind != "ping"
                    yield event
        except ModelError as error:
            made = [] if begun else list(rescued(request, _body_of(error)))
            if not made:
                raise
            for event in made:
                yield event

    async def _stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        in_json, thinks_first = request.output is not None, self._first_thoughts.expected
        answer = Answer(request.tools, in_json=in_json, thinks_first=thinks_first)
        async with aclosing(self._client.stream("chat", self._body(request))) as events:
            async for event in events:
                match event:
                    case "ping":
                        yield Ping()
                    case "done":
                        await drain(events)
                        break
                    case "end" if answer.whole:
                        break
                    case dict():
                        for part in answer.read(event):
                            yield part
                        self._first_thoughts.check(answer.text)
            else:
                return
        for part in answer.finish():
            yield part
        self._first_thoughts.check(answer.text)
        paid = self.price(answer.usage)
        yield Finish(stop_reason=answer.stop_reason, usage=answer.usage, cost=paid, reasoning=answer.blocks())

    def _body(self, request: ModelRequest, habits: frozenset[str] | None = None) -> dict[str, Json]:
        habits = self._dialect.habits if habits is None else habits
        return chat_body(request, model=self._address.model, own=self._address.own, name=self.name, habits=habits)


def _body_of(error: ModelError) -> Json:
    """What the server wrote about an error."""
    cause = error.__cause__
    return cause.body if isinstance(cause, openai.APIStatusError | Reported) else None
