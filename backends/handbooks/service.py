"""What a knowledge owner does with the handbooks: the one way from the pages to the catalogue.

Every method asks the gate first. An upload is a job of this object's, not of the page that began it: who clicks away
interrupts nothing, and whoever comes back sees how far it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import anyio.to_thread

from backends.handbooks.catalogue.vectors import KeptVectors
from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord
from backends.handbooks.documents.model import AS_WRITTEN, Terms
from backends.handbooks.index import HandbookIndex
from backends.handbooks.ingest.files import Upload
from backends.handbooks.ingest.ingest import ingest
from backends.handbooks.ingest.report import IngestReport, Progress
from core.errors import InvalidInput, NotFound, RolltopError
from core.gate import Role, Viewer, authorize
from core.retriever import holds_for
from core.values import Judgement, Passage

log = logging.getLogger(__name__)

TRIED = 8
"""Passages that a tried question brings."""


@dataclass(slots=True)
class Job:
    """Files on their way into the catalogue. One of `report` and `error` is set once it is over.

    `progress` is None until the first step; `error` says in words what went wrong with all of them.
    """

    names: tuple[str, ...]
    by: str
    progress: Progress | None = None
    report: IngestReport | None = None
    error: str | None = None

    @property
    def over(self) -> bool:
        return self.report is not None or self.error is not None

    def reach(self, progress: Progress) -> None:
        """Take note of how far it is."""
        self.progress = progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What somebody else would get: the passages, best first, whether they answer, and how long it took."""

    passages: list[Passage]
    judgement: Judgement | None
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the index is. `embedder` and `dimension` are None where it is searched by words alone.

    `documents` and `passages` are those that can be found today; `missing` counts versions in search that lack vectors,
    `staged` those that an ingest left half-way: the next one of the same files goes on with them.
    """

    embedder: str | None
    dimension: int | None
    documents: int
    passages: int
    missing: int
    staged: int
    revision: int


class Handbooks:
    """The handbooks of an installation, opened by `open_handbooks`.

    Every method but `section` raises Denied unless the viewer is a knowledge owner, whose id goes on record with each
    change. `retriever` is for `create_chat` and a `Desk`: it searches what holds for its viewer.
    """

    def __init__(self, index: HandbookIndex, *, after_upload: Callable[[], Awaitable[None]] | None = None) -> None:
        self.index = index
        self.retriever = index.retriever
        self._after_upload = after_upload
        self._catalogue = index.catalogue
        self._job: Job | None = None
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Break off an upload; the next one of the same files continues with what it has staged."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        # Not in the task: one that is cancelled before its first step runs no handler.
        if self._job is not None and not self._job.over:
            self._job.error = "It was broken off: upload the same files again, and it goes on."

    async def documents(self, viewer: Viewer) -> list[DocumentRecord]:
        """All documents, removed ones too, by id."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.documents)

    async def text(self, viewer: Viewer, version: int) -> str:
        """The text of the version of this row, as its passages were cut from."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.text, version)

    async def pieces(self, viewer: Viewer, version: int) -> list[Passage]:
        """The passages of the version of this row, in their order."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.pieces, version)

    async def section(self, viewer: Viewer, passage: Passage) -> list[Passage]:
        """The passages of the passage's section and those below it, in order; [] where its version is not kept.

        For whom the document does not hold it is [] too: what stands around a cited passage is not on their record.
        """
        if not holds_for(passage.audience, viewer):
            return []
        return await anyio.to_thread.run_sync(self._section, passage)

    def _section(self, passage: Passage) -> list[Passage]:
        try:
            pieces = self._catalogue.pieces(self._catalogue.version_row(passage.document, passage.version))
        except NotFound:
            return []
        depth = len(passage.section)
        return [piece for piece in pieces if piece.section[:depth] == passage.section]

    async def ingest(
        self,
        viewer: Viewer,
        *sources: Path | Upload,
        terms: Terms = AS_WRITTEN,
        progress: Callable[[Progress], None] = lambda progress: None,
        root: Path | None = None,
        prune: bool = True,
        reindex: bool = False,
    ) -> IngestReport:
        """Import files, folders with everything below them, and uploads, as `backends.handbooks.ingest.ingest` says.

        Without sources it completes the vector index. The report says what became of each document.
        """
        authorize(viewer, "handbooks.keep")
        return await ingest(
            self._catalogue,
            sources,
            embedder=self.index.embedder,
            vectors=self.index.vectors,
            tokens=self.index.tokens,
            progress=progress,
            root=root,
            prune=prune,
            terms=terms,
            by=viewer.id,
            reindex=reindex,
        )

    async def upload(self, viewer: Viewer, files: Sequence[tuple[str, bytes]], terms: Terms = AS_WRITTEN) -> Job:
        """Begin to import these files, by name and content; `terms` go before what they say.

        The upload goes on when its caller ends. Raises InvalidInput while another one runs.
        """
        authorize(viewer, "handbooks.keep")
        if self._job is not None and not self._job.over:
            raise InvalidInput("other files are on their way: wait until they are in")
        job = self._job = Job(tuple(name for name, _ in files), viewer.id)
        uploads = [Upload(name=name, data=data) for name, data in files]
        self._task = asyncio.create_task(self._run(job, viewer, uploads, terms))
        return job

    async def _run(self, job: Job, viewer: Viewer, uploads: Sequence[Upload], terms: Terms) -> None:
        try:
            report = await self.ingest(viewer, *uploads, terms=terms, progress=job.reach)
            if self._after_upload is not None:
                await self._after_upload()
            job.report = report
        except RolltopError as error:
            job.error = str(error)
        except Exception:
            log.exception("an upload of %d files failed", len(uploads))
            job.error = "It failed for a reason that has no name yet; what was published before still answers."

    async def job(self, viewer: Viewer) -> Job | None:
        """The latest upload since the process began, whoever's it is."""
        authorize(viewer, "handbooks.keep")
        return self._job

    async def change(self, viewer: Viewer, document: str, terms: Terms) -> None:
        """Put the keeper's word before the front matter's, also that of later versions; unset fields stay as they are.

        Raises NotFound, and InvalidInput for an end before the beginning.
        """
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.change, document, terms, by=viewer.id))

    async def changes(self, viewer: Viewer, document: str) -> list[ChangeRecord]:
        """Who changed or removed the document, the newest first."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.changes, document)

    async def remove(self, viewer: Viewer, document: str) -> None:
        """Take the document out of search; what cites it stays."""
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.remove, document, by=viewer.id))

    async def withdraw(self, viewer: Viewer, versions: Sequence[int]) -> None:
        """Take the versions of these rows out of search; the other versions of their documents answer without them."""
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.withdraw, versions, by=viewer.id))

    async def try_question(
        self, viewer: Viewer, question: str, *, role: Role = "employee", country: str | None, entity: str | None
    ) -> Trial:
        """What this question finds for somebody of that role, country and entity, today."""
        authorize(viewer, "handbooks.keep")
        reader = Viewer(viewer.id, {"employee", role}, country=country, entity=entity)
        began = monotonic()
        passages = await self.retriever.search(question, reader, TRIED)
        judgement = await self.retriever.judge(question, passages)
        return Trial(passages=passages, judgement=judgement, took_ms=round(1000 * (monotonic() - began)))

    async def health(self, viewer: Viewer) -> Health:
        """How the index is, as the catalogue has it; `rolltop doctor` asks a vector index elsewhere too."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._health)

    def _health(self) -> Health:
        documents = self._catalogue.documents()
        name, dimension = self._catalogue.embedder or (None, None)
        return Health(
            embedder=name,
            dimension=dimension,
            documents=sum(document.passages > 0 for document in documents),
            passages=sum(document.passages for document in documents),
            missing=len(KeptVectors(self._catalogue).unheld(name)) if name else 0,
            staged=sum(version.state == "staged" for document in documents for version in document.versions),
            revision=self._catalogue.revision(),
        )
