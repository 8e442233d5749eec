"""What of a thread cannot be read: it is named, and the rest is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Corrupt
from core.log.entry import verify
from core.log.facts import thread_fact
from core.store import Store
from core.values import Entry

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An entry or a record that cannot be read. `what` is its stream, or `record kind:id`; `why` says what is wrong.

    `n` is the entry's number, or the entry up to which the record was folded.
    """

    what: str
    n: int
    why: str


def unreadable(error: Corrupt) -> Unreadable:
    """The error as a value."""
    return Unreadable(what=error.stream, n=error.n, why=error.reason)


async def read_entries(
    store: Store, stream: str, after: int = 0, upto: int | None = None
) -> tuple[list[Entry], list[Unreadable]]:
    """The entries after+1 to `upto` (None: the end), and those of them that the store cannot read."""
    entries: list[Entry] = []
    broken: list[Unreadable] = []
    limit = _PAGE
    while upto is None or after < upto:
        try:
            page = await store.read(stream, after, limit=limit if upto is None else min(limit, upto - after))
        except Corrupt as error:
            if limit > 1:
                limit = 1  # the entries before the broken one can be read, a commit at a time
                continue
            last = max(error.n, after + 1)
            for n in range(after + 1, last):
                broken.append(Unreadable(what=stream, n=n, why=f"is stored together with entry {last}"))
            # A commit that is stored as one document gives the same error for each of its entries.
            if unreadable(error) not in broken:
                broken.append(unreadable(error))
            after, limit = last, _PAGE
            continue
        if not page:
            if upto is None:
                break
            # A store that is asked for so few entries does not look for those behind the gap.
            broken.append(Unreadable(what=stream, n=after + 1, why="is missing"))
            after, limit = after + 1, _PAGE
            continue
        entries += page
        after = page[-1].n
    return (
        [entry for entry in entries if upto is None or entry.n <= upto],
        [one for one in broken if upto is None or one.n <= upto],
    )


def check_entries(entries: Sequence[Entry]) -> list[Unreadable]:
    """The entries of a thread that were changed, that do not follow from the one before, or that no fact fits."""
    broken: list[Unreadable] = []
    before: Entry | None = None
    for entry in entries:
        prev = before.hash if before and before.n == entry.n - 1 else None
        try:
            verify([entry], after=entry.n - 1, prev=prev)
            thread_fact(entry)
        except Corrupt as error:
            broken.append(unreadable(error))
        before = entry
    return broken
