"""Whether a vector index elsewhere holds what the catalogue says, and how it is mended.

Mending keeps every ingest out, and looks again before it acts: what an ingest has put meanwhile, and the look before it
does not know, would else be taken for something that nobody knows.
"""

from collections.abc import Sequence

from anyio.to_thread import run_sync as blocking

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.lock import alone
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.vectors.contracts import Embedder, Item
from backends.vectors.pinecone.check import Findings, check, repair
from backends.vectors.pinecone.index import PineconeVectors


async def compared(catalogue: Catalogue, vectors: PineconeVectors) -> Findings:
    """What is wrong, as it looks now. During an ingest it may find what is only on its way. Raises as `check`."""
    expected = await blocking(KeptVectors(catalogue).expected)
    known = await blocking(lambda: catalogue.embedder)
    return await check(vectors, expected, known[1] if known else None)


async def mended(
    catalogue: Catalogue, vectors: PineconeVectors, embedder: Embedder | None, patience: float = 60
) -> Findings:
    """What was wrong, which it is no more.

    What the catalogue has no vector for is to be ingested first. Raises Unavailable when an ingest did not end within
    `patience` seconds, and else as `check` and `repair`.
    """
    name, kept = embedder.name if embedder else None, KeptVectors(catalogue)

    async def items(ids: Sequence[str]) -> Sequence[Item]:
        return await blocking(kept.items_of, name, ids)

    async with alone(catalogue.connections, patience):
        findings = await compared(catalogue, vectors)
        await repair(vectors, findings, items)
        await blocking(kept.hold, name, [*findings.missing, *findings.misnumbered])
        await blocking(kept.let_go, findings.orphans)
    return findings
