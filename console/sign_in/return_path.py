"""The way back from a provider's sign-in: to the page that was asked for, and with a word if it did not succeed.

Streamlit itself always returns to the first page, and only its log says that a sign-in failed.
"""

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from console.sign_in.oidc import CALLBACK

RETURN = "rolltop_return"
FAILED = "rolltop_sign_in_failed"
"""The cookie that tells the next page of a failed sign-in."""
_LOGIN = "/auth/login"
_SET = "set-cookie"


class ReturnPath:
    """Keeps the page's address in a cookie on the way to the provider, and leads to it on the way back.

    The address is the request's Referer: the tab in which the button was clicked. Only its path and query are kept, so
    that they never lead to another server. If the console is served by https, all cookies of a sign-in are `Secure`.
    """

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app, self._origin = app, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.endswith((_LOGIN, CALLBACK)):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.endswith(CALLBACK):
                    self._lead_back(headers, asked, QueryParams(scope["query_string"]))
                elif message["status"] < 400:
                    _keep(headers, RETURN, quote(self._path(asked.get("referer", "")), safe=""), 600)
                else:  # Streamlit's answer is two bare words if it cannot reach the provider
                    message["status"] = 302
                    headers["location"] = self._path(asked.get("referer", ""))
                    _keep(headers, FAILED, "1", 60)
                if self._origin.startswith("https:"):
                    _secure(headers)
            await send(message)

        await self._app(scope, receive, led)

    def _lead_back(self, headers: MutableHeaders, asked: Headers, query: QueryParams) -> None:
        """Lead a browser that comes from its provider's sign-in, or from having signed out there."""
        if path := cookie_parser(asked.get("cookie", "")).get(RETURN):
            headers["location"] = self._path(self._origin + unquote(path))
            _keep(headers, RETURN, "", 0)
        signed_in = any(
            line.startswith(f"{USER_COOKIE_NAME}=") and "max-age=0" not in line.lower()
            for line in headers.getlist(_SET)
        )
        if signed_in:
            _keep(headers, FAILED, "", 0)
        elif not {"code", "error"}.isdisjoint(query):
            _keep(headers, FAILED, "1", 60)

    def _path(self, url: str) -> str:
        """The path and query of a page of this console, else `/`."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        own = f"{parts.scheme}://{parts.netloc}" == self._origin
        # Browsers read `//` and `/\` at the beginning as another server.
        return path if own and path.startswith("/") and path[1:2] not in ("/", "\\") else "/"


def _keep(headers: MutableHeaders, name: str, value: str, seconds: int) -> None:
    headers.append(_SET, f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax")


def _secure(headers: MutableHeaders) -> None:
    lines = headers.getlist(_SET)
    del headers[_SET]
    for line in lines:
        headers.append(_SET, line if "; secure" in line.lower() else f"{line}; Secure")
