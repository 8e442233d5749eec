"""Import: files become versions of documents, and documents whose files are gone leave search.

The old version answers until the new one is complete: read, staged, embedded, in the vector index, and then published
in one commit. Documents are embedded in groups, so that many small ones cost few requests. Each batch of vectors is
kept at once, so that the next ingest continues where this one was interrupted.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from anyio.to_thread import run_sync as blocking

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.lock import alone
from backends.handbooks.catalogue.sources import Source, Sources
from backends.handbooks.catalogue.staging import Staging
from backends.handbooks.catalogue.versions import Edition
from backends.handbooks.documents.model import AS_WRITTEN, LeftOut, Terms
from backends.handbooks.documents.sandbox import DocumentLimits, Parse, parsing
from backends.handbooks.ingest.files import File, Folder, Upload, gather
from backends.handbooks.ingest.index_writer import IndexWriter
from backends.handbooks.ingest.report import DocumentReport, IngestReport, Progress, Status
from backends.vectors.contracts import Embedder, VectorIndex
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput, RolltopError

__all__ = ["DocumentReport", "IngestReport", "Progress", "Upload", "ingest"]

GROUP = 256
"""Passages that are staged before they are embedded together."""


async def ingest(
    catalogue: Catalogue,
    sources: Sequence[Path | Upload],
    *,
    embedder: Embedder | None,
    vectors: VectorIndex | None,
    tokens: StaticTokens | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
    root: Path | None = None,
    prune: bool = True,
    terms: Terms = AS_WRITTEN,
    by: str = "ingest",
    reindex: bool = False,
    patience: float = 60,
    limits: DocumentLimits | None = None,
    parse: Parse | None = None,
) -> IngestReport:
    """Import files, folders with everything below them, and uploads; the report says what became of each document.

    Ingesting again is idempotent: an unchanged file is skipped, and an unchanged text is not embedded again. A removed
    document stays removed until its file changes, or is itself among the sources. `prune`: a document that came from
    a folder among the sources and whose file is gone is removed. `root` is the folder in which documents' ids
    begin, by default the one that was named. `terms` are a knowledge owner's word on all these documents, and `by` is
    on record for it. `reindex` changes to another embedder, and fills the vector index again.
    `parse` reads a file, by default in a process of this ingest's own, within `limits`.

    Superseded versions stay in the vector index as long as a search of some day may find them; other passages are
    taken out of it at the end. Raises InvalidInput for a path that does not exist, and for vectors of another
    embedder; Unavailable when another ingest did not end within `patience` seconds, or the catalogue does not answer;
    StoreRefused if the catalogue cannot be used as it is.
    """
    noted = Sources(catalogue)
    async with alone(catalogue.connections, patience), _reading(parse, limits) as parse:
        files, folders = await blocking(
            gather, sources, root, await blocking(noted.roots), await blocking(noted.spelt_apart)
        )
        index = IndexWriter(catalogue, embedder, vectors)
        run = _Run(catalogue, parse, index, tokens, progress, terms, by, len(files))
        await index.begin(reindex=reindex, progress=run.embedded_anew)
        await run.begin()
        for file in files:
            await run.take(file)
        await run.publish()
        if prune:
            for folder in folders:
                await run.prune(folder)
        return IngestReport(documents=tuple(run.reports.values()), fault=await index.tidy())


def _reading(parse: Parse | None, limits: DocumentLimits | None) -> AbstractAsyncContextManager[Parse]:
    return parsing(limits) if parse is None else nullcontext(parse)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    """A version that is complete in the catalogue except for its vectors."""

    row: int
    source: Source
    passages: int
    left_out: tuple[LeftOut, ...]


class _Run:
    """One ingest; `reports` says what became of each document so far."""

    def __init__(
        self,
        catalogue: Catalogue,
        parse: Parse,
        index: IndexWriter,
        tokens: StaticTokens | None,
        progress: Callable[[Progress], None],
        terms: Terms,
        by: str,
        files: int,
    ) -> None:
        self.reports: dict[str, DocumentReport] = {}
        self._catalogue, self._parse, self._index, self._tokens = catalogue, parse, index, tokens
        self._staging, self._sources = Staging(catalogue), Sources(catalogue)
        self._progress, self._terms, self._by, self._files = progress, terms, by, files
        self._group: list[_Staged] = []
        self._no_documents: set[str] = set()
        self._read = self._passages = self._of_passages = 0
        self._at = ""

    async def begin(self) -> None:
        """Give passages of earlier ingests the ids of this token table."""
        if self._tokens is not None:
            await blocking(self._staging.tokenize, self._tokens)

    def embedded_anew(self, texts: int) -> None:
        """Count texts of earlier ingests that were embedded again."""
        self._of_passages += texts
        self._embedded(texts)

    async def take(self, file: File) -> None:
        """Stage one file; and embed and publish what is staged, once it is enough for a group."""
        self._tell(file.document)
        try:
            data = await blocking(file.read)
            source = Source(document=file.document, name=file.name, hash=sha256(data).hexdigest(), root=file.root)
            versions = await blocking(self._staging.editions, source.document)
            if not await self._unchanged(file, source, versions):
                await self._stage(source, data, versions)
        except InvalidInput as error:
            self._report(file.document, "refused", reason=str(error))
        self._read += 1
        if sum(one.passages for one in self._group) >= GROUP:
            await self.publish()

    async def _unchanged(self, file: File, source: Source, versions: Sequence[Edition]) -> bool:
        last = await blocking(self._sources.last, source)
        if last == (source.hash, None):
            self._no_documents.add(source.document)
            return True
        newest = max((one for one in versions if one.published), key=lambda one: one.published or 0, default=None)
        if newest is None:
            return False
        if newest.removed and not file.asked and last and last[0] == source.hash:
            reason = "it was removed here: to bring it back, import this file by its own path"
            self._report(source.document, "unchanged", reason=reason)
            return True
        seen = last is not None and last[0] == source.hash and not file.asked
        if newest.removed or not (seen or newest.hash == source.hash):
            return False
        noted = last == (source.hash, source.document) and newest.root == source.root
        if newest.hash == source.hash and source.root is not None and not noted:
            await blocking(self._sources.note, source)
        if self._terms.model_fields_set:
            await blocking(self._sources.say, source, self._terms, self._by)
        self._report(source.document, "unchanged")
        return True

    async def _stage(self, source: Source, data: bytes, versions: Sequence[Edition]) -> None:
        row = next((one.row for one in versions if one.hash == source.hash), None)
        if row is None:
            parsed = await self._parse(data, source.name)
            # At the top it is about the folder; further down it is often what a section of a handbook begins with.
            if source.name.casefold() == "readme.md" and parsed.front.title is None:
                self._no_documents.add(source.document)
                await blocking(self._sources.note_none, source)
                return
            await self._drop_staged(source.document)
            row = await blocking(self._staging.stage, source, parsed, self._tokens)
        passages = await blocking(self._staging.count, row)
        self._of_passages += passages
        left_out = tuple(await blocking(self._catalogue.left_out, row))
        self._group.append(_Staged(row=row, source=source, passages=passages, left_out=left_out))

    async def publish(self) -> None:
        """Embed what is staged, and publish what then is complete."""
        group, self._group = self._group, []
        fault, embedded = "", dict[int, int]()
        try:
            embedded = await self._index.embed([one.row for one in group], self._embedded)
        except RolltopError as error:
            fault = str(error)
        for one in group:
            if fault and not await self._index.whole(one.row):
                self._report(one.source.document, "failed", reason=fault, passages=one.passages)
            else:
                await self._publish(one, embedded.get(one.row, 0))

    async def _publish(self, one: _Staged, embedded: int) -> None:
        document = one.source.document
        try:
            await self._index.put(one.row)
        except RolltopError as error:
            self._report(document, "failed", reason=str(error), passages=one.passages)
            return
        try:
            name = await blocking(self._staging.publish, one.row, one.source, self._terms, self._by)
        except InvalidInput as error:
            await self._drop_staged(document)
            self._report(document, "refused", reason=str(error))
            return
        reused = one.passages - embedded if self._index.embeds else 0
        self._passages += one.passages - embedded
        self.reports[document] = DocumentReport(
            document=document,
            status="published",
            version=name,
            passages=one.passages,
            embedded=embedded,
            reused=reused,
            left_out=one.left_out,
        )
        self._tell(document)

    async def prune(self, folder: Folder) -> None:
        """Remove the documents that came from the folder and whose files are gone."""
        present = {file.document for file in folder.files} - self._no_documents
        for document in await blocking(self._sources.gone, folder.root, folder.under, present):
            await self._drop_staged(document)
            if await blocking(self._staging.remove, document, self._by):
                self._report(document, "removed")
        await blocking(self._sources.forget, folder.root, folder.under, [file.name for file in folder.files])

    async def _drop_staged(self, document: str) -> None:
        await self._index.forget(await blocking(self._staging.staged, document))
        await blocking(self._staging.drop_staged, document)

    def _embedded(self, texts: int) -> None:
        self._passages += texts
        self._tell(self._at)

    def _report(self, document: str, status: Status, *, reason: str = "", passages: int = 0) -> None:
        self.reports[document] = DocumentReport(document=document, status=status, reason=reason, passages=passages)
        self._tell(document)

    def _tell(self, document: str) -> None:
        self._at = document
        self._progress(
            Progress(
                documents=self._read,
                of_documents=self._files,
                passages=self._passages,
                of_passages=self._of_passages,
                name=document,
            )
        )
