"""`rolltop serve` as a process of its own: what its log and its spans say and keep to themselves, and how it ends."""

import json
import os
import signal
import subprocess
import sys

import anyio
import httpx
import pytest

from tests.servers.collector import attributes, collecting
from tests.support.consoles import answer_to, wait_until_healthy
from tests.support.desks import PATIENCE
from tests.support.erasable import CANARY
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.visits import visiting

SLOW = [{"say": f"One {CANARY}"}, {"wait_for_file": "go"}, {"say": " two."}]
SCRIPT = {"questions": [{"contains": "slow", "answers": [SLOW]}]}


@pytest.fixture
def folder(tmp_path):
    """A working folder, and handbooks whose folder and files have the word in their names, one of them unreadable."""
    policies = tmp_path / f"policies of {CANARY}"
    policies.mkdir()
    (policies / f"{CANARY}.md").write_text(f"# Leave of {CANARY}\n\n## Days\n\nTwelve days, says {CANARY}.\n")
    (policies / f"{CANARY}-2.pdf").write_bytes(f"no PDF, {CANARY}".encode())
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    (tmp_path / "rolltop.toml").write_text(
        f'[models.large]\nurl = "openai:m?base_url=http://u:{CANARY}@127.0.0.1:9/v1"\nkey_env = "LARGE_KEY"\n'
        f'headers = {{ x-key = "{CANARY}" }}\n'
    )
    return tmp_path


def test_a_server_tells_all_in_its_log_and_spans_and_nothing_that_is_somebodys_and_ends_when_its_turn_has(folder):
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "log"
    with collecting() as collector:
        environment = {
            **{name: text for name, text in os.environ.items() if "ROLLTOP_" not in name},
            "PYTHONPATH": str(ROOT),
            "ROLLTOP_STORE": "sqlite:///desk.db",
            "ROLLTOP_MODEL": "scripted:script.json large",
            "ROLLTOP_HANDBOOKS": f"policies of {CANARY}",
            "ROLLTOP_EMBEDDER": "none:",
            "ROLLTOP_SIGN_IN_OWN": "tests.support.signing_in:any_store",
            "ROLLTOP_LOG_LEVEL": "debug",
            "LARGE_KEY": f"sk-{CANARY}",
            "ROLLTOP_DRAIN": str(PATIENCE),
            "ROLLTOP_SPANS": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARY}",
            # What makes other libraries and Python talk.
            "OPENAI_LOG": "debug",
            "ANTHROPIC_LOG": "debug",
            "PYTHONWARNINGS": "always",
            "HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:9",
        }
        command = [sys.executable, "-P", "-m", "console.cli.main", "serve", "--port", str(port)]
        with log.open("w") as file:
            server = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file)
        try:
            wait_until_healthy(server, f"{url}/health/ready", log)
            head = f"Host: 127.0.0.1:{port}\r\nAuthorization: {CANARY}\r\nCookie: a={CANARY}\r\n\r\n"
            for line in (f"GET /?code={CANARY} HTTP/1.1", f"GET /{CANARY} HTTP/1.1", f"{CANARY} / HTTP/1.1"):
                answer_to(port, f"{line}\r\n{head}".encode())
            anyio.run(_ask_slow_and_end, url, server)
            (folder / "go").touch()
            assert server.wait(PATIENCE) == -signal.SIGTERM
        finally:
            server.kill()
            server.wait(PATIENCE)
    text = log.read_text()
    first, *lines = text.splitlines()
    assert first.startswith("Rolltop starts on")
    told = [json.loads(line) for line in lines]
    events = [line["event"] for line in told if "event" in line]
    assert [name for name in events if name.startswith("turn.")] == ["turn.opened", "turn.begun", "turn.ended"]
    assert "commit.made" in events
    assert CANARY not in text
    assert "s3cret" not in text
    spans = {span.name: span for span in collector.spans}
    assert {"invoke_agent rolltop", "chat scripted:script.json"} <= spans.keys()
    assert attributes(spans["invoke_agent rolltop"])["rolltop.turn.status"] == "completed"
    assert collector.services == {"rolltop"}
    assert {headers["authorization"] for headers in collector.headers} == {CANARY}
    assert CANARY.encode() not in b"".join(collector.raw)


async def _ask_slow_and_end(url, server):
    """Ask what is not answered yet, tell the server to end, and see that it lives, is not ready, and does not end."""
    async with visiting(url, "e-1042") as visit:
        await visit.open()
        await visit.run(f"slow {CANARY}")
        with anyio.fail_after(PATIENCE):
            while CANARY not in str(await visit.next()):
                pass
            server.send_signal(signal.SIGTERM)
            async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
                while (ready := await client.get("/health/ready")).status_code == 200:
                    pass
                assert ready.json()["reasons"][0]["code"] == "closing"
                assert (await client.get("/health/live")).status_code == 200
    assert server.poll() is None
