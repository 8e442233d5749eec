"""Following a turn: its events from the first one, read from what was committed, in any process.

A follower folds the turn's own entries and works out after each which text counts; it shows the difference. That one
rule serves a live turn, a take-over, a second attempt and a turn that ended last year alike.
"""

from collections.abc import AsyncGenerator, Callable

import anyio

from core.live.events import (
    ApprovalAskedEvent,
    AttemptEvent,
    BeatEvent,
    BegunEvent,
    EndedEvent,
    Event,
    TextEvent,
    ToolFinishedEvent,
    ToolProgressEvent,
    ToolStartedEvent,
    WaitingEvent,
)
from core.live.stream import live_stream
from core.live.wakeups import Wakeups
from core.log.facts import LiveProgress, LiveText, ThreadFact, fact, thread_fact
from core.log.fold import State, fold
from core.log.projection import joined
from core.log.records import Thread, ToolCall, Turn
from core.store import Store
from core.values import Entry

POLL = 0.2
"""Seconds between looks at the store, because wake-ups do not cross processes."""

BEAT = 0.5


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
        self._live_texts: dict[str, str] = {}
        self._live_call = ""
        self._shown = ""
        self._fence = 0
        self._waits = False
        self._ahead: int | None = None

    def fold(self, entry: Entry) -> ThreadFact:
        """The fact of the thread's next entry, after folding it."""
        if self.state.thread is None:
            self.state = State(_thread_before(self._turn, entry))
        self.state = fold(self.state, entry)
        self.n = entry.n
        self._attend()
        return thread_fact(entry)

    @property
    def turn(self) -> Turn:
        turn = self.state.items.get(self.turn_id)
        return turn if isinstance(turn, Turn) else self._turn

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The turn's tool calls, in order."""
        calls = [item for item in self.state.items.values() if isinstance(item, ToolCall) and item.turn == self.turn_id]
        return tuple(sorted(calls, key=lambda call: call.number))

    def call(self, call_id: str) -> ToolCall | None:
        call = self.state.items.get(call_id)
        return call if isinstance(call, ToolCall) else None

    def live_entry(self, entry: Entry) -> ToolProgressEvent | None:
        """Take the live stream's next entry. Its text waits for `text`; only progress is an event at once."""
        self.live_n = entry.n
        shown = fact(entry)
        if isinstance(shown, LiveText):
            # By call: the thread was read first, so this text may be of a model call that is not in `state` yet.
            self._live_texts[shown.call] = self._live_texts.get(shown.call, "") + shown.text
        if isinstance(shown, LiveProgress) and (call := self.call(shown.call)) and call.status == "running":
            message = shown.content.message if shown.content else ""
            return ToolProgressEvent(call_id=shown.call, message=message, done=shown.done, total=shown.total)
        return None

    def text(self) -> list[Event]:
        """The events that bring what was shown to what counts now."""
        counts = joined(self.turn.text, self._live_texts.get(self._live_call) or self.turn.partial)
        events: list[Event] = []
        if not counts.startswith(self._shown):
            events.append(AttemptEvent(fence=self._fence))
            self._shown = ""
        if more := counts[len(self._shown) :]:
            events.append(TextEvent(text=more))
        self._shown = counts
        return events

    def wait(self, ahead: int | None) -> list[Event]:
        """The events that tell of a wait for a place. `ahead` is how many turns go first, None if that is unknown."""
        open_turn, waited = self.state.open_turn, self._waits
        self._waits = open_turn is not None and open_turn.turn == self.turn_id and open_turn.waiting
        if not self._waits:
            return [BegunEvent()] if waited and self.turn.status == "running" else []
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
            self.live, self.live_n, self._live_texts = stream, 0, {}


async def follow(
    store: Store, wakeups: Wakeups, turn: Turn, ahead: Callable[[str], int | None]
) -> AsyncGenerator[Event, None]:
    """The turn's events, to its end or until it waits for an approval. Raises what `Store.read` raises.

    `ahead` says how many turns go before a turn that waits in this process, and None of any other.
    """
    view = _View(turn)
    quiet_since = anyio.current_time()
    while True:
        changed = wakeups.expect(view.stream, view.live)
        try:
            before = view.live
            thread_events = await _thread_events(store, view)
            for event in [*thread_events, *view.wait(ahead(turn.id)), *await _live_events(store, view)]:
                yield event
                quiet_since = anyio.current_time()
                if event.kind in ("ended", "approval.asked"):
                    return
            if anyio.current_time() - quiet_since >= BEAT:
                yield BeatEvent()
                quiet_since = anyio.current_time()
            if view.live == before:
                with anyio.move_on_after(POLL):
                    await changed.wait()
        finally:
            wakeups.forget(changed)


async def _thread_events(store: Store, view: _View) -> list[Event]:
    """The events of new entries in the thread's log, texts before the tool events that followed them."""
    events: list[Event] = []
    for entry in await store.read(view.stream, view.n):
        if view.n >= entry.n:
            continue
        before = view.turn.status
        following = view.fold(entry)
        if getattr(following, "turn", view.turn_id) != view.turn_id:
            continue
        match following.kind:
            case "tool.started":
                events += [*view.text(), *_of(ToolStartedEvent, view.call(following.call))]
            case "tool.finished" | "approval.denied":
                events += [*view.text(), *_of(ToolFinishedEvent, view.call(following.call))]
            case "turn.ended" if view.turn.status == following.status and before in ("running", "awaiting_approval"):
                return [*events, *view.text(), EndedEvent(turn=view.turn, calls=view.calls)]
    if view.turn.status == "awaiting_approval":
        waiting = tuple(call for call_id in view.turn.waiting if (call := view.call(call_id)))
        return [*events, *view.text(), ApprovalAskedEvent(calls=waiting)]
    return events


async def _live_events(store: Store, view: _View) -> list[Event]:
    if view.turn.status != "running":
        return []
    events: list[Event] = []
    for entry in await store.read(view.live, view.live_n):
        if entry.n > view.live_n and (progress := view.live_entry(entry)):
            events.append(progress)
    return [*view.text(), *events]


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
    )
