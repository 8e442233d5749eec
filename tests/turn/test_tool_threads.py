"""Tools that are not async run in threads; async ones must not block the loop."""

import asyncio
import logging
import threading
from contextlib import asynccontextmanager

import anyio
import pytest

from backends import MemoryStore
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Options, tool
from tests.support.desks import ASKER, HandClock, ended, logged, until

ONE_THREAD = Options(tool_threads=1, retry_delay=0.001)


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("Done.")]
    return [Call(name, {}) for name in request.messages[-1].text.split()]


class Line:
    """A desk with one thread, which a call holds until `free` is set; another turn waits for it."""

    def __init__(self, desk, free, entered):
        self.desk, self.free, self.entered = desk, free, entered

    async def ask(self, text):
        return await self.desk.submit(ASKER, (await self.desk.create_thread(ASKER)).id, text)


@asynccontextmanager
async def line(effect="idempotent", clock=None):
    free, entered = threading.Event(), []

    @tool(effect="read")
    def hold() -> None:
        """Hold the thread."""
        entered.append("hold")
        free.wait()

    @tool(effect=effect, name="book")
    def book() -> str:
        """Book."""
        entered.append("book")
        return "booked"

    async with Desk(MemoryStore(), ScriptedModel(script), tools=[hold, book], options=ONE_THREAD, clock=clock) as desk:
        try:
            yield Line(desk, free, entered)
        finally:
            free.set()


async def waits_for_a_thread(desk):
    """Whether a call waits for a thread."""
    return desk._equipment.threads.statistics().tasks_waiting


async def test_a_call_is_announced_only_once_a_thread_is_free_for_it():
    async with line() as at:
        holding = await at.ask("hold")
        await until(lambda: waited(at, "hold"))
        waiting = await at.ask("book")
        await until(lambda: waits_for_a_thread(at.desk))
        assert await logged(at.desk._store, waiting.thread, "tool.started") == []
        at.free.set()
        assert (await ended(at.desk, waiting)).status == (await ended(at.desk, holding)).status == "completed"
        assert at.entered == ["hold", "book"]


async def waited(at, name):
    return name in at.entered


async def test_a_call_that_waited_for_a_thread_when_its_turn_was_stopped_is_cancelled_and_not_unknown():
    async with line() as at:
        await at.ask("hold")
        await until(lambda: waited(at, "hold"))
        waiting = await at.ask("book")
        await until(lambda: waits_for_a_thread(at.desk))
        await at.desk.stop(ASKER, waiting.id)
        (call,) = (await at.desk.archive.turn_view(ASKER, waiting.id)).calls
        assert (call.status, call.attempts) == ("cancelled", 0)
        # Its worker leaves at once, and not only when a thread is free.
        await until(lambda: nobody_waits(at.desk))
        assert at.entered == ["hold"]


async def nobody_waits(desk):
    return not await waits_for_a_thread(desk)


async def test_a_desk_that_closes_releases_a_turn_that_waits_for_a_thread():
    async with line() as at:
        await at.ask("hold")
        await until(lambda: waited(at, "hold"))
        waiting = await at.ask("book")
        await until(lambda: waits_for_a_thread(at.desk))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at.desk.close)
            await until(lambda: logged(at.desk._store, waiting.thread, "turn.released"))
            at.free.set()
        assert await logged(at.desk._store, waiting.thread, "tool.started") == []


async def test_the_time_of_a_call_begins_when_its_thread_is_free():
    clock = HandClock()
    async with line(clock=clock) as at:
        await at.ask("hold")
        await until(lambda: waited(at, "hold"))
        waiting = await at.ask("book")
        await until(lambda: waits_for_a_thread(at.desk))
        clock.advance(600)
        at.free.set()
        turn = await ended(at.desk, waiting)
        (call,) = (await at.desk.archive.turn_view(ASKER, turn.id)).calls
        assert call.status == "succeeded"
        assert call.duration_ms < 600_000


async def test_reads_side_by_side_share_the_threads_there_are():
    async with line("read") as at:
        turn = await ended(at.desk, await at.ask("book book book"))
        calls = (await at.desk.archive.turn_view(ASKER, turn.id)).calls
        assert [call.status for call in calls] == ["succeeded"] * 3
        assert await waits_for_a_thread(at.desk) == 0


@pytest.mark.parametrize("blocks", [True, False])
async def test_an_async_tool_that_blocks_the_loop_is_named_with_what_to_do(blocks, caplog):
    clock = HandClock()

    @tool(effect="read")
    async def look_up() -> str:
        """Look up."""
        if blocks:
            clock.advance(2)
        else:
            asyncio.get_running_loop().call_soon(clock.advance, 2)  # while the tool awaits
        await anyio.lowlevel.checkpoint()
        return "found"

    with caplog.at_level(logging.WARNING):
        async with Desk(MemoryStore(), ScriptedModel(script), tools=[look_up], clock=clock) as desk:
            turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "look_up")
            assert (await ended(desk, turn)).status == "completed"
    said = [record.getMessage() for record in caplog.records if "event loop" in record.getMessage()]
    assert len(said) == blocks
    assert all(one.startswith("tool look_up blocked the event loop for 2.0 s") and "plain `def`" in one for one in said)
