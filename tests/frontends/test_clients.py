"""The protocols' own clients, from npm, make the messages of the transcript. Skipped without node or a registry."""

import json
import shutil
import subprocess
from dataclasses import replace

import anyio
import pytest

from console.frontends import ag_ui, ai_sdk
from core.live.events import AttemptEvent, TextEvent
from tests.support.frontends import replayed, with_thoughts
from tests.support.paths import ROOT

SCRIPTS = ROOT / "tests" / "frontends" / "node"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with the clients, and the script that reads streams with them."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the clients of the protocols need node and npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "read_streams.mjs"):
        shutil.copy(SCRIPTS / name, folder)
    installed = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        pytest.skip(f"npm cannot install the clients of the protocols: {installed.stderr[-300:]}")
    return folder


async def whole(stream):
    return "".join([piece async for piece in stream])


@pytest.fixture(scope="module")
async def clients(node, played):
    """What the clients make of turns: one with approvals, a stopped one, a failed one, one whose text began anew."""
    end = played.again[-1]
    stopped = replace(end, turn=end.turn.model_copy(update={"status": "cancelled", "code": "stopped"}))
    failed = replace(end, turn=end.turn.model_copy(update={"status": "failed", "code": "no_worker", "message": "Oh."}))
    anew = [TextEvent(text="Wrong"), AttemptEvent(fence=2), *with_thoughts(played.again)]
    sent = {"aiSdk": {}, "agUi": {}, "headers": {"aiSdk": ai_sdk.HEADERS, "agUi": ag_ui.HEADERS}}
    for protocol, stream, name in (("aiSdk", ai_sdk.ui_message_stream, "ai1"), ("agUi", ag_ui.run_events, "agui1")):
        for case, events in (
            ("stopped", [*played.again[:-1], stopped]),
            ("failed", [*played.again[:-1], failed]),
            ("anew", anew),
        ):
            sent[protocol][case] = [await whole(stream(played.turn, replayed(events)))]
        sent[protocol]["decided"] = [
            await whole(stream(played.turn, replayed(played.live))),
            await whole(stream(played.turn, replayed(played.again), played.parked[name])),
        ]
    # A reload: the client gets the response again, from its start.
    sent["aiSdk"]["reloaded"] = [
        await whole(ai_sdk.ui_message_stream(played.turn, replayed(played.again[:7]))),
        await whole(ai_sdk.ui_message_stream(played.turn, replayed(played.again))),
    ]
    read = await anyio.run_process(["node", "read_streams.mjs"], cwd=node, input=json.dumps(sent).encode(), check=False)
    assert not read.returncode, read.stderr.decode()
    assert not read.stderr
    return json.loads(read.stdout)


def shown(parts):
    """The text that counts: of the parts after the last that discards."""
    marks = [n for n, part in enumerate(parts) if part["type"] == "data-discarded"]
    return "".join(part["text"] for part in parts[(marks or [-1])[-1] + 1 :] if part["type"] == "text")


@pytest.mark.parametrize("case", ["decided", "stopped", "failed", "anew", "reloaded"])
def test_the_ai_sdk_makes_the_message_of_the_transcript(clients, played, case):
    read, end = clients[case]["aiSdk"], played.again[-1]
    assert [message["role"] for message in read["messages"]] == ["user", "assistant"]
    answer = read["messages"][-1]
    assert answer["id"] == f"{played.turn.id}-a"
    assert shown(answer["parts"]) == end.turn.text
    assert all(part.get("state") == "done" for part in answer["parts"] if part["type"] == "text")
    thoughts = [part["text"] for part in answer["parts"] if part["type"] == "reasoning"]
    assert thoughts == (["I think. ", "I think again."] if case == "anew" else [])
    states = {"succeeded": "output-available", "denied": "output-denied", "failed": "output-error"}
    calls = {part["toolCallId"]: part for part in answer["parts"] if part["type"].startswith("tool-")}
    assert calls.keys() == {call.id for call in end.calls}
    for call in end.calls:
        part = calls[call.id]
        assert (part["type"], part["input"]) == (f"tool-{call.tool}", call.planned)
        assert (part["state"], part.get("output")) == (states[call.status], call.result)
    assert [part["sourceId"] for part in answer["parts"] if part["type"] == "source-document"] == ["1"]
    assert [part["data"]["topic"] for part in answer["parts"] if part["type"] == "data-care"] == ["self_harm"]
    statuses = {"stopped": "cancelled", "failed": "failed"}
    assert answer["metadata"]["status"] == statuses.get(case, "completed")
    assert (read["status"], read["error"]) == (("error", "Oh.") if case == "failed" else ("ready", None))


@pytest.mark.parametrize("case", ["decided", "stopped", "failed", "anew"])
def test_ag_ui_makes_the_messages_of_the_transcript(clients, played, case):
    read, end = clients[case]["agUi"], played.again[-1]
    messages = read["messages"]
    texts = [each["content"] for each in messages if each["role"] == "assistant" and not each.get("toolCalls")]
    assert "".join(texts) == end.turn.text
    thoughts = [each["content"] for each in messages if each["role"] == "reasoning"]
    assert thoughts == (["I think. ", "I think again."] if case == "anew" else [])
    calls = {call["id"]: call["function"] for each in messages for call in each.get("toolCalls", ())}
    results = {each["toolCallId"]: each["content"] for each in messages if each["role"] == "tool"}
    assert calls.keys() == results.keys() == {call.id for call in end.calls}
    for call in end.calls:
        assert (calls[call.id]["name"], json.loads(calls[call.id]["arguments"])) == (call.tool, call.planned)
        if call.tool == "look":
            assert json.loads(results[call.id]) == call.result
    assert read["pending"] == []
    assert read["error"] == ("Oh." if case == "failed" else None)
    assert read["events"][-1] == ("RUN_ERROR" if case == "failed" else "RUN_FINISHED")


def test_what_the_clients_post_is_understood(clients, played):
    waiting = {call.id: call.digest for call in played.live[-1].calls}
    first, second = map(ai_sdk.chat_request, clients["decided"]["aiSdk"]["posts"])
    question = clients["decided"]["aiSdk"]["messages"][0]
    assert (first.text, first.request_id, first.thread_id) == ("How many days?", question["id"], "thread-1")
    assert {each.call_id: each.digest for each in second.decisions} == waiting
    assert [each.decision for each in second.decisions] == ["deny", "approve", "approve"]
    assert {each.reason for each in second.decisions} == {"as agreed"}
    first, second = map(ag_ui.run_request, clients["decided"]["agUi"]["posts"])
    assert (first.text, first.request_id, first.thread_id) == ("How many days?", "question-1", "thread-1")
    assert {each.call_id: each.digest for each in second.decisions} == waiting
    assert [each.decision for each in second.decisions] == ["deny", "approve", "approve"]
