"""The earlier turns of threads, as a model is sent them: read once a turn, and kept for the next one.

A log only grows. So what was read of a thread up to its entry n is right for as long as nothing follows entry n, and
the turn that follows is all that has to be added to it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.log.branches import Hidden, newest_turns, shown_ranges
from core.log.records import Item, ModelCall, Summary, ToolCall, Turn, item, item_of
from core.model import SentMessage
from core.options import Options
from core.store import Filter, In, Query, Range, Store, every
from core.token_estimates import CHARACTERS_PER_TOKEN
from core.worker.history import Encoded, earlier_messages, without_outside
from core.worker.window import MAX_TURNS, Choice, Window

MAX_KEPT = 100
"""Threads whose earlier turns are kept in memory, each about as large as what a model is sent of it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A thread's ended turns up to entry `n`, newest first and without citations, and the messages read of them.

    They are those of the branch that leaves out `hidden`. `encoded` also has messages of the turn that follows.
    """

    n: int
    hidden: Hidden
    turns: tuple[Turn, ...]
    messages: dict[str, list[SentMessage]]
    encoded: Encoded


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

    async def choose(self, turn: Turn, *, trimmed: bool = False, room: int | None = None) -> Choice:
        """What the window sends of the turns before this one on its branch.

        `room` is how many tokens the model can hold of it, None if that is not known. `trimmed` to a quarter of what
        would be sent.
        """
        options = self._options
        if room is not None and room < options.window_tokens:
            options = options.model_copy(update={"window_tokens": room})
        turns = (await self._before(turn)).turns
        summary = await self._summary(turn) if self.summarizes else None
        choice = self._window.choose(turns, summary, options)
        if not trimmed:
            return choice
        # Not of `window_tokens`: a quarter of those may be more than all that a small server takes.
        sent = sum(turn.size for turn in choice.turns) // CHARACTERS_PER_TOKEN
        return self._window.choose(turns, summary, options.model_copy(update={"window_tokens": max(1, sent // 4)}))

    async def messages(self, turn: Turn, turns: Sequence[Turn]) -> list[SentMessage]:
        """The messages of these turns, which `choose` has chosen for `turn`."""
        kept = await self._before(turn)
        if missing := [turn for turn in turns if turn.id not in kept.messages]:
            items: dict[str, Item] = {}
            for kind in ("model_call", "tool_call"):
                query = Query(kind=kind, where={"turn": In(tuple(turn.id for turn in missing))})
                async for one in every(self._store, query):
                    items[one.id] = item(one)
            kept.messages.update({turn.id: self._messages(turn, items) for turn in missing})
        return [message for turn in turns for message in kept.messages[turn.id]]

    def encoded(self, thread: str) -> Encoded:
        """The messages of the thread that were encoded for a request."""
        return self._kept[thread].encoded if thread in self._kept else {}

    def add(self, thread: str, turn: Turn, items: Mapping[str, Item]) -> None:
        """Add a turn that has ended, with its records, if the thread's turns before it are kept."""
        kept = self._kept.get(thread)
        if kept is None or turn.ended_at is None or self.summarizes or not _before_it(kept, turn):
            return
        # Passages are for the turn that found them: earlier turns are sent without.
        calls = {
            key: one for key, one in items.items() if isinstance(one, ModelCall | ToolCall) and one.turn == turn.id
        }
        turns = (_slim(turn), *kept.turns)[: self._most]
        known = {one.id: kept.messages[one.id] for one in turns if one.id in kept.messages}
        messages = {**known, turn.id: self._messages(turn, calls)}
        sent_again = {id(message) for of_turn in messages.values() for message in of_turn}
        encoded = {key: one for key, one in kept.encoded.items() if key in sent_again}
        self._kept[thread] = _Kept(turn.last_n, turn.hidden, turns, messages, encoded)

    def _messages(self, turn: Turn, items: Mapping[str, Item]) -> list[SentMessage]:
        return without_outside(earlier_messages(turn, items, self._options), items)

    async def _before(self, turn: Turn) -> _Kept:
        thread, kept = turn.thread, self._kept.get(turn.thread)
        if kept is None or not _before_it(kept, turn):
            records = await newest_turns(self._store, thread, shown_ranges(turn.hidden, 1, turn.first_n), self._most)
            turns = [item_of(Turn, replace(one, fields={**one.fields, "citations": []})) for one in records]
            kept = _Kept(turn.first_n - 1, turn.hidden, tuple(turns), {}, {})
            self._kept[thread] = kept
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(thread)
        return kept

    async def _summary(self, turn: Turn) -> Summary | None:
        """The newest summary of the turn's branch: those of others stand for turns that it leaves out."""
        for begin, end in shown_ranges(turn.hidden, 1, turn.first_n + 1):
            # The turn's own summary comes after its first entry.
            until = None if end > turn.first_n else end
            where: dict[str, Filter] = {"thread": turn.thread, "at_n": Range(ge=begin, lt=until)}
            newest = Query(kind="summary", where=where, order=("-at_n",), limit=1)
            for one in (await self._store.find(newest)).records:
                summary = item_of(Summary, one)
                # Erased, it stands for nothing any more.
                return summary if summary.text is not None else None
        return None


def _before_it(kept: _Kept, turn: Turn) -> bool:
    """Whether what is kept is what comes before this turn."""
    return kept.n == turn.first_n - 1 and list(kept.hidden) == turn.hidden


def _slim(turn: Turn) -> Turn:
    # Citations hold whole passages: many times the turn's text, and not sent again.
    return turn.model_copy(update={"citations": []})
