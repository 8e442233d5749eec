"""The versions of a turn, as the rules of branches need them loaded."""

from core.log.branches import is_shown
from core.log.records import Turn
from core.turn.branches import left_at
from core.turn.journal import Journal


async def load_versions(journal: Journal, turn_id: str) -> str:
    """Load the first version of a loaded turn and the one that is shown. Returns the turn at which it was left."""
    turn = journal.state.items.get(turn_id)
    if not isinstance(turn, Turn):
        return turn_id
    if turn.original:
        await journal.load_turn(turn.original)
    original = journal.state.item(Turn, turn.original) if turn.original else turn
    hidden, last = journal.thread.hidden if journal.thread else [], left_at(original, turn_id)
    for version in original.versions:
        if is_shown(hidden, version.n):
            await journal.load_turn(version.turn)
    await journal.load_turn(last)
    return last
