"""The store: eight methods, and the values they speak in.

Everything above is written against this page alone. All domain logic lives on this side of it, so that a store is
one file; `backends.stores.opening.opening.suite.suite` says in words what is wrong with one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from core.canonical import Json, canonical
from core.errors import TooLarge
from core.values import Entry

MAX_COMMIT = 8 * 1024 * 1024
"""Bytes of canonical JSON, entries and records together, that one commit may hold on every store."""

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a store can promise; nothing else about it may be asked.

    `durable_on_ack`: an acknowledged commit survives the process. `multi_process`: several processes may open it.
    `atomic_records`: entries and records are written together, so no record ever lags and no stream is dirty.
    """

    durable_on_ack: bool
    multi_process: bool
    atomic_records: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was folded from a log up to its entry `n`, under `(kind, id)`.

    `fields` is JSON. Times in it are `core.clock.iso` texts, money integers of nano-USD or None. A field `text`
    is what `Query.words` searches.
    """

    kind: str
    id: str
    n: int
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class In:
    """Equal to any of these, at most 1,000; `In(())` matches nothing."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """At least `ge`, and less than `lt`; None is no bound, and one of them is needed.

    Only values of the bounds' own type match: bounds of two types match nothing, and a bool is InvalidInput.
    """

    ge: str | int | float | None = None
    lt: str | int | float | None = None


Filter: TypeAlias = Scalar | In | Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Records of one kind.

    `where` maps dotted paths into `fields` (or `id`, `n`) to a scalar, `In` or `Range`, all of which must hold. None
    matches null and absent alike; a path that meets a list matches if one of its items does, and is followed into a
    list's objects, not into a list within a list. 1 and 1.0 are equal, 1 and True are not. A path is 1 to 8 names of
    `[A-Za-z_][A-Za-z0-9_]{0,63}`; a text in a filter has at most 200 characters.

    `words`: each of them occurs in the words of `fields["text"]`, the last one perhaps only as the beginning of one.
    `order` lists paths, `-` in front for descending; null and absent come first, ascending, and `id` breaks ties in
    the direction of the last. A path used in `order` holds only texts or only numbers. `limit` is 1 to 500 records a
    page; `cursor` is a page's own, used with the same kind, filters, words and order.

    The kind `stream` lists streams: `id` is the stream, `n` its end, and `dirty` its one field.
    """

    kind: str
    where: Mapping[str, Filter] = field(default_factory=dict)
    words: str = ""
    order: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to `limit` records in the query's order; `cursor` fetches the next page, None says that this is the last."""

    records: list[Record]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One group: the values of `by`, how many records, and per summed path the integer sum and how many were None.

    What is absent or no integer counts as None; the sum of no integers is 0: read it beside `unknown`. A list or an
    object counts as None in `by`. Groups come in the order null, numbers, texts, false, true.
    """

    key: tuple[Scalar, ...]
    count: int
    sums: Mapping[str, int]
    unknown: Mapping[str, int]


class Store(Protocol):
    """Streams of entries and the records folded from them.

    Every method raises Unavailable if the store is away, and StoreRefused if the store will not do it before its
    operator changes something. Only a write that is certain not to be applied is refused; any other is Unavailable.
    A call that is cancelled may have taken effect. Ids, streams and paths of a wrong form raise InvalidInput.
    """

    capabilities: Capabilities

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        """Append `entries`, numbered after+1 and up, and write `records`: all or nothing of the entries.

        Conflict: entry after+1 exists and is not this commit's own. With the same `id` and the same `after` again it
        is a success that changes nothing, whatever became of the payloads since. InvalidInput: `after` lies beyond
        the end, or an entry's stream or n does not fit. TooLarge: more than MAX_COMMIT. Full: no room.
        Neither wrote anything. An entry that was erased elsewhere is taken as the shell it is, so that a log can be
        copied.
        Records are written in the order given, each only over a lower n, the rest left alone; where entries and
        records cannot be written at once, entries go first and the stream is dirty until the records are there. With
        no entries a commit repairs: it writes records over a lower or the same n, then clears `dirty` up to `after`,
        and its id is not kept.
        """

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        """Entries after+1 and up, oldest first, without gaps, in whole commits: perhaps more than `limit`.

        [] means nothing was committed past `after`; an unknown stream is an empty one. An erased entry comes back
        as its shell. Raises Corrupt, naming stream and n, rather than leave one out.
        """

    async def get(self, kind: str, id: str) -> Record | None:
        """The record, as last written, or None."""

    async def find(self, query: Query) -> Page:
        """The records that match, filtered before they are limited. Raises InvalidInput for a foreign cursor."""

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        """The matching records in groups of equal `by` values, in the order of their keys; order, limit and cursor
        of the query are not looked at. `by` () gives one group, or none when nothing matches."""

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        """Payloads and salts of entries after+1 to `upto` (None: the end) go, shells stay; `kinds` None: all, []: none.

        Returns how many entries lost theirs now: 0 the second time. `whole` removes a `live:` stream with its
        shells (InvalidInput for any other), after which the name is an empty stream.
        """

    async def now(self) -> datetime:
        """The store's own clock: UTC, milliseconds."""

    async def close(self) -> None:
        """Finish what was accepted, then let go of files and connections that the store opened. Twice is once."""


def commit_size(entries: Sequence[Entry], records: Sequence[Record]) -> int:
    """The bytes that MAX_COMMIT counts. Raises TooLarge if there are more; InvalidInput if something is not JSON."""
    size = sum(len(canonical(entry.payload)) + len(canonical(entry.shell)) for entry in entries)
    size += sum(len(canonical(dict(record.fields))) for record in records)
    if size > MAX_COMMIT:
        raise TooLarge(f"a commit of {size} bytes is more than the {MAX_COMMIT} that every store takes")
    return size


async def every(store: Store, query: Query) -> AsyncIterator[Record]:
    """All records that the query finds, read page by page; its limit and cursor are not looked at."""
    query = replace(query, limit=500, cursor=None)
    while True:
        page = await store.find(query)
        for record in page.records:
            yield record
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)
