"""Whether this server lives, and whether it is ready: for load balancers and service managers, without a sign-in.

Answers say nothing of people, threads or versions. Asking opens no store and writes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import anyio
from anyio.to_thread import run_sync as blocking
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import get_option

from console.app import App, current
from console.drain import is_leaving
from core.errors import DeskClosed, Full, NewerStore, RolltopError, StoreBusy, StoreRefused, Unavailable

LIVE, READY = "/health/live", "/health/ready"

ANSWERS_WITHIN = 2.0
"""Seconds in which the store must answer."""

FRESH = 1.0
"""Seconds for which an answer counts: however many ask, the store is asked once in that time."""

Code = Literal[
    "closing", "store_away", "store_busy", "store_refuses", "store_full", "store_newer", "desk_not_open", "desk_dead"
]

WORDS: Mapping[Code, str] = {
    "closing": "The server is stopping.",
    "store_away": "The store does not answer. The server goes on trying.",
    "store_busy": "Another process holds the store's lock and is suspended: continue it or end it.",
    "store_refuses": "The store cannot be used as it is. The server's log, and `rolltop doctor`, say what to do.",
    "store_full": "The disk of the store is full: make room on it.",
    "store_newer": "A newer Rolltop wrote the store: start that one.",
    "desk_not_open": "The desk cannot be opened. The server's log, and `rolltop doctor`, say what to do.",
    "desk_dead": "What works on questions has ended: restart the server.",
}
"""Every reason for which a server is not ready."""

_CODES: Sequence[tuple[type[Exception], Code]] = (
    (StoreBusy, "store_busy"),
    (Unavailable, "store_away"),
    (TimeoutError, "store_away"),
    (StoreRefused, "store_refuses"),
    (Full, "store_full"),
    (NewerStore, "store_newer"),
    (DeskClosed, "desk_dead"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """Why a server is not ready. `error` is the class of the error, None without one."""

    code: Code
    error: str | None = None


class Health:
    """ASGI middleware that answers the two questions itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Of probes that come while the store hangs, a few wait: each of them holds a thread.
        self._threads = anyio.CapacityLimiter(4)
        self._asking = anyio.Lock()
        self._newest: tuple[float, App | None, NotReady | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope) if scope["type"] == "http" else None
        if path not in (LIVE, READY):
            await self._app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await Response(status_code=405, headers={"Allow": "GET, HEAD"})(scope, receive, send)
        else:
            reason = await self._why_not() if path == READY else None
            await _answer("live" if path == LIVE else "ready", reason)(scope, receive, send)

    async def _why_not(self) -> NotReady | None:
        with anyio.move_on_after(ANSWERS_WITHIN):
            async with self._asking:
                if is_leaving():
                    return NotReady(code="closing")
                if self._newest and monotonic() < self._newest[0] + FRESH and self._newest[1] is current():
                    return self._newest[2]
                asked = current()
                why = await blocking(why_not_ready, abandon_on_cancel=True, limiter=self._threads)
                self._newest = (monotonic(), asked, why)
                return why
        return NotReady(code="store_away", error="TimeoutError")


def why_not_ready() -> NotReady | None:
    """Why this process cannot answer questions now; None if it can. Blocks until the store has answered."""
    app = current()
    if app is None:
        return NotReady(code="closing")
    if app.failure is not None:
        return _not_open(app.failure)
    try:
        app.run(_ask(app))
    except (RolltopError, TimeoutError) as error:
        # A desk that is closed meanwhile has no loop, and its store is closed.
        return NotReady(code="closing") if current() is not app else _not_open(error)
    except RuntimeError as error:  # a loop that has ended takes no calls
        return NotReady(code="desk_dead", error=type(error).__name__)
    return None


async def _ask(app: App) -> None:
    with anyio.fail_after(ANSWERS_WITHIN):  # so that no thread waits for longer
        await app.check_ready()


def _not_open(error: Exception) -> NotReady:
    code: Code = next((code for kind, code in _CODES if isinstance(error, kind)), "desk_not_open")
    return NotReady(code=code, error=type(error).__name__)


def _path(scope: Scope) -> str:
    base = str(get_option("server.baseUrlPath")).strip("/")
    path = str(scope["path"])
    return path.removeprefix(f"/{base}") if base else path


def _answer(good: str, reason: NotReady | None) -> Response:
    body: dict[str, object] = {"status": good if reason is None else f"not {good}"}
    if reason:
        why = {"code": reason.code, "what": WORDS[reason.code], "error": reason.error}
        body["reasons"] = [{name: value for name, value in why.items() if value is not None}]
    content = json.dumps(body) + "\n"
    headers = {"Cache-Control": "no-store"}
    return Response(content, 200 if reason is None else 503, headers, media_type="application/json")
