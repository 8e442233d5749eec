"""The Runner: one loop for threads that come and go, and may be torn away at any moment."""

import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from backends.stores.sqlite.store import SqliteStore
from core import Desk, NotFound, Runner, RunnerError
from tests.support.desks import ASKER, PATIENCE
from tests.support.paths import ROOT


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
        await to_thread.run_sync(go_on.wait, abandon_on_cancel=True)

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


async def two():
    return 2


def test_a_runner_is_a_context_that_runs_coroutines_and_closes_itself():
    with Runner() as run:
        assert (run(two()), run.run(two())) == (2, 2)
    with pytest.raises(RunnerError, match="closed"):
        run(two())


def test_a_closed_runner_refuses_at_once_and_leaves_no_coroutine_behind():
    runner = Runner()
    runner.close()
    coroutine = two()
    with pytest.raises(RunnerError, match="make one"):
        runner.run(coroutine)
    assert coroutine.cr_frame is None
    with pytest.raises(RunnerError, match="make one"), runner.stream(numbers()):
        pass


async def numbers():
    yield 1


def test_in_its_own_loop_a_runner_refuses_at_once_and_says_what_to_do(runner):
    async def inside():
        coroutine = two()
        with pytest.raises(RunnerError, match="await the coroutine here"):
            runner.run(coroutine)
        assert coroutine.cr_frame is None
        with pytest.raises(RunnerError, match="use `async for` here"), runner.stream(numbers()):
            pass
        with pytest.raises(RunnerError, match="another thread"):
            runner.close()
        return await two()

    assert runner.run(inside()) == 2


def test_the_loops_thread_and_those_that_it_starts_do_not_keep_a_program_alive(runner):
    async def threads():
        return threading.current_thread(), await to_thread.run_sync(threading.current_thread)

    loop, worker = runner.run(threads())
    assert (loop.daemon, worker.daemon) == (True, True)


def test_a_program_that_forgets_to_close_its_runner_ends():
    program = "from core import Runner\nasync def two(): return 2\nrunner = Runner()\nprint(runner.run(two()))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=PATIENCE, check=True)
    assert (ran.stdout, ran.stderr) == (b"2\n", b"")


def test_a_loop_that_cannot_start_says_why(monkeypatch):
    def fail(*_):
        raise OSError("too many open files")

    monkeypatch.setattr(anyio, "run", fail)
    with pytest.raises(OSError, match="too many"):
        Runner()


def test_a_runner_whose_thread_is_gone_as_after_a_fork_refuses_and_closes():
    runner = Runner()
    runner._portal.call(runner._portal.stop)
    runner._thread.join()
    with pytest.raises(RunnerError, match="make one"):
        runner.run(two())
    runner.close()


def test_closing_twice_is_closing_once():
    runner = Runner()
    runner.close()
    runner.close()
