"""What an ingest says: how far it is, and in the end what became of each document."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backends.handbooks.documents.model import LeftOut

Status: TypeAlias = Literal["published", "unchanged", "refused", "removed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an ingest is: so many documents are read, and so many of their passages have their vectors.

    `of_passages` grows as documents are read; `name` is the document it is at.
    """

    documents: int
    of_documents: int
    passages: int
    of_passages: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """What became of one document.

    `refused`: the file cannot be read, and `reason` says why and what to do. `failed`: something did not answer; what
    was done is kept, and the next ingest goes on. After both, whatever answered before still does. `version` is the
    name of what was published. Of its `passages`, `embedded` got a vector now and `reused` had one.
    """

    document: str
    status: Status
    reason: str = ""
    version: str = ""
    passages: int = 0
    embedded: int = 0
    reused: int = 0
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of each document, in the order in which they were taken in; `fault` is what stopped the index.

    A document that nobody published can still be in `fault`'s way: a vector index that did not answer lacks vectors.
    """

    documents: Sequence[DocumentReport]
    fault: str = ""

    @property
    def trouble(self) -> bool:
        """Whether it needs a person, or another run."""
        return bool(self.fault) or any(one.status in ("refused", "failed") for one in self.documents)

    @property
    def summary(self) -> str:
        """`2 published, 28 unchanged; 25 passages, 3 embedded, 22 reused`."""
        counts = Counter(one.status for one in self.documents)
        order: tuple[Status, ...] = ("published", "unchanged", "removed", "refused", "failed")
        said = ", ".join(f"{counts[status]} {status}" for status in order if counts[status]) or "no documents"
        passages, embedded, reused = (
            sum(getattr(one, name) for one in self.documents) for name in ("passages", "embedded", "reused")
        )
        said += f"; {passages:,} passages, {embedded:,} embedded, {reused:,} reused" if passages else ""
        return f"{said}; {self.fault}" if self.fault else said
