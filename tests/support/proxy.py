"""A TCP proxy between a client and a server, with which a test takes the network away or refuses a command."""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any, Literal, Self

import bson

State = Literal["pass", "cut", "hang", "lose", "answer"]

_MESSAGE = 2013
"""The code of a message of MongoDB's protocol. Its first hello on a connection has another, and always gets through."""


class Proxy:
    """What listens on `port` of this machine while the block lasts, and passes on what it is sent.

    `cut`: connections end, and new ones at once. `hang`: connections stay, and nothing moves on them. `lose`: a
    request that contains these bytes gets through, and its connection ends before the reply; `lost` counts them.
    `answer`: a message of MongoDB's that contains these bytes does not get through, and is answered with this document;
    `answered` counts them. `mend`: all passes again, and what hung arrives.
    """

    def __init__(self, host: str, port: int) -> None:
        self.lost = self.answered = 0
        self._server = (host, port)
        self._state: State = "pass"
        self._meant = b""
        self._answer = b""
        self._moving = asyncio.Event()
        self._moving.set()
        self._connections: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self._become("cut")
        for connection in self._connections:
            connection.cancel()

    def hang(self) -> None:
        self._become("hang")

    def lose(self, request: bytes = b"") -> None:
        self._meant = request
        self._become("lose")

    def answer(self, request: bytes, answer: Mapping[str, Any]) -> None:
        self._meant, self._answer = request, bson.encode(answer)
        self._become("answer")

    def mend(self) -> None:
        self._become("pass")

    def _become(self, state: State) -> None:
        self._state = state
        (self._moving.clear if state == "hang" else self._moving.set)()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._listener.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _carry(self, client: asyncio.StreamReader, replies: asyncio.StreamWriter) -> None:
        """One connection, until a side of it or the proxy ends it."""
        requests, doomed = None, asyncio.Event()
        try:
            if self._state == "cut":
                return
            server, requests = await asyncio.open_connection(*self._server)
            ways = [asyncio.create_task(self._requests(client, requests, replies, doomed))]
            ways.append(asyncio.create_task(self._replies(server, replies, doomed)))
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            return  # there is no server: the client sees its connection end, as it would without a proxy
        finally:
            replies.transport.abort()
            if requests:
                requests.transport.abort()

    async def _requests(
        self,
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        replies: asyncio.StreamWriter,
        doomed: asyncio.Event,
    ) -> None:
        while data := await client.read(65536):
            await self._moving.wait()
            if self._state == "lose" and self._meant in data:
                doomed.set()
            if self._state == "answer" and self._meant in data:
                # A client sends its next request once it has its reply: what was read is one message, if it is small.
                _, number, _, code = struct.unpack_from("<iiii", data)
                if code == _MESSAGE:
                    self.answered += 1
                    size = 16 + 5 + len(self._answer)
                    replies.write(struct.pack("<iiiiIB", size, 0, number, _MESSAGE, 0, 0) + self._answer)
                    continue
            server.write(data)
            await server.drain()

    async def _replies(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, doomed: asyncio.Event) -> None:
        while data := await server.read(65536):
            await self._moving.wait()
            if doomed.is_set():
                self.lost += 1  # not before there is a reply: only then is the request sure to have got through
                return
            client.write(data)
            await client.drain()
