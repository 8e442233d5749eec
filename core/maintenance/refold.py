"""A thread's records, folded anew from its whole log, and thrown out turn by turn.

A first reading checks the chain and notes where each turn is heard of last; the second folds, and lets a turn go there.
So a thread of any length takes the memory of the turns that are told of at the same time.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace

from core.log.entry import verify
from core.log.fold import State, fold
from core.log.records import Item, Turn, kind_of, record
from core.store import Record, Store
from core.values import GENESIS, Entry

KINDS: tuple[str, ...] = tuple(kind_of(item_type) for item_type in Item.__args__)
"""Every kind of record that a thread's log makes; `thread` is the head's."""

PAGE = 200
"""Entries read at once: some are large."""


async def pages(store: Store, stream: str, after: int = 0, *, end: int | None = None) -> AsyncIterator[list[Entry]]:
    """The entries past `after` up to `end`, some at a time; None is the end that the stream has when it is reached.

    The last of them may go past `end`: commits are read whole.
    """
    while (end is None or after < end) and (entries := await store.read(stream, after, PAGE)):
        yield entries
        after = entries[-1].n


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A log as it was read once: its end and, for each turn, the n of the last entry that concerns it."""

    thread: str
    n: int
    last: Mapping[str, int]


async def outline(store: Store, thread: str, end: int) -> Outline:
    """Read the thread's log up to `end`, perhaps a little further. Raises Corrupt where its chain is broken."""
    n, hash, last = 0, GENESIS, dict[str, int]()
    async for entries in pages(store, f"thread:{thread}", end=end):
        n, hash = verify(entries, after=n, prev=hash)
        last |= heard_of(entries)
    return Outline(thread=thread, n=n, last=last)


def heard_of(entries: Iterable[Entry]) -> dict[str, int]:
    """The turns that these entries concern, each with the n of the last one."""
    return {turn: entry.n for entry in entries if (turn := entry.shell.get("turn"))}


async def refold(store: Store, outline: Outline) -> AsyncIterator[list[Record]]:
    """The records as of the outline's end, those of one turn together, and in the end the head.

    Raises Corrupt for an entry that no fold takes; what came before it is then of no worth.
    """
    state = State()
    async for entries in pages(store, f"thread:{outline.thread}", end=outline.n):
        for entry in entries[: outline.n - state.n]:
            state = fold(state, entry)
            turn = entry.shell.get("turn")
            if turn and outline.last[turn] == entry.n:
                yield [record(item) for item in state.items.values() if _turn_of(item) == turn]
                state = replace(state, items={id: it for id, it in state.items.items() if _turn_of(it) != turn})
    if state.thread:
        yield [record(state.thread)]


def _turn_of(item: Item) -> str | None:
    return item.id if isinstance(item, Turn) else getattr(item, "turn", None)
