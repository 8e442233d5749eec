"""What `streamlit run console` starts: the ASGI application around the pages.

The desk is opened when the server starts: turns that a killed process left open are recovered without a visitor. If the
desk cannot be opened, the server starts all the same, and every page says why until a later attempt succeeds.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from console.app import close, start
from console.headers import SecurityHeaders
from console.loopback import LoopbackOnly
from console.sign_in import refuse_other_addresses
from console.upload_guard import UploadGuard


def collect_seldom() -> None:
    """Let Python look for garbage less often, and not among what the process has loaded."""
    # A look through all objects takes 150 ms, during which no answer streams. By default one follows every few runs of
    # a page, because each run makes many objects that soon go by themselves.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    refuse_other_addresses()
    await anyio.to_thread.run_sync(start)
    collect_seldom()
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(close)


middleware = [Middleware(SecurityHeaders), Middleware(LoopbackOnly), Middleware(UploadGuard)]
app = st.App("main.py", lifespan=lifespan, middleware=middleware)
