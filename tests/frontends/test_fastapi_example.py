"""The FastAPI example, run as a server: what a browser has is continued, by the same server and by the next one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.desks import PATIENCE
from tests.support.frontends import ai_sdk_message, sent_events
from tests.support.paths import ROOT
from tests.support.ports import free_port

SCRIPT = {
    "questions": [
        {"contains": "slow", "answers": [[{"say": "Twelve days are "}, {"wait_for_file": "go"}, {"say": "left."}]]}
    ],
    "answers": [[{"say": "Hello."}]],
    "loop": True,
}


@contextmanager
def served(folder) -> Iterator[httpx.Client]:
    """A client of the example, which runs on a port of its own with a script as its model. It ends by SIGKILL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--app-dir", "examples", "fastapi_app:app", "--port", str(port)]
    settings = {"CHAT_STORE": f"sqlite:///{folder}/chat.db", "CHAT_MODEL": f"scripted:{folder}/script.json"}
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env={**os.environ, **settings})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
            while server.poll() is None:
                try:
                    client.get("/")
                    break
                except httpx.ConnectError:
                    time.sleep(0.02)
            yield client
    finally:
        server.kill()
        server.wait(PATIENCE)


def seen(client, turn, last_id=None, until=None):
    """The events of the turn after an id, to the end, or until one holds the text; then the connection is cut."""
    events = []
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with client.stream("GET", f"/turns/{turn}/stream", headers=headers) as response:
        assert response.status_code == 200, response.read()
        pieces = ""
        for piece in response.iter_text():
            pieces += piece
            events = sent_events(pieces)
            if until and until in "".join(event.json.get("delta", "") for event in events):
                break
    return events


def test_a_browser_goes_on_after_a_cut_connection_and_after_a_killed_server(tmp_path):
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    with served(tmp_path) as client:
        thread = client.post("/threads").json()["id"]
        asked = {"text": "Be slow", "request_id": "r-1"}
        turn = client.post(f"/threads/{thread}/turns", json=asked).json()["id"]
        first = seen(client, turn, until="are ")
        # A browser that lost the connection before the text came has the part's beginning alone.
        had = [event for event in first if event.json["type"] in ("start", "text-start")]
        had += seen(client, turn, had[-1].id, until="are ")
        assert client.post(f"/threads/{thread}/turns", json=asked).json()["id"] == turn
        refused = client.get(f"/turns/{turn}/stream", headers={"Last-Event-ID": "x"})
        assert (refused.status_code, "Last-Event-ID" in refused.json()["error"]) == (400, True)
    with served(tmp_path) as client:
        had += seen(client, turn, had[-1].id)
        message = ai_sdk_message(had)
        assert message == ai_sdk_message(seen(client, turn))
        assert (message.text, message.result["status"]) == ("Twelve days are ", "interrupted")
