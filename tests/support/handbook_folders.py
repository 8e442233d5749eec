"""Folders of handbooks for tests of the catalogue, and an embedder that needs nothing: it knows a word by its hash."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.documents.model import ParsedDocument
from backends.handbooks.documents.read import read_document
from backends.handbooks.ingest.ingest import IngestReport, ingest
from backends.vectors.contracts import Purpose, Vectors
from core.clock import SystemClock
from core.errors import Unavailable
from core.gate import Viewer
from core.words import words

DIMENSION = 32
KEEPER = Viewer("e-4001", {"knowledge_owner"})


class WordEmbedder:
    """A sum of one vector a word. `asked` are all texts it embedded; it answers the first `answers` calls, None all."""

    dimension: int | None = DIMENSION

    def __init__(self, name: str = "words:", answers: int | None = None) -> None:
        self.name = name
        self.answers = answers
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        if self.answers is not None:
            if self.answers < 1:
                raise Unavailable("the embedder is away")
            self.answers -= 1
        self.asked += texts
        rows = np.array([_embedded(text) for text in texts], np.float32).reshape(len(texts), DIMENSION)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, lengths, out=rows, where=lengths > 0)

    async def close(self) -> None:
        """There is nothing to close."""


def _embedded(text: str) -> np.ndarray:
    total = np.zeros(DIMENSION, np.float32)
    for word in words(text):
        total += np.frombuffer(sha256(word.encode()).digest(), np.uint8).astype(np.float32) - 127.5
    return total


class DayClock(SystemClock):
    """A clock on which it is noon of the day that a test last set."""

    def __init__(self, day: str) -> None:
        object.__setattr__(self, "day", day)

    def now(self) -> datetime:
        return datetime.fromisoformat(f"{self.day}T12:00:00").replace(tzinfo=UTC)


def handbook(title: str, *sections: str, **front: str) -> str:
    """A Markdown document; each section is its heading, a newline and its text."""
    lines = [f"{name}: {value}" for name, value in {"title": f'"{title}"', **front}.items()]
    return "\n".join(["---", *lines, "---", f"# {title}", "", *(f"## {section}\n" for section in sections)])


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder hold these files, and no others."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def read_here(data: bytes, name: str) -> ParsedDocument:
    """What a process with limits does, in this one: for files that a test wrote, and many ingests."""
    return read_document(data, name)


async def take_in(catalogue: Catalogue, *sources, embedder=None, **given) -> IngestReport:
    """An ingest with vectors in the catalogue."""
    given = {"vectors": LocalVectors(catalogue), "parse": read_here, **given}
    return await ingest(catalogue, sources, embedder=embedder or WordEmbedder(), **given)


def statuses(report: IngestReport) -> dict[str, str]:
    """By document, what became of it."""
    return {one.document: one.status for one in report.documents}


def check_whole(catalogue: Catalogue) -> None:
    """What can be found is found by its words, its vector and its arrays alike, each passage once, and nothing else."""
    with catalogue.connections.reading() as connection:

        def column(sql: str) -> list:
            return [row[0] for row in connection.execute(sql)]

        uids = column("SELECT uid FROM passage")
        found = column("SELECT passage.row FROM passage JOIN version ON version.row = version AND findable ORDER BY 1")
        words = column("SELECT rowid FROM words ORDER BY 1")
        held = column("SELECT row FROM passage WHERE held IS NOT NULL ORDER BY 1")
        staged = column("SELECT row FROM version WHERE published IS NULL")
    assert len(uids) == len(set(uids))
    assert words == found == held == catalogue.table().rows.tolist()
    assert not found or catalogue.table().near.all()
    assert staged == []


def found_texts(catalogue: Catalogue, day: str) -> dict[str, list[str]]:
    """By document, the texts of the version in force on a day, for everybody."""
    versions = catalogue.in_force(Viewer("e-1042"), None, date.fromisoformat(day))
    pieces = [catalogue.pieces(row) for row in versions]
    return {passages[0].document: [passage.text for passage in passages] for passages in pieces}
