"""End the connections of a sign-in that has ended.

A click runs its callback before the page, with the viewer of the run before. So a tab whose sign-in has ended must not
reach Streamlit with another click.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.identity import SignIn
from core.errors import InvalidInput

_PROTOCOLS = "sec-websocket-protocol"


class SignInGate:
    """Cuts a websocket at its first message after the sign-in of its handshake has ended."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app, self._sign_in = app, sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = self._key(headers)
        if key is None:
            _begin_anew(MutableHeaders(scope=scope))

        async def while_signed_in() -> Message:
            message = await receive()
            if key and message["type"] == "websocket.receive" and self._key(headers) != key:
                return {"type": "websocket.disconnect", "code": 1000}
            return message

        await self._app(scope, while_signed_in, send)

    def _key(self, headers: Mapping[str, str]) -> str | None:
        try:
            identity = self._sign_in.sign_in(headers)
        except InvalidInput:
            return None
        return identity.key if identity else None


def _begin_anew(headers: MutableHeaders) -> None:
    """Let a browser whose sign-in has ended not go on with the session that it had: Streamlit keeps it a while."""
    # The protocol's name, a token, and the session; a browser may leave the last two out.
    protocol, *rest = headers.get(_PROTOCOLS, "").split(",")
    headers[_PROTOCOLS] = ",".join([protocol, *rest[:1]])
