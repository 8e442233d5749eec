"""What `streamlit run console` starts: the ASGI application around the pages.

The desk is made when the server starts, so that turns a killed process left open are recovered before anybody visits.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from console.app import app as desk_app
from console.app import close
from console.headers import SecurityHeaders
from console.loopback import LoopbackOnly
from console.sign_in import refuse_other_addresses
from console.upload_guard import UploadGuard


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    refuse_other_addresses()
    await anyio.to_thread.run_sync(desk_app)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(close)


middleware = [Middleware(SecurityHeaders), Middleware(LoopbackOnly), Middleware(UploadGuard)]
app = st.App("main.py", lifespan=lifespan, middleware=middleware)
