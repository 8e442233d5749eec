"""A desk in a process of its own that does what it is told, a JSON command a line, and prints what came of it.

Its model says `Mine.` to each question, after the command `go on`, or at once when the question ends in `!`; when
the question begins with `Act`, it first calls the tool `act`, which waits for `go on` too.
"""

import json
import sys
from contextlib import aclosing
from typing import Any

import anyio
import anyio.to_thread

from backends import open_store
from backends.models.scripted.model import Answer, Call, Say, ScriptedModel, Wait
from core import Desk, Options, RolltopError, Tool, ToolContext, TurnInProgress, Viewer, tool
from core.model import ModelRequest

ASKER = Viewer("e-1042")


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


def model(text: str, go_on: anyio.Event) -> ScriptedModel:
    def answer(request: ModelRequest) -> Answer:
        question = [message.text for message in request.messages if message.role == "user"][-1]
        if question.startswith("Act") and request.messages[-1].role == "user":
            return [Call("act", {})]
        return [Say(text)] if question.endswith("!") else [Say(f"{text} "), Wait(go_on), Say("More.")]

    return ScriptedModel(answer)


def act(go_on: anyio.Event, acted: list[str]) -> Tool:
    @tool(effect="idempotent")
    async def act(context: ToolContext) -> str:
        """Act."""
        acted.append(context.key)
        context.progress("acting")
        await go_on.wait()
        return "done"

    return act


async def do(desk: Desk, command: dict[str, Any]) -> None:
    """Carry out one command."""
    try:
        match command["do"]:
            case "submit":
                turn = await desk.submit(ASKER, command["thread"], command["text"], command.get("request"))
                say(did="submit", turn=turn.id)
            case "follow":
                text = ""
                async with aclosing(desk.follow(ASKER, command["turn"])) as events:
                    async for event in events:
                        if event.kind == "text":
                            text += event.text
                            say(did="text", text=text)
                        if event.kind == "attempt":
                            text = ""
                        if event.kind == "ended":
                            say(did="follow", status=event.turn.status, text=text)
            case "stop":
                say(did="stop", status=(await desk.stop(ASKER, command["turn"])).status)
    except TurnInProgress as error:
        say(did=command["do"], error="TurnInProgress", turn=error.turn_id)
    except RolltopError as error:
        say(did=command["do"], error=type(error).__name__)


async def main(url: str, options: str) -> None:
    go_on = anyio.Event()
    async with (
        open_store(url) as store,
        Desk(
            store, model("Mine.", go_on), tools=[act(go_on, [])], options=Options.model_validate_json(options)
        ) as desk,
        anyio.create_task_group() as tasks,
    ):
        say(did="open")
        while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            command = json.loads(line)
            if command["do"] == "go on":
                go_on.set()
            else:
                tasks.start_soon(do, desk, command)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
