"""A reply: what became of a question that was asked through a chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Generic, Self

from typing_extensions import TypeVar

from core.canonical import Json
from core.errors import TurnNotCompleted
from core.log.records import ToolCall, Totals, Turn
from core.values import Citation, Concern, TurnStatus, shortened, usd
from core.worker.structured_output import AnswerSchema, Misfit, SchemaFailed, within

S = TypeVar("S", default=object)
"""The type of an answer."""


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
    answer as the `schema` given to `ask`; None without a schema, or if the turn did not complete. `cost` is in
    nano-USD, None if the cost of one of the model calls is unknown; `usage` counts those calls. `error` says
    why the turn did not complete, None if it did or still waits.

    `status` is that of the turn on record, with one exception: a turn that completed without its schema's validators,
    in another process, or whose answer was erased since, is `failed` here if the answer is not one of the schema. The
    code of the error is then invalid_output, schema_failed or erased.
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


async def as_reply(turn: Turn, calls: Sequence[ToolCall], schema: type[S] | None, seconds: float) -> Reply[S]:
    """The reply that a turn and its calls make. The schema's validators have so many seconds."""
    status, error = turn.status, TurnError(code=turn.code, message=turn.message) if turn.code else None
    parsed = None
    if schema is not None and status == "completed":
        parsed, error = await _parsed(turn.output, schema, seconds)
        status = "failed" if error else status
    return Reply(
        turn_id=turn.id,
        status=status,
        text=turn.text,
        citations=turn.citations,
        tool_calls=list(calls),
        waiting=[call for call in calls if call.status == "awaiting_approval"],
        usage=turn.totals,
        cost=turn.totals.whole_cost,
        error=error,
        parsed=parsed,
        concern=turn.concern,
    )


async def _parsed(output: Json, schema: type[S], seconds: float) -> tuple[S | None, TurnError | None]:
    """The answer on record as the schema's type, or why it is not one."""
    if output is None:
        return None, TurnError(code="erased", message="The answer has been erased.")
    try:
        return await within(seconds, partial(AnswerSchema(schema).parse, output)), None
    except Misfit as misfit:
        return None, TurnError(code="invalid_output", message=str(misfit))
    except SchemaFailed as fault:
        return None, TurnError(code="schema_failed", message=str(fault))
