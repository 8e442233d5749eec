"""A stand-in for Pinecone on this machine: its documented requests over real HTTP, strictly, and faults on demand.

One address is the control plane and the inference, and every index has an address of its own, as with the service. What
is kept is in memory, and goes with the server. README.md beside it shows how it is used, from a command line too:
`python -m tests.servers.pinecone --port 0`.
"""

import argparse
import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from tests.servers.http import Connection, HttpRequest
from tests.servers.pinecone.control import Indexes
from tests.servers.pinecone.faults import Fault, Faults, read_faults
from tests.servers.pinecone.refusals import Answer, Refused, invalid, refusal
from tests.servers.pinecone.routes import of_index, of_project, plane_of
from tests.servers.pinecone.space import Index

VERSION = "2026-07"
"""Of the API: what the client 10 speaks."""


class PineconeServer:
    """A stand-in on this machine; an async context manager, which serves as long as its block lasts.

    `port` 0 takes a free one. `key` is the only one it knows; None: it takes any. `lag` is how many reads of a
    namespace do not see a write yet, `unready` how often a new index is described as not ready. `url` is the control
    plane's and the inference's. `requests` are those that came, oldest first: method, path and the answer's status, 0
    where there was none.

        async with PineconeServer(faults=[Fault(kind="refuse", path="/query", status=503)]) as server:
            client = AsyncPinecone(api_key="any", host=server.url)
    """

    def __init__(
        self, *, port: int = 0, key: str | None = None, lag: int = 0, unready: int = 1, faults: Sequence[Fault] = ()
    ) -> None:
        self.url = ""
        self.requests: list[tuple[str, str, int]] = []
        self.faults = Faults(list(faults))
        self._indexes = Indexes(unready=unready, lag=lag, serve=self._listen, stop=self._stop)
        self._port = port
        self._key = key
        self._servers: dict[str, asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.url = await self._listen(None, self._port)
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers.values():
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers.values():
            await server.wait_closed()

    async def _listen(self, index: Index | None, port: int = 0) -> str:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(Connection(reader, writer), index))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = self._servers[index.name if index else ""] = await asyncio.start_server(accept, "127.0.0.1", port)
        host, port = server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def _stop(self, index: Index) -> None:
        """Its address takes no connections any more, and those that it has get no answers."""
        self._servers.pop(index.name).close()
        index.deleted = True

    async def _serve(self, connection: Connection, index: Index | None) -> None:
        try:
            while True:
                await self._respond(connection, await connection.request(), index)
        except ConnectionError:
            return  # the client is gone, or the script had it so
        finally:
            await connection.close()

    async def _respond(self, connection: Connection, request: HttpRequest, index: Index | None) -> None:
        number = len(self.requests)
        self.requests.append((request.method, request.path, 0))
        fault = self.faults.befalling(request.path)

        async def act() -> None:
            if fault is not None and fault.kind == "drop":
                await connection.close(reset=True)
                return
            answer = await self._answer(request, index, fault)
            if fault is not None and fault.kind == "lose":
                await connection.close(reset=True)
                return
            if fault is not None:
                await asyncio.sleep(fault.seconds)
            self.requests[number] = (request.method, request.path, answer.status)
            await connection.answer(answer.status, answer.body, answer.content_type, answer.headers)

        await connection.while_open(act)

    async def _answer(self, request: HttpRequest, index: Index | None, fault: Fault | None) -> Answer:
        plane = plane_of(index, request.path)
        try:
            self._check_head(request)
            if fault is not None and fault.kind == "refuse":
                raise Refused(fault.status, f"scripted: {fault.status}", plain=fault.status == 429)
            return await (of_project(self._indexes, request) if index is None else of_index(index, request))
        except Refused as refused:
            return refusal(plane, refused, _retry_after(fault))
        except ValidationError as error:
            return refusal(plane, invalid(error), {})

    def _check_head(self, request: HttpRequest) -> None:
        """What the layer in front of the service wants of every request."""
        if not (key := request.headers.get("api-key")) or self._key not in (None, key):
            raise Refused(401, "Unauthorized", plain=True)
        if (version := request.headers.get("x-pinecone-api-version")) != VERSION:
            raise Refused(400, f"x-pinecone-api-version: this server speaks {VERSION}, not {version}", plain=True)


def _retry_after(fault: Fault | None) -> dict[str, str]:
    return {} if fault is None or fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}


async def serve(port: int, key: str | None, lag: int, faults: Sequence[Fault]) -> None:
    """Serve until this is cancelled."""
    async with PineconeServer(port=port, key=key, lag=lag, faults=faults) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.pinecone", description=__doc__)
    parser.add_argument("--port", type=int, default=5080, help="0 takes a free one")
    parser.add_argument("--key", help="the only API key that it knows; left out, it takes any")
    parser.add_argument("--lag", type=int, default=0, help="how many reads do not see a write yet")
    parser.add_argument("--faults", help="a JSON file, as tests/servers/pinecone/README.md describes it")
    given = parser.parse_args()
    faults = read_faults(given.faults) if given.faults else []
    try:
        asyncio.run(serve(given.port, given.key, given.lag, faults))
    except KeyboardInterrupt:
        return
