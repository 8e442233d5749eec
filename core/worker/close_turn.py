"""Ending a turn from outside its worker: a stop, an expiry, a turn that nobody can go on with."""

from typing import Literal

from core.live.stream import live_stream, seal
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
    """End the turn in one commit, with what was shown of it; () when it has ended already.

    A stop holds whatever happens meanwhile; any other reason was judged from the log as loaded, and after one entry
    more it is () too: a decision that came first has won, and a worker that writes is not lost.

    The open model call's live stream is sealed first, and again after every Conflict: from then on its worker can show
    nothing more, so that the text kept is the text seen.
    """
    worker = new_worker(equipment.clock)
    judged = None if reason == "stop" else journal.state.n

    async def command(state: State) -> Close:
        open_turn = state.open_turn
        partial = ""
        if open_turn and open_turn.turn == turn and open_turn.model_call and judged in (None, state.n):
            stream = live_stream(turn, open_turn.model_call.fence)
            partial = await seal(
                equipment.store, equipment.clock, stream, open_turn.model_call.call, patience=equipment.options.lease
            )
        return Close(
            turn=turn,
            worker=worker,
            reason=reason,
            status=status,
            code=code,
            message=None,
            partial=partial,
            n=judged,
        )

    return await journal.append(command, by=by)
