"""Notices async code that blocks the event loop, and every other turn with it."""

from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")

BLOCKED = 0.25
"""Seconds. An async function that goes on for longer without giving way is reported."""


@coroutine
def timed(
    steps: Coroutine[Any, Any, T], monotonic: Callable[[], float], report: Callable[[float], None]
) -> Generator[Any, Any, T]:
    """Await the coroutine, and report its longest step from one await to the next if that took more than BLOCKED."""
    # Its own steps are timed, not the lag of the loop, which would not tell which one of several tools is to blame.
    longest = 0.0
    sent: Any = None
    thrown: BaseException | None = None
    try:
        while True:
            began = monotonic()
            try:
                awaited = steps.send(sent) if thrown is None else steps.throw(thrown)
            finally:
                longest = max(longest, monotonic() - began)
            sent = thrown = None
            try:
                sent = yield awaited
            except BaseException as error:  # whatever is thrown in, such as a cancellation, is for the coroutine
                thrown = error
    except StopIteration as end:
        returned: T = end.value
        return returned
    finally:
        if longest > BLOCKED:
            report(longest)
