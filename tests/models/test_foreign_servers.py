"""Turns with servers that others wrote: llama.cpp with a tiny model, aimock, and LiteLLM's proxy over a fault server.

What a model says is not asserted, but that the protocol holds: in each of the three APIs that these servers speak.
A server that is not installed is skipped, and the reason says how to get it.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from backends import open_store
from backends.models.opening import open_model
from backends.models.scripted.model import Bill, Call, Say
from core import Chat, Options, create_chat, tool
from core.values import Usage
from tests.servers.faults.asked import Asked
from tests.servers.faults.parts import Hang, Refuse, ServerAnswer
from tests.servers.faults.server import FaultServer
from tests.servers.foreign import processes
from tests.support.desks import ASKER, PATIENCE

HELLO, LOOK, STORY = "hello", "Please look", "Tell a long story"
FULL = "full " * 2_000
"""A question that is longer than the context of each of these servers."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A server: its URL without /v1, and a model that it has."""

    url: str
    model: str

    def address(self, api: str, model: str | None = None) -> str:
        """A URL for `open_model`."""
        name = model or self.model
        if api == "messages":
            return f"anthropic:{name}?base_url={self.url}"
        return f"openai:{name}?{'api=chat&' if api == 'chat' else ''}base_url={self.url}/v1"


@tool(effect="read")
def look(year: int = 2026) -> int:
    """Vacation days left."""
    return 12


@pytest.fixture(scope="module")
def llama() -> Iterator[Foreign]:
    if reason := processes.missing_llama():
        pytest.skip(reason)
    with processes.llama() as url:
        yield Foreign(url, "smollm2")


@pytest.fixture(scope="module")
def aimock() -> Iterator[Foreign]:
    if reason := processes.missing_aimock():
        pytest.skip(reason)
    with processes.aimock() as url:
        yield Foreign(url, "mock-1")


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    if reason := processes.missing_litellm():
        pytest.skip(reason)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(FaultServer(upstream, strict=False)) as server,
        processes.litellm(tmp_path_factory.mktemp("litellm"), server.url) as url,
    ):
        yield Foreign(url, "desk")
        assert server.refused == []


def upstream(asked: Asked) -> ServerAnswer:
    """What the fault server behind the proxy answers to the questions above, in whichever API the proxy asks."""
    bill = Bill(Usage(input=20, output=9))
    newest = asked.body["input" if asked.api == "responses" else "messages"][-1]
    if newest.get("role") == "tool" or newest.get("type") == "function_call_output":
        return (Say("Twelve days are left."), bill)
    question = json.dumps(newest)
    if LOOK in question:
        return (Call("look", {"year": 2026}), bill)
    if STORY in question:
        return (Say("Once upon a time there was a handbook."), Hang())
    if FULL in question:
        return (Refuse("too_large"),)
    return (Say("Hello there, this is the desk."), bill)


@pytest.fixture(params=["llama", "aimock", "litellm"])
def server(request: pytest.FixtureRequest) -> Foreign:
    foreign: Foreign = request.getfixturevalue(request.param)
    return foreign


@pytest.fixture(params=["chat", "responses", "messages"])
def api(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@asynccontextmanager
async def chatting(url: str, most: int = 16, **given: Any) -> AsyncIterator[Chat]:
    longest = "max_tokens" if url.startswith("anthropic:") else "max_output_tokens"
    options = Options(retry_delay=0.001, model_settings={longest: most})
    model = open_model(url)
    try:
        async with (
            open_store("memory:") as store,
            await create_chat(store, model, viewer=ASKER, options=options, **given) as chat,
        ):
            with anyio.fail_after(PATIENCE):
                yield chat
    finally:
        await model.close()


async def test_text_is_streamed_and_what_was_shown_is_on_record(server, api):
    async with chatting(server.address(api)) as chat:
        shown = [event.text async for event in chat.ask_stream(HELLO) if event.kind == "text"]
        newest = (await chat.messages())[-1]
        assert newest.text
        assert newest.text == "".join(shown)
        assert newest.status in ("completed", "truncated")


async def test_the_tokens_that_the_server_counts_are_counted(server, api):
    async with chatting(server.address(api)) as chat:
        usage = (await chat.ask(HELLO)).usage
        assert usage.tokens_unknown == 0
        assert usage.input_tokens > 0
        assert usage.output_tokens > 1


async def test_a_tool_is_called_and_its_result_is_answered_from(server, api):
    async with chatting(server.address(api), most=40, tools=[look]) as chat:
        reply = await chat.ask(LOOK)
        assert [(call.tool, call.arguments, call.status) for call in reply.tool_calls] == [
            ("look", {"year": 2026}, "succeeded")
        ]
        assert reply.status in ("completed", "truncated")
        assert reply.text


async def test_a_turn_stops_in_the_middle_and_the_next_one_is_answered(server, api):
    async with chatting(server.address(api), most=300) as chat:
        async with aclosing(chat.ask_stream(STORY)) as events:
            async for event in events:
                if event.kind == "text":
                    break
            stopped = await chat.stop()
        assert stopped.status == "cancelled"
        assert stopped.text
    async with chatting(server.address(api)) as chat:
        assert (await chat.ask(HELLO)).status in ("completed", "truncated")


async def test_a_question_longer_than_the_context_fails_as_too_large_and_the_next_one_is_answered(server, api):
    async with chatting(server.address(api)) as chat:
        reply = await chat.ask(FULL)
        assert (reply.status, reply.error and reply.error.code) == ("failed", "too_large")
        assert (await chat.ask(HELLO)).status in ("completed", "truncated")


async def test_a_history_longer_than_the_context_is_trimmed_and_the_turn_goes_on(llama):
    async with chatting(llama.address("chat")) as chat:
        for question in ("one " * 220, "two " * 220, "Tell more. " * 15):
            await chat.ask(question)
        codes = [call.code for call in await chat.model_calls()]
        assert codes.count("too_large") == 1
        assert codes[-1] != "too_large"


async def test_a_model_that_the_proxy_does_not_have_is_an_invalid_request(litellm, api):
    async with chatting(litellm.address(api, "nosuch")) as chat:
        reply = await chat.ask(HELLO)
        assert (reply.status, reply.error and reply.error.code) == ("failed", "invalid_request")


async def test_a_server_with_one_model_answers_under_any_name_and_the_record_says_what_was_asked(llama, api):
    async with chatting(llama.address(api, "nosuch")) as chat:
        await chat.ask(HELLO)
        assert [call.model for call in await chat.model_calls()] == [llama.address(api, "nosuch")]
