"""`killed_program.py`, run and listened to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from core import Options
from tests.support.desks import PATIENCE
from tests.support.forked import Told
from tests.support.killed_program import main

QUICK = Options(retry_delay=0.001)


class Program:
    """A running `killed_program.py`. `lines` are those it has printed and a test has read, `open` after `go`."""

    def __init__(
        self, url: str, ledger: Path, name: str, *, kill_at: str = "", delay: float = 0, options: Options = QUICK
    ):
        self.process = Told(main, url, str(ledger), name, kill_at, str(delay), options.model_dump_json())
        self.lines: list[dict] = []

    def go(self) -> None:
        """Let it begin."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    async def line(self) -> dict | None:
        """Its next line, None at its end. A line that a kill cut off is none: it was shown to nobody."""
        with anyio.fail_after(PATIENCE):
            raw = await to_thread.run_sync(self.process.stdout.readline, abandon_on_cancel=True)
        if not raw.endswith("\n"):
            return None
        self.lines.append(json.loads(raw))
        return self.lines[-1]

    async def rest(self) -> None:
        """All that it still prints, to its end."""
        while await self.line() is not None:
            pass
        await to_thread.run_sync(self.process.wait, PATIENCE)

    def shown(self) -> dict[str, str]:
        """By turn, the text that its follower saw last."""
        return {line["turn"]: line["shown"] for line in self.lines if line["kind"] == "text"}

    def thought(self) -> dict[str, str]:
        """By model call, the reasoning that its follower saw last."""
        return {line["call"]: line["shown"] for line in self.lines if line["kind"] == "reasoning"}

    def threads(self) -> dict[str, str]:
        """By turn, its thread."""
        return {line["turn"]: line["thread"] for line in self.lines if line["kind"] == "turn"}


@contextmanager
def running(url: str, ledger: Path, name: str, **given) -> Iterator[Program]:
    """A program that does not outlive the block."""
    program = Program(url, ledger, name, **given)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait(PATIENCE)
        program.process.stdin.close()
        program.process.stdout.close()


def effects(ledger: Path) -> list[dict]:
    """The effects that happened, in order."""
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
