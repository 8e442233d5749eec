"""A desk in a process of its own, for tests that kill it: it asks, answers, acts, and prints what a follower sees.

`tests.support.forked` runs it. Each line it prints is JSON, and is out before the next thing happens. Its tools keep a
ledger: a line for each effect, on disk before the tool returns.
"""

import json
import os
import signal
from collections import defaultdict
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from backends import open_store
from backends.models.scripted.model import Answer, Call, Say, ScriptedModel, Think
from core import Desk, DeskClosed, Options, Tool, ToolContext, Viewer, tool
from core.model import ModelRequest

ASKER = Viewer("e-1042")
WORDS = "Your leave of this year is thirty days and of these you have taken eighteen so that twelve are left. "


def tools(ledger: Path, kill_at: str = "") -> list[Tool]:
    """A tool of each effect. `kill_at` is `before` or `after`, a colon and a tool: there the process kills itself."""

    def act(tool: str, context: ToolContext) -> str:
        if kill_at == f"before:{tool}":
            os.kill(os.getpid(), signal.SIGKILL)
        with ledger.open("a") as file:
            file.write(json.dumps({"tool": tool, "key": context.key}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if kill_at == f"after:{tool}":
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{tool} done"

    @tool(effect="read")
    async def look(context: ToolContext) -> str:
        """Look."""
        return act("look", context)

    @tool(effect="idempotent")
    async def note(context: ToolContext) -> str:
        """Note."""
        return act("note", context)

    @tool(effect="unsafe")
    def book(context: ToolContext) -> str:
        """Book."""
        return act("book", context)

    return [look, note, book]


def script(delay: float) -> Any:
    """Three answers to each question: one that looks and notes, one that books, and the last."""

    def answer(request: ModelRequest) -> Answer:
        roles = [message.role for message in request.messages]
        since = roles[::-1][: roles[::-1].index("user")]
        match since.count("tool"):
            case 0:
                return [Think(f"Hm: {WORDS}"), Say(f"First: {WORDS}", delay=delay), Call("look", {}), Call("note", {})]
            case 2:
                return [Say(f"Then: {WORDS}", delay=delay), Call("book", {})]
            case _:
                return [Say(f"At last: {WORDS}", delay=delay)]

    return answer


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


async def converse(desk: Desk, name: str) -> None:
    """Ask one question after the other on a thread, approving what is asked."""
    thread = (await desk.create_thread(ASKER)).id
    for question in range(1000):
        try:
            turn = await desk.submit(ASKER, thread, f"Question {question} of {name}", f"{name}-{question}")
        except DeskClosed:
            return
        say(kind="turn", turn=turn.id, thread=thread)
        ended = False
        while not ended:
            async with aclosing(desk.follow(ASKER, turn.id)) as events:
                shown, thought = "", defaultdict[str, str](str)
                async for event in events:
                    match event.kind:
                        case "text":
                            shown += event.text
                            say(kind="text", turn=turn.id, shown=shown)
                        case "reasoning":
                            thought[event.call_id] += event.text
                            say(kind="reasoning", call=event.call_id, shown=thought[event.call_id])
                        case "attempt":
                            shown = ""
                        case "approval.asked":
                            for call in event.calls:
                                await desk.decide(ASKER, call.id, "approve", call.digest)
                        case "ended":
                            say(kind="ended", turn=turn.id, status=event.turn.status, text=event.turn.text)
                            ended = True


async def main(url: str, ledger: str, name: str, kill_at: str, delay: str, options: str) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async with open_store(url) as store:
            desk = Desk(
                store,
                ScriptedModel(script(float(delay))),
                tools=tools(Path(ledger), kill_at),
                options=Options.model_validate_json(options),
            )
            async with desk, anyio.create_task_group() as tasks:
                say(kind="open")
                tasks.start_soon(converse, desk, f"{name}a")
                tasks.start_soon(converse, desk, f"{name}b")
                async for _ in signals:
                    await desk.close()
                    say(kind="closed")
                    tasks.cancel_scope.cancel()
