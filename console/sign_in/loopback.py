"""Keep the development sign-in on this machine: only a browser here, connected directly, gets an answer.

A loopback address alone does not do that. A reverse proxy on this machine passes on the requests of strangers, and a
web page from elsewhere can have its own name resolve to 127.0.0.1 (DNS rebinding). The proxy shows in the headers that
it adds, the page in the `Host` and the `Origin` that its browser sends.
"""

import re
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FORWARDING = frozenset(
    [
        # Standards: RFC 7239, RFC 9110, RFC 8586.
        *("forwarded", "via", "cdn-loop"),
        # Before the standards, and still: what the manuals of nginx, HAProxy, Apache, WebLogic and IIS tell to add.
        *("forwarded-for", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-proxyuser-ip", "x-rewrite-url"),
        *("proxy-client-ip", "wl-proxy-client-ip", "x-http-host-override", "x-arr-log-id", "x-arr-ssl"),
        # What the manuals of Akamai, Fastly, Fly, Google, Amazon and Tailscale say that they add.
        *("true-client-ip", "fastly-client-ip", "fly-client-ip", "x-appengine-user-ip", "x-cloud-trace-context"),
        *("x-amzn-trace-id", "x-amz-cf-id", "tailscale-user-login"),
    ]
)
FORWARDING_FAMILIES = (
    "x-forwarded",  # -for, -host, -proto, -port, -server, -prefix, -by, -ssl, ...: Apache, Traefik, Caddy, HAProxy
    "x-original-",  # -url, -host, -for, -proto, -forwarded-for: IIS, ASP.NET, ingress-nginx, oauth2-proxy
    "x-envoy-",
    "x-azure-",
    "cf-",  # -connecting-ip, -ray, -visitor, ...: Cloudflare
)

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:]+)\]|(?P<name>[0-9a-z.-]+?)\.?)(?::[0-9]*)?", re.ASCII | re.IGNORECASE)
_WHAT_TO_DO = (
    "Open the address that the server printed when it started, in a browser on the same machine. From another "
    "machine, make a tunnel first: ssh -L PORT:127.0.0.1:PORT THE-MACHINE, then open http://127.0.0.1:PORT."
)


def is_loopback(address: str) -> bool:
    """Whether the address, without a port or brackets, is one of this machine alone."""
    if address.lower() == "localhost":
        return True
    try:
        return any(ip_address(address) in network for network in _LOOPBACK)
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a `Host` header names this machine alone, at any port.

    Other names under `.localhost` do not count: some resolvers ask the DNS for them.
    """
    parts = _HOST.fullmatch(host)
    return parts is not None and is_loopback(parts["ipv6"] or parts["name"])


class LoopbackOnly:
    """Answers 403, in words, to every request and websocket that did not come directly from a page of this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = _reason_to_refuse(Headers(scope=scope)) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(
            f"Refused: {reason}. With Rolltop's development sign-in anyone can sign in as anyone, so it serves only "
            f"browsers on its own machine.\n\n{_WHAT_TO_DO}\n",
            403,
        )
        await refusal(scope, receive, send)


def _reason_to_refuse(headers: Headers) -> str | None:
    for name in headers:
        if name in FORWARDING or name.startswith(FORWARDING_FAMILIES):
            return f"the request came through a proxy, which added the header {name}"
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not is_loopback_host(hosts[0]):
        return "the request is not for an address of this machine alone (its Host header)"
    # A proxy that adds nothing and rewrites Host, as nginx does unless it is told otherwise, leaves this one as it was.
    if any(origin.partition("://")[2].lower() != hosts[0].lower() for origin in origins):
        return "the request came from a page of another address (its Origin header)"
    return None
