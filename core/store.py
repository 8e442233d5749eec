"""The store protocol: eight methods, and the values that they take and return.

The library uses a store through this protocol alone, and all domain logic lives above it: one file is enough for a new
store. The published tests in `backends.stores.suite` check it and say in words what is wrong.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias, cast

from core.canonical import Json, canonical
from core.errors import TooLarge
from core.values import Entry

MAX_COMMIT = 8 * 1024 * 1024
"""The most bytes of canonical JSON, entries and records together, in one commit; the same for every store."""

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a store promises beyond the protocol.

    `durable_on_ack`: an acknowledged commit survives the end of the process. `multi_process`: several processes may
    open the store. `atomic_records`: entries and records are written together, so records never lag and streams are
    never dirty.
    """

    durable_on_ack: bool
    multi_process: bool
    atomic_records: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A value stored under `(kind, id)`, folded from a log up to its entry `n`.

    `fields` is JSON. Times in it are `core.clock.iso` texts; money is an integer of nano-USD, or None if unknown.
    `Query.words` searches the field `text`.
    """

    kind: str
    id: str
    n: int
    fields: Mapping[str, Json]
    _fields_json: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def fields_json(self) -> bytes:
        """The canonical JSON of the fields, encoded once. Raises InvalidInput if they are not JSON."""
        if self._fields_json is None:
            object.__setattr__(self, "_fields_json", canonical(dict(self.fields)))
        return cast(bytes, self._fields_json)


@dataclass(frozen=True, slots=True)
class In:
    """Equal to any of these, at most 1,000. `In(())` never matches."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Each of these, 1 to 20, is equal to one of the values at the path, which usually holds a list."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """At least `ge`, and less than `lt`. None leaves that side open; at least one bound is needed.

    Only values of the bounds' type match, so bounds of two types never match. A bool as a bound is InvalidInput.
    """

    ge: str | int | float | None = None
    lt: str | int | float | None = None


Filter: TypeAlias = Scalar | In | All | Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Records of one kind.

    `where` maps dotted paths into `fields` (or `id`, `n`) to a scalar, `In`, `All` or `Range`; all must match. None
    matches both null and a missing field. If a path meets a list, it matches if one item does; it goes on into the
    list's objects, but not into a list within a list. 1 and 1.0 are equal, 1 and True are not. A path is 1 to 8 names
    of `[A-Za-z_][A-Za-z0-9_]{0,63}`; a text in a filter has at most 200 characters.

    `words` (see `core.words`) must all occur in `fields["text"]`; the last may also be the beginning of a word there.

    `order` lists paths, each with `-` in front for descending. In ascending order null and missing come first. `id`
    breaks ties, in the direction of the last path. A path in `order` holds only texts or only numbers.

    `limit` is 1 to 500 records a page. `cursor` comes from a page of a query with the same kind, filters, words and
    order.

    The kind `stream` lists streams: `id` is the stream's name, `n` its last entry, and `dirty` its only field.
    """

    kind: str
    where: Mapping[str, Filter] = field(default_factory=dict)
    words: str = ""
    order: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to `limit` records in the query's order. `cursor` fetches the next page; it is None on the last page."""

    records: list[Record]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One group of records: its `by` values, its size, and for each summed path the integer sum.

    `unknown` counts, for each summed path, the records whose value is missing or not an integer. Read a sum beside it:
    the sum of a group without integers is 0. In `by` a list or an object counts as None. Groups come in the order null,
    numbers, texts, false, true.
    """

    key: tuple[Scalar, ...]
    count: int
    sums: Mapping[str, int]
    unknown: Mapping[str, int]


class Store(Protocol):
    """Streams of entries, and the records folded from them.

    Every method raises Unavailable if the store does not answer, StoreRefused if its operator must change something
    first, and InvalidInput for a malformed id, stream or path. A write raises StoreRefused only if it was certainly not
    applied; in doubt it raises Unavailable. A cancelled call may have taken effect. After `close`, every method but
    `close` raises StoreClosed at once.
    """

    capabilities: Capabilities

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        """Append `entries`, numbered after+1 and up, and write `records`. The entries are all written, or all refused.

        `id` is random, one for each commit. A repeat with the same `id` and `after` succeeds without a second effect,
        even if the payloads were erased since. Otherwise, if entry after+1 exists, it raises Conflict.
        InvalidInput: `after` lies beyond the end, or an entry's stream or n does not fit. TooLarge: more than
        MAX_COMMIT bytes. Full: the medium is full. After each of these the store is unchanged. An entry that
        was erased elsewhere is accepted as its shell, so that a log can be copied.

        Records are written in the given order, each only over a lower n. A store that cannot write entries and records
        at once writes the entries first, and the stream is dirty until the records are written. A commit without
        entries repairs: it writes records over a lower or the same n, then clears `dirty` up to `after`; its `id` is
        not kept.
        """

    # In whole commits, because a store may keep a commit as one document: a page cut inside it would let another
    # writer's commit overlap.
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        """Entries after+1 and up, oldest first, without gaps, in whole commits: perhaps more than `limit`.

        [] means that the stream ends at `after`; an unknown stream is empty. An erased entry comes back as its shell.
        Raises Corrupt, naming stream and n, for an entry that cannot be read, rather than leave it out.
        """

    async def get(self, kind: str, id: str) -> Record | None:
        """The record as last written, or None if it does not exist."""

    async def find(self, query: Query) -> Page:
        """One page of the matching records. Raises InvalidInput for a cursor of another query."""

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        """Count the matching records in groups of equal `by` values, in the order of the groups' keys.

        The query's order, limit and cursor do not matter. `by` () gives one group, or [] without a match.
        """

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        """Remove payloads and salts of entries after+1 to `upto` (None: the end); their shells stay.

        `kinds` limits this to entries of these kinds: None is all kinds, [] is an empty selection. Returns how many
        entries lost a payload now: 0 if the call is repeated. `whole` removes a `live:` stream with its shells, after
        which it is an empty stream; InvalidInput for any other stream.
        """

    async def now(self) -> datetime:
        """The time by the store's own clock, in UTC, cut to milliseconds."""

    async def close(self) -> None:
        """Finish the accepted calls, then close the files and connections that the store opened. May be repeated."""


def streams_of(kind: str, *, dirty: bool | None = None) -> Query:
    """The streams of this kind: all, or only those that are `dirty`, or only those that are not."""
    where: dict[str, Filter] = {"id": Range(ge=f"{kind}:", lt=f"{kind};")}
    return Query(kind="stream", where=where if dirty is None else {**where, "dirty": dirty})


def commit_size(entries: Sequence[Entry], records: Sequence[Record]) -> int:
    """The bytes that MAX_COMMIT counts. Raises TooLarge if there are more, InvalidInput if a value is not JSON."""
    size = sum(len(entry.payload_json) + len(entry.shell_json) for entry in entries)
    size += sum(len(record.fields_json) for record in records)
    if size > MAX_COMMIT:
        raise TooLarge(f"a commit of {size} bytes is larger than {MAX_COMMIT}, the limit of every store")
    return size


async def every(store: Store, query: Query) -> AsyncIterator[Record]:
    """All records that the query finds, read page by page, in its order. Its limit and cursor do not matter."""
    query = replace(query, limit=500, cursor=None)
    while True:
        page = await store.find(query)
        for record in page.records:
            yield record
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)
