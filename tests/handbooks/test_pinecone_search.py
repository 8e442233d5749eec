"""Handbooks searched through Pinecone's stand-in: as with the vectors in the catalogue's own file, and kept right."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import anyio
import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.catalogue.lock import alone
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.handbooks.index_check import compared, mended
from backends.handbooks.search.retriever import HandbookRetriever
from backends.vectors.contracts import Embedder, Item
from backends.vectors.pinecone.index import PineconeVectors
from backends.vectors.pinecone.opening import Address
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.errors import Unavailable
from core.gate import Viewer
from tests.servers.pinecone.faults import Fault
from tests.servers.pinecone.server import PineconeServer
from tests.support.handbook_folders import DayClock, WordEmbedder, handbook, statuses, take_in, write
from tests.support.paths import QUESTIONS, SAMPLES
from tests.support.pinecones import MODEL, SOON, item

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 15)
ASKER = Viewer("e-1042", roles={"employee"}, country="austria")


def questions(every: int) -> list[str]:
    lines = QUESTIONS.read_text().splitlines()[::every]
    return [json.loads(line)["question"] for line in lines]


@pytest.fixture
async def server() -> AsyncIterator[PineconeServer]:
    async with PineconeServer() as server:
        yield server


def pinecone(server: PineconeServer, index: str = "handbooks", **given: str) -> PineconeVectors:
    query = "&".join(f"{name}={value}" for name, value in {"namespace": "n", "host": server.url, **given}.items())
    return PineconeVectors(Address.from_url(f"pinecone:{index}?{query}"), patience=SOON)


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of the sample handbooks, with their vectors in its own file."""
    path = tmp_path_factory.mktemp("catalogue") / "index.db"

    async def make() -> None:
        tokens, catalogue = StaticTokens.bundled(), Catalogue(path, clock=DayClock(TODAY.isoformat()))
        report = await take_in(catalogue, SAMPLES, embedder=StaticEmbedder(tokens), tokens=tokens)
        catalogue.close()
        assert report.fault == ""

    anyio.run(make)
    return path


@pytest.fixture
def catalogues(taken_in: Path, tmp_path: Path) -> Iterator[tuple[Catalogue, Catalogue]]:
    """Two of the same, to search with vectors here and vectors there."""
    paths = [tmp_path / "here.db", tmp_path / "there.db"]
    for path in paths:
        shutil.copy(taken_in, path)
    here, there = (Catalogue(path) for path in paths)
    yield here, there
    here.close()
    there.close()


async def test_the_same_questions_find_the_same_passages_as_with_vectors_in_the_catalogue(
    server: PineconeServer, catalogues: tuple[Catalogue, Catalogue]
) -> None:
    tokens = StaticTokens.bundled()
    embedder, local, remote = StaticEmbedder(tokens), LocalVectors(catalogues[0]), pinecone(server)
    assert (await mended(catalogues[1], remote, embedder)).missing == sorted(KeptVectors(catalogues[1]).expected())
    retrievers = [
        HandbookRetriever(catalogue, vectors=vectors, embedder=embedder, tokens=tokens, today=lambda: TODAY)
        for catalogue, vectors in zip(catalogues, (local, remote), strict=True)
    ]
    asked = questions(4)
    assert len(asked) > 40
    for question in asked:
        found = [await retriever.search(question, ASKER, 8) for retriever in retrievers]
        assert [passage.id for passage in found[0]] == [passage.id for passage in found[1]], question
        legs = [[leg.rank for passage in one for leg in passage.legs if leg.name == "vectors"] for one in found]
        assert legs[0] == legs[1] != [], question
    await remote.close()


async def test_where_pinecone_embeds_its_nearest_are_those_of_the_model_that_stands_in_for_its_own(
    server: PineconeServer, catalogues: tuple[Catalogue, Catalogue]
) -> None:
    embedder = StaticEmbedder(StaticTokens.bundled())
    local, remote = LocalVectors(catalogues[0]), pinecone(server, model=MODEL)
    await mended(catalogues[1], remote, None)
    versions = catalogues[0].in_force(ASKER, None, TODAY)
    for question in questions(8):
        (vector,) = await embedder.embed([question], "query")
        near = await local.nearest(question, vector, versions, 10)
        found = await remote.nearest(question, None, versions, 10)
        assert [id for id, _ in near] == [id for id, _ in found], question
        assert [score for _, score in near] == pytest.approx([score for _, score in found], abs=1e-5)
    await remote.close()


def leave(days: int) -> str:
    return handbook("Leave", f"Annual\nannual leave is {days} days", "Sick\nring before nine")


@pytest.fixture
async def kept(server: PineconeServer, tmp_path: Path) -> AsyncIterator[tuple[Catalogue, PineconeVectors, Path]]:
    """A catalogue of two documents, its vectors in Pinecone, and the folder that they came from."""
    folder, vectors = tmp_path / "books", pinecone(server)
    catalogue = Catalogue(":memory:", clock=DayClock(TODAY.isoformat()))
    write(folder, {"leave.md": leave(25), "pay.md": handbook("Pay", "Day\nsalaries are paid on the 25th")})
    report = await take_in(catalogue, folder, vectors=vectors)
    assert report.fault == ""
    yield catalogue, vectors, folder
    await vectors.close()
    catalogue.close()


async def found(catalogue: Catalogue, vectors: PineconeVectors, embedder: Embedder) -> list[str]:
    retriever = HandbookRetriever(catalogue, vectors=vectors, embedder=embedder, tokens=None, today=lambda: TODAY)
    return [passage.text for passage in await retriever.search("annual leave is how many days", ASKER, 8)]


async def test_a_new_version_is_found_and_the_old_one_is_not_and_what_is_removed_is_gone(
    kept: tuple[Catalogue, PineconeVectors, Path],
) -> None:
    catalogue, vectors, folder = kept
    assert "annual leave is 25 days" in await found(catalogue, vectors, WordEmbedder())
    write(folder, {"leave.md": leave(28), "pay.md": (folder / "pay.md").read_text()})
    await take_in(catalogue, folder, vectors=vectors)
    texts = await found(catalogue, vectors, WordEmbedder())
    assert "annual leave is 28 days" in texts
    assert "annual leave is 25 days" not in texts
    write(folder, {"pay.md": (folder / "pay.md").read_text()})
    await take_in(catalogue, folder, vectors=vectors)
    assert await vectors.ids() == sorted(KeptVectors(catalogue).expected())
    assert len(await vectors.ids()) == 1


async def test_what_is_wrong_in_pinecone_is_named_and_mended(kept: tuple[Catalogue, PineconeVectors, Path]) -> None:
    catalogue, vectors, _ = kept
    assert (await compared(catalogue, vectors)).good
    lost, moved, _ = KeptVectors(catalogue).items("words:", sorted(set(KeptVectors(catalogue).expected().values())))
    await vectors.remove([lost.id])
    await vectors.put([Item(id=moved.id, version=999, text="", vector=moved.vector)])
    await vectors.put([item_like(catalogue, "an-orphan")])
    wrong = await compared(catalogue, vectors)
    assert (wrong.orphans, wrong.missing, wrong.misnumbered) == (["an-orphan"], [lost.id], [moved.id])
    assert await mended(catalogue, vectors, WordEmbedder()) == wrong
    assert (await compared(catalogue, vectors)).good
    assert "annual leave is 25 days" in await found(catalogue, vectors, WordEmbedder())


async def test_an_index_that_was_lost_is_made_and_filled_anew(
    kept: tuple[Catalogue, PineconeVectors, Path], server: PineconeServer
) -> None:
    catalogue, _, _ = kept
    anew = pinecone(server, "another")
    assert len((await compared(catalogue, anew)).missing) == 3
    await mended(catalogue, anew, WordEmbedder())
    assert (await compared(catalogue, anew)).good
    await anew.close()


async def test_an_index_of_another_dimension_is_named(
    kept: tuple[Catalogue, PineconeVectors, Path], server: PineconeServer
) -> None:
    other = pinecone(server, "another")
    await other.put([item("a", 1)])
    assert (await compared(kept[0], other)).dimension == 8
    await other.close()


async def test_an_ingest_that_pinecone_does_not_answer_leaves_the_old_version_and_the_next_one_ends_it(
    kept: tuple[Catalogue, PineconeVectors, Path], server: PineconeServer
) -> None:
    catalogue, vectors, folder = kept
    write(folder, {"leave.md": leave(28), "pay.md": (folder / "pay.md").read_text()})
    server.faults.add(Fault(kind="refuse", path="/vectors/upsert", status=503, times=SOON.attempts))
    failed = await take_in(catalogue, folder, vectors=vectors)
    assert statuses(failed)["leave"] == "failed"
    assert "annual leave is 25 days" in await found(catalogue, vectors, WordEmbedder())
    assert statuses(await take_in(catalogue, folder, vectors=vectors))["leave"] == "published"
    texts = await found(catalogue, vectors, WordEmbedder())
    assert "annual leave is 28 days" in texts
    assert "annual leave is 25 days" not in texts
    assert (await compared(catalogue, vectors)).good


async def test_nothing_is_mended_while_an_ingest_runs(kept: tuple[Catalogue, PineconeVectors, Path]) -> None:
    catalogue, vectors, _ = kept
    await vectors.put([item_like(catalogue, "being-put")])
    async with alone(catalogue.connections, 1):
        with pytest.raises(Unavailable, match="another ingest"):
            await mended(catalogue, vectors, WordEmbedder(), patience=0.05)
        assert "being-put" in await vectors.ids()
    assert (await mended(catalogue, vectors, WordEmbedder())).orphans == ["being-put"]
    assert "being-put" not in await vectors.ids()


def item_like(catalogue: Catalogue, id: str) -> Item:
    """Another item with the vector of a passage."""
    (one, *_) = KeptVectors(catalogue).items("words:", sorted(KeptVectors(catalogue).expected().values()))
    return Item(id=id, version=one.version, text="", vector=one.vector)
