"""Uploads from a knowledge owner only: Streamlit itself accepts them from any open session, signed in or not.

Their largest size is Streamlit's `server.maxUploadSize`, which it checks while a body arrives.
"""

from collections.abc import Mapping

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from console.sign_in.roles import viewer_of
from console.sign_in.way import way
from core.errors import Denied, InvalidInput, RolltopError
from core.gate import authorize

REFUSAL = "Refused: only a knowledge owner can upload files. Sign in as one first.\n"
AWAY = "Refused: who may upload files cannot be read now. Try again in a minute.\n"


class UploadGuard:
    """Answers 403 to an upload, its body unread, unless its sign-in is a knowledge owner's; 503 if that is unknown."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Uploads are the only PUTs. Their path is not compared: it depends on server.baseUrlPath and on its decoding.
        if scope["type"] == "http" and scope["method"] == "PUT":
            # In a thread: it waits for the desk's loop, and this one is the server's.
            refusal = await anyio.to_thread.run_sync(_refusal, Headers(scope=scope))
            if refusal:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(headers: Mapping[str, str]) -> PlainTextResponse | None:
    try:
        identity = way().sign_in.sign_in(headers)
        authorize(viewer_of(identity) if identity else None, "handbooks.keep")
    except (Denied, InvalidInput):
        return PlainTextResponse(REFUSAL, 403)
    except RolltopError:
        return PlainTextResponse(AWAY, 503)
    return None
