"""Server-sent events, read from the bytes of a body.

The decoders of the providers' SDKs accept a line of any length, hide the comments that keep a connection alive, and
read a web page as a stream without events.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import anyio

from core.errors import ModelError

MAX_EVENT = 4 * 1024 * 1024
"""The most bytes of one event: twice what is kept of an answer, because escapes add to it."""

_DRAIN = 0.1
"""Seconds for what follows the end of an answer."""

_CUT = re.compile(rb"(data|event|id|retry)?:|[a-z]{0,5}\Z")


async def server_events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[tuple[str, str], None]:
    """The name and the data of each event, in order; a comment is an event `ping` without data.

    A truncated final event is discarded. Raises ModelError: `protocol`, retryable, if the bytes are not such a stream,
    `answer_too_large` if an event is longer than MAX_EVENT.
    """
    name, data = "", ""
    async with aclosing(_lines(chunks)) as lines:
        async for line in lines:
            field, _, value = line.partition(":")
            match field:
                case "data":
                    data += value.removeprefix(" ") + "\n"
                case "event":
                    name = value.strip()
                case "id" | "retry":
                    pass
                case "" if line:
                    yield "ping", ""
                case "":
                    if data:
                        yield name, data
                    name, data = "", ""
                case _:
                    raise unreadable("the answer is not a stream of events")
            if len(data) > MAX_EVENT:
                raise _too_large()


async def drain(events: AsyncIterable[object]) -> None:
    """Read what little follows the event that ends an answer, so that the connection can be used again."""
    with anyio.move_on_after(_DRAIN):
        try:
            async for _ in events:
                pass
        except ModelError:
            # The answer is complete by now: it must not fail because of what comes after it.
            return


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """Whole lines. Raises ModelError if the truncated last one is not the beginning of an event's line."""
    rest = bytearray()
    async for chunk in chunks:
        first, *more = chunk.split(b"\n")
        rest += first
        for piece in more:
            yield _decoded(rest)
            rest = bytearray(piece)
        if len(rest) > MAX_EVENT:
            raise _too_large()
    if not _CUT.match(rest):
        raise unreadable("the answer is not a stream of events")


def _decoded(line: bytearray) -> str:
    try:
        return line.decode().removesuffix("\r")
    except UnicodeDecodeError as error:
        raise unreadable("the answer is not UTF-8") from error


def _too_large() -> ModelError:
    return ModelError("answer_too_large", f"an event of the answer is longer than {MAX_EVENT} bytes")


def unreadable(what: str) -> ModelError:
    """The error for an answer that cannot be read, as when a proxy answers: the same request may succeed later."""
    return ModelError("protocol", what, retryable=True)
