"""What a catalogue tells of documents and their versions, and which version answers on which day.

Nothing of it is stored: a version's state follows from days and from the order of publication, so that a knowledge
owner who takes a date back gets back what it had hidden.
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
    """A version as the catalogue holds it, with a knowledge owner's words in place of the front matter's.

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

    `superseded` is also one that ended, or that was replaced before it ever came into force.
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
    """A document as its newest version has it, the one in force if there is one; `versions`, the newest first.

    `source` is the folder it came from, None for an upload; `passages` are those that can be found today.
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

    `tokens[offsets[n]:offsets[n + 1]]` are the token ids of passage n, none where it was taken in without.
    `matrix` are the vectors of the passages that the vector index holds, a row of zeros where it holds none, and where
    nothing is known of the text: `near` tells which are not. Both are None where the catalogue keeps no vectors.
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
    """Who said what of a document, and when; `version` is the row of the one that its days are about."""

    at: datetime
    by: str
    document: str
    version: int | None
    what: Mapping[str, Json]


def standing(editions: Iterable[Edition]) -> list[Edition]:
    """Of one document, the published versions that are not removed and that no later one took the place of, in the
    order of publication.

    A later one takes the place of those that were to begin when it does or after, and of all that had not begun on
    the day it came: its author has thought again. One that had ended when it came is kept for the record alone.
    """
    kept: list[Edition] = []
    published = [one for one in editions if one.published is not None and not one.removed]
    for later in sorted(published, key=lambda one: one.published or 0):
        day = later.day or date.min
        if later.terms.until is None or later.terms.until >= day:
            kept = [earlier for earlier in kept if earlier.start < later.start and earlier.start <= day]
        kept.append(later)
    return kept


def answering(editions: Iterable[Edition], day: date) -> Edition | None:
    """Of one document, the version in force on a day: the newest by its start, then by its publication."""
    candidates = [
        one for one in standing(editions) if one.start <= day and (one.terms.until is None or one.terms.until >= day)
    ]
    return max(candidates, key=lambda one: (one.start, one.published or 0), default=None)


def state(edition: Edition, editions: Sequence[Edition], day: date) -> State:
    """What a version of these editions of one document is on a day."""
    if edition.published is None:
        return "staged"
    if edition.removed:
        return "removed"
    if edition == answering(editions, day):
        return "current"
    return "upcoming" if edition.start > day and edition in standing(editions) else "superseded"
