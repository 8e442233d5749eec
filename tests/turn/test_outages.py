"""The store goes away in the middle of an answer and comes back: what it has not taken is shown to nobody."""

from contextlib import aclosing, asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel, Wait
from core import Desk, Unavailable
from core.live.stream import MAX_WAITING
from tests.support.desks import ASKER, check, ended, live_text, text_of, until
from tests.support.proxy import Proxy

FIRST, PIECE, PIECES = "As long as it stands. ", "And while it lies there. " * 40, 220


class Torrent:
    """A model that says FIRST and, once `fallen` is set, as many PIECEs as it is let; `said` are its characters."""

    def __init__(self) -> None:
        self.fallen = anyio.Event()
        self.said = len(FIRST)
        self.whole = FIRST + PIECE * PIECES
        parts = [Say(FIRST, pieces=1), Wait(self.fallen)]
        for _ in range(PIECES):
            parts += [Say(PIECE, pieces=1), Wait(self._count)]
        self.model = ScriptedModel([parts])

    async def _count(self) -> None:
        self.said += len(PIECE)
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def watched(desk, turn):
    """A viewer who attaches again whenever following fails: a list of events for each time."""
    attached = []

    async def watch():
        while True:
            attached.append([])
            try:
                async with aclosing(desk.follow(ASKER, turn.id)) as events:
                    async for event in events:
                        attached[-1].append(event)
                return
            except Unavailable:
                await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        yield attached


async def shown(attached, text):
    return attached and text_of(attached[-1]) == text


async def noticed(attached):
    return len(attached) > 1


async def held_back(torrent):
    """Until the model cannot go on: either it waits for the store, or nothing has held it back and it is done."""

    async def full():
        return torrent.said > MAX_WAITING

    await until(full)
    await anyio.wait_all_tasks_blocked()


async def test_a_server_killed_in_the_middle_of_an_answer_delays_it_and_changes_nothing(mongodb_to_kill):
    server, torrent = mongodb_to_kill, Torrent()
    async with open_store(f"{server.uri}/desk") as store, Desk(store, torrent.model) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "Hello?")
        async with watched(desk, turn) as attached:
            await until(lambda: shown(attached, FIRST))
            server.kill()
            torrent.fallen.set()
            await held_back(torrent)
            await until(lambda: noticed(attached))
            assert torrent.said <= len(FIRST) + 2 * (MAX_WAITING + len(PIECE))
            assert {text_of(seen) for seen in attached} <= {FIRST, ""}
            server.start()
        whole = await ended(desk, turn)
        assert (whole.status, whole.text == torrent.whole, whole.totals.model_calls) == ("completed", True, 1)
        assert text_of(attached[-1]) == torrent.whole
        assert await live_text(store, turn.id) == torrent.whole
        await check(store, thread)


@pytest.mark.parametrize("fault", ["cut", "hang", "lose"])
async def test_a_network_that_fails_and_mends_delays_an_answer_and_changes_nothing(mongodb_to_kill, fault):
    failed, mended = anyio.Event(), anyio.Event()
    script = [Say(FIRST, pieces=1), Wait(failed), Say("Not yet. ", pieces=1), Wait(mended), Say("Now.", pieces=1)]
    async with (
        Proxy("127.0.0.1", mongodb_to_kill.port) as proxy,
        open_store(f"mongodb://127.0.0.1:{proxy.port}/desk") as store,
        open_store(f"{mongodb_to_kill.uri}/desk") as beside,
        Desk(store, ScriptedModel([script])) as desk,
    ):
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "Hello?")
        async with watched(desk, turn) as attached:
            await until(lambda: shown(attached, FIRST))
            if fault == "lose":
                proxy.lose(b"insert")
                failed.set()
                await until(lambda: at_least(2, lambda: proxy.lost))
                assert await live_text(beside, turn.id) == FIRST + "Not yet. "
            else:
                (proxy.cut if fault == "cut" else proxy.hang)()
                failed.set()
                await anyio.wait_all_tasks_blocked()
                assert {text_of(seen) for seen in attached} <= {FIRST, ""}
                assert await live_text(beside, turn.id) == FIRST
            proxy.mend()
            mended.set()
        turn = await ended(desk, turn)
        assert (turn.status, turn.text) == ("completed", FIRST + "Not yet. Now.")
        assert text_of(attached[-1]) == turn.text == await live_text(store, turn.id)
        await check(store, thread)


async def at_least(number, count):
    return count() >= number
