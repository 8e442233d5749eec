"""HTTP/1.1 as a server speaks it over one connection, framed by hand: it must be able to break off anywhere."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import anyio

from core.canonical import Json

MAX_REQUEST = 16 * 1024 * 1024

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """`path` without its `query`; `headers` with small names; `body` is the `raw` one as JSON, None if it is none."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes
    body: Json


class Connection:
    """A client's connection, which carries one request after the other until somebody closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._early = bytearray()

    async def request(self) -> HttpRequest:
        """The next request. Raises ConnectionError where there is none."""
        head = (await self._until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = f"{first}  ".split(" ", 2)
        fields = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        length = int(headers.get("content-length") or 0)
        if length > MAX_REQUEST:
            raise ConnectionAbortedError("the request is too long")
        raw, (path, _, query) = await self._exactly(length), target.partition("?")
        return HttpRequest(method=method, path=path, query=query, headers=headers, raw=raw, body=_json(raw))

    async def answer(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str]) -> None:
        """A whole answer, with its length."""
        given = {"content-type": content_type, "content-length": str(len(body)), **headers}
        await self._send(_head(status, given) + body)

    async def begin(self, headers: Mapping[str, str]) -> None:
        """The head of a stream of events, before its first byte."""
        given = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked", **headers}
        await self._send(_head(200, given))

    async def chunk(self, data: bytes) -> None:
        """A piece of the stream, in a TCP segment of its own if it is small enough for one."""
        await self._send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        """The end of the stream, as HTTP has it: whether it is the answer's is not HTTP's to say."""
        await self._send(b"0\r\n\r\n")

    async def close(self, *, reset: bool = False) -> None:
        """No more of this connection. `reset`: what is on its way may be lost."""
        if reset:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._writer.transport.abort()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def while_open(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do this, but no longer than the client stays."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, tasks.cancel_scope)
            with suppress(ConnectionError):
                await act()
            tasks.cancel_scope.cancel()

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """What a client sends before it has its answer is kept; that it leaves ends the scope."""
        with suppress(ConnectionError):
            while data := await self._reader.read(65536):
                self._early += data
        scope.cancel()

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _until(self, mark: bytes) -> bytes:
        while mark not in self._early:
            self._early += await self._more()
        head, _, rest = bytes(self._early).partition(mark)
        self._early[:] = rest
        return head

    async def _exactly(self, length: int) -> bytes:
        while len(self._early) < length:
            self._early += await self._more()
        body = bytes(self._early[:length])
        del self._early[:length]
        return body

    async def _more(self) -> bytes:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError("the client is gone")
        return data


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Other"
    given = {"date": formatdate(usegmt=True), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1")


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return None
