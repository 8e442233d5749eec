"""An answer played onto a connection: its parts in order, as events of the API that was asked."""

import json
from collections.abc import Mapping
from typing import Protocol

import anyio

from backends.models.scripted.model import Fail, pieces
from core.canonical import Json
from core.errors import InvalidInput
from core.model import ErrorCode
from core.values import StopReason, Usage
from tests.servers.faults.chat import ChatWire
from tests.servers.faults.errors import REFUSALS, Api, refusal
from tests.servers.faults.messages import MessagesWire
from tests.servers.faults.parts import Refuse, ServerAnswer, ServerPart
from tests.servers.faults.responses import ResponsesWire
from tests.servers.faults.wire import UNKNOWN_STOP, Wire, arguments_text, sse
from tests.servers.http import Connection

_STOPS: Mapping[Api, Mapping[StopReason, str | None]] = {
    "responses": {"end": None, "tool_calls": None, "refusal": None, "length": "max_output_tokens"},
    "chat": {"end": "stop", "tool_calls": "tool_calls", "refusal": "stop", "length": "length"},
    "messages": {
        "end": "end_turn",
        "tool_calls": "tool_use",
        "refusal": "refusal",
        "length": "max_tokens",
        "pause": "pause_turn",
    },
}
"""What stands on the wire for a stop reason; `other` is one that no API knows."""


_ON_THE_STREAM = frozenset(("say", "think", "call", "call_as", "ping", "emit", "bytes", "cut"))
"""Parts before which the stream has begun; a refusal stands in its place."""


class Counter(Protocol):
    """Where the events that were sent are counted."""

    events: int


class _Over(Exception):
    """The answer is at its end before its script is; how it ends has been seen to."""


def check_answer(answer: ServerAnswer, api: Api) -> None:
    """Raises InvalidInput for what cannot be played in this API."""
    for number, part in enumerate(answer):
        match part.kind:
            case "refuse" | "page" if number:
                raise InvalidInput("a refusal or a page stands in place of an answer, so it comes first")
            case "think" if part.blocks:
                raise InvalidInput("the server seals its reasoning itself: Think has no blocks here")
            case "stop":
                _reason(api, part.reason)


async def play(answer: ServerAnswer, api: Api, number: int, body: Json, sent: Counter, connection: Connection) -> None:
    """Send the answer. `number`, different for each, makes its ids. Raises ConnectionError if the client leaves."""
    try:
        await _Playing(answer, api, number, body, sent, connection).run()
    except _Over:
        return


class _Playing:
    def __init__(
        self, answer: ServerAnswer, api: Api, number: int, body: Json, sent: Counter, connection: Connection
    ) -> None:
        self._answer = answer
        self._api = api
        self._number = number
        self._sent = sent
        self._connection = connection
        self._usage = next((part.usage for part in answer if part.kind == "bill"), None)
        self._wire = _wire(answer, api, number, body, self._usage)
        self._cut = next((part for part in answer if part.kind == "cut_after"), None)
        self._begun = False
        self._size: int | None = 0
        self._kept = bytearray()
        self._calls = 0

    async def run(self) -> None:
        reason: str | None = ""
        for part in self._answer:
            match part.kind:
                case "stop_as":
                    reason = part.reason
                case "stop":
                    reason = _reason(self._api, part.reason)
                case _:
                    await self._play(part)
        if reason == "":
            reason = _reason(self._api, "tool_calls" if self._calls else "end")
        await self._begin()
        await self._say(self._wire.end(reason, self._usage))
        await self._end()

    async def _play(self, part: ServerPart) -> None:
        if part.kind in _ON_THE_STREAM:
            await self._begin()
        match part.kind:
            case "say":
                for piece in pieces(part.text, part.pieces):
                    await anyio.sleep(part.delay)
                    await self._say(self._wire.text(piece))
            case "think":
                await self._say(self._wire.thought(part.text))
            case "call":
                await self._call(part.tool, part.arguments, self._id(), 2)
            case "call_as":
                await self._call(part.tool, part.arguments, part.id, part.pieces)
            case "ping":
                await self._say(self._wire.ping())
            case "emit":
                await self._say([sse(part.data, part.event)])
            case "bytes":
                await self._say([part.raw])
            case "segments":
                await self._flush()
                self._size = part.size
            case "pause":
                await self._flush()
                await anyio.sleep(part.seconds)
            case "wait":
                await self._flush()
                await (part.gate.wait() if isinstance(part.gate, anyio.Event) else part.gate())
            case "hang":
                await self._hang(part.pings)
            case _:
                await self._break(part)

    async def _break(self, part: ServerPart) -> None:
        """What ends an answer early."""
        match part.kind:
            case "cut":
                await self._end()
            case "drop":
                await self._flush()
                await self._connection.close(reset=part.reset)
            case "fail":
                await self._fail(part)
            case "refuse":
                await self._refuse(part, None)
            case "page":
                await self._connection.answer(part.status, part.text.encode(), part.content_type, {})
            case _:
                return
        raise _Over

    async def _call(self, tool: str, arguments: Json, id: str | None, count: int) -> None:
        self._calls += 1
        await self._say(self._wire.call(tool, arguments_text(arguments), id=id, count=count))

    def _id(self) -> str:
        return f"{'toolu' if self._api == 'messages' else 'call'}_{self._number:04}{self._calls:04}"

    async def _hang(self, pings: float | None) -> None:
        await self._flush()
        while pings is not None:
            await self._begin()
            await anyio.sleep(pings)
            await self._say(self._wire.ping())
        await anyio.sleep_forever()

    async def _fail(self, part: Fail) -> None:
        name = REFUSALS.get(part.code)
        if name is None:
            await self._break_up(part.code)
        elif self._begun:
            _, error = refusal(self._api, name, _message(part))
            await self._say(self._wire.failed(error))
            await self._end()
        else:
            await self._refuse(Refuse(name, part.retry_after), _message(part))

    async def _break_up(self, code: ErrorCode) -> None:
        """The faults that no provider reports: no connection any more, and bytes that are no event."""
        if code == "protocol":
            await self._begin()
            await self._say([b"this is no event\n\n"])
            await self._end()
        else:
            await self._flush()
            await self._connection.close()

    async def _refuse(self, part: Refuse, message: str | None) -> None:
        status, error = refusal(self._api, part.name, message)
        headers = {} if part.retry_after is None else {"retry-after": str(part.retry_after)}
        await self._connection.answer(status, json.dumps(error).encode(), "application/json", headers | self._headers())

    def _headers(self) -> dict[str, str]:
        return {"request-id" if self._api == "messages" else "x-request-id": f"req_{self._number:04}"}

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._connection.begin(self._headers())
            await self._say(self._wire.begin())

    async def _say(self, events: list[bytes]) -> None:
        """Send the events, in the pieces that the script wants, as far as it lets them."""
        for event in events:
            if self._cut is not None and self._sent.events == self._cut.events:
                await self._cut_off(self._cut.how)
            self._sent.events += 1
            if self._size == 0:
                await self._connection.chunk(event)
                continue
            self._kept += event
            while self._size is not None and len(self._kept) >= self._size:
                await self._connection.chunk(bytes(self._kept[: self._size]))
                del self._kept[: self._size]

    async def _cut_off(self, how: str) -> None:
        if how == "end":
            await self._end()
        else:
            await self._flush()
            await self._connection.close(reset=how == "reset")
        raise _Over

    async def _flush(self) -> None:
        if self._kept:
            await self._connection.chunk(bytes(self._kept))
            self._kept.clear()

    async def _end(self) -> None:
        await self._flush()
        await self._connection.end()


def _wire(answer: ServerAnswer, api: Api, number: int, body: Json, usage: Usage | None) -> Wire:
    refuses = any(part.kind == "stop" and part.reason == "refusal" for part in answer)
    match api:
        case "responses":
            return ResponsesWire(number, body, refuses=refuses)
        case "chat":
            return ChatWire(number, body, refuses=refuses)
        case "messages":
            return MessagesWire(number, body, usage=usage)


def _message(part: Fail) -> str | None:
    """The script's words; None, for the provider's own, where it has none."""
    return None if part.message == Fail(part.code).message else part.message


def _reason(api: Api, reason: StopReason) -> str | None:
    if reason == "other":
        return UNKNOWN_STOP
    if reason not in _STOPS[api]:
        raise InvalidInput(f"the API {api} has no stop reason for {reason}")
    return _STOPS[api][reason]
