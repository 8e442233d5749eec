"""A process that is suspended within a transaction of SQLite holds up all others: they are told, and go on after it."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import anyio
import apsw
import pytest
from anyio import to_thread

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.sqlite import threads
from backends.stores.suite.steps import whole
from core import Desk, StoreBusy, Turn
from core.log.entry import verify
from core.store import Store
from tests.support.desks import ASKER, PATIENCE, QUICK, check, ended, until

WRITER = """
import anyio, sys
from backends import open_store
from backends.stores.suite.steps import extend

async def main(url):
    async with open_store(url) as store:
        print("writing", flush=True)
        while True:
            await extend(store, "thread:other", {"text": "x" * 5000})

anyio.run(main, sys.argv[1])
"""


class Writer:
    """A process that commits without a pause."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"writing\n"

    async def suspend(self, file: Path) -> None:
        """Suspend it at random moments, until one is within a transaction."""
        with closing(apsw.Connection(str(file))) as other:
            while True:
                await anyio.sleep(random.random() / 50)
                os.kill(self.process.pid, signal.SIGSTOP)
                await to_thread.run_sync(os.waitpid, self.process.pid, os.WUNTRACED)
                try:
                    other.execute("BEGIN IMMEDIATE; ROLLBACK")
                except apsw.BusyError:
                    return
                self.go_on()

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def writing(url: str) -> Iterator[Writer]:
    writer = Writer(url)
    try:
        yield writer
    finally:
        writer.process.kill()
        writer.process.wait(PATIENCE)
        assert writer.process.stdout is not None
        writer.process.stdout.close()


async def begins(store: Store, turn: Turn) -> bool:
    return any(entry.kind == "live.text" for entry in await store.read(f"live:{turn.id}:1"))


@pytest.mark.parametrize("stops", [2, pytest.param(30, marks=pytest.mark.torture)])
async def test_while_a_writer_is_suspended_people_are_told_and_turns_wait(tmp_path: Path, stops: int) -> None:
    """Stop names the process that holds the lock, no text is shown unsaved, and each turn ends whole after it."""
    file = tmp_path / "desk.db"
    for _ in range(stops):
        going = anyio.Event()
        model = ScriptedModel([[Say("One. ", pieces=1), Wait(going), Say("Two.", pieces=1)]] * 2)
        async with open_store(f"sqlite:///{file}") as store, Desk(store, model, options=QUICK) as desk:
            turns = [await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Hello?") for _ in range(2)]

            for turn in turns:
                await until(partial(begins, store, turn))
            with writing(f"sqlite:///{file}") as writer:
                await writer.suspend(file)
                going.set()
                with anyio.fail_after(PATIENCE):
                    for call in (desk.stop(ASKER, turns[1].id), desk.rename(ASKER, turns[1].thread, "New")):
                        with pytest.raises(StoreBusy, match=f"process {writer.process.pid}, which is suspended"):
                            await call
                live = [await store.read(f"live:{turn.id}:1") for turn in turns]
                assert not any("Two" in str(entry.payload) for log in live for entry in log)
                writer.go_on()
                with anyio.fail_after(PATIENCE):
                    whole_turns = [await ended(desk, turn) for turn in turns]
                assert [turn.status for turn in whole_turns] == ["completed"] * 2
                assert [turn.text for turn in whole_turns] == ["One. Two."] * 2
            for turn in turns:
                await check(store, turn.thread)
            verify(await whole(store, "thread:other"))


def test_a_person_is_told_within_two_seconds() -> None:
    """A call of a page makes a few commits: the first one waits for the lock, the further ones hardly."""
    assert threads.STUCK_SECONDS + 4 * threads.PROMPT_MS / 1000 < 2
