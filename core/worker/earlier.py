"""The earlier turns of threads, as a model is sent them: read once a turn, and kept for the next one.

A log only grows. So what was read of a thread up to its entry n is right for as long as nothing follows entry n, and
the turn that follows is all that has to be added to it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.log.records import Item, ModelCall, Summary, ToolCall, Turn, item, item_of
from core.model import SentMessage
from core.options import Options
from core.store import In, Query, Range, Store, every
from core.worker.history import earlier_messages
from core.worker.window import MAX_TURNS, Choice, Window

MAX_KEPT = 100
"""Threads whose earlier turns are kept in memory, each about as large as what a model is sent of it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A thread's ended turns up to entry `n`, newest first and without citations, and the messages read of them."""

    n: int
    turns: tuple[Turn, ...]
    messages: dict[str, list[SentMessage]]


class EarlierTurns:
    """The earlier turns of the threads that a desk works on. `summarizes`: the window is ever shown summaries."""

    def __init__(self, store: Store, window: Window, options: Options) -> None:
        self._store = store
        self._window = window
        self._options = options
        self.summarizes = window.summarizes
        # A window that is shown summaries looks far back: such turns are read anew for each turn.
        self._most = MAX_TURNS if window.summarizes else max(1, min(options.window_messages // 2, MAX_TURNS))
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def choose(self, thread: str, before_n: int, *, trimmed: bool = False) -> Choice:
        """What the window sends of the turns before entry `before_n`; `trimmed` to a quarter of its tokens."""
        options = self._options
        if trimmed:
            options = options.model_copy(update={"window_tokens": max(1, options.window_tokens // 4)})
        turns = (await self._before(thread, before_n)).turns
        summary = await self._summary(thread) if self.summarizes else None
        return self._window.choose(turns, summary, options)

    async def messages(self, thread: str, before_n: int, turns: Sequence[Turn]) -> list[SentMessage]:
        """The messages of these turns, which `choose` has chosen."""
        kept = await self._before(thread, before_n)
        if missing := [turn for turn in turns if turn.id not in kept.messages]:
            items: dict[str, Item] = {}
            for kind in ("model_call", "tool_call"):
                query = Query(kind=kind, where={"turn": In(tuple(turn.id for turn in missing))})
                async for one in every(self._store, query):
                    items[one.id] = item(one)
            kept.messages.update({turn.id: earlier_messages(turn, items, self._options) for turn in missing})
        return [message for turn in turns for message in kept.messages[turn.id]]

    def add(self, thread: str, turn: Turn, items: Mapping[str, Item]) -> None:
        """Add a turn that has ended, with its records, if the thread's turns before it are kept."""
        kept = self._kept.get(thread)
        if kept is None or kept.n != turn.first_n - 1 or turn.ended_at is None or self.summarizes:
            return
        # Passages are for the turn that found them: earlier turns are sent without.
        calls = {
            key: one for key, one in items.items() if isinstance(one, ModelCall | ToolCall) and one.turn == turn.id
        }
        turns = (_slim(turn), *kept.turns)[: self._most]
        known = {one.id: kept.messages[one.id] for one in turns if one.id in kept.messages}
        messages = {**known, turn.id: earlier_messages(turn, calls, self._options)}
        self._kept[thread] = _Kept(turn.last_n, turns, messages)

    async def _before(self, thread: str, before_n: int) -> _Kept:
        kept = self._kept.get(thread)
        if kept is None or kept.n != before_n - 1:
            query = Query(
                kind="turn",
                where={"thread": thread, "first_n": Range(lt=before_n)},
                order=("-first_n",),
                limit=self._most,
            )
            records = (await self._store.find(query)).records
            turns = [item_of(Turn, replace(one, fields={**one.fields, "citations": []})) for one in records]
            kept = _Kept(before_n - 1, tuple(turns), {})
            self._kept[thread] = kept
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(thread)
        return kept

    async def _summary(self, thread: str) -> Summary | None:
        newest = Query(kind="summary", where={"thread": thread}, order=("-at_n",), limit=1)
        for one in (await self._store.find(newest)).records:
            summary = item_of(Summary, one)
            if summary.text is not None:  # erased, it stands for nothing any more
                return summary
        return None


def _slim(turn: Turn) -> Turn:
    # Citations hold whole passages: many times the turn's text, and not sent again.
    return turn.model_copy(update={"citations": []})
