"""Keep the clicks of a sign-in that has ended from its pages.

A click runs its callback before the page, with the viewer of the run before. So the click must not reach Streamlit. It
gets a plain run of the page instead, which finds that the sign-in has ended.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from console.sign_in.identity import SignIn
from core.errors import InvalidInput

_PROTOCOLS = "sec-websocket-protocol"


class SignInGate:
    """Takes the clicks out of a websocket's messages once the sign-in of its handshake has ended."""

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

        async def without_late_clicks() -> Message:
            while True:
                message = await receive()
                if not key or message["type"] != "websocket.receive" or self._key(headers) == key:
                    return message
                sent = BackMsg.FromString(message.get("bytes") or b"")
                if sent.WhichOneof("type") == "rerun_script":
                    sent.rerun_script.ClearField("widget_states")
                    sent.rerun_script.ClearField("fragment_id")
                    return {"type": "websocket.receive", "bytes": sent.SerializeToString()}

        await self._app(scope, without_late_clicks, send)

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
