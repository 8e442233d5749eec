"""The facts of a thread itself: its name, its place, its branches, its erasure, its seal, its hand-overs."""

from typing import Literal

from core.canonical import Json
from core.log.facts.base import Fact
from core.values import Attached, Shelf, Value


class ThreadContent(Value):
    title: str | None
    metadata: dict[str, Json]
    instructions: str


class ThreadCreated(Fact):
    kind: Literal["thread.created"] = "thread.created"
    thread: str
    owner: str
    content: ThreadContent | None


class MetadataContent(Value):
    metadata: dict[str, Json]


class MetadataChanged(Fact):
    kind: Literal["thread.metadata"] = "thread.metadata"
    content: MetadataContent | None


class InstructionsContent(Value):
    instructions: str


class InstructionsChanged(Fact):
    """What a model is told in the turns from here on; "" is what the desk tells in threads without their own."""

    kind: Literal["thread.instructions"] = "thread.instructions"
    content: InstructionsContent | None


class TitleContent(Value):
    title: str


class Renamed(Fact):
    kind: Literal["thread.renamed"] = "thread.renamed"
    content: TitleContent | None


class Shelved(Fact):
    """The owner has pinned the thread, archived it, or put it back among the others."""

    kind: Literal["thread.shelved"] = "thread.shelved"
    shelf: Shelf


class ErasureAsked(Fact):
    """The owner wants the thread's content erased. It is erased at `due` (a `core.clock.iso` text) or soon after."""

    kind: Literal["erasure.asked"] = "erasure.asked"
    due: str


class ErasureWithdrawn(Fact):
    """The owner has taken the request back before it was carried out."""

    kind: Literal["erasure.withdrawn"] = "erasure.withdrawn"


class ErasureBegun(Fact):
    """What was written in the thread up to here is erased: from here on its records are without it.

    From here on the request is final. `thread.erased` says that the payloads are gone too.
    """

    kind: Literal["erasure.begun"] = "erasure.begun"


class ThreadErased(Fact):
    """The payloads of the thread's entries up to `upto` were erased; this entry is written after the erasure."""

    kind: Literal["thread.erased"] = "thread.erased"
    upto: int


class BranchShown(Fact):
    """The asker has gone back to `version`, another turn in the place of `turn`, which is the first one there.

    `last` is the newest turn of the branch that is shown from now on, `left` that of the one until now, and `hidden`
    what the new one leaves out.
    """

    kind: Literal["branch.shown"] = "branch.shown"
    turn: str
    version: str
    last: str
    left: str
    hidden: list[tuple[int, int]]


class SealLiftedContent(Value):
    reason: str


class SealLifted(Fact):
    """A handler has opened the thread to auditors again. A later concern seals it anew."""

    kind: Literal["seal.lifted"] = "seal.lifted"
    content: SealLiftedContent | None


class HandoverContent(Value):
    """What the employee adds for the person who takes over, "" for nothing."""

    note: str


class HandoverAsked(Fact):
    """The employee has agreed that a person gets their matter, with what `attached` names of the thread."""

    kind: Literal["handover.asked"] = "handover.asked"
    turn: str
    handover: str
    attached: Attached
    content: HandoverContent | None


class HandoverEndContent(Value):
    """`reference` is what the employee can quote, `message` says in words what went wrong; None if unknown."""

    reference: str | None = None
    message: str | None = None


class HandoverEnded(Fact):
    """What came of a hand-over. `unknown`: the matter may have been sent, or not."""

    kind: Literal["handover.ended"] = "handover.ended"
    turn: str
    handover: str
    status: Literal["sent", "failed", "unknown"]
    content: HandoverEndContent | None
