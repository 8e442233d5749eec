"""What a page of another server sends is refused, and what a running server tells without a sign-in names nobody."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit import config

from console import streamlit_app
from console.headers import HEADERS, SecurityHeaders
from console.sign_in.oidc import OidcSignIn
from console.sign_in.own_origin import OwnOrigin
from console.sign_in.settings import read_sign_in
from core.clock import SystemClock
from tests.support.consoles import Answer, Console, answer_to, running
from tests.support.signing_in import any_store
from tests.support.visits import visiting

HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: streamlit",
)
OWN = "https://hr.example"
FOREIGN = (
    *("https://evil.example", "http://hr.example", "https://hr.example:8443", "https://hr.example.evil.example"),
    *("http://localhost:3000", "http://127.0.0.1", "http://0.0.0.0:8501", "null", ""),
)


async def status_of(origin: str | None, sent: list[str], host: str = "hr.example", kind: str = "websocket") -> int:
    """What a request with these Origins gets from a console at this origin; 200 if it passes."""
    statuses = []

    async def passed(scope, receive, send):
        statuses.append(200)

    async def send(message):
        if "status" in message:
            statuses.append(message["status"])

    headers = [(b"host", host.encode()), *((b"origin", one.encode()) for one in sent)]
    scope = {"type": kind, "method": "PUT", "headers": headers, "extensions": {"websocket.http.response": {}}}
    await OwnOrigin(passed, origin)(scope, None, send)
    (status,) = statuses
    return status


@pytest.mark.parametrize("kind", ["websocket", "http"])
@pytest.mark.parametrize("origin", FOREIGN)
async def test_with_a_provider_every_other_origin_is_refused_whatever_the_proxy_makes_of_the_host(origin, kind):
    for host in ("hr.example", "127.0.0.1:8501", origin.partition("://")[2]):
        assert await status_of(OWN, [origin], host, kind) == 403
        assert await status_of(OWN, [OWN, origin], host, kind) == 403


@pytest.mark.parametrize("own", [OWN, "https://HR.example", "https://hr.example:443"])
async def test_with_a_provider_the_consoles_own_origin_passes_behind_a_proxy_that_rewrites_the_host(own):
    assert await status_of(own, [OWN], "127.0.0.1:8501") == 200
    assert await status_of(own, [], "127.0.0.1:8501") == 200


@pytest.mark.parametrize("origin", FOREIGN)
async def test_behind_a_proxy_that_signs_people_in_the_origin_must_be_that_of_the_host(origin):
    if origin != "http://hr.example":  # the proxy may end the encryption: the scheme is unknown here
        assert await status_of(None, [origin]) == 403
    assert await status_of(None, [OWN]) == 200


async def test_an_origin_in_streamlits_own_setting_passes(monkeypatch):
    monkeypatch.setattr(config, "get_option", {"server.corsAllowedOrigins": ["https://portal.example"]}.get)
    assert await status_of(None, ["https://portal.example"]) == 200
    assert await status_of(None, ["https://portal.example.evil.example"]) == 403


def test_a_console_with_a_provider_knows_its_origin_and_any_other_but_a_demos_takes_the_hosts(monkeypatch):
    settings = read_sign_in(
        {
            "ROLLTOP_OIDC_ISSUER": "https://sso.example",
            "ROLLTOP_OIDC_CLIENT_ID": "desk",
            "ROLLTOP_OIDC_CLIENT_SECRET": "the-clients-secret",
            "ROLLTOP_OIDC_REDIRECT": f"{OWN}/oauth2callback",
            "ROLLTOP_OIDC_COOKIE_SECRET": "a-secret-of-at-least-32-characters",
        }
    )
    for sign_in, origin in ((OidcSignIn(settings.oidc, SystemClock().now), OWN), (any_store, None)):
        monkeypatch.setattr(
            streamlit_app, "way", lambda sign_in=sign_in: SimpleNamespace(sign_in=sign_in, is_development=False)
        )
        headers, _, own, *_ = streamlit_app.guards()
        assert (headers.cls, own.cls, own.kwargs) == (SecurityHeaders, OwnOrigin, {"origin": origin})


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A company's console without handbooks, which is not guarded as the development sign-in is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLTOP_SIGN_IN_OWN", "tests.support.signing_in:any_store")
        with running(tmp_path_factory.mktemp("company"), "offline:?delay=0", demo=False) as console:
            yield console


def asked(console: Console, request: str, *headers: str) -> Answer:
    lines = (f"{request} HTTP/1.1", f"Host: 127.0.0.1:{console.port}", *headers, "", "")
    return answer_to(console.port, "\r\n".join(lines).encode())


def test_a_running_console_refuses_the_websocket_and_the_upload_of_another_page(console):
    own = f"Origin: http://127.0.0.1:{console.port}"
    for origin in ("https://evil.example", "http://localhost:3000", "http://127.0.0.1", "null"):
        for request in ("GET /_stcore/stream", "PUT /_stcore/upload_file/s/f"):
            headers = HANDSHAKE if "stream" in request else ("Content-Length: 0",)
            answer = asked(console, request, *headers, f"Origin: {origin}")
            assert (answer.status, answer.text) == (403, "Refused: the request came from a page of another address.\n")
            assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()
    assert asked(console, "GET /_stcore/stream", *HANDSHAKE, own).status == 101
    assert "knowledge owner" in asked(console, "PUT /_stcore/upload_file/s/f", "Content-Length: 0", own).text


async def test_what_a_server_tells_without_a_sign_in_names_neither_people_nor_what_they_wrote(console):
    paths = ("_stcore/metrics", "_stcore/health", "_stcore/host-config", "_stcore/script-health-check", "media/x")
    paths += ("_stcore/allowed-message-origins", "_stcore/agent/openapi.json", "healthz", "my-data", "")
    async with visiting(console.url, "e-1042") as visit:
        await visit.open()
        await visit.run("May a walrus work from Zanzibar?")
        drawn = b""
        while b"Zanzibar" not in drawn or "thread=" not in visit.query:
            drawn += (await visit.next()).SerializeToString()
        thread = visit.query.partition("thread=")[2]
        assert b"e-1042" in drawn
        assert thread
        answers = {path: asked(console, f"GET /{path}") for path in paths}
    assert "active_sessions" in answers["_stcore/metrics"].text
    assert "allowedOrigins" in answers["_stcore/host-config"].text
    for path, answer in answers.items():
        told = f"{answer.headers} {answer.text}".lower()
        assert not [word for word in ("e-1042", "walrus", "zanzibar", thread) if word in told], path
