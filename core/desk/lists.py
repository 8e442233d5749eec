"""Lists of records as values: a page, all of them, and those that do not belong to sealed threads."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from core.desk.unreadable import Unreadable, unreadable
from core.errors import Corrupt, InvalidInput
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    Item,
    Look,
    Message,
    ModelCall,
    Retrieval,
    Review,
    Summary,
    Thread,
    ToolCall,
    Turn,
    item_of,
    record_kind,
)
from core.store import Filter, In, Query, Record, Store, Tally, every

MAX_PAGE = 500
"""The most items of a page."""

_IN = 1000
"""The most values of an `In`."""

T = TypeVar(
    "T", Thread, Turn, Message, ToolCall, ModelCall, Retrieval, Summary, HandoverRecord, DeferredCall, Review, Look
)
P = TypeVar("P", Message, ToolCall, Retrieval, Turn)
X = TypeVar("X")
Y = TypeVar("Y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[X]):
    """A page of a list. `cursor` fetches the next page; it is None on the last page."""

    items: list[X]
    cursor: str | None


class Lists:
    """Reads the records of a store. It checks no viewer: its callers do.

    Records that do not fit are left out and named in `broken`; without such a list, they raise Corrupt.
    """

    def __init__(self, store: Store, broken: list[Unreadable] | None = None) -> None:
        self._store = store
        self._broken = broken

    async def page(
        self,
        item_type: type[T],
        where: Mapping[str, Filter],
        *,
        words: str = "",
        order: tuple[str, ...] = (),
        limit: int = MAX_PAGE,
        cursor: str | None = None,
    ) -> Listing[T]:
        """One page of the records that match, in this order."""
        query = Query(
            kind=record_kind(item_type),
            where=where,
            words=words,
            order=order,
            limit=check_limit(limit, MAX_PAGE),
            cursor=cursor,
        )
        page = await self._store.find(query)
        return Listing(items=self._items(item_type, page.records), cursor=page.cursor)

    async def all(self, item_type: type[T], where: Mapping[str, Filter]) -> list[T]:
        """All records that match, in the order of the log."""
        query = Query(kind=record_kind(item_type), where=where)
        records = [record async for record in every(self._store, query)]
        return sorted(self._items(item_type, records), key=_place)

    def _items(self, item_type: type[T], records: Sequence[Record]) -> list[T]:
        items: list[T] = []
        for record in records:
            try:
                items.append(item_of(item_type, record))
            except Corrupt as error:
                if self._broken is None:
                    raise
                self._broken.append(unreadable(error))
        return items

    async def unsealed(
        self,
        item_type: type[P],
        where: Mapping[str, Filter],
        *,
        order: tuple[str, ...] = (),
        limit: int = MAX_PAGE,
        cursor: str | None = None,
    ) -> Listing[P]:
        """As `page`, without what belongs to sealed threads."""

        async def fetch(limit: int, cursor: str | None) -> Listing[P]:
            return await self.page(item_type, where, order=order, limit=limit, cursor=cursor)

        return await filled(fetch, self.outside_seals, limit, cursor)

    async def outside_seals(self, items: Sequence[P]) -> list[P]:
        """Those of the items whose threads are not sealed."""
        # The heads are asked: a record that is older than its thread's seal does not hold it. A head may be written
        # after the records of the entry that seals, so a record that is ahead of its head is left out too.
        threads = tuple({one.thread for one in items})
        query = Query(kind="thread", where={"id": In(threads), "sealed": None})
        upto = {head.id: head.n async for head in every(self._store, query)} if threads else {}
        return [one for one in items if one.n <= upto.get(one.thread, 0)]

    async def count_unsealed(self, kind: str, where: Mapping[str, Filter], by: Sequence[str] = ()) -> list[Tally]:
        """The groups of the records that do not belong to sealed threads; groups without such records are left out.

        `kind` is another kind than `thread`, whose heads say themselves that they are sealed.
        """
        groups = await self._store.tally(Query(kind=kind, where=where), by)
        sealed = [record.id async for record in every(self._store, Query(kind="thread", where={"sealed": True}))]
        # Counted and taken off, because the records do not hold the seal, and sealed threads are few.
        for start in range(0, len(sealed), _IN):
            inside = Query(kind=kind, where={**where, "thread": In(tuple(sealed[start : start + _IN]))})
            groups = _less(groups, await self._store.tally(inside, by))
        return groups


async def filled(
    fetch: Callable[[int, str | None], Awaitable[Listing[X]]],
    keep: Callable[[Sequence[X]], Awaitable[list[Y]]],
    limit: int,
    cursor: str | None,
) -> Listing[Y]:
    """A full page of what `keep` keeps of the fetched pages. `keep` gives at most one for each that it is given.

    The listing has a cursor only if what is kept goes on behind it: a cursor that leads to nothing would tell that
    something else has matched.
    """
    kept: list[Y] = []
    limit = check_limit(limit, MAX_PAGE)
    while len(kept) < limit:
        page = await fetch(limit - len(kept), cursor)
        kept += await keep(page.items)
        cursor = page.cursor
        if cursor is None:
            return Listing(items=kept, cursor=None)
    ahead = cursor
    while ahead is not None:
        page = await fetch(limit, ahead)
        if await keep(page.items):
            return Listing(items=kept, cursor=cursor)
        ahead = page.cursor
    return Listing(items=kept, cursor=None)


def check_limit(limit: int, most: int) -> int:
    """The limit of a page. Raises InvalidInput unless it is a number from 1 to `most`."""
    if not 1 <= limit <= most:
        raise InvalidInput(f"the limit must be a number from 1 to {most}")
    return limit


def _less(groups: Iterable[Tally], taken: Iterable[Tally]) -> list[Tally]:
    # To Python True == 1, and as keys they are two groups.
    off = {repr(group.key): group.count for group in taken}
    left = [replace(group, count=group.count - off.get(repr(group.key), 0)) for group in groups]
    return [group for group in left if group.count]


def _place(item: Item | Review | Look) -> tuple[int, int]:
    """An item's place in its log; the calls of one answer share an entry and are ordered by number."""
    return getattr(item, "at_n", item.n), getattr(item, "number", 0)
