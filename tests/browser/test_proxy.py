"""The proxy of docs/production.md, by nginx: TLS, a sub-path and websockets, with two processes on one MongoDB."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from tests.browser.test_handbooks import PARROTS, ask, sources
from tests.browser.test_sign_in import EMPLOYEE, MAPPING, box
from tests.servers import oidc
from tests.support.consoles import answer_to, end, wait_until_healthy
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT
from tests.support.ports import free_port

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

(RECIPE,) = re.findall(r"^```nginx\n(.*?)^```", (ROOT / "docs" / "production.md").read_text(), re.DOTALL | re.M)


def put_in(recipe, places):
    """The recipe with these places instead of those that it names."""
    for named, place in places.items():
        assert recipe.count(named) == 1, named
        recipe = recipe.replace(named, place)
    return recipe


@contextmanager
def nginx(folder, recipe, port):
    """An nginx with this recipe, for as long as the block lasts."""
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/nginx.pid; events {{}}\nhttp {{ access_log off;\n{temporary}\n{recipe}\n}}"
    )
    with (folder / "nginx.log").open("w") as log:
        process = subprocess.Popen([NGINX, "-e", "stderr", "-c", folder / "nginx.conf"], stdout=log, stderr=log)
    try:
        wait_until_listening(process, port, folder / "nginx.log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def wait_until_listening(process, port, log):
    for _ in range(int(10 * PATIENCE)):
        assert process.poll() is None, log.read_text()
        try:
            return answer_to(port, b"GET / HTTP/1.0\r\n\r\n")
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


@contextmanager
def served(folder, port):
    """A process of `rolltop serve` in this folder, under the path /hr."""
    log = folder / f"{port}.log"
    command = [sys.executable, "-m", "console.cli.main", "serve", "--port", str(port), "--path", "/hr"]
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
    try:
        wait_until_healthy(process, f"http://127.0.0.1:{port}/hr/_stcore/health", log)
        yield process
    finally:
        if process.poll() is None:
            end(process)


@pytest.fixture
def ports():
    """Of TLS, of plain HTTP, and of the two processes."""
    return [free_port() for _ in range(4)]


@pytest.fixture
def processes(browser, provider, ports, mongodb_url, tmp_path, monkeypatch):
    """Two processes on one MongoDB behind nginx, with a sign-in at that provider and one handbook."""
    tls, plain, first, second = ports
    (tmp_path / "rolltop.toml").write_text(MAPPING.format(ask="the HR service desk"))
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "parrots.md").write_bytes(PARROTS)
    settings = {
        "STORE": mongodb_url,
        "MODEL": "offline:?delay=0",
        "HANDBOOKS": str(tmp_path / "policies"),
        "OIDC_ISSUER": provider.url,
        "OIDC_CLIENT_ID": oidc.CLIENT,
        "OIDC_CLIENT_SECRET": oidc.SECRET,
        "OIDC_COOKIE_SECRET": "0123456789abcdef0123456789abcdef",
        "OIDC_REDIRECT": f"https://127.0.0.1:{tls}/hr/oauth2callback",
    }
    for name, value in settings.items():
        monkeypatch.setitem(os.environ, f"ROLLTOP_{name}", value)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    recipe = put_in(
        RECIPE,
        {
            "127.0.0.1:8501": f"127.0.0.1:{first}",
            "127.0.0.1:8502": f"127.0.0.1:{second}",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
            "/etc/ssl/certs/hr.example.com.pem": str(certificate),
            "/etc/ssl/private/hr.example.com.key": str(key),
        },
    )
    with ExitStack() as stack:
        made = [stack.enter_context(served(tmp_path, port)) for port in (first, second)]
        stack.enter_context(nginx(tmp_path, recipe, plain))
        yield made


def holder(processes, ports):
    """The process that the browser's websocket leads to."""
    for process, port in zip(processes, ports, strict=True):
        for connection in psutil.Process(process.pid).net_connections("tcp"):
            if connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port:
                return process
    raise AssertionError("no process has a websocket")


def test_a_browser_comes_through_tls_and_the_sub_path_to_an_answer_and_stays_when_a_process_ends(
    browser,
    provider,
    ports,
    processes,
):
    tls, plain, *own = ports
    site = f"https://127.0.0.1:{tls}/hr/"
    moved = answer_to(plain, b"GET /hr/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert (moved.status, moved.headers["location"]) == (301, "https://127.0.0.1/hr/")

    provider.claims = dict(EMPLOYEE)
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(1000 * PATIENCE)
    page, sockets = context.new_page(), []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(site)
    page.get_by_role("button", name="Sign in").click()
    expect(box(page)).to_be_visible()
    assert page.url == site
    assert set(sockets) == {f"wss://127.0.0.1:{tls}/hr/_stcore/stream"}
    assert {cookie["secure"] for cookie in context.cookies() if "streamlit_user" in cookie["name"]} == {True}
    # The console's own settings hold, in whatever folder it was started.
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar).to_have_css("background-color", "rgb(244, 246, 245)")

    ask(page, "May I bring a parrot to the office?")
    assert sources(page) == ["Parrots at work"]

    ending = holder(processes, own)
    end(ending)
    assert ending.returncode == -signal.SIGTERM
    page.reload()
    expect(page.get_by_text("May I bring a parrot to the office?").last).to_be_visible()
    ask(page, "May I bring my parrot on Fridays?")
    context.close()
