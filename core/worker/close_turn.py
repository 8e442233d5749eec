"""Ending a turn from outside its worker: a stop, an expired approval, a lost worker, a store that was restored."""

from core.clock import Clock
from core.live.stream import Shown, live_stream, seal
from core.log.facts import ThreadFact
from core.log.fold import State
from core.store import Store
from core.turn.commands import Close
from core.turn.journal import Journal
from core.values import CloseReason, TurnStatus
from core.worker.process import new_worker


async def close_turn(
    store: Store,
    clock: Clock,
    journal: Journal,
    turn: str,
    reason: CloseReason,
    status: TurnStatus,
    code: str,
    *,
    by: str,
    patience: float,
) -> tuple[ThreadFact, ...]:
    """End the turn in one commit, with the text that was shown. Returns the facts, () if it has ended already.

    A stop and a restored store always end the turn. Any other reason was judged from the log as loaded, and returns ()
    if there is a newer entry: an approval that came first has won, and a worker that writes is not lost. Raises
    Unavailable if the live stream of an open model call could not be sealed within `patience` seconds.
    """
    worker = new_worker(clock)
    judged = journal.state.n if reason in ("expired", "lost") else None

    async def command(state: State) -> Close:
        open_turn = state.open_turn
        shown = Shown()
        if open_turn and open_turn.turn == turn and open_turn.model_call and judged in (None, state.n):
            # Sealed before the commit, and again after every Conflict: the worker can then show nothing more, and the
            # recorded text is the text that was seen.
            stream = live_stream(turn, open_turn.model_call.fence)
            shown = await seal(store, clock, stream, open_turn.model_call.call, patience=patience)
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
