"""How a turn is opened, and what stands after a claim whose worker does not begin."""

from core.log.facts import ThreadFact, TurnClaimed, TurnOpened, TurnReleased
from core.values import ReleaseReason, Worker


def opening(opened: TurnOpened, worker: Worker, release: ReleaseReason | None) -> tuple[ThreadFact, ...]:
    """The facts that open a turn, all in one commit."""
    claim = TurnClaimed(turn=opened.turn, fence=1, worker=worker, reason="opened")
    return (opened, claim, *released(claim, release))


def released(claim: TurnClaimed, reason: ReleaseReason | None) -> tuple[TurnReleased, ...]:
    """What follows a claim in its commit, if its worker does not begin."""
    # In the same commit: a claim that stood alone would need beats, or count as lost after a lease.
    return (TurnReleased(turn=claim.turn, fence=claim.fence, reason=reason),) if reason else ()
