"""What the index of handbooks reports about itself, and the problems in it that need an operator.

It only reads, unless it is asked to repair: then it makes the vector index hold what the catalogue says.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from anyio import to_thread

from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.catalogue.tables import MEMORY
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.handbooks.catalogue.versions import DocumentRecord
from backends.handbooks.index import HandbookIndex
from backends.handbooks.opening import open_handbooks
from backends.handbooks.service import Handbooks
from console.demo.samples import holds_own
from console.doctor.finding import Finding, Level
from console.format import counted
from console.keeper import DESK_KEEPER
from console.settings import Settings
from core.errors import InvalidInput, RolltopError

_REPAIR = "run `rolltop doctor --repair`"


async def examine_index(settings: Settings, *, repair: bool = False) -> AsyncIterator[Finding]:
    """Every finding about the index, which is opened for it. Raises InvalidInput for invalid settings."""
    file = settings.index_file
    if file == MEMORY:
        yield Finding(about="index", what="in memory: each desk makes its own from ROLLTOP_HANDBOOKS when it starts")
        return
    # Opening would make the file, and the doctor only reads.
    if not await to_thread.run_sync(Path(file).exists):
        yield Finding(
            about="index", what=f"{file} does not exist yet: the next start of a desk or `rolltop ingest` makes it"
        )
        return
    embedder, vectors = (url.get_secret_value() for url in (settings.embedder, settings.vectors))
    async with open_handbooks(file, embedder=embedder, vectors=vectors) as handbooks:
        async for finding in examine_handbooks(handbooks, file, repair=repair):
            yield finding


async def examine_handbooks(handbooks: Handbooks, file: str, *, repair: bool = False) -> AsyncIterator[Finding]:
    """Every finding about the open handbooks, whose catalogue is in `file`."""
    index, documents = handbooks.index, await handbooks.documents(DESK_KEEPER)
    yield _holdings(file, index, documents)
    try:
        await to_thread.run_sync(index.catalogue.expect, index.embedder)
    except InvalidInput as error:
        yield Finding(about="index", what=str(error), level="trouble")
        return
    if repair:
        # An ingest of no files computes the vectors that are missing.
        report = await handbooks.ingest(DESK_KEEPER)
        level: Level = "trouble" if report.fault else "fact"
        yield Finding(about="repair", what=report.fault or "every passage has its vector", level=level)
    for finding in (*examine_own(documents), *_documents(documents, index)):
        yield finding
    async for finding in _vectors(index, repair=repair):
        yield finding


def examine_own(documents: Iterable[DocumentRecord]) -> Iterator[Finding]:
    """Whether the installation has handbooks besides the samples."""
    if not holds_own(documents):
        yield Finding(
            about="handbooks",
            what="no handbook of your own is published",
            to_do="upload some on the page Handbooks, or name their folder in ROLLTOP_HANDBOOKS, as docs/handbooks.md "
            "says",
            level="open",
        )


def _holdings(file: str, index: HandbookIndex, documents: list[DocumentRecord]) -> Finding:
    in_force = [document for document in documents if document.passages]
    passages = counted(sum(document.passages for document in in_force), "passage")
    embedder = index.catalogue.embedder
    vectors = f"vectors of {embedder[0]} ({counted(embedder[1], 'dimension')})" if embedder else "no vectors"
    return Finding(
        about="index", what=f"{file}: {counted(len(in_force), 'document')} in force with {passages}, {vectors}"
    )


def _documents(documents: list[DocumentRecord], index: HandbookIndex) -> list[Finding]:
    today = index.catalogue.clock.now().date()
    staged = [one.id for one in documents if any(version.state == "staged" for version in one.versions)]
    findings = [
        Finding(
            about="index",
            what=f"the import of {document} did not finish",
            to_do="import its file again",
            level="trouble",
        )
        for document in staged
    ]
    for document in documents:
        terms = document.terms
        if document.passages and terms.review_by and terms.review_by < today:
            by = f", by {terms.owner}" if terms.owner else ""
            what = f"the review of {document.id} was due by {terms.review_by}{by}"
            to_do = "review it, then set the date of the next review"
            findings.append(Finding(about="review", what=what, to_do=to_do, level="trouble"))
    return findings


async def _vectors(index: HandbookIndex, *, repair: bool) -> AsyncIterator[Finding]:
    stored = KeptVectors(index.catalogue)
    name = index.embedder.name if index.embedder else None
    if name is not None and (missing := await to_thread.run_sync(stored.missing, name)):
        what = f"{counted(missing, 'passage')} without a vector, found by words only"
        yield Finding(about="vectors", what=what, to_do=_REPAIR, level="trouble")
    if stale := await to_thread.run_sync(stored.stale):
        what = f"{counted(len(stale), 'vector')} of passages that are no longer searched: the next import removes them"
        yield Finding(about="vectors", what=what)
    if index.vectors is None or isinstance(index.vectors, LocalVectors):
        return
    try:
        yield await _elsewhere(index, repair=repair)
    except RolltopError as error:
        yield Finding(about="vectors", what=str(error), level="trouble")


async def _elsewhere(index: HandbookIndex, *, repair: bool) -> Finding:
    """What a vector index outside of the catalogue holds, compared with what it should hold."""
    # Imported here: Pinecone's SDK is an extra of its own.
    from backends.handbooks.index_check import compared, mended
    from backends.vectors.pinecone.index import PineconeVectors

    assert isinstance(index.vectors, PineconeVectors)
    if repair:
        differences = await mended(index.catalogue, index.vectors, index.embedder)
    else:
        differences = await compared(index.catalogue, index.vectors)
    if differences.good:
        return Finding(about="Pinecone", what="it holds what the catalogue says")
    what = f"vectors missing: {len(differences.missing)}, without a passage: {len(differences.orphans)}"
    what += f", of another version: {len(differences.misnumbered)}"
    what += f"; its vectors have {counted(differences.dimension, 'dimension')}" if differences.dimension else ""
    if repair:
        return Finding(about="Pinecone", what=f"{what}: repaired")
    return Finding(about="Pinecone", what=what, to_do=_REPAIR, level="trouble")
