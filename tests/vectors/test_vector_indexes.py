"""Every index of vectors behaves alike: the catalogue's own file, and Pinecone, spoken to through its own client."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import anyio
import numpy as np
import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.handbooks.vector_indexes import open_vectors
from backends.vectors.contracts import Item, VectorIndex, Vectors
from backends.vectors.pinecone.index import PineconeVectors
from backends.vectors.pinecone.opening import Address
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput
from core.gate import Viewer
from tests.servers.pinecone.server import PineconeServer
from tests.support.handbook_folders import WordEmbedder, handbook, take_in, write
from tests.support.pinecones import SOON

pytestmark = pytest.mark.anyio

TEXTS = {
    "a.md": handbook("Leave", "Annual\nannual leave is 25 days", "Sick\nring before nine when you are sick"),
    "b.md": handbook("Pay", "Day\nsalaries are paid on the 25th"),
    "c.md": handbook("Travel", "Rail\nsecond class, book early"),
}


class Shelf:
    """The items of a catalogue of handbooks, which an index may be given, and the versions they are of."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.versions = sorted(catalogue.in_force(Viewer("e-1042"), None, date.max))
        self.items: list[Item] = KeptVectors(catalogue).items("words:", self.versions)

    async def query(self, text: str) -> Vectors:
        return (await WordEmbedder().embed([text], "query"))[0]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue whose passages are embedded, and no index has them yet."""
    folder = tmp_path_factory.mktemp("handbooks")
    write(folder / "books", TEXTS)

    async def make() -> None:
        catalogue = Catalogue(folder / "index.db")
        await take_in(catalogue, folder / "books", vectors=None)
        catalogue.close()

    anyio.run(make)
    return folder / "index.db"


@pytest.fixture
def shelf(taken_in: Path, tmp_path: Path) -> Iterator[Shelf]:
    catalogue = Catalogue(shutil.copy(taken_in, tmp_path / "index.db"))
    shelf = Shelf(catalogue)
    assert len(shelf.items) == 4
    yield shelf
    catalogue.close()


@pytest.fixture(params=["local", "pinecone"])
async def index(request: pytest.FixtureRequest, shelf: Shelf) -> AsyncIterator[VectorIndex]:
    if request.param == "local":
        yield LocalVectors(shelf.catalogue)
        return
    async with PineconeServer() as server:
        vectors = PineconeVectors(Address.from_url(f"pinecone:a?namespace=n&host={server.url}"), patience=SOON)
        yield vectors
        await vectors.close()


async def test_the_nearest_come_first_with_their_cosines(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items)
    query = await shelf.query("annual leave days")
    found = await index.nearest("annual leave days", query, shelf.versions, 10)
    cosines = {item.id: float(item.vector @ query) for item in shelf.items if item.vector is not None}
    assert [id for id, _ in found] == sorted(cosines, key=lambda id: -cosines[id])
    assert [score for _, score in found] == pytest.approx(sorted(cosines.values(), reverse=True), abs=1e-6)


async def test_only_passages_of_the_versions_that_are_named_are_found(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items)
    query = await shelf.query("annual leave days")
    for versions in (shelf.versions[1:], shelf.versions[:1], shelf.versions[:1] * 2):
        found = await index.nearest("annual leave days", query, versions, 10)
        assert {id for id, _ in found} == {item.id for item in shelf.items if item.version in versions}
    assert await index.nearest("annual leave days", query, [], 10) == []
    assert await index.nearest("annual leave days", query, [max(shelf.versions) + 1], 10) == []


async def test_no_more_are_found_than_asked_for(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items)
    query = await shelf.query("annual leave days")
    whole = await index.nearest("annual leave days", query, shelf.versions, 10)
    assert len(whole) == len(shelf.items)
    for limit in (1, 2):
        assert await index.nearest("annual leave days", query, shelf.versions, limit) == whole[:limit]
    assert await index.nearest("annual leave days", query, shelf.versions, 0) == []


async def test_to_put_twice_is_to_put_once(index: VectorIndex, shelf: Shelf) -> None:
    for _ in range(2):
        await index.put(shelf.items)
    found = await index.nearest("leave", await shelf.query("leave"), shelf.versions, 10)
    assert len(found) == len(shelf.items)
    await index.put([])


async def test_to_remove_twice_is_to_remove_once_and_what_is_put_again_is_back(
    index: VectorIndex, shelf: Shelf
) -> None:
    await index.put(shelf.items)
    gone, *left = [item.id for item in shelf.items]
    query = await shelf.query("leave")
    for _ in range(2):
        await index.remove([gone, "never-there"])
        found = await index.nearest("leave", query, shelf.versions, 10)
        assert sorted(id for id, _ in found) == sorted(left)
    await index.remove([])
    await index.put(shelf.items[:1])
    assert len(await index.nearest("leave", query, shelf.versions, 10)) == len(shelf.items)


async def test_what_was_not_put_is_not_found(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items[1:])
    found = await index.nearest("leave", await shelf.query("leave"), shelf.versions, 10)
    assert shelf.items[0].id not in {id for id, _ in found}
    assert len(found) == len(shelf.items) - 1


async def test_vectors_of_another_length_are_refused(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items)
    short = np.ones(4, dtype=np.float32) / 2
    with pytest.raises(InvalidInput):
        await index.put([Item(id=shelf.items[0].id, version=shelf.items[0].version, text="", vector=short)])
    with pytest.raises(InvalidInput):
        await index.nearest("leave", short, shelf.versions, 10)
    assert len(await index.nearest("leave", await shelf.query("leave"), shelf.versions, 10)) == len(shelf.items)


async def test_a_query_without_any_known_word_is_near_nothing(index: VectorIndex, shelf: Shelf) -> None:
    await index.put(shelf.items)
    assert await index.nearest("?", await shelf.query("?"), shelf.versions, 10) == []


def test_where_vectors_are_kept_is_picked_by_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", "any")
    catalogue, embedder = Catalogue(":memory:"), StaticEmbedder(StaticTokens.bundled())
    assert isinstance(open_vectors("local:", catalogue, embedder), LocalVectors)
    assert isinstance(open_vectors("local:", catalogue, None), LocalVectors)
    assert isinstance(open_vectors("pinecone:a?namespace=n", catalogue, embedder), PineconeVectors)
    assert isinstance(open_vectors("pinecone:a?namespace=n&model=m", catalogue, None), PineconeVectors)
    with pytest.raises(InvalidInput, match="choose an embedder, or model=MODEL"):
        open_vectors("pinecone:a?namespace=n", catalogue, None)
    with pytest.raises(InvalidInput, match="choose the embedder none:"):
        open_vectors("pinecone:a?namespace=n&model=m", catalogue, embedder)
    with pytest.raises(InvalidInput, match="local: and pinecone:INDEX"):
        open_vectors("faiss:", catalogue, embedder)
    catalogue.close()
