"""Whether this server lives, and whether it is ready: for load balancers and service managers, without a sign-in.

Answers say nothing of people, threads or versions. Asking opens no store and writes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import anyio
from anyio.to_thread import run_sync as blocking
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import get_option

from console.app import App, current
from core.errors import RolltopError, Unavailable

LIVE, READY = "/health/live", "/health/ready"

ANSWERS_WITHIN = 2.0
"""Seconds in which the store must answer."""

Code = Literal["closing", "store_away", "desk_not_open"]

WORDS: Mapping[Code, str] = {
    "closing": "The server is stopping.",
    "store_away": "The store does not answer. The server goes on trying.",
    "desk_not_open": "The desk cannot be opened. The server's log, and `rolltop doctor`, say what to do.",
}
"""Every reason for which a server is not ready."""


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
            return await blocking(why_not_ready, abandon_on_cancel=True, limiter=self._threads)
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
    except RolltopError as error:
        # A desk that is closed meanwhile has no loop, and its store is closed.
        return NotReady(code="closing") if current() is not app else _not_open(error)
    except TimeoutError as error:
        return _not_open(error)
    return None


async def _ask(app: App) -> None:
    with anyio.fail_after(ANSWERS_WITHIN):  # so that no thread waits for longer
        await app.ask_store()


def _not_open(error: Exception) -> NotReady:
    away = isinstance(error, Unavailable | TimeoutError)
    return NotReady(code="store_away" if away else "desk_not_open", error=type(error).__name__)


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
