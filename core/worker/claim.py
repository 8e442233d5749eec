"""A claimed turn: the log, the live stream and the remaining time of the worker that holds it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from core.clock import Clock
from core.errors import StoreClosed, Superseded, Unavailable
from core.gate import Viewer
from core.live.stream import LiveStream, LiveWriter
from core.log.records import OpenTurn, ToolCall, Turn
from core.options import Options
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool
from core.turn.journal import Journal
from core.values import Worker
from core.worker.earlier import EarlierTurns
from core.worker.hooks import Hooked
from core.worker.model_chain import Chain
from core.worker.reservations import Reservations
from core.worker.structured_output import AnswerSchema
from core.worker.switches import OffNames, Switches

DESK = "desk"
"""`Entry.by` of what a worker writes."""

_SLACK = 5.0
_FIRST_DELAY = 0.05
_LONGEST_DELAY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a desk gives every worker.

    `threads` are those for tools that are not async. `schemas` are the types that answers have to be, by the turns
    asked here.
    """

    store: Store
    clock: Clock
    live: LiveWriter
    chain: Chain
    tools: Mapping[str, Tool]
    threads: anyio.CapacityLimiter
    retriever: Retriever | None
    earlier: EarlierTurns
    options: Options
    hooked: Hooked
    switches: Switches
    reservations: Reservations
    schemas: dict[str, AnswerSchema[Any]] = field(default_factory=dict)


class ClaimedTurn:
    """A turn that a worker has claimed. Another worker may have taken it over since: `mine` tells.

    `until` is when the turn's deadline is over, and `expected` when the step under way should be, both monotonic.
    """

    def __init__(self, equipment: Equipment, journal: Journal, worker: Worker, turn_id: str) -> None:
        self.equipment = equipment
        self.journal = journal
        self.worker = worker
        self.thread_id = journal.thread_id
        self.turn_id = turn_id
        self.live: LiveStream | None = None
        self.fence = 0
        self.until = equipment.clock.monotonic() + equipment.options.turn_deadline
        self.expected = 0.0
        self._waits = anyio.CancelScope()  # of the next wait, which a caller may end before it begins
        self._superseded = False

    def mine(self) -> OpenTurn | None:
        """The open turn; None once it has ended, or another worker holds it."""
        open_turn = self.journal.state.open_turn
        if open_turn is None or open_turn.turn != self.turn_id or open_turn.worker is None:
            return None
        return open_turn if open_turn.worker.nonce == self.worker.nonce else None

    def still_mine(self) -> OpenTurn:
        """As `mine`, but raises Superseded instead of None."""
        if (open_turn := self.mine()) is None:
            raise Superseded(self.turn_id)
        return open_turn

    def play(self, open_turn: OpenTurn) -> LiveStream:
        """The live stream of the fence in force. Each fence has its own, so that two attempts are never spliced."""
        if self.live is None or self.fence != open_turn.fence:
            self.let_go()
            self.live = self.equipment.live.open(self.turn_id, open_turn.fence)
            self.fence = open_turn.fence
        return self.live

    def let_go(self) -> None:
        """Stop writing live text."""
        if self.live:
            self.equipment.live.close(self.live)

    def expect(self, seconds: float) -> None:
        """The step that begins takes so many seconds at most. A worker that takes longer stops its signs of life."""
        self.expected = self.equipment.clock.monotonic() + seconds + _SLACK

    def left(self, seconds: float) -> float:
        """So many seconds, or what is left of the turn's deadline if that is less."""
        return max(0.0, min(seconds, self.until - self.equipment.clock.monotonic()))

    async def off(self) -> OffNames:
        """What an administrator has switched off. While the store is away, asks again for as long as a commit would."""
        clock = self.equipment.clock
        until, delay = clock.monotonic() + self.journal.patience, _FIRST_DELAY
        while True:
            try:
                return await self.equipment.switches.off()
            except StoreClosed:
                raise
            except Unavailable:
                if clock.monotonic() + delay > until:
                    raise
            await anyio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def wait_for_thread(self, holder: object) -> bool:
        """Wait until a thread is free, and hold it for `holder`; False if the turn's deadline or the desk ends first.

        Raises Superseded if another caller ends the turn.
        """
        self.expect(self.left(math.inf))
        with self._waits as waits:
            waits.deadline = anyio.current_time() + self.left(math.inf)
            await self.equipment.threads.acquire_on_behalf_of(holder)
            self._waits = anyio.CancelScope()
            return True
        if self._superseded:
            raise Superseded(self.turn_id)
        return False

    def stop_waiting(self, *, superseded: bool) -> None:
        """End a wait for a thread. `superseded`: another caller has ended the turn."""
        self._superseded |= superseded
        self._waits.cancel()

    @property
    def turn(self) -> Turn:
        return self.journal.state.item(Turn, self.turn_id)

    def call(self, call_id: str) -> ToolCall:
        """One of the turn's tool calls, as of now."""
        return self.journal.state.item(ToolCall, call_id)

    def asker(self) -> Viewer:
        """The employee whose question this is. Raises Superseded as `still_mine` does."""
        open_turn = self.still_mine()
        standing = open_turn.standing
        return Viewer(open_turn.asker, standing.roles, country=standing.country, entity=standing.entity)
