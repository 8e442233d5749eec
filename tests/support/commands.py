"""Commands as a worker gives them, with what matters to a test: `decide` sets the turn, the fence and the ids."""

from collections.abc import Sequence
from typing import Any

from core.canonical import Json
from core.log.facts import (
    AnswerContent,
    FailureContent,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    QuestionContent,
    ResultContent,
    Snapshot,
    ToolFinished,
    TurnOpened,
)
from core.retrieval.search import Found
from core.turn.commands import Answered, Failed, Finished, Request, Submit, WrittenCall
from core.values import CallStatus, StopReason, Usage, Worker


def submitted(
    worker: Worker, turn: str, request_id: str, text: str, snapshot: Snapshot, *, waits: bool = False
) -> Submit:
    """An employee asks."""
    content = QuestionContent(text=text)
    opened = TurnOpened(turn=turn, request_id=request_id, snapshot=snapshot, content=content)
    return Submit(worker=worker, opened=opened, release="waiting" if waits else None)


def requested(worker: Worker, *, step: int = 1, attempt: int = 1, with_tools: bool = True, **fields: Any) -> Request:
    """A model request goes out."""
    shown = {"model": "m", "window": 1, "request": "d"} | fields
    asked = ModelAsked(turn="", fence=0, call="", step=step, attempt=attempt, with_tools=with_tools, **shown)
    return Request(worker=worker, requested=asked)


def answered(
    worker: Worker,
    call: str,
    text: str,
    stop_reason: StopReason = "end",
    calls: Sequence[WrittenCall] = (),
    *,
    reasoning: str = "",
    turn: str = "",
    fence: int = 0,
    **fields: Any,
) -> Answered:
    """The model has answered."""
    measured = {"usage": Usage(), "cost": None, "ttft_ms": None, "duration_ms": 1} | fields
    content = AnswerContent(text=text, reasoning_text=reasoning)
    fact = ModelAnswered(turn=turn, fence=fence, call=call, stop_reason=stop_reason, content=content, **measured)
    return Answered(worker=worker, answered=fact, calls=tuple(calls))


def failed(
    worker: Worker,
    call: str,
    code: str,
    text: str = "",
    *,
    message: str = "",
    retryable: bool = True,
    reasoning: str = "",
    turn: str = "",
    fence: int = 0,
    **fields: Any,
) -> Failed:
    """The model gave no whole answer."""
    measured = {"usage": Usage(), "cost": None, "ttft_ms": None, "duration_ms": None} | fields
    content = FailureContent(text=text, message=message, reasoning_text=reasoning)
    fact = ModelFailed(turn=turn, fence=fence, call=call, code=code, shown=bool(text), content=content, **measured)
    return Failed(worker=worker, failed=fact, retryable=retryable)


def finished(
    worker: Worker,
    call: str,
    status: CallStatus = "succeeded",
    *,
    result: Json = None,
    error: str | None = None,
    search: Found | None = None,
    turn: str = "",
    fence: int = 0,
    **fields: Any,
) -> Finished:
    """A tool call has ended."""
    content = ResultContent(result=result, error=error)
    fact = ToolFinished(turn=turn, fence=fence, call=call, status=status, content=content, **fields)
    return Finished(worker=worker, finished=fact, search=search)
