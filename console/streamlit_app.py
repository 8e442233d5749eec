"""What `rolltop serve` and `streamlit run console` start: the ASGI application around the pages.

The desk is opened when the server starts: turns that a killed process left open are recovered without a visitor. If the
desk cannot be opened, the server starts all the same, and every page says why until a later attempt succeeds.
"""

import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from console.app import close, current, start
from console.drain import draining
from console.drawing.troubles import tell
from console.headers import SecurityHeaders
from console.health import Health
from console.server_lines import write_lines
from console.sign_in.development import refuse_other_addresses, refuse_other_stores
from console.sign_in.gate import SignInGate
from console.sign_in.loopback import LoopbackOnly
from console.sign_in.oidc import OidcSignIn
from console.sign_in.own_origin import OwnOrigin
from console.sign_in.return_path import ReturnPath
from console.sign_in.way import way
from console.upload_guard import UploadGuard
from core.errors import InvalidInput

log = logging.getLogger("console.streamlit_app")  # Streamlit loads this file under another name


def collect_seldom() -> None:
    """Let Python look for garbage less often, and not among what the process has loaded."""
    # A look through all objects takes 150 ms, during which no answer streams. By default one follows every few runs of
    # a page, because each run makes many objects that soon go by themselves.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _send_spans() -> Callable[[], None]:
    from backends.tracing import send_spans  # here, because it needs an extra

    return send_spans()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    settings = write_lines()
    try:
        end_spans = _send_spans() if settings.spans else None
    except InvalidInput as error:
        # The web server's own line would not have its words.
        log.critical("the console does not start: %s", error)
        raise
    if way().is_development:
        try:
            refuse_other_addresses()
        except InvalidInput as error:
            log.critical("the console does not start: %s", error)
            raise
    await anyio.to_thread.run_sync(start)
    if way().is_development:
        try:
            refuse_other_stores()
        except InvalidInput as error:
            log.warning("nobody can sign in: %s", error)
    collect_seldom()
    try:
        with draining(settings.drain, lambda: (held := current()) is None or held.idle):
            yield
    finally:
        await anyio.to_thread.run_sync(close)
        if end_spans:
            await anyio.to_thread.run_sync(end_spans)


def guards() -> list[Middleware]:
    """What stands before Streamlit, outermost first."""
    sign_in, own = way().sign_in, []
    if way().is_development:
        own = [Middleware(LoopbackOnly)]
    elif isinstance(sign_in, OidcSignIn):
        origin = sign_in.settings.origin
        own = [Middleware(OwnOrigin, origin=origin), Middleware(ReturnPath, origin=origin)]
        own += [Middleware(SignInGate, sign_in=sign_in)]
    else:
        own = [Middleware(OwnOrigin, origin=None), Middleware(SignInGate, sign_in=sign_in)]
    return [Middleware(SecurityHeaders), Middleware(Health), *own, Middleware(UploadGuard)]


def secrets() -> dict[str, Any]:
    """What Streamlit must know of the providers of sign-ins."""
    sign_in = way().sign_in
    return sign_in.settings.auth_secrets() if isinstance(sign_in, OidcSignIn) else {}


app = st.App("main.py", lifespan=lifespan, middleware=guards(), secrets=secrets(), on_script_error=tell)
