"""Which key a server is sent, seen from the server: through the real SDKs, with all keys in the environment."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from backends.models.anthropic.messages import ANTHROPIC
from backends.models.openai.client import OPENAI
from backends.models.opening import open_model
from backends.models.provider import NO_KEY, Provider
from backends.models.scripted.model import Say
from backends.vectors.opening import open_embedder
from backends.vectors.pinecone.client import PINECONE, Client
from backends.vectors.pinecone.index import PineconeVectors
from backends.vectors.pinecone.opening import Address
from backends.vectors.rerankers import open_reranker
from core import create_chat
from core.errors import InvalidInput, ModelError
from core.model import ModelRequest, UserMessage
from tests.servers.faults.server import FaultServer
from tests.servers.pinecone.server import PineconeServer
from tests.support.desks import QUICK
from tests.support.pinecones import item

CANARY = "sk-canary-of-the-provider"
OTHER = "key-of-the-other-server"
QUESTION = "How many days of leave?"
OURS = ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "PINECONE_API_KEY")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("OTHER_KEY", OTHER)


@dataclass
class Recorder:
    """A server that answers each request with the same bytes. `received` is all that it was sent, as it came."""

    answer: bytes
    received: bytearray = field(default_factory=bytearray)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.received += head
        if length := re.search(rb"content-length: (\d+)", head.lower()):
            self.received += await reader.readexactly(int(length[1]))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


class Named(Protocol):
    name: str


@asynccontextmanager
async def recording(status: str, *headers: str) -> AsyncIterator[Recorder]:
    lines = (f"HTTP/1.1 {status}", *headers, "content-type: application/json", "content-length: 2", "connection: close")
    recorder = Recorder("\r\n".join([*lines, "", "{}"]).encode())
    async with await asyncio.start_server(recorder.serve, "127.0.0.1", 0) as server:
        recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield recorder


async def ask(url: str) -> None:
    model = open_model(url)
    try:
        async with aclosing(
            model.stream(ModelRequest(instructions="", messages=(UserMessage(text=QUESTION),)))
        ) as events:
            async for _ in events:
                pass
    finally:
        await model.close()


async def embed(url: str) -> None:
    embedder = open_embedder(url)
    assert embedder is not None
    try:
        await embedder.embed([QUESTION], "query")
    finally:
        await embedder.close()


async def rerank(url: str) -> None:
    reranker = open_reranker(url)
    assert reranker is not None
    try:
        await reranker.rerank(QUESTION, ["Text."])
    finally:
        await reranker.close()


async def list_ids(url: str) -> None:
    vectors = PineconeVectors(Address.from_url(url))
    try:
        await vectors.ids()
    finally:
        await vectors.close()


WAYS: dict[str, tuple[Callable[[str], Awaitable[None]], str]] = {
    "responses": (ask, "openai:m?base_url={}/v1"),
    "chat": (ask, "openai:m?api=chat&base_url={}/v1"),
    "messages": (ask, "anthropic:m?base_url={}"),
    "embeddings": (embed, "openai:m?base_url={}/v1"),
    "Pinecone's embedder": (embed, "pinecone:m?host={}"),
    "Pinecone's reranker": (rerank, "pinecone:m?host={}"),
    "Pinecone's control plane": (list_ids, "pinecone:a?namespace=n&host={}"),
}

each_way = pytest.mark.parametrize("way", WAYS)


async def refused(way: str, server: Recorder, more: str = "") -> str:
    """What is said when this server is asked, which refuses."""
    act, url = WAYS[way]
    with pytest.raises((ModelError, InvalidInput)) as raised:
        await act(url.format(server.url) + more)
    return str(raised.value)


@each_way
async def test_another_server_is_sent_no_key_of_a_providers(way: str) -> None:
    async with recording("401 Unauthorized") as server:
        assert "401" in await refused(way, server)
    assert NO_KEY.encode() in server.received
    assert CANARY.encode() not in server.received
    assert OTHER.encode() not in server.received


@each_way
async def test_another_server_is_sent_the_key_that_its_url_names_and_no_other(way: str) -> None:
    async with recording("401 Unauthorized") as server:
        said = await refused(way, server, "&key_env=OTHER_KEY")
    assert OTHER.encode() in server.received
    assert CANARY.encode() not in server.received
    assert OTHER not in said


@each_way
async def test_a_redirect_takes_neither_a_key_nor_a_question_to_where_it_leads(way: str) -> None:
    async with recording("401 Unauthorized") as elsewhere:
        there = elsewhere.url.replace("127.0.0.1", "localhost")
        async with recording("307 Temporary Redirect", f"location: {there}/v1") as server:
            assert "a redirect, which is not followed" in await refused(way, server, "&key_env=OTHER_KEY")
    assert OTHER.encode() in server.received
    assert elsewhere.received == b""


async def test_in_a_chain_of_openai_and_another_server_the_other_does_not_get_openais_key(
    store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording("403 Forbidden") as proxy, FaultServer([[Say("Twelve days.")]] * 2) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)  # OpenAI is asked, and is out of reach
        other = f"openai:x?api=chat&base_url={server.url}/v1"
        for url, sent in ((other, NO_KEY), (f"{other}&key_env=OTHER_KEY", OTHER)):
            chain = [open_model("openai:gpt-5"), open_model(url)]
            async with await create_chat(store, chain, user_id="e-1042", options=QUICK) as chat:
                reply = await chat.ask(QUESTION)
                assert (reply.text, [call.model for call in await chat.model_calls()]) == (
                    "Twelve days.",
                    ["openai:gpt-5", other],
                )
            for model in chain:
                await model.close()
            assert server.requests[-1].headers["authorization"] == f"Bearer {sent}"
    assert proxy.received.count(b"CONNECT api.openai.com:443") == 2
    assert CANARY not in str([(asked.headers, asked.body) for asked in server.requests])


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        (OPENAI, OPENAI.url),
        (OPENAI, "https://eu.api.openai.com/v1"),
        (OPENAI, "https://API.OpenAI.com:443/v1/"),
        (ANTHROPIC, ANTHROPIC.url),
        (PINECONE, PINECONE.url),
        (PINECONE, "https://handbooks-4zo0ijk.svc.us-east1-aws.pinecone.io"),
    ],
)
def test_a_providers_own_hosts_are_sent_its_key_or_one_that_is_named(
    provider: Provider, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(provider.key_env, f" {CANARY}\n")
    assert provider.key(url, None) == CANARY
    assert provider.key(url, "OTHER_KEY") == OTHER


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        (OPENAI, "https://api.openai.com.example.com/v1"),
        (OPENAI, "https://myapi.openai.com/v1"),
        (OPENAI, "https://openai.com/v1"),
        (OPENAI, "https://api.openai.com@example.com/v1"),
        (OPENAI, "https://api.openai.com:443@example.com/v1"),
        (OPENAI, r"https://api.openai.com\@example.com/v1"),
        (OPENAI, "https://example.com/api.openai.com/v1"),
        (OPENAI, ANTHROPIC.url),
        (ANTHROPIC, "https://eu.api.anthropic.com"),
        (ANTHROPIC, "https://console.anthropic.com.example.com"),
        (PINECONE, "https://pinecone.io.example.com"),
        (PINECONE, "https://mypinecone.io"),
    ],
)
def test_a_host_that_only_looks_like_a_providers_is_another_server(provider: Provider, url: str) -> None:
    assert provider.key(url, None) == NO_KEY


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com\n.example.com/v1",
        " https://api.openai.com/v1",
        "https://api.openai.c\u200bom/v1",
        "https://api.openai.com:port/v1",
        "https://api.openai.com%2eexample.com/v1",
        "HTTPS://api.openai.com/v1",
        "ftp://api.openai.com/v1",
        "api.openai.com/v1",
        "https:///v1",
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="base_url is http:// or https://"):
        OPENAI.key(url, "OTHER_KEY")


@pytest.mark.parametrize(
    ("act", "url"),
    [
        (open_model, "openai:m?base_url=http://api.openai.com/v1"),
        (open_model, "openai:m?api=chat&base_url=http://eu.api.openai.com/v1&key_env=OTHER_KEY"),
        (open_model, "anthropic:m?base_url=http://api.anthropic.com"),
        (open_embedder, "openai:m?base_url=http://api.openai.com/v1"),
        (open_embedder, "pinecone:m?host=http://api.pinecone.io"),
        (open_reranker, "pinecone:m?host=http://api.pinecone.io"),
        (Address.from_url, "pinecone:a?namespace=n&host=http://api.pinecone.io"),
    ],
)
def test_a_provider_itself_is_not_asked_over_plain_http(act: Callable[[str], object], url: str) -> None:
    with pytest.raises(InvalidInput, match="over https:// only"):
        act(url)


@pytest.mark.parametrize("open_one", [open_model, open_embedder])
def test_a_message_about_a_key_names_its_variable_and_not_its_value(
    open_one: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "openai:m?base_url=http://127.0.0.1:9/v1&key_env="
    monkeypatch.setenv("OTHER_KEY", "sk-\nsecret")
    for name, words in (
        ("OTHER_KEY", "^OTHER_KEY holds characters that no key has$"),
        ("ABSENT_KEY", "the server in base_url needs a key: set the environment variable ABSENT_KEY$"),
        ("sk-secret", "^key_env is the name of an environment variable: letters, digits and _$"),
        ("2KEY", "^key_env is the name"),
        ("", "^key_env is the name"),
    ):
        with pytest.raises(InvalidInput, match=words) as raised:
            open_one(url + name)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("open_one", "url"),
    [
        (open_model, "openai:m?base_url=http://127.0.0.1:9/v1"),
        (open_model, "openai:m?api=chat&base_url=http://127.0.0.1:9/v1"),
        (open_model, "anthropic:m?base_url=http://127.0.0.1:9"),
        (open_embedder, "openai:m?base_url=http://127.0.0.1:9/v1"),
        (open_embedder, "pinecone:m?host=http://127.0.0.1:9"),
    ],
)
def test_the_variable_of_a_key_is_no_part_of_a_name_as_with_another_account_it_is_the_same_model(
    open_one: Callable[[str], Named], url: str
) -> None:
    assert open_one(f"{url}&key_env=OTHER_KEY").name == open_one(url).name


async def test_an_index_of_another_server_is_sent_that_servers_key_or_none() -> None:
    for key, more in ((NO_KEY, ""), (OTHER, "&key_env=OTHER_KEY")):
        async with PineconeServer(key=key) as server:
            vectors = PineconeVectors(Address.from_url(f"pinecone:a?namespace=n&host={server.url}{more}"))
            await vectors.put([item("a", 1)])
            assert await vectors.ids() == ["a"]
            await vectors.close()
        assert "/vectors/upsert" in [path for _, path, status in server.requests if status == 200]


async def test_a_key_does_not_follow_another_servers_answer_to_another_host() -> None:
    async with PineconeServer() as server:  # it names 127.0.0.1 for the index
        host = server.url.replace("127.0.0.1", "localhost")
        vectors = PineconeVectors(Address.from_url(f"pinecone:a?namespace=n&host={host}&key_env=OTHER_KEY"))
        with pytest.raises(InvalidInput, match=r"index is at http://127\.0\.0\.1, but .* go to http://localhost alone"):
            await vectors.put([item("a", 1)])
        await vectors.close()
    assert {path.split("/")[1] for _, path, _ in server.requests} == {"indexes"}


@pytest.mark.parametrize(
    ("server", "index", "goes_to"),
    [
        (PINECONE.url, "a-1.svc.aws.pinecone.io", "https://a-1.svc.aws.pinecone.io"),
        (PINECONE.url, "https://a-1.svc.aws.pinecone.io", "https://a-1.svc.aws.pinecone.io"),
        (PINECONE.url, "http://a-1.svc.aws.pinecone.io", None),
        (PINECONE.url, "a-1.svc.pinecone.io.example.com", None),
        (PINECONE.url, "example.com/a.pinecone.io", None),
        (PINECONE.url, "https://https://a.pinecone.io", None),
        (PINECONE.url, "HTTPS://a.pinecone.io", None),
        (PINECONE.url, "127.0.0.1:5081", None),
        ("http://127.0.0.1:5080", "http://127.0.0.1:5081", "http://127.0.0.1:5081"),
        ("http://127.0.0.1:5080", "127.0.0.1:5081", "http://127.0.0.1:5081"),
        ("https://vectors.example.com", "http://vectors.example.com", None),
        ("https://vectors.example.com", "a.example.com", None),
        ("https://vectors.example.com", "a-1.svc.aws.pinecone.io", None),
        ("https://vectors.example.com", "[::1", None),
    ],
)
async def test_an_index_is_asked_at_its_servers_own_hosts_only(server: str, index: str, goes_to: str | None) -> None:
    client = Client(server, key_env="OTHER_KEY")
    if goes_to is None:
        with pytest.raises(InvalidInput, match="requests with the key go to"):
            await client.index(index)
    else:
        assert (await client.index(index)).host == goes_to
    await client.close()
