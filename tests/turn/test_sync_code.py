"""Sync code of the application that never returns: it holds a thread, and neither its turn nor its process."""

import subprocess
import sys
import threading
from contextvars import ContextVar

import anyio
import anyio.from_thread
import pytest

from backends import MemoryStore
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Options, tool
from core.sync_code import left_running, run_sync_code
from tests.support.desks import ASKER, PATIENCE, ended, until
from tests.support.paths import ROOT
from tests.support.server_log import kept_log

PROGRAM = """
import sys, threading
import anyio
from pydantic import BaseModel, field_validator
from backends import MemoryStore
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Options, Viewer, tool

for_ever = threading.Event().wait

@tool(effect="{effect}", timeout=0.05)
def hang() -> None:
    '''Hang.'''
    for_ever()

class Hanging(BaseModel):
    kind: str

    @field_validator("kind")
    @classmethod
    def check(cls, kind):
        for_ever()

async def main():
    answers = [[Call("hang", {{}})], [Say("Done.")]] if {schema} is None else [[Say('{{"kind": "a"}}')]]
    options = Options(hook_deadline=0.05, retry_delay=0.001)
    async with Desk(MemoryStore(), ScriptedModel(answers), tools=[hang], options=options) as desk:
        chat = await desk.create_chat(Viewer("e-1042"))
        reply = await chat.ask("?", schema={schema})
        print(reply.status, *(call.status for call in reply.tool_calls), reply.error and reply.error.code)

anyio.run(main)
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("effect", "schema", "printed"),
    [
        ("read", None, "completed timed_out None"),
        ("idempotent", None, "completed unknown None"),
        ("read", "Hanging", "failed schema_failed"),
    ],
)
def test_a_process_ends_at_once_although_a_tool_or_a_validator_never_returns(effect, schema, printed):
    program = PROGRAM.format(effect=effect, schema=schema)
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (ran.stdout.strip(), ran.returncode) == (printed, 3), ran.stderr


async def test_code_that_hangs_is_counted_and_further_calls_get_all_the_threads_there_are():
    free = threading.Event()

    @tool(effect="read", timeout=0.05)
    def hang() -> None:
        """Hang."""
        free.wait()

    @tool(effect="read")
    def look() -> str:
        """Look."""
        return "found"

    model = ScriptedModel([[Call("hang", {})], [Call("hang", {})], [Call("look", {})], [Say("Done.")]])
    before = left_running()
    try:
        with kept_log() as log:
            async with Desk(MemoryStore(), model, tools=[hang, look], options=Options(tool_threads=1)) as desk:
                turn = await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "?"))
                calls = (await desk.archive.turn_view(ASKER, turn.id)).calls
        assert [call.status for call in calls] == ["timed_out", "timed_out", "succeeded"]
        assert [event["count"] - before for event in log.events("sync.left")] == [1, 2]
        assert all("test_sync_code.py" in event["at"] for event in log.events("sync.left"))
        assert left_running() == before + 2
    finally:
        free.set()
    await until(lambda: none_more(before))


async def none_more(before):
    return left_running() == before


async def test_sync_code_has_the_context_of_its_caller_and_changes_only_its_own():
    said = ContextVar("said", default="nothing")
    said.set("by the caller")

    def change():
        seen = said.get()
        said.set("by the code")
        return seen, said.get()

    assert await run_sync_code("tool", change) == ("by the caller", "by the code")
    assert said.get() == "by the caller"


async def test_sync_code_reaches_the_loop_of_its_caller_and_may_run_one_of_its_own():
    async def number():
        return 12

    def code():
        return anyio.from_thread.run(number), anyio.from_thread.run_sync(threading.get_ident), anyio.run(number)

    assert await run_sync_code("tool", code) == (12, threading.get_ident(), 12)


async def test_sync_code_can_ask_whether_its_caller_has_gone():
    entered, cancelled = threading.Event(), threading.Event()

    def ask():
        entered.set()
        try:
            while True:
                anyio.from_thread.check_cancelled()
        except BaseException:
            cancelled.set()
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_sync_code, "tool", ask)
        await until(lambda: is_set(entered))
        tasks.cancel_scope.cancel()
    await until(lambda: is_set(cancelled))


async def is_set(event):
    return event.is_set()


@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(1), StopIteration(1)], ids=repr)
async def test_what_sync_code_raises_reaches_its_caller(error):
    def fail():
        raise error

    with pytest.raises(BaseException) as raised:  # noqa: PT011  # whatever it is
        await run_sync_code("tool", fail)
    assert error in (raised.value, raised.value.__cause__)
