"""Following a turn: its events from the first one, from what was committed, in any process.

A follower is fed what its own process commits. It reads the store at its start, after a gap, and to see what other
processes committed: what is shown is the same.

A follower folds the turn's own entries and works out after each which text counts; it shows the difference. That one
rule serves a live turn, a take-over, a second attempt and a turn that ended last year alike.
"""

import math
from collections.abc import AsyncGenerator, Callable
from time import monotonic

from core.live.events import (
    ApprovalAskedEvent,
    AttemptEvent,
    BeatEvent,
    BegunEvent,
    EndedEvent,
    Event,
    ReasoningEvent,
    TextEvent,
    ToolFinishedEvent,
    ToolProgressEvent,
    ToolStartedEvent,
    WaitingEvent,
)
from core.live.stream import live_stream
from core.live.wakeups import Listener, Wakeups
from core.log.facts import LiveProgress, LiveReasoning, LiveText, ThreadFact, fact, thread_fact
from core.log.fold import State, fold
from core.log.projection import joined
from core.log.records import ModelCall, Thread, ToolCall, Turn
from core.store import Store
from core.values import OPEN_TURN, Entry

POLL = 0.2
"""Seconds without anything fed after which a follower looks at the store: what is fed does not cross processes."""

LOOK = 1.0
"""Seconds between looks at the thread's log while text is fed. It can be long: a worker that takes over seals it."""

BEAT = 0.5

_PAGE = 500
"""Entries that a read gives at least if there are more."""


class _View:
    """What a follower knows of the turn, and what it has shown of it."""

    def __init__(self, turn: Turn) -> None:
        self.turn_id = turn.id
        self.stream = f"thread:{turn.thread}"
        self.state = State()
        self.n = turn.first_n - 1
        self.live = live_stream(turn.id, 1)
        self.live_n = 0
        self._turn = turn
        self._live_texts: dict[str, list[str]] = {}
        self._live_call = ""
        self._shown: list[str] = []
        # The open call's text since `text` was last called. None: what counts has to be worked out as a whole.
        self._more: list[str] | None = None
        # Characters of each model call's reasoning: those that were shown, and those that came on the live stream.
        self._thought: dict[str, int] = {}
        self._thought_live: dict[str, int] = {}
        self._fence = 0
        self._waits = False
        self._ahead: int | None = None

    def fold(self, entry: Entry, known: State | None) -> ThreadFact:
        """The fact of the thread's next entry, after folding it. `known` is what its writer has folded it to."""
        if known is None and self.state.thread is None:
            self.state = State(_thread_before(self._turn, entry))
        self.state = known or fold(self.state, entry)
        self.n = entry.n
        self._attend()
        self._more = None
        return thread_fact(entry)

    @property
    def turn(self) -> Turn:
        turn = self.state.items.get(self.turn_id)
        return turn if isinstance(turn, Turn) else self._turn

    @property
    def ended(self) -> Turn:
        """The turn as it ended, or its record if that says what was erased since."""
        return self._turn if self._turn.erased else self.turn

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The turn's tool calls, in order."""
        calls = [item for item in self.state.items.values() if isinstance(item, ToolCall) and item.turn == self.turn_id]
        return tuple(sorted(calls, key=lambda call: call.number))

    def call(self, call_id: str) -> ToolCall | None:
        call = self.state.items.get(call_id)
        return call if isinstance(call, ToolCall) else None

    def live_entry(self, entry: Entry) -> list[Event]:
        """Take the live stream's next entry, and return its events. Text waits for what comes next, or for `text`."""
        self.live_n = entry.n
        shown = fact(entry)
        if isinstance(shown, LiveText):
            # By call: the thread was read first, so this text may be of a model call that is not in `state` yet.
            self._live_texts.setdefault(shown.call, []).append(shown.text)
            if self._more is not None and shown.call == self._live_call:
                self._more.append(shown.text)
        if isinstance(shown, LiveReasoning):
            before = self._thought_live.get(shown.call, 0)
            self._thought_live[shown.call] = before + len(shown.text)
            # The call's end may have been read before: it has all of this already.
            return [*self.text(), *self._reasoning(shown.call, shown.text, before)]
        if isinstance(shown, LiveProgress) and (call := self.call(shown.call)) and call.status == "running":
            message = shown.content.message if shown.content else ""
            return [
                *self.text(),
                ToolProgressEvent(call_id=shown.call, message=message, done=shown.done, total=shown.total),
            ]
        return []

    def reasoning(self, call_id: str) -> list[Event]:
        """What was not shown yet of the reasoning of a model call that has ended."""
        call = self.state.items.get(call_id)
        if not isinstance(call, ModelCall) or call.purpose != "answer":
            return []
        return self._reasoning(call_id, call.reasoning_text, 0)

    def _reasoning(self, call_id: str, text: str, before: int) -> list[Event]:
        """The part of this reasoning that was not shown yet. `before` counts the call's characters that precede it."""
        shown = self._thought.get(call_id, 0)
        new = text[max(0, shown - before) :]
        self._thought[call_id] = max(shown, before + len(text))
        return [ReasoningEvent(call_id=call_id, text=new)] if new else []

    def text(self) -> list[Event]:
        """The events that bring what was shown to what counts now."""
        if self._more is not None:
            # Only live text came: comparing it as a whole each time would cost a long answer its square.
            more, self._more = "".join(self._more), []
            if not more:
                return []
            self._shown.append(more)
            return [TextEvent(text=more)]
        live = "".join(self._live_texts.get(self._live_call, ()))
        counts, shown = joined(self.turn.text, live or self.turn.partial), "".join(self._shown)
        events: list[Event] = []
        if not counts.startswith(shown):
            events.append(AttemptEvent(fence=self._fence))
            shown = ""
        if more := counts[len(shown) :]:
            events.append(TextEvent(text=more))
        self._shown = [counts]
        self._more = [] if live else None
        return events

    def wait(self, ahead: int | None) -> list[Event]:
        """The events of a running turn's wait for a place. `ahead` turns go first, None if that is unknown."""
        open_turn, waited = self.state.open_turn, self._waits
        self._waits = open_turn is not None and open_turn.turn == self.turn_id and open_turn.waiting
        if not self._waits:
            return [BegunEvent()] if waited else []
        # A turn that has just got a place has left the queue, and its claim is not on record yet: that is no news.
        if waited and ahead in (None, self._ahead):
            return []
        self._ahead = ahead
        return [WaitingEvent(ahead=ahead)]

    def _attend(self) -> None:
        """Listen to the live stream of the open model call, or else of the fence in force."""
        open_turn = self.state.open_turn
        if open_turn is None or open_turn.turn != self.turn_id:
            self._live_call = ""
            return
        self._fence = open_turn.fence
        self._live_call = open_turn.model_call.call if open_turn.model_call else ""
        stream = live_stream(self.turn_id, open_turn.model_call.fence if open_turn.model_call else open_turn.fence)
        if stream != self.live:
            self.live, self.live_n, self._live_texts, self._thought_live = stream, 0, {}, {}


class _Source:
    """The entries that a follower has not taken yet: those it was fed, or else what the store has."""

    def __init__(self, store: Store, listener: Listener) -> None:
        self._store = store
        self._listener = listener
        self._came: dict[str, float] = {}

    async def after(self, stream: str, n: int, poll: float) -> list[Entry]:
        """The entries after n. If none were fed for `poll` seconds, or some are missing, the store is read."""
        entries = self._listener.after(stream, n)
        if entries is None or (not entries and self.silence(stream) >= poll):
            entries = await self._store.read(stream, n)
            self._came[stream] = monotonic()
            if len(entries) >= _PAGE:
                del self._came[stream]
                self._listener.wake()
        elif entries:
            self._came[stream] = monotonic()
        return entries

    def silence(self, stream: str) -> float:
        """Seconds since the stream was fed or read."""
        return monotonic() - self._came.get(stream, -math.inf)


async def follow(
    store: Store, wakeups: Wakeups, turn: Turn, ahead: Callable[[str], int | None]
) -> AsyncGenerator[Event, None]:
    """The turn's events, to its end or until it waits for an approval. Raises what `Store.read` raises.

    `ahead` says how many turns go before a turn that waits in this process, and None of any other.
    """
    view = _View(turn)
    quiet_since = monotonic()
    with wakeups.listener() as listener:
        source = _Source(store, listener)
        listener.listen(view.stream)
        while True:
            poll = POLL if source.silence(view.live) >= POLL else LOOK
            thread = await source.after(view.stream, view.n, poll)
            events = _thread_events(view, thread, listener) if thread else []
            if view.turn.status == "running":
                events += view.wait(ahead(turn.id))
                listener.listen(view.stream, view.live)
                live = await source.after(view.live, view.live_n, POLL)
                if thread or live:
                    events += _live_events(view, live)
            for event in events:
                yield event
                if event.kind in ("ended", "approval.asked"):
                    return
            if events:
                quiet_since = monotonic()
            elif monotonic() - quiet_since >= BEAT:
                yield BeatEvent()
                quiet_since = monotonic()
            await listener.wait(POLL / 2)


def _thread_events(view: _View, entries: list[Entry], listener: Listener) -> list[Event]:
    """The events of new entries in the thread's log, texts before the tool events that followed them."""
    events: list[Event] = []
    for entry in entries:
        if view.n >= entry.n:
            continue
        before = view.turn.status
        following = view.fold(entry, listener.state(view.stream, entry.n))
        if getattr(following, "turn", view.turn_id) != view.turn_id:
            continue
        match following.kind:
            case "model.answered" | "model.failed":
                events += view.reasoning(following.call)
            case "tool.started":
                events += [*view.text(), *_of(ToolStartedEvent, view.call(following.call))]
            case "tool.finished" | "approval.denied" | "call.deferred":
                events += [*view.text(), *_of(ToolFinishedEvent, view.call(following.call))]
            case "turn.ended" if view.turn.status == following.status and before in OPEN_TURN:
                return [*events, *view.text(), EndedEvent(turn=view.ended, calls=view.calls)]
            case "turn.imported":
                return [*view.text(), EndedEvent(turn=view.ended, calls=())]
    if view.turn.status == "awaiting_approval":
        waiting = tuple(call for call_id in view.turn.waiting if (call := view.call(call_id)))
        return [*events, *view.text(), ApprovalAskedEvent(calls=waiting)]
    return events


def _live_events(view: _View, entries: list[Entry]) -> list[Event]:
    events = [event for entry in entries if entry.n > view.live_n for event in view.live_entry(entry)]
    return [*events, *view.text()]


def _of(event: type[ToolStartedEvent] | type[ToolFinishedEvent], call: ToolCall | None) -> list[Event]:
    return [event(call=call)] if call else []


def _thread_before(turn: Turn, entry: Entry) -> Thread:
    """A head for folding from the turn's first entry on: earlier entries do not matter to the turn."""
    return Thread(
        id=turn.thread,
        n=entry.n - 1,
        hash=entry.prev,
        owner=turn.owner,
        title=None,
        metadata={},
        instructions="",
        created_at=turn.opened_at,
        updated_at=turn.opened_at,
        hidden=turn.hidden,
    )
