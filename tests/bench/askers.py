"""Sessions of the console that ask at once, without a browser: `python -m tests.bench.askers URL COUNT WORD`.

They speak Streamlit's protocol over websockets. Each opens the page, and once all have it, each asks a question. The
seconds from each question to the first text that has WORD are printed as JSON. It is a
program of its own, so that its work is not taken for the server's.
"""

import json
import sys
import time
from urllib.parse import quote

import anyio
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from console.sign_in import COOKIE

PEOPLE = ("e-1042", "e-1077", "e-1203", "e-1310")
QUESTION = "How many days of vacation are left?"
PATIENCE = 300.0
"""Seconds after which a session that is not served is an error."""


def cookie(person: str, role: str = "employee", purpose: str = "") -> str:
    """The value of the cookie by which the console knows a person."""
    return quote(json.dumps({"person": person, "role": role, "purpose": purpose}))


class Session:
    """A visitor's connection to the console."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._box = ""

    async def open(self) -> None:
        """Run the page once, and find the box for questions on it."""
        message = BackMsg()
        message.rerun_script.query_string = ""
        await self._connection.send(message.SerializeToString())
        while True:
            answer = await self._next()
            if answer.WhichOneof("type") == "delta" and answer.delta.new_element.HasField("chat_input"):
                self._box = answer.delta.new_element.chat_input.id
            if answer.WhichOneof("type") == "script_finished" and self._box:
                return

    async def ask(self, word: str) -> float:
        """Seconds from the question to the first text with the word; read on until the page has run to its end."""
        message = BackMsg()
        box = message.rerun_script.widget_states.widgets.add()
        box.id, box.chat_input_value.data = self._box, QUESTION
        asked, seen = time.monotonic(), None
        await self._connection.send(message.SerializeToString())
        while True:
            answer = await self._next()
            text = answer.delta.new_element.markdown.body if answer.WhichOneof("type") == "delta" else ""
            if seen is None and word in text:
                seen = time.monotonic() - asked
            if seen is not None and answer.WhichOneof("type") == "script_finished":
                return seen

    async def _next(self) -> ForwardMsg:
        received = await self._connection.recv()
        assert isinstance(received, bytes)
        message = ForwardMsg()
        message.ParseFromString(received)
        return message


async def ask_at_once(url: str, count: int, word: str) -> list[float]:
    """The seconds that each of so many sessions waits for its first text."""
    waits: list[float] = []
    here, all_here = 0, anyio.Event()

    async def one(person: str) -> None:
        nonlocal here
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        headers = {"Cookie": f"{COOKIE}={cookie(person)}"}
        async with connect(
            address,
            subprotocols=["streamlit"],
            additional_headers=headers,
            max_size=None,
            open_timeout=PATIENCE,
            close_timeout=1,
        ) as connection:
            session = Session(connection)
            await session.open()
            here += 1
            if here == count:
                all_here.set()
            await all_here.wait()
            waits.append(await session.ask(word))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(one, PEOPLE[number % len(PEOPLE)])
    return waits


if __name__ == "__main__":
    print(json.dumps(anyio.run(ask_at_once, sys.argv[1], int(sys.argv[2]), sys.argv[3])))
