"""What a worker holds while a turn is its own: the log, the live stream, the time that is left."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.clock import Clock
from core.errors import Superseded
from core.gate import Viewer
from core.live.stream import LiveStream, LiveWriter
from core.log.records import OpenTurn, ToolCall, Turn
from core.options import Options
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool
from core.turn.journal import Journal
from core.values import Worker
from core.worker.hooks import Hooked
from core.worker.model_chain import Chain
from core.worker.window import Window

DESK = "desk"
"""Who `Entry.by` names when a worker writes."""

_SLACK = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a desk gives every worker."""

    store: Store
    clock: Clock
    live: LiveWriter
    chain: Chain
    tools: Mapping[str, Tool]
    retriever: Retriever | None
    window: Window
    options: Options
    hooked: Hooked


class Holding:
    """A turn in one worker's hands. `turn_id` may be somebody else's by now: `mine` tells.

    `until` is when its turn's deadline is over, `expected` when the step under way ought to be, both monotonic.
    """

    def __init__(self, equipment: Equipment, journal: Journal, worker: Worker, turn_id: str) -> None:
        self.equipment = equipment
        self.journal = journal
        self.worker = worker
        self.turn_id = turn_id
        self.live: LiveStream | None = None
        self.fence = 0
        self.until = equipment.clock.monotonic() + equipment.options.turn_deadline
        self.expected = 0.0

    def mine(self) -> OpenTurn | None:
        """The open turn, None once it is over or somebody else's."""
        thread = self.journal.thread
        open = thread.open if thread else None
        if open is None or open.turn != self.turn_id or open.worker is None or open.worker.nonce != self.worker.nonce:
            return None
        return open

    def still_mine(self) -> OpenTurn:
        """As `mine`; raises Superseded where it is not."""
        if (open := self.mine()) is None:
            raise Superseded(self.turn_id)
        return open

    def play(self, open: OpenTurn) -> LiveStream:
        """The live stream of the fence in force: attempts are never spliced."""
        if self.live is None or self.fence != open.fence:
            self.let_go()
            self.live = self.equipment.live.open(self.turn_id, open.fence)
            self.fence = open.fence
        return self.live

    def let_go(self) -> None:
        """Write no more live text."""
        if self.live:
            self.equipment.live.close(self.live)

    def expect(self, seconds: float) -> None:
        """The step that begins takes so long at most: whoever takes longer must look dead."""
        self.expected = self.equipment.clock.monotonic() + seconds + _SLACK

    def left(self, seconds: float) -> float:
        """So many seconds, or what is left of the turn's deadline if that is less."""
        return max(0.0, min(seconds, self.until - self.equipment.clock.monotonic()))

    @property
    def thread_id(self) -> str:
        assert self.journal.thread
        return self.journal.thread.id

    @property
    def turn(self) -> Turn:
        turn = self.journal.state.items[self.turn_id]
        assert isinstance(turn, Turn)
        return turn

    def call(self, id: str) -> ToolCall:
        """One of the turn's tool calls, as of now."""
        call = self.journal.state.items[id]
        assert isinstance(call, ToolCall)
        return call

    def asker(self) -> Viewer:
        """Who asked; raises Superseded once the turn is not this worker's."""
        open = self.still_mine()
        standing = open.standing
        return Viewer(open.asker, standing.roles, country=standing.country, entity=standing.entity)
