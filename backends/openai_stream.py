"""The events of an answer's body: server-sent events that hold JSON, read from its bytes.

The SDK's own iterators hide what an honest reader needs: comments that keep a connection alive, the `[DONE]` that tells
an end from a cut, bytes that are no UTF-8. They take an event of any size, and its lines are cut at characters that
an answer may hold, such as U+2028.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Literal, NoReturn, TypeAlias

from backends.openai_errors import reported
from core.canonical import Json
from core.errors import ModelError

MAX_EVENT = 2 * 1024 * 1024
"""Bytes one event may have: an answer of the longest length, its reasoning included, has less."""

Event: TypeAlias = dict[str, Json] | Literal["ping", "done"]

_CUT = re.compile(rb"(data|event|id|retry)?:|[a-z]{0,5}\Z")
_LINE_END = re.compile(rb"\r\n|\n|\r")


async def events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[Event, None]:
    """Each event's JSON object; `ping` for a comment, `done` for `[DONE]`. An end is no error, whatever came before it.

    An object without a `type` has the event's name for one. Raises ModelError: `protocol` for what is no such stream,
    which may be a proxy's doing and pass, and what the provider says for an event that reports an error.
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
                    yield "ping"
                case "":
                    if data:
                        yield _event(name, data)
                    name, data = "", ""
                case _:
                    raise _broken("the answer is no stream of events")
            if len(data) > MAX_EVENT:
                raise _too_long()
    if data:
        yield _event(name, data)


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """Whole lines. What follows the last one's end is none: the beginning of one that was cut, or of something else."""
    line, after_return = bytearray(), False
    async for chunk in chunks:
        begins = 1 if after_return and chunk.startswith(b"\n") else 0
        after_return = chunk.endswith(b"\r")
        *whole, rest = _LINE_END.split(chunk[begins:])
        for piece in whole:
            line += piece
            yield _decoded(line)
            line.clear()
        line += rest
        if len(line) > MAX_EVENT:
            raise _too_long()
    if not _CUT.match(line):
        raise _broken("the answer is no stream of events")


def _decoded(line: bytearray) -> str:
    if len(line) > MAX_EVENT:
        raise _too_long()
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise _broken("the answer is no UTF-8") from error


def _event(name: str, data: str) -> Event:
    if data.strip() == "[DONE]":
        return "done"
    try:
        value = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _broken("an event of the answer is no JSON") from error
    if not isinstance(value, dict):
        raise _broken("an event of the answer is no object")
    if name:
        value.setdefault("type", name)
    if value.get("error") or value.get("type") == "error":
        raise reported(value.get("error") or value)
    return value


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _broken(message: str) -> ModelError:
    return ModelError("protocol", message, retryable=True)


def _too_long() -> ModelError:
    return ModelError("protocol", f"an event of the answer is longer than {MAX_EVENT} bytes")
