"""The Runner: one loop for threads that come and go, and may be torn away at any moment."""

import threading
from pathlib import Path

import pytest

from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from backends.stores.sqlite.store import SqliteStore
from core import Desk, NotFound, Runner
from tests.support.desks import ASKER


@pytest.fixture
def runner():
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture(params=["memory", "sqlite"])
def desk(request, runner, tmp_path: Path):
    """A desk in the Runner's loop; `go_on` lets its model say the rest."""
    go_on = threading.Event()

    async def wait():
        import anyio

        await anyio.to_thread.run_sync(go_on.wait, abandon_on_cancel=True)

    async def opened():
        store = MemoryStore() if request.param == "memory" else SqliteStore(str(tmp_path / "desk.db"))
        desk = Desk(store, ScriptedModel([[Say("You have "), Wait(wait), Say("twelve.")]]))
        await desk.start()
        return store, desk

    store, desk = runner.run(opened())
    desk.go_on = go_on
    yield desk
    go_on.set()
    runner.run(desk.close())
    runner.run(store.close())


def asked(runner, desk):
    thread = runner.run(desk.create_thread(ASKER))
    return runner.run(desk.submit(ASKER, thread.id, "How many?"))


def test_a_thread_asks_and_reads_the_answer_as_it_comes(runner, desk):
    turn = asked(runner, desk)
    with runner.stream(desk.follow(ASKER, turn.id)) as events:
        seen = []
        for event in events:
            seen.append(event)
            desk.go_on.set()
    assert seen[-1].turn.text == "You have twelve."
    assert "".join(event.text for event in seen if event.kind == "text") == "You have twelve."


def test_a_stream_that_is_left_early_ends_the_following_and_not_the_turn(runner, desk):
    turn = asked(runner, desk)
    with runner.stream(desk.follow(ASKER, turn.id)) as events:
        next(events)
    desk.go_on.set()
    with runner.stream(desk.follow(ASKER, turn.id)) as events:
        assert list(events)[-1].turn.status == "completed"


def test_a_script_that_is_torn_away_ends_the_following_and_not_the_turn(runner, desk):
    class StopException(BaseException):
        pass

    turn = asked(runner, desk)
    with pytest.raises(StopException), runner.stream(desk.follow(ASKER, turn.id)) as events:  # noqa: PT012
        next(events)
        raise StopException
    desk.go_on.set()
    with runner.stream(desk.follow(ASKER, turn.id)) as events:
        assert list(events)[-1].turn.status == "completed"


def test_leaving_a_stream_waits_for_its_cleanup(runner):
    cleaned = []

    async def numbers():
        import anyio

        try:
            yield 1
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            cleaned.append(True)

    with runner.stream(numbers()) as items:
        assert next(items) == 1
    assert cleaned == [True]


def test_what_is_raised_in_the_loop_is_raised_in_the_thread(runner, desk):
    with pytest.raises(NotFound):
        runner.run(desk.archive.turn(ASKER, "nobody's"))
    with pytest.raises(NotFound), runner.stream(desk.follow(ASKER, "nobody's")) as events:
        list(events)


def test_many_threads_share_one_loop(runner, desk):
    turn = asked(runner, desk)
    texts = []

    def watch():
        with runner.stream(desk.follow(ASKER, turn.id)) as events:
            texts.append("".join(event.text for event in events if event.kind == "text"))

    threads = [threading.Thread(target=watch) for _ in range(8)]
    for thread in threads:
        thread.start()
    desk.go_on.set()
    for thread in threads:
        thread.join(20)
    assert texts == ["You have twelve."] * 8


def test_closing_twice_is_closing_once():
    runner = Runner()
    runner.close()
    runner.close()
