"""Branches: which turns of a thread are shown, once an answer was asked for again.

A log is one line, and its turns form a tree. A branch is a path through that tree, and is kept as what it leaves out:
ranges of entries, first and last included, in ascending order, with an entry between any two. A turn belongs to the
branch if its first entry is in none of them. Nothing else is needed, because a turn that takes another's place comes
after it in the log.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from core.store import Filter, Query, Range, Record, Store

Hidden: TypeAlias = Sequence[tuple[int, int]]

MAX_HIDDEN = 100
"""The most ranges of a branch: the head of a thread, which every operation reads, holds those of the shown one."""


def is_shown(hidden: Hidden, n: int) -> bool:
    """Whether the branch has what begins at entry n."""
    return not any(first <= n <= last for first, last in hidden)


def without(hidden: Hidden, first: int, last: int) -> list[tuple[int, int]]:
    """The branch that `hidden` leaves up to entry `first`, without the entries `first` to `last`, the newest ones."""
    before = [(begin, end) for begin, end in hidden if begin < first]
    if before and before[-1][1] >= first - 1:
        first = before.pop()[0]
    return [*before, (first, last)]


def shown_ranges(hidden: Hidden, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The ranges of entries, from `begin` to `end` without it, that the branch has; newest first."""
    for first, last in reversed(hidden):
        if max(begin, last + 1) < end:
            yield max(begin, last + 1), end
        end = min(end, first)
    if begin < end:
        yield begin, end


async def newest_turns(store: Store, thread: str, ranges: Iterable[tuple[int, int]], limit: int) -> list[Record]:
    """The records of at most `limit` turns of the thread, newest first; `ranges` are as `shown_ranges` gives them."""
    records: list[Record] = []
    # Ranges that hold notes alone are rare, so there are hardly more queries than turns wanted.
    for begin, end in ranges:
        where: dict[str, Filter] = {"thread": thread, "first_n": Range(ge=begin, lt=end)}
        query = Query(kind="turn", where=where, order=("-first_n",), limit=limit - len(records))
        records += (await store.find(query)).records
        if len(records) == limit:
            break
    return records
