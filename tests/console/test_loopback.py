"""Who gets in to the development sign-in: a real server, and what proxies and foreign pages send to it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.headers import HEADERS
from console.sign_in.loopback import LoopbackOnly, is_loopback_host
from tests.support.consoles import Answer, Console, answer_to, running

HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: streamlit",
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, sample_catalogue: Path) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    shutil.copy(sample_catalogue, folder / "desk.db-handbooks")
    with running(folder, "offline:") as console:
        yield console


def page(console: Console, *headers: str, version: str = "1.1") -> Answer:
    lines = (f"GET / HTTP/{version}", *headers, "", "")
    return answer_to(console.port, "\r\n".join(lines).encode())


def websocket(console: Console, *headers: str) -> Answer:
    lines = ("GET /_stcore/stream HTTP/1.1", *headers, *HANDSHAKE, "", "")
    return answer_to(console.port, "\r\n".join(lines).encode())


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8501", "LocalHost:8501", "localhost.", "localhost.:8501", "localhost:"),
        *("127.0.0.1", "127.0.0.1:8501", "127.0.0.1.", "127.8.9.10:80", "127.255.255.255"),
        *("[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]:8501", "[0000::0001]"),
    ],
)
def test_a_host_of_this_machine_alone_is_loopback(host):
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", ":8501", "hr.example", "hr.example:8501", "rebind.localhost", "localhost.hr.example", "localhost.."),
        *("127.0.0.1.hr.example", "127.0.0.1..", "hr.example@localhost", "localhost@hr.example", "localhost/desk"),
        *("localhost:8501:80", "localhost:port", "localhost, hr.example", "localhost hr.example", "localhost\n"),
        *("0.0.0.0", "192.168.1.7", "10.0.0.1:8501", "128.0.0.1", "126.255.255.255", "127.1", "127.0.0.01"),
        *("2130706433", "0x7f.0.0.1", "127.0.0.1\u00b2", "\u0661\u0662\u0667.0.0.1", "localho\u017ft"),
        *("::1", "[::1", "::1]", "[]", "[::]", "[::2]", "[fe80::1]", "[::1%25lo]", "[127.0.0.1]", "[localhost]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    ],
)
def test_any_other_host_is_not(host):
    assert not is_loopback_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST.", "[::1]:{port}"])
def test_a_browser_of_this_machine_gets_the_page_and_its_websocket(console, host):
    host = host.format(port=console.port)
    assert page(console, f"Host: {host}").status == 200
    assert websocket(console, f"Host: {host}", f"Origin: http://{host}").status == 101


def assert_refused(answer: Answer, because: str) -> None:
    assert answer.status == 403
    assert because in answer.text
    assert "ssh -L" in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded: for=192.0.2.1;proto=https;host=hr.example",
        "X-Forwarded-For: 192.0.2.1",
        "x-forwarded-host: hr.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        "X-Forwarded-Server: hr.example",
        "X-Forwarded-Prefix: /desk",
        "X-Real-IP: 192.0.2.1",
        "X-REAL-IP:",
        "Via: 1.1 hr.example",
        "X-Original-URL: /desk",
        "X-Original-Host: hr.example",
        "CF-Connecting-IP: 192.0.2.1",
        "True-Client-IP: 192.0.2.1",
    ],
)
def test_what_a_proxy_passes_on_is_refused_page_and_websocket(console, header):
    host = f"Host: 127.0.0.1:{console.port}"
    name = header.partition(":")[0].lower()
    assert_refused(page(console, host, header), f"a proxy, which added the header {name}")
    assert_refused(websocket(console, host, header), f"a proxy, which added the header {name}")


@pytest.mark.parametrize(
    "host", ["hr.example", "hr.example:{port}", "rebind.localhost:{port}", "192.168.1.7:{port}", ""]
)
def test_a_name_that_was_made_to_point_here_is_refused_page_and_websocket(console, host):
    host = host.format(port=console.port)
    assert_refused(page(console, f"Host: {host}"), "Host header")
    assert_refused(websocket(console, f"Host: {host}", f"Origin: http://{host}"), "Host header")


def test_a_request_without_a_host_is_refused(console):
    assert_refused(page(console, version="1.0"), "Host header")


def test_a_request_with_two_hosts_reaches_no_page(console):
    # The HTTP parser that comes with Streamlit refuses it itself, with a 400; others pass it on.
    host = f"Host: 127.0.0.1:{console.port}"
    assert page(console, host, "Host: hr.example").status in (400, 403)
    assert page(console, host, host).status in (400, 403)
    assert websocket(console, host, "Host: hr.example").status in (400, 403)


async def test_two_hosts_are_refused_whatever_the_parser_passes_on():
    sent = []

    async def send(message):
        sent.append(message)

    host = (b"host", b"127.0.0.1:8501")
    await LoopbackOnly(unreachable)({"type": "http", "headers": [host, host]}, unreachable, send)
    assert sent[0]["status"] == 403


async def unreachable(*_):
    pytest.fail("a refused request goes no further")


@pytest.mark.parametrize(
    "origin", ["https://hr.example", "http://localhost:3000", "http://rebind.localhost", "null", ""]
)
def test_a_page_of_another_address_is_refused_its_websocket(console, origin):
    # What nginx passes on by default: the Host is its upstream's, and the Origin still the stranger's page.
    host = f"127.0.0.1:{console.port}"
    assert_refused(websocket(console, f"Host: {host}", f"Origin: {origin}"), "Origin header")


@pytest.mark.parametrize("path", ["_stcore/health", "_stcore/host-config", "media/x", "_stcore/upload_file/s/f", "x"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "OPTIONS"])
def test_no_path_and_no_method_is_open_to_a_proxy(console, path, method):
    lines = (f"{method} /{path} HTTP/1.1", "Host: localhost", "Via: 1.1 hr.example", "Content-Length: 0", "", "")
    assert_refused(answer_to(console.port, "\r\n".join(lines).encode()), "a proxy")
