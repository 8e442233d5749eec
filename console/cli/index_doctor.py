"""What the index of handbooks says of itself, and what in it needs a person.

It only reads, unless it is to mend: then what the catalogue says is what the vector index is made to hold.
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

_REPAIR = "`rolltop doctor --repair` puts it right"


async def examine_index(settings: Settings, *, repair: bool = False) -> AsyncIterator[Remark]:
    """Everything there is to say of it. Raises InvalidInput for settings that cannot be."""
    file = settings.index_file
    if file == MEMORY:
        yield Remark(about="index", said="in memory: each desk makes its own, from ROLLTOP_HANDBOOKS, at its start")
        return
    if not await to_thread.run_sync(Path(file).exists):
        yield Remark(
            about="index", said=f"there is none at {file} yet: a desk makes it at its start, or `rolltop ingest`"
        )
        return
    embedder, vectors = (url.get_secret_value() for url in (settings.embedder, settings.vectors))
    async with open_handbooks(file, embedder=embedder, vectors=vectors) as handbooks:
        index, documents = handbooks.index, await handbooks.documents(DESK_KEEPER)
        yield _holdings(file, index, documents)
        try:
            await to_thread.run_sync(index.catalogue.expect, index.embedder)
        except InvalidInput as error:
            yield Remark(about="index", said=str(error), trouble=True)
            return
        if repair:
            report = await handbooks.ingest(DESK_KEEPER)
            yield Remark(
                about="repair", said=report.fault or "every passage has its vector", trouble=bool(report.fault)
            )
        for remark in _documents(documents, index):
            yield remark
        async for remark in _vectors(index, repair=repair):
            yield remark


def _holdings(file: str, index: HandbookIndex, documents: list[DocumentRecord]) -> Remark:
    found = [document for document in documents if document.passages]
    by = index.catalogue.embedder
    said = f"{counted(len(found), 'document')} in force with {counted(sum(one.passages for one in found), 'passage')}"
    said += f", vectors of {by[0]} ({by[1]} numbers each)" if by else ", no vectors"
    return Remark(about="index", said=f"{file}: {said}")


def _documents(documents: list[DocumentRecord], index: HandbookIndex) -> list[Remark]:
    today = index.catalogue.clock.now().date()
    staged = [one.id for one in documents if any(version.state == "staged" for version in one.versions)]
    remarks = [
        Remark(about="index", said=f"{id} came half-way in: ingest its file again, which goes on with it", trouble=True)
        for id in staged
    ]
    for document in documents:
        terms = document.terms
        if document.passages and terms.review_by and terms.review_by < today:
            by = f" by {terms.owner}" if terms.owner else ""
            said = f"{document.id} was to be reviewed by {terms.review_by}{by}"
            remarks.append(Remark(about="review", said=said, trouble=True))
    return remarks


async def _vectors(index: HandbookIndex, *, repair: bool) -> AsyncIterator[Remark]:
    kept = KeptVectors(index.catalogue)
    name = index.embedder.name if index.embedder else None
    if name is not None and (missing := await to_thread.run_sync(kept.missing, name)):
        said = f"{counted(missing, 'passage')} can be found by words only: {_REPAIR}"
        yield Remark(about="vectors", said=said, trouble=True)
    if stale := await to_thread.run_sync(kept.stale):
        said = f"{counted(len(stale), 'passage')} that nobody finds any more: the next ingest takes their vectors out"
        yield Remark(about="vectors", said=said)
    if index.vectors is None or isinstance(index.vectors, LocalVectors):
        return
    try:
        yield await _elsewhere(index, repair=repair)
    except RolltopError as error:
        yield Remark(about="vectors", said=str(error), trouble=True)


async def _elsewhere(index: HandbookIndex, *, repair: bool) -> Remark:
    """What a vector index outside of the catalogue holds, against what it should."""
    from backends.handbooks.index_check import compared, mended
    from backends.vectors.pinecone.index import PineconeVectors

    assert isinstance(index.vectors, PineconeVectors)
    if repair:
        found = await mended(index.catalogue, index.vectors, index.embedder)
    else:
        found = await compared(index.catalogue, index.vectors)
    if found.good:
        return Remark(about="Pinecone", said="holds what the catalogue says")
    said = f"{len(found.missing)} missing, {len(found.orphans)} of no passage"
    said += f", {len(found.misnumbered)} of another version"
    said += f", and takes vectors of {found.dimension}" if found.dimension else ""
    return Remark(about="Pinecone", said=f"{said}: {'mended' if repair else _REPAIR}", trouble=not repair)
