"""Ending a turn from outside its worker: a stop, an expired approval, a turn without a desk that could go on."""

from typing import Literal

from core.live.stream import Shown, live_stream, seal
from core.log.facts import ThreadFact
from core.log.fold import State
from core.turn.commands import Close
from core.turn.journal import Journal
from core.values import TurnStatus
from core.worker.claim import Equipment
from core.worker.process import new_worker


async def close_turn(
    equipment: Equipment,
    journal: Journal,
    turn: str,
    reason: Literal["stop", "expired", "lost"],
    status: TurnStatus,
    code: str,
    *,
    by: str,
) -> tuple[ThreadFact, ...]:
    """End the turn in one commit, with the text that was shown. Returns the facts, () if it has ended already.

    A stop always ends the turn. Any other reason was judged from the log as loaded, and returns () if there is a newer
    entry: an approval that came first has won, and a worker that writes is not lost.
    """
    worker = new_worker(equipment.clock)
    judged = None if reason == "stop" else journal.state.n

    async def command(state: State) -> Close:
        open_turn = state.open_turn
        shown = Shown()
        if open_turn and open_turn.turn == turn and open_turn.model_call and judged in (None, state.n):
            # Sealed before the commit, and again after every Conflict: the worker can then show nothing more, and the
            # recorded text is the text that was seen.
            stream = live_stream(turn, open_turn.model_call.fence)
            # A person waits for a stop.
            patience = journal.patience if reason == "stop" else equipment.options.lease
            call = open_turn.model_call.call
            shown = await seal(equipment.store, equipment.clock, stream, call, patience=patience)
        return Close(
            turn=turn,
            worker=worker,
            reason=reason,
            status=status,
            code=code,
            message=None,
            partial=shown.text,
            reasoning=shown.reasoning,
            n=judged,
        )

    return await journal.append(command, by=by)
