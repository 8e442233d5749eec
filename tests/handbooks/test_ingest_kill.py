"""A killed ingest: the old version answers, the next ingest finishes, and no passage is lost or doubled."""

import random
import signal
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from backends.handbooks.catalogue.catalogue import Catalogue
from tests.support.desks import PATIENCE
from tests.support.forked import Told
from tests.support.handbook_folders import WordEmbedder, check_whole, found_texts, handbook, take_in, write
from tests.support.ingesting_program import main

LATER = "2099-01-01"
SECTIONS = 40
"""In each document: eight of them are more than are embedded together."""


def start(stack: ExitStack, index: Path, folder: Path, delay: float) -> Told:
    """An ingest that has loaded all it needs and waits for a line; it does not outlive the stack."""
    process = Told(main, str(index), str(folder), str(delay))
    stack.callback(process.stdout.close)
    stack.callback(process.stdin.close)
    stack.callback(process.wait, PATIENCE)
    stack.callback(process.kill)
    return process


async def line(process: Told) -> str:
    with anyio.fail_after(PATIENCE):
        return await to_thread.run_sync(process.stdout.readline, abandon_on_cancel=True)


class Books:
    """A folder of handbooks that a test edits, and what a search may find of it."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.texts: dict[str, list[str]] = {}
        self.before: dict[str, list[str]] = {}

    def edit(self, edition: int, found: dict[str, list[str]]) -> None:
        """Change some sections of some documents, make new ones and take one away; `found` is what answers now."""
        self.before = found
        for name in self.chance.sample(sorted(self.texts), min(3, len(self.texts))):
            for n in self.chance.sample(range(SECTIONS), 10):
                self.texts[name][n] = f"Text {n} of {name}, edition {edition}."
        while len(self.texts) < 8:
            name = f"book-{edition}-{len(self.texts)}"
            self.texts[name] = [f"Text {n} of {name}." for n in range(SECTIONS)]
        if edition:
            del self.texts[self.chance.choice(sorted(self.texts))]
        write(self.folder, {f"{name}.md": _handbook(name, texts) for name, texts in self.texts.items()})

    def check(self, found: dict[str, list[str]]) -> int:
        """Every document is whole as it was or as it is; how many are as they were, and changed since."""
        late = 0
        for name in {*self.before, *self.texts}:
            before, after = self.before.get(name), self.texts.get(name)
            assert found.get(name) in (before, after)
            late += before != after and found.get(name) == before
        assert found.keys() <= {*self.before, *self.texts}
        return late


def _handbook(name: str, texts: list[str]) -> str:
    return handbook(name, *(f"Section {n}\n{text}" for n, text in enumerate(texts)))


@pytest.mark.parametrize("rounds", [30, pytest.param(300, marks=pytest.mark.torture)])
async def test_an_ingest_killed_at_any_moment_leaves_the_old_version_and_the_next_one_finishes(tmp_path, rounds):
    chance = random.Random(20261125)
    index, folder, met = tmp_path / "index.db", tmp_path / "books", set()
    folder.mkdir()
    books, catalogue = Books(folder, chance), Catalogue(index)
    with ExitStack() as stack:
        stack.callback(catalogue.close)
        following = start(stack, index, folder, 0.001)
        for n in range(rounds):
            process, lines = following, chance.choice([1, 2, 4, 6, 8, 9, 10, 11, 12, 14, 16])
            following = start(
                stack, index, folder, chance.choice([0, 0.001, 0.003])
            )  # it loads while this one is killed
            books.edit(n, found_texts(catalogue, LATER))
            process.stdin.write("go\n")
            process.stdin.flush()
            for _ in range(lines):
                await line(process)
                books.check(found_texts(catalogue, LATER))
            await anyio.sleep(chance.random() * 0.02)  # a moment between two lines, too, is any moment
            process.send_signal(signal.SIGKILL)
            await to_thread.run_sync(process.wait, PATIENCE)

            late = books.check(found_texts(catalogue, LATER))
            staged = [record.id for record in catalogue.documents() if record.versions[0].state == "staged"]
            met |= {name for name, is_so in (("late", late), ("staged", staged), ("some", 0 < late < 4)) if is_so}
            if chance.random() < 0.5:
                continue  # the next edition comes, and the next kill, before anybody could finish
            await take_in(catalogue, folder, embedder=WordEmbedder())
            assert found_texts(catalogue, LATER) == books.texts
            check_whole(catalogue)
        await take_in(catalogue, folder, embedder=WordEmbedder())
        assert found_texts(catalogue, LATER) == books.texts
        check_whole(catalogue)
    assert met == {"late", "staged", "some"}  # the kills met what they are to meet
