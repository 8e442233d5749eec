"""Whether a vector index elsewhere holds what the catalogue says, and how it is repaired.

A repair holds the lock of ingests, and compares again before it acts: else it would delete what an ingest has put into
the index since the last comparison.
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
    """The differences now. During an ingest they include passages that are being put there. Raises as `check`."""
    expected = await blocking(KeptVectors(catalogue).expected)
    embedder = await blocking(lambda: catalogue.embedder)
    return await check(vectors, expected, embedder[1] if embedder else None)


async def mended(
    catalogue: Catalogue, vectors: PineconeVectors, embedder: Embedder | None, patience: float = 60
) -> Findings:
    """The differences that it has repaired.

    Ingest first, so that every passage has its vector in the catalogue. Raises Unavailable if an ingest did not end
    within `patience` seconds, and else as `check` and `repair`.
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
