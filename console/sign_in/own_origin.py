"""Refuse the websockets and uploads that a page of another server sends in a visitor's name.

Streamlit itself takes websockets from any page on the visitor's own machine, at any port, and asks a server elsewhere
for this machine's address before it refuses another. So this guard stands before it.
"""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.server_util import is_allowed_origin


class OwnOrigin:
    """Answers 403 to a request or websocket that has the `Origin` of another server.

    `origin` is the console's own, such as `https://hr.example`. None: it is what the request's `Host` names. Origins in
    Streamlit's setting `server.corsAllowedOrigins` count too.
    """

    def __init__(self, app: ASGIApp, origin: str | None) -> None:
        self._app, self._origin = app, _as_sent(origin) if origin else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._is_own(Headers(scope=scope)):
            refusal = PlainTextResponse("Refused: the request came from a page of another address.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        # Without an Origin it is a program's, or a browser's request that changes nothing.
        host = headers.get("host", "").lower()
        own = (self._origin,) if self._origin else (f"http://{host}", f"https://{host}")
        return all(sent.lower() in own or is_allowed_origin(sent) for sent in headers.getlist("origin"))


def _as_sent(origin: str) -> str:
    """The origin as browsers write it: in small letters, without the port that is its scheme's own."""
    origin = origin.lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")
