"""What a knowledge owner does with the handbooks: the way from a program or a page to the catalogue.

Every method asks the gate first. An upload belongs to this object, not to the page that began it: it goes on if the
page is left, and any page can show its progress.
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
from backends.handbooks.documents.sandbox import DocumentLimits
from backends.handbooks.index import HandbookIndex
from backends.handbooks.ingest.files import Upload
from backends.handbooks.ingest.ingest import ingest
from backends.handbooks.ingest.report import IngestReport, Progress
from core.arguments import checked_methods
from core.errors import InvalidInput, NotFound, RolltopError
from core.gate import Role, Viewer, authorize
from core.retriever import Filters, holds_for
from core.values import Judgement, Passage

log = logging.getLogger(__name__)

TRIED = 8
"""The most passages that a tried question shows."""


@dataclass(slots=True)
class Job:
    """An upload. One of `report` and `error` is set once it is over.

    `progress` is None until the first step; `error` is for people, and says why the upload failed as a whole.
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
        """Note the progress."""
        self.progress = progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a tried question finds: the passages, best first, whether they answer it, and how long the search took."""

    passages: list[Passage]
    judgement: Judgement | None
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of the index. `embedder` and `dimension` are None if it is searched by words only.

    `documents` and `passages` count what can be found today, `missing` the versions in search that lack vectors, and
    `staged` the versions that an import has left incomplete: importing the same files continues with them.
    """

    embedder: str | None
    dimension: int | None
    documents: int
    passages: int
    missing: int
    staged: int
    revision: int


@checked_methods
class Handbooks:
    """The handbooks of an installation, opened by `open_handbooks`.

    Every method but `section` and `named_section` raises Denied unless the viewer is a knowledge owner, whose id goes
    on record with each change. `retriever` is for `create_chat` and a `Desk`: it searches what holds for its viewer.
    """

    def __init__(
        self,
        index: HandbookIndex,
        *,
        after_upload: Callable[[], Awaitable[None]] | None = None,
        limits: DocumentLimits | None = None,
    ) -> None:
        self.index = index
        self.retriever = index.retriever
        self._after_upload, self._limits = after_upload, limits
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
            self._job.error = "The upload was interrupted. Upload the same files again to continue."

    async def documents(self, viewer: Viewer) -> list[DocumentRecord]:
        """All documents, removed ones too, by id."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.documents)

    async def document(self, viewer: Viewer, document: str) -> DocumentRecord:
        """One document, a removed one too. Raises NotFound."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.document, document)

    async def text(self, viewer: Viewer, version: int) -> str:
        """The text that the passages of this version were cut from. `version` is its row. Raises NotFound."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.text, version)

    async def pieces(self, viewer: Viewer, version: int, after: int = 0, limit: int | None = None) -> list[Passage]:
        """The passages of this version in the order of its text, at most `limit` after the first `after`.

        `version` is its row. Raises NotFound.
        """
        authorize(viewer, "handbooks.keep")
        pieces = partial(self._catalogue.pieces, version, after=after, limit=limit)
        return await anyio.to_thread.run_sync(pieces)

    async def section(self, viewer: Viewer, passage: Passage) -> list[Passage]:
        """The passages of the passage's section and of those below it, in order.

        [] if the document does not hold for the viewer, or the catalogue does not have this version.
        """
        # A reader may see a passage that they were given, which is on their record. Its surroundings are not.
        if not holds_for(passage.audience, viewer):
            return []
        return await anyio.to_thread.run_sync(self._section, passage)

    async def named_section(self, viewer: Viewer, document: str, heading: str | None) -> list[Passage]:
        """The passages below this heading of a document, None for all of it, in order.

        [] if the document or the heading does not exist, or does not hold for the viewer today.
        """
        return await anyio.to_thread.run_sync(self._named_section, viewer, document, heading)

    def _named_section(self, viewer: Viewer, document: str, heading: str | None) -> list[Passage]:
        today = self._catalogue.clock.now().date()
        rows = self._catalogue.in_force(viewer, Filters(documents=[document]), today)
        pieces = [piece for row in rows for piece in self._catalogue.pieces(row)]
        return [piece for piece in pieces if heading is None or heading in piece.section]

    def _section(self, passage: Passage) -> list[Passage]:
        try:
            version = self._catalogue.version_row(passage.document, passage.version)
            return self._catalogue.pieces(version, passage.section)
        except NotFound:
            return []

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
            limits=self._limits,
        )

    async def upload(self, viewer: Viewer, files: Sequence[tuple[str, bytes]], terms: Terms = AS_WRITTEN) -> Job:
        """Begin to import these files, by name and content; `terms` go before what they say.

        The upload goes on when its caller ends. Raises InvalidInput while another one runs, and StoreBusy if another
        process keeps the catalogue from being written now; once begun, an upload waits longer.
        """
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(self._catalogue.check_free)
        if self._job is not None and not self._job.over:
            raise InvalidInput("another upload is running: wait until it has ended")
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
        except Exception:  # the boundary of a job: without an end its page would wait for ever
            log.exception("an upload of %d files failed", len(uploads))
            job.error = "Unexpected error; see the server log. The published version is unchanged."

    async def job(self, viewer: Viewer) -> Job | None:
        """The latest upload of any viewer since the process began; None before the first."""
        authorize(viewer, "handbooks.keep")
        return self._job

    async def change(self, viewer: Viewer, document: str, terms: Terms) -> None:
        """Let these terms go before the front matter's, also that of later versions; unset fields stay as they are.

        Raises NotFound, and InvalidInput if the document would end before it begins.
        """
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.change, document, terms, by=viewer.id))

    async def changes(self, viewer: Viewer, document: str) -> list[ChangeRecord]:
        """The changes and removals of the document, the newest first, each with the id of its viewer."""
        authorize(viewer, "handbooks.keep")
        return await anyio.to_thread.run_sync(self._catalogue.changes, document)

    async def remove(self, viewer: Viewer, document: str) -> None:
        """Take the document out of search. It stays on record for the answers that cite it. Raises NotFound."""
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.remove, document, by=viewer.id))

    async def withdraw(self, viewer: Viewer, versions: Sequence[int]) -> None:
        """Take the versions of these rows out of search; the other versions of their documents answer without them."""
        authorize(viewer, "handbooks.keep")
        await anyio.to_thread.run_sync(partial(self._catalogue.withdraw, versions, by=viewer.id))

    async def try_question(
        self, viewer: Viewer, question: str, *, role: Role = "employee", country: str | None, entity: str | None
    ) -> Trial:
        """What this question finds today for a reader with that role, country and entity."""
        authorize(viewer, "handbooks.keep")
        reader = Viewer(viewer.id, {"employee", role}, country=country, entity=entity)
        began = monotonic()
        passages = await self.retriever.search(question, reader, TRIED)
        judgement = await self.retriever.judge(question, passages)
        return Trial(passages=passages, judgement=judgement, took_ms=round(1000 * (monotonic() - began)))

    async def health(self, viewer: Viewer) -> Health:
        """The state of the index as the catalogue notes it; `rolltop doctor` also asks a vector index elsewhere."""
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
