"""The events of an answer of OpenAI's, or of a server like it: JSON objects, and `[DONE]`.

The SDK's own iterator swallows that `[DONE]`, which is all by which some servers tell the end of a good answer from
a cut, and the comments that keep a connection alive; and it takes an event of any size.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Literal, TypeAlias

from backends.models.answer_json import event_object
from backends.models.error_body import error_in
from backends.models.failures import reported
from backends.models.sse import server_events
from core.canonical import Json

Event: TypeAlias = dict[str, Json] | Literal["ping", "done", "end"]


class Reported(Exception):
    """The cause of an error that an event reported: its `body`, as the server wrote it."""

    def __init__(self, body: Json) -> None:
        super().__init__()
        self.body = body


async def events(chunks: AsyncIterable[bytes], unknown_path: str = "") -> AsyncGenerator[Event, None]:
    """Each event's JSON object; `ping` for a comment or an empty event; `done` for `[DONE]`.

    The last one is `end` if the stream ended between two events; the end is never an error. An object without a `type`
    gets the event's name as its type. Raises ModelError: `protocol` if the bytes are not such a stream, and the
    provider's error if an event reports one; `unknown_path` is what to do if that is an unknown path.
    """
    async with aclosing(server_events(chunks)) as found:
        async for name, data in found:
            match data.strip().strip('"'):
                case "" if name == "end":
                    yield "end"
                case "" | "null":
                    yield "ping"
                case "[DONE]" | "[done]":
                    yield "done"
                case _:
                    yield _object(name, data, unknown_path)


def _object(name: str, data: str, unknown_path: str) -> dict[str, Json]:
    value = event_object(data)
    if (body := error_in(name, value)) is not None:
        raise reported(body, unknown_path=unknown_path) from Reported(body)
    return {"type": name, **value} if name else value
