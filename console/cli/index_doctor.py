"""What the index of handbooks reports about itself, and the problems in it that need an operator.

It only reads, unless it is asked to repair: then it makes the vector index hold what the catalogue says.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from anyio import to_thread

from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.catalogue.tables import MEMORY
from backends.handbooks.catalogue.vectors import KeptVectors
from backends.handbooks.catalogue.versions import DocumentRecord
from backends.handbooks.index import HandbookIndex
from backends.handbooks.opening import open_handbooks
from console.cli.doctor import Remark
from console.format import counted
from console.keeper import DESK_KEEPER
from console.settings import Settings
from core.errors import InvalidInput, RolltopError

_REPAIR = "run `rolltop doctor --repair`"


async def examine_index(settings: Settings, *, repair: bool = False) -> AsyncIterator[Remark]:
    """Every remark about the index. Raises InvalidInput for invalid settings."""
    file = settings.index_file
    if file == MEMORY:
        yield Remark(about="index", text="in memory: each desk makes its own from ROLLTOP_HANDBOOKS when it starts")
        return
    # Opening would make the file, and the doctor only reads.
    if not await to_thread.run_sync(Path(file).exists):
        yield Remark(
            about="index", text=f"{file} does not exist yet: the next start of a desk or `rolltop ingest` makes it"
        )
        return
    embedder, vectors = (url.get_secret_value() for url in (settings.embedder, settings.vectors))
    async with open_handbooks(file, embedder=embedder, vectors=vectors) as handbooks:
        index, documents = handbooks.index, await handbooks.documents(DESK_KEEPER)
        yield _holdings(file, index, documents)
        try:
            await to_thread.run_sync(index.catalogue.expect, index.embedder)
        except InvalidInput as error:
            yield Remark(about="index", text=str(error), trouble=True)
            return
        if repair:
            # An ingest of no files computes the vectors that are missing.
            report = await handbooks.ingest(DESK_KEEPER)
            yield Remark(
                about="repair", text=report.fault or "every passage has its vector", trouble=bool(report.fault)
            )
        for remark in _documents(documents, index):
            yield remark
        async for remark in _vectors(index, repair=repair):
            yield remark


def _holdings(file: str, index: HandbookIndex, documents: list[DocumentRecord]) -> Remark:
    in_force = [document for document in documents if document.passages]
    passages = counted(sum(document.passages for document in in_force), "passage")
    embedder = index.catalogue.embedder
    vectors = f"vectors of {embedder[0]} ({counted(embedder[1], 'dimension')})" if embedder else "no vectors"
    return Remark(
        about="index", text=f"{file}: {counted(len(in_force), 'document')} in force with {passages}, {vectors}"
    )


def _documents(documents: list[DocumentRecord], index: HandbookIndex) -> list[Remark]:
    today = index.catalogue.clock.now().date()
    staged = [one.id for one in documents if any(version.state == "staged" for version in one.versions)]
    remarks = [
        Remark(about="index", text=f"the import of {document} did not finish: import its file again", trouble=True)
        for document in staged
    ]
    for document in documents:
        terms = document.terms
        if document.passages and terms.review_by and terms.review_by < today:
            by = f", by {terms.owner}" if terms.owner else ""
            text = f"the review of {document.id} was due by {terms.review_by}{by}"
            remarks.append(Remark(about="review", text=text, trouble=True))
    return remarks


async def _vectors(index: HandbookIndex, *, repair: bool) -> AsyncIterator[Remark]:
    stored = KeptVectors(index.catalogue)
    name = index.embedder.name if index.embedder else None
    if name is not None and (missing := await to_thread.run_sync(stored.missing, name)):
        text = f"{counted(missing, 'passage')} without a vector, found by words only: {_REPAIR}"
        yield Remark(about="vectors", text=text, trouble=True)
    if stale := await to_thread.run_sync(stored.stale):
        text = f"{counted(len(stale), 'vector')} of passages that are no longer searched: the next import removes them"
        yield Remark(about="vectors", text=text)
    if index.vectors is None or isinstance(index.vectors, LocalVectors):
        return
    try:
        yield await _elsewhere(index, repair=repair)
    except RolltopError as error:
        yield Remark(about="vectors", text=str(error), trouble=True)


async def _elsewhere(index: HandbookIndex, *, repair: bool) -> Remark:
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
        return Remark(about="Pinecone", text="it holds what the catalogue says")
    text = f"vectors missing: {len(differences.missing)}, without a passage: {len(differences.orphans)}"
    text += f", of another version: {len(differences.misnumbered)}"
    text += f"; its vectors have {counted(differences.dimension, 'dimension')}" if differences.dimension else ""
    return Remark(about="Pinecone", text=f"{text}: {'repaired' if repair else _REPAIR}", trouble=not repair)
