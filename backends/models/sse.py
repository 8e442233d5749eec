"""Server-sent events, read from the bytes of a body.

The decoders of the providers' SDKs accept a line of any length, hide the comments that keep a connection alive, and
read a web page as a stream without events. They also discard a last event without a line end, by which some servers
end a good answer.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import anyio

from core.errors import ModelError

MAX_EVENT = 4 * 1024 * 1024
"""The most bytes of one event: twice what is kept of an answer, because escapes add to it."""

_DRAIN = 0.1
"""Seconds for what follows the end of an answer."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_CUT = re.compile(r"[a-z]{0,5}\Z|\ufffd\Z")
_BOM = "\ufeff"


async def server_events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[tuple[str, str], None]:
    """The name and the data of each event, in order; a comment is an event `ping` without data.

    A body that is one JSON object is one event `body`. The last event is `end` without data, if the body did not end
    within an event; a truncated event is discarded. Raises ModelError: `protocol`, retryable, if the bytes are not such
    a stream, `answer_too_large` if an event is longer than MAX_EVENT.
    """
    name, data, begun = "", "", False
    async with aclosing(_lines(chunks)) as lines:
        async for line, ended in lines:
            if not begun and not line.strip():
                continue
            if not begun and line.lstrip().startswith("{"):
                yield "body", await _rest(line, lines)
                yield "end", ""
                return
            begun = True
            field, _, value = line.partition(":")
            match field.strip().lower():
                case "data":
                    if _begins_anew(value) and data.rstrip().endswith("}") and _whole(data):
                        yield name, data  # the blank line between the two events is missing
                        name, data = "", ""
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
                case _ if not ended and _CUT.match(line):
                    return
                case _:
                    raise unreadable("the answer is not a stream of events")
            if len(data) > MAX_EVENT:
                raise _too_large()
    if data and _whole(data):
        yield name, data
        name, data = "", ""
    if not name and not data:
        yield "end", ""


async def drain(events: AsyncIterable[object]) -> None:
    """Read what little follows the event that ends an answer, so that the connection can be used again."""
    with anyio.move_on_after(_DRAIN):
        try:
            async for _ in events:
                pass
        except ModelError:
            # The answer is complete by now: it must not fail because of what comes after it.
            return


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[tuple[str, bool], None]:
    """Each line, and whether it has its end: the last one may lack it."""
    rest, after_cr, first = bytearray(), False, True
    async for chunk in chunks:
        if after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        head, *more = _LINE_END.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
        rest += head
        for piece in more:
            line = _decoded(rest)
            yield (line.lstrip(_BOM) if first else line), True
            rest, first = bytearray(piece), False
        if len(rest) > MAX_EVENT:
            raise _too_large()
    if rest:
        yield rest.decode(errors="replace").removeprefix(_BOM if first else ""), False


async def _rest(line: str, lines: AsyncGenerator[tuple[str, bool], None]) -> str:
    """A body that is not a stream, from this line on."""
    pieces, size = [line], len(line)
    async for more, _ in lines:
        pieces.append(more)
        size += len(more)
        if size > MAX_EVENT:
            raise _too_large()
    return "\n".join(pieces)


def _begins_anew(value: str) -> bool:
    return value.lstrip().startswith(("{", "[DONE]"))


def _whole(data: str) -> bool:
    """Whether the data of an event that lacks its end is all of it."""
    if data.strip() == "[DONE]":
        return True
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _decoded(line: bytearray) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise unreadable("the answer is not UTF-8") from error


def _too_large() -> ModelError:
    return ModelError("answer_too_large", f"an event of the answer is longer than {MAX_EVENT} bytes")


def unreadable(what: str) -> ModelError:
    """The error for an answer that cannot be read, as when a proxy answers: the same request may succeed later."""
    return ModelError("protocol", what, retryable=True)
