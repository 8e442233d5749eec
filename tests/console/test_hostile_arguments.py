"""Hostile texts through every argument of every command: an answer or one line of error, and never a traceback."""

import argparse
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import anyio
import pytest

from backends import open_store
from backends.handbooks.opening import open_handbooks
from console.cli.main import _parser
from core.gate import ROLES
from tests.support.grants import grant
from tests.support.hostile import HOSTILE, LIMIT, rotated
from tests.support.hostile_commands import GIGABYTE, faults_of, possible, run
from tests.support.seeding import seed

ROUNDS = 3
"""Texts for each door in every run; the marker torture sends all of them."""


@dataclass(frozen=True, slots=True)
class Door:
    """One argument of a command: `words` name the command, `action` is the argument."""

    words: tuple[str, ...]
    parser: argparse.ArgumentParser
    action: argparse.Action

    @property
    def name(self) -> str:
        options = self.action.option_strings
        return " ".join((*self.words, options[-1] if options else self.action.dest))

    def arguments(self, text: str) -> list[str]:
        """A whole command line in which this argument is `text` and the other required ones are good."""
        line = list(self.words)
        for other in self.parser._actions:
            if other is not self.action and (other.required or other.dest == "store"):
                line += _given(other, _good(other))
        return line + _given(self.action, text)


def _given(action: argparse.Action, text: str) -> list[str]:
    return [f"{action.option_strings[-1]}={text}"] if action.option_strings else ["--", text]


def _good(action: argparse.Action) -> str:
    if action.choices:
        return str(next(iter(action.choices)))
    good = {"store": "sqlite:///desk.db", "source": "sqlite:///desk.db", "target": "sqlite:///copy.db"}
    return good.get(action.dest, "e-1042" if action.dest == "viewer" else "e-1077")


def doors(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[Door]:
    """All that take a text, of this parser and of the commands below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from doors(below, (*words, word))
        elif action.nargs != 0 and words:
            yield Door(words, parser, action)


DOORS = tuple(doors(_parser()))


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a small store and an empty index, which is the working folder: whatever is written lands in it."""
    folder = tmp_path_factory.mktemp("hostile") / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)

    async def fill() -> None:
        async with open_store(f"sqlite:///{folder}/desk.db") as store, open_handbooks(folder / "handbooks.db"):
            await seed(store, 3)
            await grant(store, *(("e-1042", role) for role in sorted(ROLES)))

    anyio.run(fill)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ROLLTOP_STORE", "sqlite:///desk.db")
        patch.setenv("ROLLTOP_INDEX", "handbooks.db")
        patch.setattr(os, "execv", _no_server)
        yield folder


def _no_server(program: str, arguments: list[str]) -> NoReturn:
    """Where `serve` would become the server, with arguments that a process can be given."""
    assert all(len(os.fsencode(argument)) < 130_000 for argument in arguments)
    raise SystemExit(0)


def faults(door: Door, text: str, limit: float | None = None) -> list[str]:
    """What is wrong with what the command made of this text; [] if nothing is."""
    return faults_of(f"{door.name} {text[:40]!r}", door.arguments(text), limit)


def test_every_argument_of_every_command_takes_hostile_texts():
    assert len(DOORS) > 80
    assert run(["threads", "--as=e-1042", "--purpose=test"], None)[0] == 0  # the gate is open: texts come further
    found = [
        fault
        for number, door in enumerate(DOORS)
        for text in rotated(number, ROUNDS)
        if possible(text)
        for fault in faults(door, text)
    ]
    assert not found, "\n".join(found)


def test_a_device_without_an_end_is_no_export():
    status, printed = run(["export", "--check=/dev/zero"], None)
    assert (status, printed.splitlines()) == (
        2,
        ["rolltop: /dev/zero is not a file: --check takes the ZIP file of an export"],
    )


@pytest.mark.torture
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_each_argument_takes_all_hostile_texts_in_time_and_memory(door):
    found = [fault for text in HOSTILE if possible(text) for fault in faults(door, text, LIMIT)]
    assert not found, "\n".join(found)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < GIGABYTE
