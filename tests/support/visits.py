"""Visitors of a console without a browser: they speak Streamlit's protocol over websockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from console.sign_in.development import COOKIE

PATIENCE = 300.0
"""Seconds after which a visitor who is not served is an error."""


class Visit:
    """One session at Ask HR. `query` is what the address of its tab has after the question mark."""

    def __init__(self, connection: ClientConnection, query: str) -> None:
        self._connection = connection
        self.query = query
        self._box = ""

    async def run(self, question: str = "") -> None:
        """Ask for a run of the page, with this question in its box."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if question:
            box = message.rerun_script.widget_states.widgets.add()
            box.id, box.chat_input_value.data = self._box, question
        await self._connection.send(message.SerializeToString())

    async def open(self) -> None:
        """Run the page to its end, which finds the box for questions on it."""
        await self.run()
        self._box = ""
        while (await self.next()).WhichOneof("type") != "script_finished" or not self._box:
            pass

    async def next(self) -> ForwardMsg:
        """The next message of the server."""
        received = await self._connection.recv()
        assert isinstance(received, bytes)
        message = ForwardMsg()
        message.ParseFromString(received)
        match message.WhichOneof("type"):
            case "delta" if message.delta.new_element.HasField("chat_input"):
                self._box = message.delta.new_element.chat_input.id
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
        return message

    def abort(self) -> None:
        """Be gone without a word, as a laptop that is shut."""
        self._connection.transport.abort()


@asynccontextmanager
async def visiting(url: str, person: str, query: str = "") -> AsyncIterator[Visit]:
    """A session of this person, which is closed after the block."""
    async with connect(
        f"{url.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a Subprotocol is a str
        additional_headers={"Cookie": f"{COOKIE}={cookie(person)}"},
        max_size=None,
        open_timeout=PATIENCE,
        close_timeout=1,
    ) as connection:
        yield Visit(connection, query)


def cookie(person: str, role: str = "employee", purpose: str = "") -> str:
    """The value of the cookie by which the console knows a person."""
    return quote(json.dumps({"person": person, "role": role, "purpose": purpose}))
