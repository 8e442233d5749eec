"""The fault server: what it plays is what the providers' SDKs read, and what it is asked it checks as providers do."""

import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import anthropic
import anyio
import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import RawMessageStreamEvent
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from backends.models.scripted.model import Bill, Call, Cut, Fail, Pause, Say, Stop, Think, Wait
from core.errors import InvalidInput
from core.model import Ping
from core.values import Usage
from tests.servers.faults.asked import Asked
from tests.servers.faults.checks import check
from tests.servers.faults.errors import refusal
from tests.servers.faults.parts import (
    Bytes,
    CallAs,
    CutAfter,
    Drop,
    Emit,
    Hang,
    Page,
    Refusal,
    Refuse,
    Segments,
    StopAs,
)
from tests.servers.faults.rules import Refused
from tests.servers.faults.script import read_server_script
from tests.servers.faults.server import PATHS, FaultServer
from tests.servers.faults.wire import seal
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT

APIS = ("responses", "chat", "messages")
PATH = {api: path for path, api in PATHS.items()}
WHOLE = [
    Think("Hm, well."),
    Say("Let me look."),
    Call("look", {"year": 2026}),
    Call("look", '{"year": '),
    Bill(Usage(input=90, cached=10, cache_write=5, output=7, reasoning=3)),
]
TOOL = {"type": "object", "properties": {"year": {"type": "integer"}}}
ASKED: dict[str, dict[str, Any]] = {
    "responses": {
        "model": "m",
        "stream": True,
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "tools": [{"type": "function", "name": "look", "parameters": TOOL, "strict": False}],
    },
    "chat": {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": TOOL}}],
    },
    "messages": {
        "model": "m",
        "stream": True,
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"name": "look", "input_schema": TOOL}],
    },
}
EVENTS: dict[str, Any] = {
    "responses": TypeAdapter(ResponseStreamEvent),
    "chat": TypeAdapter(ChatCompletionChunk),
    "messages": TypeAdapter(RawMessageStreamEvent),
}


@asynccontextmanager
async def serving(*answers: Any, **options: Any) -> AsyncIterator[FaultServer]:
    async with FaultServer(list(answers), **options) as server:
        yield server


async def post(server: FaultServer, api: str, body: Any = None) -> httpx2.Response:
    """The answer to a request that is fit, read to its end."""
    async with httpx2.AsyncClient() as client:
        return await client.post(server.url + PATH[api], json=body or ASKED[api])


@asynccontextmanager
async def open_stream(server: FaultServer, api: str) -> AsyncIterator[httpx2.Response]:
    """The answer, which is read by whoever asked."""
    async with (
        httpx2.AsyncClient() as client,
        client.stream("POST", server.url + PATH[api], json=ASKED[api]) as response,
    ):
        yield response


async def events(server: FaultServer, api: str, body: Any = None) -> list[Any]:
    """The JSON of each event, `[DONE]` as text."""
    lines = (await post(server, api, body)).text.splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


async def streamed(server: FaultServer, api: str) -> list[Any]:
    """What the provider's SDK makes of the answer."""
    if api == "messages":
        async with AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0) as client:
            return [event async for event in await client.messages.create(**ASKED[api])]
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        create: Any = client.responses.create if api == "responses" else client.chat.completions.create
        return [event async for event in await create(**ASKED[api])]


def text_of(api: str, read: list[Any]) -> str:
    """The text of the answer, as the SDK gives it."""
    match api:
        case "responses":
            return "".join(event.delta for event in read if event.type == "response.output_text.delta")
        case "chat":
            return "".join(event.choices[0].delta.content or "" for event in read if event.choices)
        case _:
            deltas = [event.delta for event in read if event.type == "content_block_delta"]
            return "".join(delta.text for delta in deltas if delta.type == "text_delta")


@pytest.mark.parametrize("api", APIS)
async def test_every_event_is_of_the_sdks_own_type(api):
    async with serving(WHOLE) as server:
        sent = [event for event in await events(server, api) if event != "[DONE]" and event.get("type") != "ping"]
    for event in sent:
        EVENTS[api].validate_python(event)
    assert len(sent) >= 10


@pytest.mark.parametrize("api", APIS)
async def test_the_sdk_reads_the_text_the_calls_and_the_tokens(api):
    async with serving(WHOLE) as server:
        read = await streamed(server, api)
    assert text_of(api, read) == "Let me look."
    match api:
        case "responses":
            response = read[-1].response
            calls = [(item.name, item.arguments) for item in response.output if item.type == "function_call"]
            tokens = (response.usage.input_tokens, response.usage.output_tokens)
            assert [event.sequence_number for event in read] == list(range(len(read)))
        case "chat":
            pieces = [call for event in read if event.choices for call in event.choices[0].delta.tool_calls or ()]
            names = [piece.function.name for piece in pieces if piece.function.name]
            written = ["".join(p.function.arguments for p in pieces if p.index == n) for n in range(len(names))]
            calls = list(zip(names, written, strict=True))
            tokens = (read[-1].usage.prompt_tokens, read[-1].usage.completion_tokens)
        case _:
            names = [e.content_block.name for e in read if e.type == "content_block_start" and e.index > 1]
            deltas = [event for event in read if event.type == "content_block_delta"]
            written = ["".join(getattr(e.delta, "partial_json", "") for e in deltas if e.index == n) for n in (2, 3)]
            calls = list(zip(names, written, strict=True))
            before = read[0].message.usage
            cached = before.cache_read_input_tokens + before.cache_creation_input_tokens
            tokens = (before.input_tokens + cached, read[-2].usage.output_tokens)
    assert calls == [("look", '{"year":2026}'), ("look", '{"year": ')]
    assert tokens == (90, 7)


@pytest.mark.parametrize(
    ("api", "stop", "marker"),
    [
        ("responses", Stop("length"), {"reason": "max_output_tokens"}),
        ("responses", Stop("other"), {"reason": "a_reason_nobody_knows"}),
        ("responses", StopAs("content_filter"), {"reason": "content_filter"}),
        ("chat", Stop("length"), "length"),
        ("chat", Stop("end"), "stop"),
        ("chat", StopAs("content_filter"), "content_filter"),
        ("chat", StopAs(None), None),
        ("messages", Stop("length"), "max_tokens"),
        ("messages", Stop("pause"), "pause_turn"),
        ("messages", Stop("refusal"), "refusal"),
        ("messages", StopAs("model_context_window_exceeded"), "model_context_window_exceeded"),
    ],
)
async def test_an_answer_stops_for_the_reason_that_its_api_has_for_it(api, stop, marker):
    async with serving([Say("Hello."), stop]) as server:
        sent = await events(server, api)
    match api:
        case "responses":
            assert sent[-1]["type"] == "response.incomplete"
            assert sent[-1]["response"]["incomplete_details"] == marker
        case "chat":
            assert sent[-2]["choices"][0]["finish_reason"] == marker
            assert sent[-1] == "[DONE]"
        case _:
            assert sent[-2]["delta"]["stop_reason"] == marker
            assert sent[-1]["type"] == "message_stop"


async def test_openai_says_a_refusal_in_words_of_their_own():
    async with serving([Say("I will not."), Stop("refusal")], loop=True) as server:
        sent = await events(server, "responses")
        assert "".join(e["delta"] for e in sent if e["type"] == "response.refusal.delta") == "I will not."
        deltas = [event["choices"][0]["delta"] for event in (await events(server, "chat"))[:-1]]
        assert "".join(delta.get("refusal", "") for delta in deltas) == "I will not."


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", get_args(Refusal))
async def test_the_sdk_knows_each_refusal_by_its_status_and_body(api, name):
    errors: Any = anthropic if api == "messages" else openai
    async with serving([Refuse(name, 7)]) as server:
        with pytest.raises(errors.APIStatusError) as raised:
            await streamed(server, api)
    status, body = refusal(api, name)
    assert raised.value.status_code == status
    assert raised.value.body in (body, body["error"])
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.request_id


@pytest.mark.parametrize("api", APIS)
async def test_a_failure_before_any_part_is_a_refusal_and_later_an_event(api):
    async with serving([Fail("overloaded", "so it is")], [Say("Twel"), Fail("overloaded", "so it is")]) as server:
        first, later = await post(server, api), await post(server, api)
    assert (first.status_code, later.status_code) == (529 if api == "messages" else 503, 200)
    assert "so it is" in first.text
    assert "so it is" in later.text.strip().split("\n\n")[-1]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", ["end", "drop", "reset"])
async def test_an_answer_can_be_cut_after_each_of_its_events(api, how):
    async with serving(WHOLE) as server:
        await post(server, api)
        most = server.requests[0].events
    for events_sent in range(most):
        async with serving([*WHOLE, CutAfter(events_sent, how)]) as server:
            if how == "end":
                body = (await post(server, api)).text
                assert body.count("\n\n") == events_sent
            else:
                with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
                    await post(server, api)
            assert server.requests[0].events == events_sent


async def test_segments_have_the_size_that_the_script_wants():
    async with serving([Segments(7), Say("Hello.")]) as server, open_stream(server, "chat") as response:
        chunks = [chunk async for chunk in response.aiter_raw()]
    # Neighbouring chunks may arrive together; none is split at any other place.
    assert all(len(chunk) % 7 == 0 for chunk in chunks[:-1])
    assert len(chunks) > 1


@pytest.mark.parametrize("api", APIS)
async def test_bytes_and_events_are_sent_as_they_are(api):
    received = bytearray()

    async def read(server: FaultServer) -> None:
        async with open_stream(server, api) as response:
            async for chunk in response.aiter_raw():
                received.extend(chunk)

    async with serving([Emit({"type": "new.kind", "x": 1}, "new.kind"), Bytes(b"data: \xe2\x82"), Drop()]) as server:
        with pytest.raises(httpx2.RemoteProtocolError):
            await read(server)
    assert b'event: new.kind\ndata: {"type": "new.kind", "x": 1}\n\ndata: \xe2\x82' in received


async def test_a_call_has_the_id_that_the_script_wants_or_none():
    answer = [CallAs("look", {}, "same"), CallAs("look", {}, "same"), CallAs("look", {}, None)]
    async with serving(answer, loop=True) as server:
        items = (await events(server, "responses"))[-1]["response"]["output"]
        assert [item.get("call_id") for item in items] == ["same", "same", None]
        chunks = [event for event in await events(server, "chat") if event != "[DONE]"]
        calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
        assert [call.get("id") for call in calls] == ["same", "same", None]
        blocks = [e["content_block"] for e in await events(server, "messages") if e["type"] == "content_block_start"]
        assert [block.get("id") for block in blocks] == ["same", "same", None]


async def test_an_answer_waits_for_its_gate():
    gate = anyio.Event()
    answer = [Say("One "), Wait(gate), Pause(0), Ping(), Say("two.")]
    async with serving(answer) as server, open_stream(server, "messages") as response:
        received = ""
        async for text in response.aiter_text():
            received += text
            if "One" in received and not gate.is_set():
                assert "two." not in received
                gate.set()
    assert "two." in received


async def test_one_connection_carries_several_requests():
    async with (
        serving([Say("One.")], [Refuse("rate_limit")], [Say("Three."), Cut()]) as server,
        httpx2.AsyncClient() as client,
    ):
        answers = [await client.post(server.url + PATH["chat"], json=ASKED["chat"]) for _ in range(3)]
        ends = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert len(ends) == 1
    assert [asked.body for asked in server.requests] == [ASKED["chat"]] * 3


async def test_a_script_that_is_used_up_refuses_and_a_refusal_uses_nothing_up():
    async with serving([Say("One.")]) as server:
        assert (await post(server, "chat", {"model": "m"})).status_code == 400
        assert (await post(server, "chat")).status_code == 200
        assert (await post(server, "chat")).status_code == 400
    assert [bool(asked.refused) for asked in server.requests] == [True, False, True]
    assert "used up" in server.refused[-1]


async def test_a_function_answers_by_what_was_asked():
    async with FaultServer(lambda asked: [Say(f"asked by {asked.api}")]) as server:
        for api in APIS:
            assert text_of(api, await streamed(server, api)) == f"asked by {api}"


@pytest.mark.parametrize(
    "answer",
    [[Say("Hello."), Refuse("auth")], [Say("Hello."), Page("<html>")], [Think("Hm.", ({},))], [Stop("pause")]],
    ids=["a refusal too late", "a page too late", "reasoning sealed elsewhere", "no such stop in this API"],
)
async def test_what_cannot_be_played_is_refused_before_anything_is_sent(answer):
    async with serving(answer) as server:
        assert (await post(server, "chat")).status_code == 400
    assert len(server.refused) == 1


def test_a_part_in_place_of_an_answer_is_refused():
    with pytest.raises(InvalidInput):
        FaultServer([Say("Hello.")])


async def test_another_path_is_not_found():
    async with serving() as server, httpx2.AsyncClient() as client:
        assert (await client.post(f"{server.url}/v2/responses", json={})).status_code == 404
        assert (await client.get(f"{server.url}/v1/responses")).status_code == 404


def fits(api: str, body: Any) -> str | None:
    """Why the request is refused; None when it is not."""
    try:
        check(api, body)
    except Refused as error:
        return str(error)
    return None


def asked(api: str, *messages: Any, **fields: Any) -> dict[str, Any]:
    """A request that is fit but perhaps for these messages."""
    return {**ASKED[api], "input" if api == "responses" else "messages": list(messages), **fields}


USER = {"role": "user", "content": "hello"}
SAID = {"role": "assistant", "content": "Hello."}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "12"}
REASONED = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": seal("reasoning", "Hm."),
}


def called(id: str = "c1", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": "look", "arguments": arguments}


ALL = [called("c1"), called("c2"), {**RESULT, "call_id": "c1"}, {**RESULT, "call_id": "c2"}]


def tool_calls(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    function = {"name": "look", "arguments": arguments}
    calls = [{"type": "function", "id": id, "function": function} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def tool_said(id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "12"}


def uses(*ids: str, before: tuple[Any, ...] = ()) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": id, "name": "look", "input": {}} for id in ids]
    return {"role": "assistant", "content": [*before, *blocks]}


def results(*ids: str, before: tuple[Any, ...] = ()) -> dict[str, Any]:
    blocks = [{"type": "tool_result", "tool_use_id": id, "content": "12"} for id in ids]
    return {"role": "user", "content": [*before, *blocks]}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


CACHED = {"cache_control": {"type": "ephemeral"}}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
REDACTED = {"type": "redacted_thinking", "data": seal("redacted", "")}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": seal("thinking", "Hm.")}

FIT = {
    "a question": [ASKED[api] for api in APIS],
    "an answer and another question": [asked(api, USER, SAID, USER) for api in APIS],
    "calls, each with its result": [
        asked("responses", USER, *ALL),
        asked("chat", USER, tool_calls("c1", "c2"), tool_said("c1"), tool_said("c2"), SAID, USER),
        asked("messages", USER, uses("c1", "c2"), results("c1", "c2")),
    ],
    "reasoning that came from here": [
        asked("responses", USER, REASONED, called(), RESULT, store=False),
        asked("responses", USER, REASONED, ALL[0], REASONED, ALL[1], SAID, *ALL[2:]),
        asked("messages", USER, uses("c1", before=(THOUGHT, REDACTED)), results("c1")),
    ],
    "thinking before calls": [
        asked("messages", USER, uses("c1", before=(THOUGHT,)), results("c1"), **THINKS),
        asked("messages", USER, SAID, USER, **THINKS),
    ],
    "a parameter that the SDK has no type for": [asked("messages", USER, temperature=0.5)],
    "four breakpoints": [asked("messages", {"role": "user", "content": [text("a", **CACHED)] * 4})],
}
UNFIT = {
    "no JSON object": [(api, []) for api in APIS],
    "no stream": [(api, {**ASKED[api], "stream": False}) for api in APIS],
    "a field of the wrong type": [(api, {**ASKED[api], "model": 7}) for api in APIS],
    "a parameter nobody knows": [(api, {**ASKED[api], "temprature": 1}) for api in APIS],
    "a field nobody knows, deep down": [(api, asked(api, {**USER, "moood": "x"})) for api in APIS],
    "no message": [(api, asked(api)) for api in APIS],
    "an answer first": [(api, asked(api, SAID, USER)) for api in APIS],
    "an empty message": [(api, asked(api, {**USER, "content": ""})) for api in APIS],
    "a message of blanks": [(api, asked(api, USER, {**SAID, "content": " \n"}, USER)) for api in APIS],
    "no parts": [(api, asked(api, {**USER, "content": []})) for api in APIS],
    "a call without a result": [
        ("responses", asked("responses", USER, called())),
        ("responses", asked("responses", USER, called(), USER)),
        ("responses", asked("responses", USER, called("c1"), called("c2"), RESULT, SAID)),
        ("chat", asked("chat", USER, tool_calls("c1"))),
        ("chat", asked("chat", USER, tool_calls("c1", "c2"), tool_said("c1"), USER)),
        ("messages", asked("messages", USER, uses("c1", "c2"), results("c1"))),
        ("messages", asked("messages", USER, uses("c1"), USER)),
    ],
    "a result of no call": [
        ("responses", asked("responses", USER, RESULT)),
        ("responses", asked("responses", USER, called(), RESULT, RESULT)),
        ("chat", asked("chat", USER, tool_said())),
        ("chat", asked("chat", USER, tool_calls("c1"), tool_said("c1"), tool_said("c1"))),
        ("messages", asked("messages", results("c1"))),
        ("messages", asked("messages", USER, uses("c1"), results("c1", "c1"))),
    ],
    "a result that stands elsewhere": [
        ("responses", asked("responses", USER, called(), USER, RESULT)),
        ("responses", asked("responses", USER, *ALL[:3], SAID, ALL[3])),
        ("responses", asked("responses", USER, *ALL[:3], called("c3"), ALL[3], {**RESULT, "call_id": "c3"})),
        ("chat", asked("chat", USER, tool_calls("c1"), SAID, tool_said("c1"))),
        ("messages", asked("messages", USER, uses("c1"), results("c1", before=(text("and"),)))),
    ],
    "one id for two calls": [
        ("responses", asked("responses", USER, called(), RESULT, called(), RESULT)),
        ("chat", asked("chat", USER, tool_calls("c1"), tool_said(), tool_calls("c1"), tool_said())),
        ("messages", asked("messages", USER, uses("c1", "c1"), results("c1", "c1"))),
    ],
    "an id that its provider does not take": [
        ("responses", asked("responses", USER, called("c" * 65), {**RESULT, "call_id": "c" * 65})),
        ("chat", asked("chat", USER, tool_calls("c" * 41), tool_said("c" * 41))),
        ("messages", asked("messages", USER, uses("c.1"), results("c.1"))),
    ],
    "arguments that are no object": [
        ("responses", asked("responses", USER, called(arguments="[1]"), RESULT)),
        ("chat", asked("chat", USER, tool_calls("c1", arguments='{"year": '), tool_said())),
    ],
    "reasoning of somebody else": [
        ("responses", asked("responses", USER, {**REASONED, "encrypted_content": "x"}, SAID, USER)),
        ("messages", asked("messages", USER, uses("c1", before=({**THOUGHT, "thinking": "Ah."},)), results("c1"))),
        ("messages", asked("messages", USER, uses("c1", before=({**REDACTED, "data": "x"},)), results("c1"))),
    ],
    "reasoning that is not kept": [
        ("responses", asked("responses", USER, {**REASONED, "encrypted_content": None}, SAID, USER, store=False))
    ],
    "reasoning that leads to nothing": [
        ("responses", asked("responses", USER, REASONED)),
        ("responses", asked("responses", USER, REASONED, USER)),
    ],
    "blocks of an answer in a question": [
        ("messages", asked("messages", uses("c1") | {"role": "user"}, results("c1") | {"role": "assistant"}, USER)),
        ("messages", asked("messages", {"role": "user", "content": [THOUGHT]})),
    ],
    "calls without the thinking that led to them": [
        ("messages", asked("messages", USER, uses("c1"), results("c1"), **THINKS))
    ],
    "no room to think": [
        ("messages", asked("messages", USER, **{**THINKS, "max_tokens": 1024})),
        ("messages", asked("messages", USER, thinking={"type": "enabled", "budget_tokens": 10})),
    ],
    "two messages of one role": [("messages", asked("messages", USER, USER))],
    "a call last": [("messages", asked("messages", USER, uses("c1")))],
    "an answer to be gone on with, that nobody paused": [("messages", asked("messages", USER, SAID))],
    "calls without tools": [("messages", asked("messages", USER, uses("c1"), results("c1"), tools=[]))],
    "five breakpoints": [
        ("messages", asked("messages", {"role": "user", "content": [text("a", **CACHED)] * 4}, **CACHED)),
        ("messages", asked("messages", {"role": "user", "content": [text("a", **CACHED)] * 5})),
    ],
    "a schema that is no object's": [
        ("responses", {**ASKED["responses"], "tools": [{**ASKED["responses"]["tools"][0], "parameters": {}}]}),
        ("chat", {**ASKED["chat"], "tools": [{"type": "function", "function": {"name": "a", "parameters": {}}}]}),
        ("messages", {**ASKED["messages"], "tools": [{"name": "a", "input_schema": {"type": "array"}}]}),
    ],
    "a tool's name": [
        (api, {**ASKED[api], "tools": [json.loads(json.dumps(ASKED[api]["tools"][0]).replace("look", "a b"))]})
        for api in APIS
    ],
    "two tools of one name": [(api, {**ASKED[api], "tools": ASKED[api]["tools"] * 2}) for api in APIS],
}


def api_of(body: dict[str, Any]) -> str:
    return "responses" if "input" in body else "messages" if "max_tokens" in body else "chat"


@pytest.mark.parametrize("body", [pytest.param(body, id=f"{api_of(body)}: {why}") for why in FIT for body in FIT[why]])
def test_a_request_that_a_provider_takes_is_taken(body):
    assert fits(api_of(body), body) is None


@pytest.mark.parametrize(
    ("api", "body"), [pytest.param(api, body, id=f"{api}: {why}") for why in UNFIT for api, body in UNFIT[why]]
)
def test_a_request_that_a_provider_refuses_is_refused(api, body):
    assert fits(api, body)


def test_an_answer_that_was_paused_may_end_a_request():
    check("messages", asked("messages", USER, SAID), paused=True)
    for last in ({**SAID, "content": "Hello. "}, uses("c1")):
        with pytest.raises(Refused):
            check("messages", asked("messages", USER, last), paused=True)


async def test_a_server_that_is_not_strict_takes_any_json():
    async with serving([Say("Hello.")], strict=False) as server:
        assert (await post(server, "chat", {"messages": "none"})).status_code == 200


def test_a_script_in_json_has_every_part(tmp_path):
    path = tmp_path / "script.json"
    script = [
        {"refuse": "rate_limit", "retry_after": 2},
        {"page": "<html>", "status": 502},
        {"drop": True, "reset": True},
        {"hang": True, "ping_ms": 500},
        {"cut_after": 3, "how": "drop"},
        {"segments": 7},
        {"emit": {"type": "x"}, "event": "x"},
        {"bytes": "é"},
        {"hex": "e282"},
        {"call_as": "look", "arguments": {}, "id": None},
        {"stop_as": "content_filter"},
        {"say": "Hello."},
    ]
    path.write_text(json.dumps({"answers": [script]}))
    assert read_server_script(str(path))(Asked("chat", {}, {})) == (
        Refuse("rate_limit", 2),
        Page("<html>", 502),
        Drop(reset=True),
        Hang(0.5),
        CutAfter(3, "drop"),
        Segments(7),
        Emit({"type": "x"}, "x"),
        Bytes("é".encode()),
        Bytes(b"\xe2\x82"),
        CallAs("look", {}, None),
        StopAs("content_filter"),
        Say("Hello.", delay=0),
    )


@pytest.mark.parametrize("text", ["", "{}}", '{"answers": [[{"sya": "x"}]]}', '{"answers": [[{"hex": "x"}]]}'])
def test_what_is_no_script_is_refused(tmp_path, text):
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        read_server_script(str(path))


@pytest.mark.parametrize(("told", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
@pytest.mark.usefixtures("interruptible")
async def test_the_command_line_serves_a_script_until_it_is_told_to_end(tmp_path, told, status):
    path = tmp_path / "script.json"
    questions = [{"contains": "HELLO", "answers": [[{"say": "Hello to you."}]], "loop": True}]
    path.write_text(json.dumps({"questions": questions, "answers": [[{"refuse": "overloaded"}]], "loop": True}))
    command = [sys.executable, "-m", "tests.servers.faults", str(path), "--port", "0"]
    with anyio.fail_after(PATIENCE):
        async with await anyio.open_process(command, cwd=ROOT) as process:
            line = (await process.stdout.receive()).decode()
            url = line.split()[-1]
            async with httpx2.AsyncClient() as client:
                found = await client.post(url + PATH["chat"], json=ASKED["chat"])
                other = await client.post(url + PATH["chat"], json=asked("chat", {**USER, "content": "bye"}))
            process.send_signal(told)
            assert await process.wait() == status
    assert "to " in found.text
    assert other.status_code == 503
