"""Folding records again from whole logs: a thread's turn by turn, and the one of a review.

The first reading of a thread checks the chain and notes the last entry that concerns each turn. The second folds the
entries, and yields and forgets a turn's records there. So memory depends on the turns in progress, not on the thread's
length.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace

from core.log.entry import verify
from core.log.fold import State, fold
from core.log.records import Item, Review, Turn, record, record_kind
from core.log.review import fold_review
from core.store import Record, Store
from core.values import GENESIS, Entry

KINDS: tuple[str, ...] = tuple(record_kind(item_type) for item_type in Item.__args__)
"""Every kind of record that is folded from a thread's log; `thread` is the head."""

PAGE = 200
"""How many entries are read at a time; some are large."""


async def pages(store: Store, stream: str, after: int = 0, *, end: int | None = None) -> AsyncIterator[list[Entry]]:
    """The entries after `after` up to `end`, in order, some at a time. None reads to the stream's end, as it grows.

    The last page may go past `end`, because commits are read whole.
    """
    while (end is None or after < end) and (entries := await store.read(stream, after, PAGE)):
        yield entries
        after = entries[-1].n


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A thread's log after the first reading: its end, and for each turn the n of the last entry that concerns it."""

    thread: str
    n: int
    last: Mapping[str, int]


async def outline(store: Store, thread: str, end: int) -> Outline:
    """Read the thread's log up to `end`, or a little further. Raises Corrupt if its chain is broken."""
    n, last_hash, last = 0, GENESIS, dict[str, int]()
    async for entries in pages(store, f"thread:{thread}", end=end):
        n, last_hash = verify(entries, after=n, prev=last_hash)
        last |= last_mentions(entries)
    return Outline(thread=thread, n=n, last=last)


def last_mentions(entries: Iterable[Entry]) -> dict[str, int]:
    """The turns that these entries concern, each with the n of its last entry here."""
    return {turn: entry.n for entry in entries if (turn := entry.shell.get("turn"))}


async def refold(store: Store, outline: Outline) -> AsyncIterator[list[Record]]:
    """The records up to the outline's end: those of one turn together, the head last.

    Raises Corrupt for an entry that cannot be folded; then discard the records that came before it.
    """
    state = State()
    async for entries in pages(store, f"thread:{outline.thread}", end=outline.n):
        for entry in entries[: outline.n - state.n]:
            state = fold(state, entry)
            turn = entry.shell.get("turn")
            if turn and outline.last[turn] == entry.n:
                yield [record(item) for item in state.items.values() if _turn_of(item) == turn]
                state = replace(state, items={key: item for key, item in state.items.items() if _turn_of(item) != turn})
    if state.thread:
        yield [record(state.thread)]


async def refold_review(store: Store, stream: str) -> Record | None:
    """The record of a review, from its whole log; None if the log is empty. Raises Corrupt if the log is broken."""
    review: Review | None = None
    async for entries in pages(store, stream):
        verify(entries, after=review.n if review else 0, prev=review.hash if review else GENESIS)
        for entry in entries:
            review = fold_review(review, entry)
    return record(review) if review else None


def _turn_of(item: Item) -> str | None:
    return item.id if isinstance(item, Turn) else getattr(item, "turn", None)
