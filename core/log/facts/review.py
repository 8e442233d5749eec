"""The facts of a `review:` stream."""

from typing import Literal

from core.log.facts.base import Fact
from core.values import Cause, Value, Verdict


class VerdictContent(Value):
    """What the auditor adds: a note, and the answer as it should have been; "" for nothing."""

    note: str = ""
    corrected: str = ""


class VerdictGiven(Fact):
    """An auditor's or a handler's verdict on the answer of a turn. `cause` is set if the answer is wrong.

    `thread`, `owner` and `opened_at` are those of the turn.
    """

    kind: Literal["verdict.given"] = "verdict.given"
    turn: str
    thread: str
    owner: str
    opened_at: str
    verdict: Verdict
    cause: Cause | None = None
    content: VerdictContent | None
