"""The proxy of the fault tests, against an echo: a fault that is not what it says would prove nothing."""

import asyncio
import struct

import anyio
import bson
import pytest
from anyio import EndOfStream

from tests.support.desks import PATIENCE
from tests.support.proxy import Proxy


@pytest.fixture
async def echo():
    """A server that repeats what it is sent; `heard` is that."""

    async def serve(reader, writer):
        while data := await reader.read(1000):
            echo.heard.append(data)
            writer.write(data)
        writer.close()

    echo = await asyncio.start_server(serve, "127.0.0.1", 0)
    echo.heard = []
    echo.port = echo.sockets[0].getsockname()[1]
    yield echo
    echo.close()
    await echo.wait_closed()


async def exchanged(stream, data):
    await stream.send(data)
    with anyio.fail_after(PATIENCE):
        return await stream.receive()


async def ended(stream):
    with anyio.fail_after(PATIENCE), pytest.raises((EndOfStream, anyio.BrokenResourceError)):
        await stream.receive()


async def test_it_passes_on_both_ways_and_ends_with_the_client(echo):
    async with Proxy("127.0.0.1", echo.port) as proxy:
        for _ in range(3):
            async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
                assert await exchanged(stream, b"one") == b"one"
                assert await exchanged(stream, b"two") == b"two"


async def test_a_cut_ends_connections_old_and_new_until_it_is_mended(echo):
    async with Proxy("127.0.0.1", echo.port) as proxy:
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            assert await exchanged(stream, b"one") == b"one"
            proxy.cut()
            await ended(stream)
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            await ended(stream)
        proxy.mend()
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            assert await exchanged(stream, b"two") == b"two"
        assert echo.heard == [b"one", b"two"]


async def test_what_hangs_arrives_once_it_is_mended(echo):
    async with Proxy("127.0.0.1", echo.port) as proxy, await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        assert await exchanged(stream, b"one") == b"one"
        proxy.hang()
        await stream.send(b"two")
        await anyio.wait_all_tasks_blocked()
        assert echo.heard == [b"one"]
        proxy.mend()
        with anyio.fail_after(PATIENCE):
            assert await stream.receive() == b"two"


async def test_a_request_whose_reply_is_lost_gets_through(echo):
    async with Proxy("127.0.0.1", echo.port) as proxy:
        proxy.lose(b"insert")
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            assert await exchanged(stream, b"find") == b"find"
            await stream.send(b"an insert")
            await ended(stream)
        assert (echo.heard, proxy.lost) == ([b"find", b"an insert"], 1)


async def test_a_message_that_is_answered_does_not_get_through(echo):
    message = struct.pack("<iiii", 24, 7, 0, 2013) + b"a insert"
    async with Proxy("127.0.0.1", echo.port) as proxy:
        proxy.answer(b"insert", {"ok": 0, "code": 13})
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            reply = await exchanged(stream, message)
            assert await exchanged(stream, b"find") == b"find"
        assert struct.unpack_from("<iiii", reply)[0::2] == (len(reply), 7)
        assert bson.decode(reply[21:]) == {"ok": 0, "code": 13}
        assert (echo.heard, proxy.answered) == ([b"find"], 1)


async def test_without_a_server_connections_end():
    async with Proxy("127.0.0.1", 1) as proxy, await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        await ended(stream)
