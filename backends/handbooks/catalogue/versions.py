"""What a catalogue says of documents and their versions, and which version answers on which day.

A version's state is not stored. It follows from days and from the order of publication, so that taking a date back
also takes back what it had hidden.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.handbooks.documents.model import Terms
from core.canonical import Json

State: TypeAlias = Literal["current", "upcoming", "superseded", "removed", "staged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A version as the catalogue holds it; `terms` are the knowledge owner's, and the front matter's for the rest.

    `published` is its place among all publications and `day` when that was; None while staged. It answers from the
    day `start` on, which is `terms.effective` if that is given. `removed`: its document was removed, or this version
    alone was withdrawn.
    """

    row: int
    document: str
    name: str
    title: str
    kind: str
    hash: str
    at: datetime
    published: int | None
    day: date | None
    start: date
    terms: Terms
    removed: bool
    root: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version of a document. `name` is as its front matter has it, or made from its hash; `at` when it was read.

    `superseded` is also the state of a version that has ended, or that was replaced before it came into force.
    """

    row: int
    name: str
    title: str
    kind: str
    hash: str
    terms: Terms
    state: State
    passages: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A document as its version in force has it, or else its newest; `versions`, the newest first.

    `source` is the folder it came from, None for an upload; `passages` counts those that can be found today.
    """

    id: str
    title: str
    kind: str
    terms: Terms
    versions: tuple[VersionRecord, ...]
    passages: int
    source: str | None
    ingested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageTable:
    """Every passage that a search can find, by row, as arrays of equal length.

    `tokens[offsets[n]:offsets[n + 1]]` are the token ids of passage n, an empty slice if it was imported without
    tokens. `matrix` has the vector of each passage that the vector index holds, and a row of zeros for any other;
    `near` is false for rows of zeros. Both are None before the catalogue's first vector.
    """

    revision: int
    rows: NDArray[np.int64]
    versions: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    matrix: NDArray[np.float32] | None
    near: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """A change of a document. `version` is the row of the version whose days were changed; None for other fields."""

    at: datetime
    by: str
    document: str
    version: int | None
    what: Mapping[str, Json]


def standing(editions: Iterable[Edition]) -> list[Edition]:
    """Of one document, the published versions that were neither removed nor replaced, in the order of publication.

    A later version replaces those that begin on its own first day or after, and all that had not begun on the day it
    was published: its author has thought again. A version that had ended by then is for the record alone.
    """
    answers: list[Edition] = []
    published = [one for one in editions if one.published is not None and not one.removed]
    for later in sorted(published, key=lambda one: one.published or 0):
        day = later.day or date.min
        if later.terms.until is None or later.terms.until >= day:
            answers = [earlier for earlier in answers if earlier.start < later.start and earlier.start <= day]
        answers.append(later)
    return answers


def answering(editions: Iterable[Edition], day: date) -> Edition | None:
    """Of one document, the version in force on a day: the newest by its start, then by its publication."""
    candidates = [
        one for one in standing(editions) if one.start <= day and (one.terms.until is None or one.terms.until >= day)
    ]
    return max(candidates, key=lambda one: (one.start, one.published or 0), default=None)


def state(edition: Edition, editions: Sequence[Edition], day: date) -> State:
    """The state of a version on a day, among the `editions` of its document."""
    if edition.published is None:
        return "staged"
    if edition.removed:
        return "removed"
    if edition == answering(editions, day):
        return "current"
    return "upcoming" if edition.start > day and edition in standing(editions) else "superseded"
