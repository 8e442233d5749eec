"""A model's server that plays a script: real wire formats, scripted faults, and no patience for a bad request.

It speaks the OpenAI Responses, OpenAI Chat Completions and Anthropic Messages APIs, so that what a client makes of a
provider's bad day can be seen through the provider's own SDK. One script answers whichever of them is asked.
README.md beside it shows how it is used, from a command line too: `python -m tests.servers.faults script.json`.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from backends.models.scripted.model import Stop
from core.canonical import Json
from core.errors import InvalidInput
from tests.servers.faults.asked import Asked, one_by_one
from tests.servers.faults.checks import check
from tests.servers.faults.errors import Api, refusal
from tests.servers.faults.parts import ServerAnswer, StopAs
from tests.servers.faults.playing import check_answer, play
from tests.servers.faults.rules import Refused
from tests.servers.faults.script import read_server_script
from tests.servers.http import Connection, HttpRequest

PATHS: Mapping[str, Api] = {
    "/v1/responses": "responses",
    "/v1/chat/completions": "chat",
    "/v1/messages": "messages",
}
"""Where each API is asked: a client of OpenAI's is given the server's URL with `/v1`, one of Anthropic's without."""

_PAUSES = (Stop("pause"), StopAs("pause_turn"))


class FaultServer:
    """A server on this machine; an async context manager, which serves as long as its block lasts.

    `script` is a list of answers, one for each request that is good enough, or a function from the request to its
    answer; a list that is used up refuses what comes, unless `loop` starts it again. `port` 0 takes a free one. Where
    it is not `strict` it takes any JSON. `url` is the server's, without `/v1`; `requests` are those that came, oldest
    first, refused ones included.

        async with FaultServer([[Say("Twel"), Drop()], [Say("Twelve days.")]]) as server:
            client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none")

    Raises InvalidInput where a part stands in place of an answer.
    """

    def __init__(
        self,
        script: Iterable[ServerAnswer] | Callable[[Asked], ServerAnswer],
        *,
        loop: bool = False,
        port: int = 0,
        strict: bool = True,
    ) -> None:
        self.requests: list[Asked] = []
        self.url = ""
        self._answer = script if callable(script) else one_by_one(script, loop=loop)
        self._port = port
        self._strict = strict
        self._paused = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def refused(self) -> list[str]:
        """Why requests were turned away; [] when each was fit for its provider, and the script had an answer."""
        return [asked.refused for asked in self.requests if asked.refused is not None]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            while True:
                await self._respond(connection, await connection.request())
        except ConnectionError:
            return  # the client is gone, or the script had it so
        finally:
            await connection.close()

    async def _respond(self, connection: Connection, request: HttpRequest) -> None:
        api = PATHS.get(request.path)
        if api is None or request.method != "POST":
            await _refuse(connection, 404, {"error": {"message": f"POST to {', '.join(PATHS)}", "type": "not_found"}})
            return
        asked = Asked(api, request.body, request.headers)
        self.requests.append(asked)
        number = len(self.requests)
        try:
            if self._strict:
                check(api, asked.body, paused=self._paused)
            answer = self._answer(asked)
            check_answer(answer, api)
            self._paused = self._paused or any(part in _PAUSES for part in answer)
        except (Refused, InvalidInput) as error:
            asked.refused = str(error)
            await _refuse(connection, *refusal(api, "invalid_request", asked.refused))
            return
        await connection.while_open(lambda: play(answer, api, number, asked.body, asked, connection))


async def _refuse(connection: Connection, status: int, error: Json) -> None:
    await connection.answer(status, json.dumps(error).encode(), "application/json", {})


async def serve(path: str, port: int) -> None:
    """Serve the script at `path` until this is cancelled."""
    answer = read_server_script(path)
    async with FaultServer(answer, port=port) as server:
        print(f"OpenAI {server.url}/v1, Anthropic {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.faults", description=__doc__)
    parser.add_argument("script", help="a JSON file, as tests/servers/faults/README.md describes it")
    parser.add_argument("--port", type=int, default=4010)
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.script, given.port))
    except KeyboardInterrupt:
        return
