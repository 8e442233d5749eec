"""Two processes on one store: one turn a request, one open turn a thread, and one writer a fence."""

import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from anyio import to_thread

from backends import open_store
from core import Desk, Options, StoreBusy, TurnInProgress
from tests.support.desks import ASKER, PATIENCE, check, ended, events, live_text, log_of, logged, text_of, until
from tests.support.paths import ROOT
from tests.support.second_process import act, model

QUICK = Options(lease=1.0, beat=0.1, on_interruption="retry")


class Second:
    """The other process."""

    def __init__(self, url: str, options: Options) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.second_process", url, options.model_dump_json()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, do: str, **more: str) -> None:
        self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.process.stdin.flush()

    async def says(self, did: str) -> dict:
        """Its next line of this kind."""
        with anyio.fail_after(PATIENCE):
            while True:
                raw = await to_thread.run_sync(self.process.stdout.readline, abandon_on_cancel=True)
                if (line := json.loads(raw))["did"] == did:
                    return line

    async def pause(self, desk: Desk) -> None:
        """Stop it between two commits: one stopped within would keep SQLite's lock, and nobody else could write."""
        while True:
            os.kill(self.process.pid, signal.SIGSTOP)
            await to_thread.run_sync(os.waitpid, self.process.pid, os.WUNTRACED)
            with anyio.move_on_after(1), suppress(StoreBusy):
                await desk.create_thread(ASKER)
                return
            self.go_on()

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@asynccontextmanager
async def two(url: str, options: Options = QUICK):
    """A desk here, and a process with another on the same store. `go_on` is this one's model's, `acted` its tool's."""
    go_on, acted = anyio.Event(), []
    async with open_store(url) as store:
        desk = Desk(store, model("Yours.", go_on), tools=[act(go_on, acted)], options=options)
        desk.go_on, desk.acted = go_on, acted
        second = Second(url, options)
        try:
            await second.says("open")
            async with desk:
                yield store, desk, second
                go_on.set()
        finally:
            second.process.kill()
            second.process.wait(PATIENCE)
            second.process.stdin.close()
            second.process.stdout.close()


async def test_the_same_request_from_two_processes_is_one_turn_with_one_answer(url):
    async with two(url) as (store, desk, second):
        for n in range(20):
            thread = (await desk.create_thread(ASKER)).id
            second.tell("submit", thread=thread, text="Hello!", request=f"r{n}")
            turn = await desk.submit(ASKER, thread, "Hello!", f"r{n}")
            assert (await second.says("submit"))["turn"] == turn.id
            turn = await ended(desk, turn)
            assert (turn.status, turn.text in ("Mine.", "Yours."), turn.totals.model_calls) == ("completed", True, 1)
            assert len(await logged(store, thread, "turn.opened")) == 1
            await check(store, thread)


async def test_of_two_questions_from_two_processes_one_is_accepted(url):
    async with two(url) as (store, desk, second):
        for _ in range(10):
            thread = (await desk.create_thread(ASKER)).id
            second.tell("submit", thread=thread, text="One?")
            try:
                mine, refused = (await desk.submit(ASKER, thread, "Two?")).id, None
            except TurnInProgress as error:
                mine, refused = None, error.turn_id
            theirs = await second.says("submit")
            if mine:
                assert theirs == {"did": "submit", "error": "TurnInProgress", "turn": mine}
            else:
                assert theirs == {"did": "submit", "turn": refused}
            assert len(await logged(store, thread, "turn.opened")) == 1
            assert (await desk.stop(ASKER, mine or refused)).status == "cancelled"
            await check(store, thread)


async def test_each_process_follows_the_others_turns(url):
    async with two(url) as (_, desk, second):
        thread = (await desk.create_thread(ASKER)).id
        second.tell("submit", thread=thread, text="Hello?")
        turn = (await second.says("submit"))["turn"]
        seen = []
        async for event in desk.follow(ASKER, turn):
            seen.append(event)
            if event.kind == "text":
                second.tell("go on")
        assert text_of(seen) == "Mine. More."
        turn = (await desk.submit(ASKER, thread, "Hello?")).id
        second.tell("follow", turn=turn)
        assert (await second.says("text"))["text"] == "Yours. "
        desk.go_on.set()
        assert await second.says("follow") == {"did": "follow", "status": "completed", "text": "Yours. More."}


async def test_each_process_stops_the_others_turns(url):
    async with two(url) as (store, desk, second):
        thread = (await desk.create_thread(ASKER)).id
        second.tell("submit", thread=thread, text="Hello?")
        turn = (await second.says("submit"))["turn"]
        await until(lambda: live_text(store, turn))
        stopped = await desk.stop(ASKER, turn)
        assert (stopped.status, stopped.text) == ("cancelled", "Mine. ")
        second.tell("go on")
        turn = (await desk.submit(ASKER, thread, "Hello?")).id
        await until(lambda: live_text(store, turn))
        second.tell("stop", turn=turn)
        assert (await second.says("stop"))["status"] == "cancelled"
        desk.go_on.set()
        assert text_of(await events(desk, turn)) == "Yours. "
        await check(store, thread)


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.torture)])
async def test_a_worker_stopped_past_its_lease_is_succeeded_and_its_late_writes_change_nothing(new_url, rounds):
    for _ in range(rounds):
        async with two(new_url()) as (store, desk, second):
            thread = (await desk.create_thread(ASKER)).id
            second.tell("submit", thread=thread, text="Hello?")
            turn = (await second.says("submit"))["turn"]
            await until(lambda turn=turn: live_text(store, turn))
            await second.pause(desk)
            desk.go_on.set()
            await taken_over(store, desk, thread)
            turn = await ended(desk, turn)
            assert (turn.status, turn.text) == ("completed", "Yours. More.")
            log, live = await log_of(store, thread), await store.read(f"live:{turn.id}:1")
            assert live[-1].kind == "sealed"
            second.tell("go on")
            second.go_on()
            second.tell("follow", turn=turn.id)
            assert await second.says("follow") == {"did": "follow", "status": "completed", "text": "Yours. More."}
            another = (await desk.create_thread(ASKER)).id
            second.tell("submit", thread=another, text="Are you well!")  # its desk goes on with other turns
            assert (await ended(desk, (await second.says("submit"))["turn"])).text == "Mine."
            after = await log_of(store, thread)
            assert after[: len(log)] == log
            assert {entry.kind for entry in after[len(log) :]} <= {"late"}
            assert await store.read(f"live:{turn.id}:1") == live
            await check(store, thread)


async def taken_over(store, desk, thread):
    async def claimed():
        await desk.recover()
        return len(await logged(store, thread, "turn.claimed")) > 1

    await until(claimed)


async def acting(store, turn):
    return any(entry.kind == "live.progress" for entry in await store.read(f"live:{turn}:1"))


async def test_what_a_stopped_worker_did_with_a_tool_comes_late_and_is_evidence(url):
    async with two(url) as (store, desk, second):
        thread = (await desk.create_thread(ASKER)).id
        second.tell("submit", thread=thread, text="Act!")
        turn = (await second.says("submit"))["turn"]
        await until(lambda: acting(store, turn))  # one stopped before that would rightly not act any more
        await second.pause(desk)
        desk.go_on.set()
        await taken_over(store, desk, thread)
        turn = await ended(desk, turn)
        assert (turn.status, turn.text) == ("completed", "Yours.")
        second.tell("go on")
        second.go_on()
        await until(lambda: logged(store, thread, "late"))
        (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
        assert (call.status, call.attempts, desk.acted) == ("succeeded", 2, [call.id])
        assert [(late["status"], late["fence"]) for late in call.late] == [("succeeded", 1)]
        await check(store, thread)
