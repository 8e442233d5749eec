"""What an ingest reports: its progress, and in the end what became of each document."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backends.handbooks.documents.model import LeftOut

Status: TypeAlias = Literal["published", "unchanged", "refused", "removed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an ingest is: how many documents are read, and how many of their passages have vectors.

    `of_passages` grows as documents are read; `name` is the current document.
    """

    documents: int
    of_documents: int
    passages: int
    of_passages: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """What became of one document.

    `refused`: the file cannot be read, and `reason` says why and what to do. `failed`: a service did not answer; what
    was done is kept, and the next ingest continues. After both, the version before still answers. `version` is the name
    of the published version. Of its `passages`, `embedded` got a vector now and `reused` had one.
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
    """What became of each document, in the order of the import; `fault` says why the vector index is incomplete, or "".

    `fault` may concern documents of earlier ingests, which this report does not list.
    """

    documents: Sequence[DocumentReport]
    fault: str = ""

    @property
    def trouble(self) -> bool:
        """Whether an operator or another run is needed."""
        return bool(self.fault) or any(one.status in ("refused", "failed") for one in self.documents)

    @property
    def summary(self) -> str:
        """`2 published, 28 unchanged; 25 passages, 3 embedded, 22 reused`."""
        counts = Counter(one.status for one in self.documents)
        order: tuple[Status, ...] = ("published", "unchanged", "removed", "refused", "failed")
        summary = ", ".join(f"{counts[status]} {status}" for status in order if counts[status]) or "no documents"
        passages, embedded, reused = (
            sum(getattr(one, name) for one in self.documents) for name in ("passages", "embedded", "reused")
        )
        summary += f"; {passages:,} passages, {embedded:,} embedded, {reused:,} reused" if passages else ""
        return f"{summary}; {self.fault}" if self.fault else summary
