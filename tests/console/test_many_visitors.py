"""Many visitors of one console at once, who come and go as they like: their answers do not depend on them."""

import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import anyio
import pytest

from backends import open_store
from core.clock import SystemClock
from core.log.records import Turn, item_of, record_kind
from core.maintenance.rebuild import Rebuild
from core.store import Query, Store, every
from tests.support.consoles import CATALOGUE, Console, running
from tests.support.desks import PATIENCE, check, until
from tests.support.visits import Visit, visiting

PEOPLE = ("e-1042", "e-1077", "e-1203", "e-1310")
WORDS = " ".join(f"word{number}" for number in range(80))


def question(number: int) -> str:
    return f"What is the rule about matter {number:03}?"


def answer(number: int) -> str:
    return f"{WORDS} {last_word(number)}"


def last_word(number: int) -> str:
    return f"end{number:03}."


@pytest.fixture
def console(request: pytest.FixtureRequest, sample_catalogue: Path, tmp_path: Path) -> Iterator[Console]:
    """A console whose answers stream for a while."""
    shutil.copy(sample_catalogue, tmp_path / CATALOGUE)
    # A model that waited for a visitor would be given up as silent on a busy machine.
    said = [
        {"contains": question(number), "steps": [[{"say": answer(number)}]]}
        for number in range(request.getfixturevalue("count"))
    ]
    (tmp_path / "script.json").write_text(json.dumps({"delay_ms": 20, "questions": said}))
    with running(tmp_path, f"scripted:{tmp_path}/script.json") as console:
        yield console


class Visitor:
    """Asks one question, and otherwise opens, reads, runs and leaves the page at random."""

    def __init__(self, console: Console, number: int) -> None:
        self._console, self._number = console, number
        self._person = PEOPLE[number % len(PEOPLE)]
        self._random = Random(number)

    async def stay(self) -> None:
        """Come, perhaps in vain at first, ask, and come back while the answer streams; see its end or not."""
        for _ in range(self._random.randrange(3)):
            async with self._visiting("") as visit:
                await self._look(visit)
        async with self._visiting("") as visit:
            await visit.open()
            await visit.run(question(self._number))
            while "thread=" not in visit.query:  # once it is there, the question is on record
                await visit.next()
            thread = visit.query
            await self._read(visit)
        for _ in range(self._random.randrange(4)):
            async with self._visiting(thread) as visit:
                await self._look(visit)
        if self._random.random() < 0.5:
            async with self._visiting(thread) as visit:
                await visit.run()
                while last_word(self._number).encode() not in (await visit.next()).SerializeToString():
                    pass

    @asynccontextmanager
    async def _visiting(self, query: str) -> AsyncIterator[Visit]:
        """A visit that ends in one of two ways."""
        async with visiting(self._console.url, self._person, query) as visit:
            yield visit
            if self._random.random() < 0.5:
                visit.abort()

    async def _look(self, visit: Visit) -> None:
        """Run the page again and again, perhaps before its last run is over."""
        for _ in range(self._random.randrange(1, 5)):
            await visit.run()
            await self._read(visit)

    async def _read(self, visit: Visit) -> None:
        """Some of what the server sends, and no more than the page's run."""
        for _ in range(self._random.randrange(1, 40)):
            if (await visit.next()).WhichOneof("type") == "script_finished":
                return


async def turns(store: Store) -> list[Turn]:
    return [item_of(Turn, record) async for record in every(store, Query(kind=record_kind(Turn)))]


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.torture)])
async def test_every_question_has_one_whole_answer_however_its_visitor_comes_and_goes(console, count):
    with anyio.fail_after(10 * PATIENCE):
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(Visitor(console, number).stay)
    async with open_store(f"sqlite:///{console.folder}/desk.db") as store:

        async def all_ended() -> list[Turn]:
            found = await turns(store)
            return found if all(turn.ended_at for turn in found) else []

        found = await until(all_ended)
        assert Counter(turn.question for turn in found) == {question(number): 1 for number in range(count)}
        assert {turn.question: (turn.status, turn.text) for turn in found} == {
            question(number): ("completed", answer(number)) for number in range(count)
        }
        for turn in found:
            await check(store, turn.thread)
        rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False)
        assert [wrong async for wrong in rebuild.findings()] == []
    # Streamlit's server itself logs errors of connections that were cut off.
    assert "Uncaught app execution" not in (console.folder / "console.log").read_text()
