"""The rules of branches: which turn may take another's place, and which version may be shown. Pure, as `decide` is."""

from core.errors import NotFound, NotReplaceable, TurnInProgress
from core.log.branches import MAX_HIDDEN, is_shown, without
from core.log.facts import BranchShown, Fork
from core.log.fold import State
from core.log.records import FOLD, Thread, Turn
from core.turn.commands import Show

MAX_VERSIONS = 50
"""The most turns in one place of a thread: the record of the first one holds the ids of all."""

_BELOW = "ask below instead"


def why_not(thread: Thread, turn: Turn) -> str | None:
    """Why this turn must keep its place, in words for the asker; None if another may take it."""
    if thread.fold != FOLD:
        return "the records of this thread are being brought up to date: try again in a minute"
    if turn.report:
        return f"it reports a decision, and was not asked; {_BELOW}"
    # A model that does not see an act would do it again. So it is not asked again what came before an act, or before a
    # request that waits. An act counts on whatever branch it is: after `show` another version may hold it.
    if turn.first_n <= thread.acted:
        return f"it, or what was asked after it or in its place, has done something that would be done twice; {_BELOW}"
    if any(item.first_n >= turn.first_n for item in thread.deferred):
        return f"a request made in it, after it or in its place waits for an approver: withdraw that first, or {_BELOW}"
    return None


def fork(state: State, replaces: str) -> Fork:
    """The place that a new turn takes from the turn `replaces`. Raises NotFound and NotReplaceable."""
    thread, turn = state.thread, state.items.get(replaces)
    if thread is None or not isinstance(turn, Turn) or turn.thread != thread.id:
        raise NotFound("turn", replaces)
    shown = _shown_version(state, turn)
    # The rules are those of the version that is shown: it is the one that the new turn hides.
    for one in (turn, shown):
        if reason := why_not(thread, one):
            raise NotReplaceable(f"this cannot be asked again in its place: {reason}")
    original = _original(state, turn)
    if len(original.versions) >= MAX_VERSIONS:
        raise NotReplaceable(f"this was asked {MAX_VERSIONS} times: {_BELOW}")
    hidden = without(turn.hidden, turn.first_n, state.n)
    if len(hidden) > MAX_HIDDEN:
        raise NotReplaceable(f"too much of this thread was asked again: {_BELOW}, or open a new thread")
    return Fork(replaces=turn.id, original=original.id, left=thread.last or shown.id, hidden=hidden)


def shown(state: State, command: Show) -> tuple[BranchShown, ...]:
    """The fact that shows the version, () if it is shown already. Raises TurnInProgress, NotFound, NotReplaceable."""
    thread = state.thread
    version, last = state.item(Turn, command.version), state.item(Turn, command.last)
    if thread is None or thread.last is None:
        raise NotFound("turn", command.version)
    if thread.open:
        raise TurnInProgress(thread.open.turn, thread.open.status)
    if _shown_version(state, version).id == version.id:
        return ()
    original = _original(state, version)
    # This entry is the next one.
    hidden = without(last.hidden, last.last_n + 1, state.n + 1)
    if len(hidden) > MAX_HIDDEN:
        raise NotReplaceable("too many versions of this thread were shown in turn: open a new thread")
    return (
        BranchShown(
            turn=original.id,
            version=version.id,
            last=last.id,
            left=thread.last,
            hidden=hidden,
        ),
    )


def left_at(original: Turn, version: str) -> str:
    """The newest turn of the branch on which this version was left, itself if it was never left."""
    return next((one.last for one in original.versions if one.turn == version and one.last), version)


def _original(state: State, turn: Turn) -> Turn:
    return state.item(Turn, turn.original) if turn.original else turn


def _shown_version(state: State, turn: Turn) -> Turn:
    """The version that is shown in the place of this turn. Raises NotReplaceable if that place is not shown itself."""
    hidden = state.thread.hidden if state.thread else []
    original = _original(state, turn)
    for version in original.versions:
        if is_shown(hidden, version.n):
            return state.item(Turn, version.turn)
    if not original.versions and is_shown(hidden, original.first_n):
        return original
    raise NotReplaceable("an earlier question is shown in another version now: reload the thread")
