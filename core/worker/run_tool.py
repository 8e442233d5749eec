"""One tool call carried out: what ran, and what can truthfully be said of its outcome."""

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
from core.retrieval.search import Found
from core.tools import Progress, Tool, ToolContext, jsonable
from core.turn.commands import Finished
from core.values import CallStatus, Effect, Worker

MAX_RESULT = 4 * 1024 * 1024
"""Bytes of canonical JSON that a record keeps of a result; of a larger one it keeps the first KEPT_OF_LARGE."""

KEPT_OF_LARGE = 64 * 1024

_AFTER_DEADLINE: Mapping[Effect, CallStatus] = {"read": "timed_out", "idempotent": "unknown", "unsafe": "unknown"}


async def act(
    tool: Tool, arguments: Mapping[str, Json], context: ToolContext, *, worker: Worker, clock: Clock, seconds: float
) -> Finished:
    """Run the tool once, for `seconds` at most, and say what came of it. Never raises but for cancellation."""
    began = clock.monotonic()
    outcome = partial(Finished, worker=worker, call=context.call_id)
    try:
        with anyio.fail_after(seconds) as scope:
            result = await tool.run(arguments, context)
    except TimeoutError as error:
        if not scope.cancelled_caught:
            return outcome(status="failed", code="raised", error=_words(error), duration_ms=_since(clock, began))
        status = _AFTER_DEADLINE[tool.effect]
        return outcome(
            status=status,
            code="timed_out",
            error=f"no answer within {seconds:g} s",
            duration_ms=_since(clock, began),
        )
    except OutcomeUnknown as error:
        return outcome(status="unknown", code="outcome_unknown", error=_words(error), duration_ms=_since(clock, began))
    # The boundary of a tool: whatever it raises, sys.exit included, is its outcome and nobody else's; a cancellation
    # too, if nobody cancelled us.
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf:
            raise
        return outcome(status="failed", code="raised", error=_words(error), duration_ms=_since(clock, began))
    took = _since(clock, began)
    if isinstance(result, Found):
        return outcome(status="succeeded", found=result, duration_ms=took)
    try:
        value = jsonable(result)
    except InvalidInput as error:
        return outcome(status="succeeded", code="no_json", error=str(error)[:1000], duration_ms=took)
    encoded = canonical(value)
    cut = len(encoded) > MAX_RESULT
    kept = encoded[:KEPT_OF_LARGE].decode(errors="ignore") if cut else value
    return outcome(status="succeeded", result=kept, size=len(encoded), digest=digest(value), cut=cut, duration_ms=took)


def progress(live: LiveStream, call: str) -> Progress:
    """A `Progress` for tools that run in the loop and for tools that run in a thread."""
    token, home = anyio.lowlevel.current_token(), threading.get_ident()

    def report(message: str, done: float | None = None, total: float | None = None) -> None:
        done, total = _finite(done), _finite(total)
        message = str(message)[:500].encode(errors="replace").decode()
        if threading.get_ident() == home:
            live.progress(call, message, done, total)
        else:
            anyio.from_thread.run_sync(live.progress, call, message, done, total, token=token)

    return report


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _since(clock: Clock, began: float) -> int:
    return round((clock.monotonic() - began) * 1000)


def _words(error: BaseException) -> str:
    """The exception in words, cut so that no message is larger than the call it is about."""
    try:
        said = str(error).encode(errors="replace").decode()
    except Exception:  # the boundary of a tool again: its exception's own words are its code
        said = ""
    return f"{type(error).__name__}: {said}"[:1000] if said else type(error).__name__
