"""A server on this machine that answers `POST /v1/embeddings` as OpenAI does, and refuses what OpenAI refuses.

A text's vector depends on its words alone. Faults are queued in `faults`, each for one request that was good enough.
"""

import asyncio
import base64
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from core.canonical import Json
from core.words import words
from tests.servers.faults.errors import refusal
from tests.servers.faults.parts import Drop, Hang, Page, Refuse
from tests.servers.http import Connection, HttpRequest

Change = Callable[[list[dict[str, Json]]], Json]
"""From the `data` of a right answer to another one."""

Fault = Refuse | Drop | Hang | Page | Change


class Asked(BaseModel, extra="forbid"):
    """A request's body. A token has at least one byte, so a text of so many bytes may be one of so many tokens."""

    input: list[str] = Field(min_length=1, max_length=2048)
    model: str = Field(min_length=1)
    dimensions: int | None = Field(default=None, gt=0)
    encoding_format: str = Field(default="float", pattern="float|base64")

    def refused(self) -> str | None:
        sizes = [len(text.encode()) for text in self.input]
        if min(sizes) == 0:
            return "input cannot be an empty string"
        return "too many tokens" if max(sizes) > 8192 or sum(sizes) > 300_000 else None


@dataclass
class EmbeddingServer:
    """Serves as long as its block lasts. `knows_base64` False answers lists of numbers to whoever asks for either.

    `takes` gives the status and the body of a refusal for what this server does not take, and None for what it does.
    """

    width: int = 12
    knows_base64: bool = True
    obeys_dimensions: bool = True
    takes: Callable[[Asked], tuple[int, Json] | None] = lambda _: None
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def vector(self, text: str, width: int | None = None) -> NDArray[np.float32]:
        """What this server holds a text to mean: not of length 1, as other servers' vectors are not."""
        rows = [np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.width) for word in words(text)]
        return np.array(rows or np.ones((1, self.width))).sum(axis=0)[:width].astype(np.float32)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        with suppress(ConnectionError):
            while True:
                await self._respond(connection, await connection.request())
        await connection.close()

    async def _respond(self, connection: Connection, request: HttpRequest) -> None:
        assert (request.method, request.path) == ("POST", "/v1/embeddings")
        try:
            asked = TypeAdapter(Asked).validate_python(request.body)
            wrong = asked.refused()
        except ValidationError as error:
            wrong = str(error)
        if wrong:
            self.refused.append(wrong)
            await _send(connection, *refusal("chat", "invalid_request", wrong))
            return
        if refused := self.takes(asked):
            self.refused.append(str(refused))
            await _send(connection, *refused)
            return
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case Refuse():
                after = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
                await _send(connection, *refusal("chat", fault.name), after)
            case Page():
                await connection.answer(fault.status, fault.text.encode(), fault.content_type, {})
            case Drop():
                await connection.close(reset=fault.reset)
            case Hang():
                await connection.while_open(asyncio.Event().wait)
            case _:
                await self._answer(connection, asked, fault)

    async def _answer(self, connection: Connection, asked: Asked, change: Change | None) -> None:
        width = asked.dimensions if self.obeys_dimensions else None
        rows = [self.vector(text, width) for text in asked.input]
        data: list[dict[str, Json]] = [
            {"object": "embedding", "index": n, "embedding": self._written(row, asked)} for n, row in enumerate(rows)
        ]
        data.reverse()  # the order that nobody promised
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        changed = change(data) if change else data
        await _send(connection, 200, {"object": "list", "data": changed, "model": asked.model, "usage": usage})

    def _written(self, row: NDArray[np.float32], asked: Asked) -> Json:
        if asked.encoding_format == "base64" and self.knows_base64:
            return base64.b64encode(row.astype("<f4").tobytes()).decode()
        return row.tolist()


async def _send(connection: Connection, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
    await connection.answer(status, json.dumps(body).encode(), "application/json", headers or {})
