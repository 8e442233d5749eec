"""While another process writes to the catalogue: people are told that it is busy, and an ingest waits."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import apsw
import pytest
from anyio import to_thread

from backends.handbooks.catalogue import tables
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.model import Terms
from backends.handbooks.ingest.ingest import ingest
from backends.handbooks.opening import open_handbooks
from core.errors import StoreBusy
from tests.support.desks import PATIENCE
from tests.support.handbook_folders import KEEPER, handbook, write


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A catalogue with one document."""
    write(tmp_path / "books", {"dogs.md": handbook("Dogs", "Days\nYou may bring one dog.")})
    async with open_handbooks(tmp_path / "handbooks.db") as handbooks:
        await handbooks.ingest(KEEPER, tmp_path / "books")
    return tmp_path / "handbooks.db"


@pytest.fixture
def other(path: Path) -> Iterator[apsw.Connection]:
    """One that holds the lock until it is rolled back."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


async def test_people_are_told_while_an_ingest_of_the_same_process_waits(path: Path, other: apsw.Connection) -> None:
    write(path.parent / "books", {"cats.md": handbook("Cats", "Days\nYou may bring two cats.")})
    catalogue = Catalogue(path)
    done = anyio.Event()

    async def take_in() -> None:
        await ingest(catalogue, [path.parent / "books"], embedder=None, vectors=None)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(take_in)
        version = catalogue.documents()[0].versions[0].row
        for change in (
            lambda: catalogue.change("dogs", Terms(owner="facilities"), by="k-1"),
            lambda: catalogue.remove("dogs", by="k-1"),
            lambda: catalogue.withdraw([version], by="k-1"),
            catalogue.check_free,
        ):
            with pytest.raises(StoreBusy, match="is busy"):
                await to_thread.run_sync(change)
        assert [one.id for one in catalogue.documents()] == ["dogs"]
        assert not done.is_set()
        other.execute("ROLLBACK")
        with anyio.fail_after(PATIENCE):
            await done.wait()
    assert sorted(one.id for one in catalogue.documents()) == ["cats", "dogs"]
    catalogue.close()


async def test_a_catalogue_opens_and_refuses_an_upload_while_another_process_writes(
    path: Path, other: apsw.Connection
) -> None:
    async with open_handbooks(path) as handbooks:
        assert [one.id for one in await handbooks.documents(KEEPER)] == ["dogs"]
        with pytest.raises(StoreBusy):
            await handbooks.upload(KEEPER, [("cats.md", b"# Cats\n")])
        assert await handbooks.job(KEEPER) is None
        other.execute("ROLLBACK")
        job = await handbooks.upload(KEEPER, [("cats.md", b"# Cats\n\nYou may bring two cats.\n")])
        with anyio.fail_after(PATIENCE):
            while not job.over:  # noqa: ASYNC110 - a page looks in the same way
                await anyio.sleep(0.01)
        assert job.error is None


def test_a_person_is_told_within_two_seconds() -> None:
    assert tables.PROMPT + tables.LOOK_MS / 1000 < 2
