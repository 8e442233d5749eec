"""A person's own threads: the shelves of their list, and a search in titles and messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.desk.lists import MAX_PAGE, Listing, Lists, check_limit
from core.desk.snippets import Hit, snippet
from core.log.records import Message, Thread
from core.store import Filter, In
from core.values import Shelf
from core.words import words as words_of

WIDTH = 90
"""Characters of a snippet: a list of one's own threads is narrow."""

ROUNDS = 4
"""The most pages of messages that one page of a search reads. A long thread may have the words in each of its turns."""

_TITLES, _MESSAGES = "titles ", "messages "


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundThread:
    """A thread of the viewer's own that has the words that were searched for."""

    thread: Thread
    hit: Hit


def on_shelf(shelf: Shelf) -> dict[str, Filter]:
    """The filter for the threads of a shelf."""
    return {"shelf": None if shelf == "listed" else shelf}


class OwnThreads:
    """Searches the threads of a person. Its callers check the viewer."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    async def search(self, owner: str, words: str, limit: int, cursor: str | None) -> Listing[FoundThread]:
        """As `Archive.search_threads`."""
        limit = check_limit(limit, MAX_PAGE)
        if not words_of(words):
            return Listing(items=[], cursor=None)
        if cursor is not None and cursor.startswith(_MESSAGES):
            return await self._by_message(owner, words, limit, cursor.removeprefix(_MESSAGES) or None, [])
        after = cursor.removeprefix(_TITLES) if cursor is not None else None
        # Only titles that were given: any other is the beginning of a message.
        titles = await self._lists.page(
            Thread, {"owner": owner}, words=words, order=("-updated_at",), limit=limit, cursor=after
        )
        rows = [
            FoundThread(thread=head, hit=Hit(turn=None, snippet=snippet(head.text or "", words, WIDTH)))
            for head in titles.items
        ]
        if titles.cursor is not None:
            return Listing(items=rows, cursor=_TITLES + titles.cursor)
        if len(rows) < limit:
            return await self._by_message(owner, words, limit, None, rows)
        more = await self._lists.page(Message, {"owner": owner}, words=words, order=("-at",), limit=1)
        return Listing(items=rows, cursor=_MESSAGES if more.items else None)

    async def _by_message(
        self, owner: str, words: str, limit: int, cursor: str | None, rows: Sequence[FoundThread]
    ) -> Listing[FoundThread]:
        """The rows, and behind them the threads of messages, up to `limit` in all."""
        rows, seen = list(rows), {row.thread.id for row in rows}
        for _ in range(ROUNDS):
            page = await self._lists.page(
                Message, {"owner": owner}, words=words, order=("-at",), limit=limit - len(rows), cursor=cursor
            )
            newest = {m.thread: m for m in reversed(page.items) if m.thread not in seen}
            seen.update(newest)
            found = await self._lists.all(Thread, {"id": In(tuple(newest))}) if newest else []
            heads = {head.id: head for head in found}
            rows += [
                FoundThread(
                    thread=heads[message.thread],
                    hit=Hit(turn=message.turn, snippet=snippet(message.text or "", words, WIDTH)),
                )
                for message in page.items
                if newest.get(message.thread) is message and message.thread in heads
            ]
            cursor = page.cursor
            if cursor is None or len(rows) == limit:
                break
        return Listing(items=rows, cursor=_MESSAGES + cursor if cursor is not None else None)
