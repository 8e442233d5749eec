"""A reply: what became of a question that was asked through a chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Self

from pydantic import BaseModel
from typing_extensions import TypeVar

from core.errors import TurnNotCompleted
from core.log.records import ToolCall, Totals, Turn
from core.values import Citation, Concern, TurnStatus, shortened, usd
from core.worker.structured_output import parse

S = TypeVar("S", bound=BaseModel, default=BaseModel)
"""The schema of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnError:
    """Why a turn did not complete: `code` is a word for programs, `message` a sentence for people, None if unknown."""

    code: str
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[S]):
    """The outcome of a question. `text` is the text that was shown, whatever the status.

    `concern` is what care recognised in the question, None if nothing: show its card above the text.

    `tool_calls` are all calls of the turn, in order; `waiting` are those that wait for a decision. `parsed` is the
    answer as the `schema` given to `ask`; None without a schema, or if the answer does not fit it. `cost` is in
    nano-USD, None if the cost of one of the model calls is unknown; `usage` counts those calls. `error` says
    why the turn did not complete, None if it did or still waits.
    """

    turn_id: str
    status: TurnStatus
    text: str
    citations: list[Citation]
    tool_calls: list[ToolCall]
    waiting: list[ToolCall]
    usage: Totals
    cost: int | None
    error: TurnError | None
    parsed: S | None = None
    concern: Concern | None = None

    def __repr__(self) -> str:
        error = f", error={self.error.code!r}" if self.error else ""
        return f"Reply(turn_id={self.turn_id!r}, status={self.status!r}, text={shortened(self.text)!r}{error})"

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost in USD, None if that of one of the model calls is unknown."""
        return usd(self.cost)

    def raise_for_status(self) -> Self:
        """Return this reply if its turn is `completed`; raise TurnNotCompleted otherwise."""
        if self.status != "completed":
            raise TurnNotCompleted(self.turn_id, self.status, self.error.code if self.error else None)
        return self


def as_reply(turn: Turn, calls: Sequence[ToolCall], schema: type[S] | None) -> Reply[S]:
    """The reply that a turn and its calls make."""
    error = TurnError(code=turn.code, message=turn.message) if turn.code else None
    parsed = None
    if schema and turn.status == "completed":
        parsed, misfit = parse(turn.output, schema)
        error = TurnError(code="invalid_output", message=misfit) if misfit else error
    return Reply(
        turn_id=turn.id,
        status=turn.status,
        text=turn.text,
        citations=turn.citations,
        tool_calls=list(calls),
        waiting=[call for call in calls if call.status == "awaiting_approval"],
        usage=turn.totals,
        cost=None if turn.totals.cost_unknown else turn.totals.cost,
        error=error,
        parsed=parsed,
        concern=turn.concern,
    )
