"""The server that `rolltop demo --kill` kills: `python -m console.demo.killed_server STORE BOOKINGS [THREAD TURN]`.

Without a thread it asks a question. With one it is the server after the kill: it shows the turn again, and asks the
model to go on. Each line that it prints is JSON, and is out before the next thing happens.
"""

import json
import os
import sys
from contextlib import aclosing
from functools import partial
from pathlib import Path

import anyio

from backends import open_store
from backends.models.scripted.model import Answer, Bill, Call, Say, ScriptedModel, Wait
from core.desk.desk import Desk
from core.errors import NotFound
from core.gate import Viewer
from core.model import ModelRequest
from core.options import Options
from core.tools import Tool, ToolContext, tool
from core.values import Usage

ASKER = Viewer("e-1042")
QUESTION = "Book the room Linz for Monday, and tell me how the day of a new colleague goes."
GO_ON = "Go on, please."
BOOKING = "Linz on Monday"

_BEGINNING = (
    "The room is booked. The day of a new colleague begins at nine with a walk through the house. At ten the buddy "
    "shows the desk and the tools. At noon the team has lunch together, and "
)
_REST = "the afternoon is for the handbook: leave, sick pay and expenses. At four the manager asks how the day was."
_DELAY = 0.04
"""Seconds before each word, so that a person can read along."""


def room_tool(bookings: Path) -> Tool:
    """A tool whose effect can be seen: each call adds a line to the file, which is on disk before the tool returns."""

    @tool(effect="unsafe")
    def book_room(room: str, context: ToolContext) -> str:
        """Book a meeting room for the asking employee."""
        with bookings.open("a") as file:
            file.write(f"{room} for {context.viewer.id}\n")
            file.flush()
            os.fsync(file.fileno())
        return "booked"

    return book_room


def answer(request: ModelRequest) -> Answer:
    """What the model says: it books, begins to answer and falls silent for good; asked to go on, it says the rest."""
    bill = Bill(Usage(input=120, output=40), cost=150_000)
    if getattr(request.messages[-1], "text", None) == GO_ON:
        return [Say(_REST, delay=_DELAY), bill]
    if request.messages[-1].role == "tool":
        # The rest never comes: however late the kill is, it finds the answer unfinished.
        return [Say(_BEGINNING, delay=_DELAY), Wait(anyio.Event())]
    return [Say("I book the room first. ", delay=_DELAY), Call("book_room", {"room": BOOKING}), bill]


def _say(**line: object) -> None:
    print(json.dumps(line), flush=True)


async def _show(desk: Desk, turn: str) -> None:
    """Print the turn's events, and approve what it asks for."""
    printed, status = "", None
    while status is None:
        text = ""  # after an approval the turn is followed from its beginning again
        async with aclosing(desk.follow(ASKER, turn)) as events:
            async for event in events:
                match event.kind:
                    case "text":
                        text += event.text
                        if len(text) > len(printed):
                            _say(kind="text", text=text[len(printed) :])
                            printed = text
                    case "tool.finished":
                        _say(kind="tool", tool=event.call.tool, status=event.call.status)
                    case "approval.asked":
                        for call in event.calls:
                            _say(kind="approved", tool=call.tool)
                            await desk.decide(ASKER, call.id, "approve", call.digest)
                    case "ended":
                        status = event.turn.status
                    case _:
                        pass
    _say(kind="ended", status=status)


async def serve(url: str, bookings: str, thread: str = "", turn: str = "") -> None:
    """Ask the question, or show what is left of it and go on."""
    model, options = ScriptedModel(answer), Options(first_content=600, between_contents=600, model_call=600)
    async with open_store(url) as store, Desk(store, model, tools=[room_tool(Path(bookings))], options=options) as desk:
        if not thread:
            thread = (await desk.create_thread(ASKER)).id
            turn = (await desk.submit(ASKER, thread, QUESTION)).id
            _say(kind="asked", thread=thread, turn=turn)
            await _show(desk, turn)
            return
        try:
            await _show(desk, turn)
        except NotFound:
            _say(kind="gone")
            return
        following = await desk.submit(ASKER, thread, GO_ON)
        _say(kind="asked", thread=thread, turn=following.id)
        await _show(desk, following.id)


if __name__ == "__main__":
    anyio.run(partial(serve, *sys.argv[1:]))
