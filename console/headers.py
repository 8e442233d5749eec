"""Security headers on every response, refused websockets included: the second line of defence.

Streamlit's Markdown loads images from anywhere, and through them a model's words could carry data out.
`console.drawing.text` takes images out of text; if it misses one, the browser refuses to load it. Nor does it run a
script, draw a frame or send a form that is not the console's own.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = {
    "default-src": "'none'",
    # `blob:`: Streamlit gives the scripts of components to the browser in this way. The hash is that of the one script
    # within its page. Its reader of numbers tries WebAssembly first and goes on without it, so `wasm-unsafe-eval` is
    # not here.
    "script-src": "'self' blob: 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
    # `unsafe-inline`: Streamlit makes its styles while it draws, so their hashes are not known before.
    "style-src": "'self' 'unsafe-inline'",
    # `data:`: fonts within the style sheets of its editors and charts.
    "font-src": "'self' data:",
    # `data:` and `blob:`: icons within style sheets, and charts that are drawn as images.
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self'",
    # What has no default.
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb", "hid")

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    # Other servers learn nothing. Not `no-referrer`: the way back from a provider's sign-in is the Referer of a request
    # to the console itself.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
    # A page that a link opens, or that opened the console, gets no hold of its window; and no other page may draw what
    # is served here.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """ASGI middleware that adds HEADERS to every response."""

    # Not Starlette's middleware base class: it runs a task for each response and buffers what streams.

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
