"""Folding records again from whole logs: a thread's turn by turn, those of other streams page by page.

Of a thread, the first reading checks the chain and notes the last entry that concerns each turn. The second folds the
entries, and yields and forgets a turn's records there. So memory depends on the turns in progress, not on the thread's
length.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.clock import Clock
from core.log.administration import fold_administration
from core.log.audit import audit_head, look
from core.log.emptied import emptied_by
from core.log.entry import verify
from core.log.facts import fact
from core.log.fold import State, fold
from core.log.folded_log import R
from core.log.person import fold_person
from core.log.record_ids import concerned
from core.log.records import AdministrationRecord, Item, Look, Person, Review, Spending, Turn, record, record_kind
from core.log.repair_commits import Repairs
from core.log.review import fold_review
from core.log.spending import fold_spending
from core.store import Record, Store
from core.values import GENESIS, Entry

KINDS: tuple[str, ...] = tuple(record_kind(item_type) for item_type in Item.__args__)
"""Every kind of record that is folded from a thread's log; `thread` is the head."""

Fold: TypeAlias = Callable[[AsyncIterator[list[Entry]]], AsyncIterator[list[Record]]]
"""From a log's pages to its records, the head last. Raises Corrupt for an entry that cannot be folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """How records are folded from the streams of one kind.

    `records` are their kinds, each with the field that tells the stream: `id` holds its name, any other field the id of
    the person it is named after. The head, if there is one, is of the same kind as the stream; its id is that name.
    """

    fold: Fold
    records: Mapping[str, str]


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
    """A thread's log after the first reading: its end, and for each turn the n of the last entry that concerns it.

    `erased` is the last entry that began an erasure, which concerns all turns before it; 0 without one.
    """

    thread: str
    n: int
    last: Mapping[str, int]
    erased: int = 0


async def outline(store: Store, thread: str, end: int) -> Outline:
    """Read the thread's log up to `end`, or a little further. Raises Corrupt if its chain is broken."""
    n, last_hash, last, erased = 0, GENESIS, dict[str, int](), 0
    async for entries in pages(store, f"thread:{thread}", end=end):
        n, last_hash = verify(entries, after=n, prev=last_hash)
        last |= last_mentions(entries)
        erased = last_erasure(entries) or erased
    return Outline(thread=thread, n=n, last=last, erased=erased)


def last_mentions(entries: Iterable[Entry]) -> dict[str, int]:
    """The turns that these entries concern, each with the n of its last entry here."""
    return {turn: entry.n for entry in entries for turn in concerned(entry)}


def last_erasure(entries: Iterable[Entry]) -> int:
    """The last of these entries that begins an erasure, 0 without one."""
    return max((entry.n for entry in entries if entry.kind == "erasure.begun"), default=0)


async def refold(store: Store, outline: Outline) -> AsyncIterator[list[Record]]:
    """The records up to the outline's end: those of one turn together, the head last.

    Raises Corrupt for an entry that cannot be folded; then discard the records that came before it.
    """
    state = State()
    async for entries in pages(store, f"thread:{outline.thread}", end=outline.n):
        for entry in entries[: outline.n - state.n]:
            state = fold(state, entry)
            if over := {turn for turn in concerned(entry) if outline.last[turn] == entry.n}:
                # An erasure concerns them too, however long ago their last own entry was.
                done = [item for item in state.items.values() if _turn_of(item) in over]
                yield [record(emptied_by(outline.erased, item)) for item in done]
                left = {key: item for key, item in state.items.items() if _turn_of(item) not in over}
                state = replace(state, items=left)
    if state.thread:
        yield [record(state.thread)]


async def _read_through(log: AsyncIterator[list[Entry]]) -> AsyncIterator[list[Record]]:
    """The fold of a stream without records: its entries are read, so that an unknown one is found."""
    async for entries in log:
        for entry in entries:
            fact(entry)
        yield []


async def _looks(log: AsyncIterator[list[Entry]]) -> AsyncIterator[list[Record]]:
    last = None
    async for entries in log:
        yield [record(look(entry)) for entry in entries]
        last = entries[-1]
    if last:
        yield [audit_head(last)]


def _into_one(fold_entry: Callable[[R | None, Entry], R]) -> Fold:
    """The fold of a stream with one record."""

    async def records(log: AsyncIterator[list[Entry]]) -> AsyncIterator[list[Record]]:
        folded: R | None = None
        async for entries in log:
            for entry in entries:
                folded = fold_entry(folded, entry)
        if folded:
            yield [record(folded)]

    return records


async def _administration(log: AsyncIterator[list[Entry]]) -> AsyncIterator[list[Record]]:
    async for records in _into_one(fold_administration)(log):
        # The mark of a demo is committed alone, without a record.
        yield [one for one in records if one.n > 1 or not one.fields["demo"]]


FOLDINGS: Mapping[str, Folding] = {
    "administration": Folding(fold=_administration, records={record_kind(AdministrationRecord): "id"}),
    "installation": Folding(fold=_read_through, records={}),
    "audit": Folding(fold=_looks, records={record_kind(Look): "by", "audit": "id"}),
    "review": Folding(fold=_into_one(fold_review), records={record_kind(Review): "id"}),
    "person": Folding(fold=_into_one(fold_person), records={record_kind(Person): "id"}),
    "spending": Folding(fold=_into_one(fold_spending), records={record_kind(Spending): "id"}),
}
"""By kind of stream, all that are read again, but for threads, whose logs may be long."""


def refold_stream(store: Store, kind: str, outline: Outline) -> AsyncIterator[list[Record]]:
    """As `refold`, for a stream of any kind with records; the outline's `thread` is then the stream's name."""
    if kind == "thread":
        return refold(store, outline)
    return FOLDINGS[kind].fold(pages(store, f"{kind}:{outline.thread}", end=outline.n))


async def write_again(store: Store, clock: Clock, stream: str, patience: float) -> None:
    """Write the records of a stream with records again, as they are at the end of its log now.

    Raises Corrupt if the log cannot be folded, and what `commit_surely` raises.
    """
    kind, _, name = stream.partition(":")
    head = await store.get("stream", stream)
    n = head.n if head else 0
    folded = await outline(store, name, n) if kind == "thread" else Outline(thread=name, n=n, last={})
    repairs = Repairs(store, clock, stream, folded.n, patience)
    async for records in refold_stream(store, kind, folded):
        for one in records:
            await repairs.add(one)
    await repairs.finish()


def _turn_of(item: Item) -> str | None:
    return item.id if isinstance(item, Turn) else getattr(item, "turn", None)
