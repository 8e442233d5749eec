"""What `streamlit run console` starts: the ASGI application around the pages.

The desk is opened when the server starts: turns that a killed process left open are recovered without a visitor. If the
desk cannot be opened, the server starts all the same, and every page says why until a later attempt succeeds.
"""

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


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    refuse_other_addresses()
    await anyio.to_thread.run_sync(start)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(close)


middleware = [Middleware(SecurityHeaders), Middleware(LoopbackOnly), Middleware(UploadGuard)]
app = st.App("main.py", lifespan=lifespan, middleware=middleware)
