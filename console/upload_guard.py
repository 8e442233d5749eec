"""Uploads from a knowledge owner only: Streamlit itself accepts them from any open session, signed in or not.

Their largest size is Streamlit's `server.maxUploadSize`, which it checks while a body arrives.
"""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from console.sign_in.session import viewer_of, way
from core.errors import Denied, InvalidInput
from core.gate import authorize

REFUSAL = "Refused: only a knowledge owner can upload files. Sign in as one first.\n"


class UploadGuard:
    """Answers 403 to an upload, its body unread, unless its sign-in is a knowledge owner's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Uploads are the only PUTs. Their path is not compared: it depends on server.baseUrlPath and on its decoding.
        if scope["type"] == "http" and scope["method"] == "PUT":
            try:
                identity = way().sign_in.sign_in(Headers(scope=scope))
                authorize(viewer_of(identity) if identity else None, "handbooks.keep")
            except (Denied, InvalidInput):
                refusal = PlainTextResponse(REFUSAL, 403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
