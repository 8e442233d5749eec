"""Whether a vector index elsewhere holds what the catalogue says, and how it is mended.

Mending keeps every ingest out, and looks again before it acts: what an ingest has put and not yet published would else
look like something that nobody knows.
"""

from collections.abc import Sequence

from anyio.to_thread import run_sync as blocking

from backends import catalogue_reading as reading
from backends.catalogue import Catalogue
from backends.catalogue_vectors import KeptVectors
from backends.embedding import Embedder, Item
from backends.ingest_lock import alone
from backends.ingest_vectors import IndexWriter
from backends.pinecone_check import Findings, check, repair
from backends.pinecone_index import PineconeVectors

_EXPECTED = """
    SELECT uid, version FROM passage JOIN version ON version.row = version
    WHERE findable OR published IS NULL
"""


def expected(catalogue: Catalogue) -> dict[str, int]:
    """The passages that a vector index is to hold, or may: those that can be found and those that are staged.

    By the id that it knows them by, the row of their version.
    """
    with catalogue.connections.reading() as connection:
        return reading.mapped(connection, _EXPECTED, ())


async def compared(catalogue: Catalogue, vectors: PineconeVectors) -> Findings:
    """What is wrong, as it looks now. During an ingest it may find what is only on its way. Raises as `check`."""
    wanted, known = await blocking(expected, catalogue), await blocking(lambda: catalogue.embedder)
    return await check(vectors, wanted, known[1] if known else None)


async def mended(
    catalogue: Catalogue, vectors: PineconeVectors, embedder: Embedder | None, patience: float = 60
) -> Findings:
    """What was wrong, which it is no more.

    Vectors that the catalogue lacks are made. Raises Unavailable when an ingest did not end within `patience` seconds,
    and else as `check`, `repair` and the embedder.
    """
    name, kept = embedder.name if embedder else None, KeptVectors(catalogue)
    writer = IndexWriter(catalogue, embedder, None)

    async def items(ids: Sequence[str]) -> Sequence[Item]:
        versions = sorted({wanted[id] for id in ids})
        await writer.embed(versions)
        known = {item.id: item for item in await blocking(kept.items, name, versions)}
        return [known[id] for id in ids]

    async with alone(catalogue.connections, patience):
        wanted = await blocking(expected, catalogue)
        findings = await compared(catalogue, vectors)
        await repair(vectors, findings, items)
        await blocking(kept.hold, name, [*findings.missing, *findings.misnumbered])
    return findings
