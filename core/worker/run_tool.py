"""One run of a tool, and what can truthfully be reported of its outcome."""

import logging
import math
import threading
from collections.abc import Mapping
from functools import partial

import anyio
import anyio.from_thread
import anyio.lowlevel

from core.canonical import Json, canonical, digest
from core.clock import Clock
from core.errors import InvalidInput, OutcomeUnknown
from core.live.stream import LiveStream
from core.log.facts import ResultContent, ToolFinished
from core.retrieval.search import Found
from core.tools import Progress, Tool, ToolContext, jsonable
from core.turn.commands import Finished
from core.values import CallStatus, Effect, Worker
from core.worker.blocking import timed

log = logging.getLogger(__name__)

MAX_RESULT = 4 * 1024 * 1024
"""Bytes of canonical JSON that a record holds of a result. Of a larger result it holds the first KEPT_OF_LARGE."""

KEPT_OF_LARGE = 64 * 1024

MAX_MESSAGE = 1000
"""Characters that a record holds of an error."""

_AFTER_DEADLINE: Mapping[Effect, CallStatus] = {"read": "timed_out", "idempotent": "unknown", "unsafe": "unknown"}


async def act(
    tool: Tool,
    arguments: Mapping[str, Json],
    context: ToolContext,
    *,
    worker: Worker,
    fence: int,
    clock: Clock,
    seconds: float,
) -> Finished:
    """Run the tool once, for `seconds` at most, and report its outcome. Raises only when the worker is cancelled.

    A ValueError is the tool's refusal (`refused`), in its own words to the employee. Any other exception (`raised`) is
    a fault: its type and message are for the record alone.
    """
    began = clock.monotonic()
    status: CallStatus = "succeeded"
    code = message = None
    try:
        with anyio.fail_after(seconds) as scope:
            result = await timed(tool.run(arguments, context), clock.monotonic, partial(_log_blocking, tool.name))
    except TimeoutError as error:
        if scope.cancelled_caught:
            status, code, message = _AFTER_DEADLINE[tool.effect], "timed_out", f"no answer within {seconds:g} s"
        else:
            status, code, message = "failed", "raised", _named(error)
    except OutcomeUnknown as error:
        status, code, message = "unknown", "outcome_unknown", _message(error) or None
    except ValueError as error:
        status, code, message = "failed", "refused", _message(error) or None
    # The boundary of a tool: whatever it raises is its outcome, sys.exit included. So is a cancellation that the tool
    # raises itself: it is the worker's only if the worker's own scope was cancelled.
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf:
            raise
        status, code, message = "failed", "raised", _named(error)
    finished = ToolFinished(
        turn=context.turn_id,
        fence=fence,
        call=context.call_id,
        status=status,
        code=code,
        duration_ms=round((clock.monotonic() - began) * 1000),
        content=ResultContent(error=message),
    )
    if status != "succeeded":
        return Finished(worker=worker, finished=finished)
    if isinstance(result, Found):
        return Finished(worker=worker, finished=finished, search=result)
    return Finished(worker=worker, finished=_with_result(finished, result, tool.effect))


def _log_blocking(tool: str, seconds: float) -> None:
    log.warning(
        "tool %s blocked the event loop for %.1f s, and every other turn with it: "
        "make it a plain `def`, which runs in a thread, or await what takes so long",
        tool,
        seconds,
    )


def _with_result(finished: ToolFinished, result: object, effect: Effect) -> ToolFinished:
    try:
        value = jsonable(result)
    except InvalidInput as error:
        content = ResultContent(error=_clean(str(error))[:MAX_MESSAGE])
        # What a call has changed stays changed. A call that only reads has given nothing.
        status: CallStatus = "failed" if effect == "read" else "succeeded"
        return finished.model_copy(update={"status": status, "code": "no_json", "content": content})
    encoded = canonical(value)
    cut = len(encoded) > MAX_RESULT
    content = ResultContent(result=encoded[:KEPT_OF_LARGE].decode(errors="ignore") if cut else value)
    measured = {"size": len(encoded), "digest": digest(value), "cut": cut, "content": content}
    return finished.model_copy(update=measured)


def progress(live: LiveStream, call: str) -> Progress:
    """A `Progress` for tools that run in the loop and for tools that run in a thread."""
    token, home = anyio.lowlevel.current_token(), threading.get_ident()

    def report(message: str, done: float | None = None, total: float | None = None) -> None:
        done, total = _finite(done), _finite(total)
        message = _clean(str(message)[:500])
        if threading.get_ident() == home:
            live.progress(call, message, done, total)
        else:
            anyio.from_thread.run_sync(live.progress, call, message, done, total, token=token)

    return report


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _named(error: BaseException) -> str:
    """The exception's type and message, for readers of the record."""
    message = _message(error)
    return f"{type(error).__name__}: {message}"[:MAX_MESSAGE] if message else type(error).__name__


def _message(error: BaseException) -> str:
    """The exception's message, at most MAX_MESSAGE characters; "" if it has none."""
    try:
        return _clean(str(error))[:MAX_MESSAGE]
    except Exception:  # the boundary of a tool again: its exception's own words are its code
        return ""


def _clean(text: str) -> str:
    """The text without lone surrogates, which stores refuse."""
    return text.encode(errors="replace").decode()
