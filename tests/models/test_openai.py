"""OpenAI's adapters, through the real SDK, against a server on this machine that speaks the wire format."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import anyio
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from backends import open_store
from backends.models.openai.chat import ChatModel
from backends.models.openai.chat_body import chat_body
from backends.models.openai.responses import ResponsesModel, responses_body
from backends.models.openai.stream import events as events_of
from backends.models.opening import open_model
from backends.models.prices import Prices
from backends.models.sse import MAX_EVENT
from core import tool
from core.errors import InvalidInput, ModelError
from core.model import (
    AssistantMessage,
    Finish,
    ModelRequest,
    Ping,
    ReasoningDelta,
    SentCall,
    TextDelta,
    ToolMessage,
    ToolSchema,
    UserMessage,
    WritingDelta,
)
from core.values import Usage
from tests.support.desks import PATIENCE, chatting

LOOKUP = ToolSchema(
    name="vacation_balance",
    description="Days left.",
    parameters={"type": "object", "properties": {"year": {"type": "integer"}}},
)
HELLO = ModelRequest(instructions="Be brief.", messages=(UserMessage(text="hello"),), tools=(LOOKUP,))


@dataclass
class Reply:
    """What the server answers: `chunks` of a body, then its end, or the connection cut, or nothing more."""

    chunks: list[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    end: str = "clean"


@dataclass
class Server:
    """A server that gives each request the next reply, and keeps what it was sent."""

    url: str
    replies: list[Reply] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    dropped: anyio.Event = field(default_factory=anyio.Event)

    async def serve(self, stream: SocketStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while True:
                    await self._answer(stream)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.dropped.set()

    async def _answer(self, stream: SocketStream) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += await stream.receive()
        head, _, body = received.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        length = int(
            next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-le"))
        )
        while len(body) < length:
            body += await stream.receive()
        self.bodies.append(json.loads(body))
        reply = self.replies.pop(0)
        fields = {"transfer-encoding": "chunked", **reply.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await stream.send(f"HTTP/1.1 {reply.status} OK\r\n{lines}\r\n".encode())
        for chunk in reply.chunks:
            await stream.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if reply.end == "cut":
            await stream.aclose()
            raise anyio.EndOfStream
        if reply.end == "clean":
            await stream.send(b"0\r\n\r\n")
        else:
            await stream.receive()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    server = Server(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/v1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        yield server
        group.cancel_scope.cancel()


@asynccontextmanager
async def model(server: Server, api: str = "responses", **options) -> AsyncIterator[ResponsesModel | ChatModel]:
    model = (ChatModel if api == "chat" else ResponsesModel)("gpt-test", base_url=server.url, **options)
    try:
        yield model
    finally:
        await model.close()


async def answer(server: Server, reply: Reply, api: str = "responses", request: ModelRequest = HELLO) -> list:
    """What an adapter makes of the reply."""
    server.replies.append(reply)
    async with model(server, api) as asked, aclosing(asked.stream(request)) as events:
        return [event async for event in events]


async def failure(server: Server, reply: Reply, api: str = "responses") -> ModelError:
    with pytest.raises(ModelError) as raised:
        await answer(server, reply, api)
    return raised.value


def sse(*events: dict | str) -> Reply:
    """Each event is a chunk of its own; text is sent as it is."""
    return Reply([(e if isinstance(e, str) else f"data: {json.dumps(e)}\n\n").encode() for e in events])


def delta(text: str, **more) -> dict:
    return {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "delta": text, **more}


def message(text: str, **more) -> dict:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **more}


def reasoning(id: str) -> dict:
    summary = [{"type": "summary_text", "text": "Thinking."}]
    return {"type": "reasoning", "id": id, "summary": summary, "encrypted_content": f"secret of {id}"}


def called(arguments: str, id: str = "call_1", name: str = "vacation_balance") -> dict:
    return {"type": "function_call", "id": "fc_1", "call_id": id, "name": name, "arguments": arguments}


def completed(*output: dict, kind: str = "completed", **more) -> dict:
    response = {"id": "resp_1", "status": kind, "error": None, "output": list(output), **more}
    return {"type": f"response.{kind}", "response": response}


def streamed(*items: dict, **more) -> Reply:
    """A whole answer as the Responses API streams it: these items, the texts of messages letter by letter."""
    events: list[dict] = [{"type": "response.created", "response": {"error": None}}]
    for index, item in enumerate(items):
        place = {"output_index": index}
        events.append({"type": "response.output_item.added", "item": {**item, "content": []}, **place})
        if item["type"] == "message":
            events += [delta(letter, **place) for letter in item["content"][0]["text"]]
        events.append({"type": "response.output_item.done", "item": item, **place})
    return sse(*events, completed(*items, **more))


def chunk(finish_reason: str | None = None, **delta) -> dict:
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def piece(arguments: str, **more) -> dict:
    name = more.pop("name", None)
    return {"function": {"arguments": arguments, **({"name": name} if name else {})}, **more}


DONE = "data: [DONE]\n\n"


def text_of(events: list) -> str:
    return "".join(event.text for event in events if event.kind == "text")


def calls_of(events: list) -> list[tuple[str, str]]:
    return [(event.tool, event.arguments) for event in events if event.kind == "call"]


# What is sent


async def test_a_request_reaches_the_responses_api_and_leaves_nothing_stored_there(server):
    await answer(server, streamed(message("Hi.")))
    sent = server.bodies[0]
    assert server.heads[0].startswith("POST /v1/responses ")
    assert (sent["model"], sent["stream"], sent["store"]) == ("gpt-test", True, False)
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert sent["instructions"] == "Be brief."
    assert sent["input"] == [{"type": "message", "role": "user", "content": "hello"}]
    tool = {"type": "function", "name": LOOKUP.name, "description": LOOKUP.description, "strict": False}
    assert sent["tools"] == [{**tool, "parameters": dict(LOOKUP.parameters)}]


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("gpt-5.2", True),
        ("o3-mini", True),
        ("gpt-oss:20b", True),
        ("gpt-4.1", False),
        ("gpt-4o-mini", False),
        ("gpt-5-chat-latest", False),
        ("ft:gpt-4o:hr", False),
        ("openai/gpt-4o", False),
    ],
)
def test_reasoning_is_asked_of_every_model_but_those_that_refuse_to_be_asked(model, asked):
    assert ("include" in responses_body(HELLO, model=model, name="n")) == asked


async def test_a_request_reaches_chat_completions_and_asks_for_its_usage(server):
    await answer(server, sse(chunk("stop", content="Hi."), DONE), "chat")
    sent = server.bodies[0]
    assert server.heads[0].startswith("POST /v1/chat/completions ")
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    assert sent["stream_options"] == {"include_usage": True}
    assert "store" not in sent


def test_settings_and_a_schema_are_put_where_each_api_looks_for_them():
    settings = {"temperature": 0.1, "max_output_tokens": 9, "reasoning_effort": "low"}
    request = ModelRequest(instructions="", messages=HELLO.messages, settings=settings, output={"type": "object"})
    body = responses_body(request, model="m", name="n")
    assert (body["max_output_tokens"], body["temperature"], body["reasoning"]) == (9, 0.1, {"effort": "low"})
    assert body["text"]["format"]["schema"] == {"type": "object"}
    chat = chat_body(request, model="m", own=True)
    assert (chat["max_completion_tokens"], chat["reasoning_effort"], chat["store"]) == (9, "low", False)
    assert chat["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert chat_body(request, model="m", own=False)["max_tokens"] == 9


def test_a_choice_of_tools_is_written_as_each_api_writes_it():
    free = replace(HELLO, tools=(LOOKUP,))
    for body in (responses_body(free, model="m", name="n"), chat_body(free, model="m", own=True)):
        assert body.keys().isdisjoint({"tool_choice", "parallel_tool_calls"})
    one = replace(free, tool_choice=LOOKUP.name, calls_at_once=False)
    body, chat = responses_body(one, model="m", name="n"), chat_body(one, model="m", own=True)
    assert body["tool_choice"] == {"type": "function", "name": LOOKUP.name}
    assert chat["tool_choice"] == {"type": "function", "function": {"name": LOOKUP.name}}
    assert (body["parallel_tool_calls"], chat["parallel_tool_calls"]) == (False, False)
    any_one = replace(free, tool_choice="required")
    assert responses_body(any_one, model="m", name="n")["tool_choice"] == "required"
    assert chat_body(any_one, model="m", own=True)["tool_choice"] == "required"
    bare = replace(HELLO, tools=(), calls_at_once=False)
    assert "parallel_tool_calls" not in responses_body(bare, model="m", name="n")
    assert "parallel_tool_calls" not in chat_body(bare, model="m", own=True)


RESPONSES = TypeAdapter(ResponseCreateParamsStreaming)
CHAT = TypeAdapter(CompletionCreateParamsStreaming)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.integers(-9, 9) | TEXTS | st.lists(TEXTS, max_size=2), max_size=3)


@st.composite
def requests(draw) -> ModelRequest:
    """Sendable requests: turns of a question, an answer with or without calls, a result for each."""
    messages: list = []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(UserMessage(text=draw(TEXTS)))
        ids = draw(st.lists(NAMES, max_size=3, unique=True))
        calls = tuple(SentCall(id=id, tool=draw(NAMES), arguments=draw(ARGUMENTS)) for id in ids)
        text = draw(TEXTS) if not calls else draw(TEXTS | st.just(""))
        blocks = [reasoning(f"rs_{n}") if draw(st.booleans()) else {"type": "function_call"} for n in range(len(calls))]
        messages.append(AssistantMessage(text=text, calls=calls, reasoning=tuple(blocks), model="openai:m"))
        messages += [ToolMessage(id=c.id, tool=c.tool, content=draw(TEXTS), failed=draw(st.booleans())) for c in calls]
    tools = tuple(
        ToolSchema(name=name, description="d", parameters={"type": "object"})
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
    )
    return ModelRequest(
        instructions=draw(st.just("") | TEXTS),
        messages=tuple(messages),
        tools=tools,
        settings=draw(st.fixed_dictionaries({}, optional={"temperature": st.floats(0, 2), "top_p": st.floats(0, 1)})),
        output=draw(st.none() | st.just({"type": "object"})),
        tool_choice=draw(st.sampled_from(["auto", "none", *(["required", tools[0].name] if tools else [])])),
        calls_at_once=draw(st.booleans()),
    )


def plain(value):
    """What pydantic found valid, its lazy iterators read to their ends; what a type does not know is left out."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, Iterator | list) else value


@given(requests())
def test_whatever_is_sent_to_the_responses_api_is_what_the_sdk_says_may_be_sent(request):
    body = responses_body(request, model="m", name="openai:m")
    assert plain(RESPONSES.validate_python(body)) == body


@given(requests(), st.booleans())
def test_whatever_is_sent_to_chat_completions_is_what_the_sdk_says_may_be_sent(request, own):
    body = chat_body(request, model="m", own=own)
    assert plain(CHAT.validate_python(body)) == body


@given(requests())
def test_every_call_that_is_sent_has_its_one_result_in_both_apis(request):
    items = responses_body(request, model="m", name="openai:m")["input"]
    made = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert made == [item["call_id"] for item in items if item["type"] == "function_call_output"]
    messages = chat_body(request, model="m", own=True)["messages"]
    made = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert made == [message["tool_call_id"] for message in messages if message["role"] == "tool"]


# What comes


async def test_an_answer_is_told_as_it_comes_and_ends_with_what_it_used(server):
    used = {
        "input_tokens": 90,
        "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    events = await answer(server, streamed(message("Hi."), usage=used))
    assert events[:-1] == [TextDelta(text=letter) for letter in "Hi."]
    usage = Usage(input=90, cached=64, cache_write=8, output=7, reasoning=3)
    assert events[-1] == Finish(stop_reason="end", usage=usage, cost=None)


async def test_a_chat_answer_is_told_as_it_comes_and_ends_with_what_it_used(server):
    used = {"prompt_tokens": 90, "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens": 7}
    last = {"choices": [], "usage": used}
    events = await answer(server, sse(chunk(content="Hi"), chunk(content="."), chunk("stop"), last, DONE), "chat")
    assert events[:-1] == [TextDelta(text="Hi"), TextDelta(text=".")]
    assert events[-1] == Finish(stop_reason="end", usage=Usage(input=90, cached=64, output=7), cost=None)


async def test_usage_that_nobody_told_is_unknown_and_not_nought(server):
    for reply, api in ((streamed(message("Hi.")), "responses"), (sse(chunk("stop", content="Hi."), DONE), "chat")):
        assert (await answer(server, reply, api))[-1].usage == Usage()


USED = {"input_tokens": 1000, "output_tokens": 100}


async def test_an_answer_of_another_server_costs_what_the_operators_own_table_says_and_is_else_unknown(server):
    prices = Prices({"openai:gpt-test": {"input": 1, "output": 2}})
    for table, cost in ((None, None), (prices, 1_200_000)):
        server.replies += [streamed(message("Hi."), usage=USED), streamed(message("Hi."))]
        async with model(server, prices=table) as asked:
            told = [[event async for event in asked.stream(HELLO)][-1] for _ in range(2)]
        assert [finish.cost for finish in told] == [cost, None]
    tokens = {"prompt_tokens": 1000, "completion_tokens": 100}
    server.replies.append(sse(chunk("stop", content="Hi."), {"choices": [], "usage": tokens}, DONE))
    async with model(server, "chat", prices=prices) as asked:
        assert [event async for event in asked.stream(HELLO)][-1].cost == 1_200_000


async def test_an_opened_model_has_the_prices_it_was_opened_with(server):
    server.replies.append(streamed(message("Hi."), usage=USED))
    prices = Prices({"openai:gpt-test": {"input": 1, "output": 2}})
    opened = open_model(f"openai:gpt-test?base_url={server.url}", prices=prices)
    assert [event async for event in opened.stream(HELLO)][-1].cost == 1_200_000
    await opened.close()


async def test_an_answer_of_openai_costs_what_is_known_of_its_model():
    body = b"".join(streamed(message("Hi."), usage=USED).chunks)
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
    costs = {}
    for region in ("", "eu."):
        http = httpx2.AsyncClient(transport=transport)
        async with AsyncOpenAI(api_key="k", base_url=f"https://{region}api.openai.com/v1", http_client=http) as client:
            costs[region] = [event async for event in ResponsesModel("gpt-5", client=client).stream(HELLO)][-1].cost
    assert costs[""] == Prices().cost("openai", "gpt-5", Usage(input=1000, output=100))
    assert costs[""] is not None
    assert costs["eu."] is None


async def test_calls_come_whole_in_the_order_of_the_output_with_the_text_the_model_wrote(server):
    raw = '{"year": 2026}'
    events = await answer(server, streamed(message("Let me look."), called(raw), called("{bad", id="call_1")))
    assert calls_of(events) == [("vacation_balance", raw), ("vacation_balance", "{bad")]
    assert events[-1].stop_reason == "tool_calls"


async def test_arguments_on_their_way_are_content_that_is_not_shown(server):
    added = {"type": "response.output_item.added", "output_index": 0, "item": called("")}
    pieces = [
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": p} for p in ('{"a"', ":1}")
    ]
    events = await answer(server, sse(added, *pieces, completed()))
    assert events[:2] == [WritingDelta(text='{"a"'), WritingDelta(text=":1}")]
    assert calls_of(events) == [("vacation_balance", '{"a":1}')]


@pytest.mark.parametrize(
    "pieces",
    [
        [
            [piece('{"a":', index=0, id="x", name="one")],
            [piece("1}", index=0)],
            [piece("{}", index=1, id="x", name="two")],
        ],
        [[piece('{"a":1}', index=0, id="x", name="one"), piece("{}", index=0, id="y", name="two")]],
        [[piece('{"a":1}', name="one"), piece("{}", name="two")]],
        [[piece("{}", index=1, id="b", name="two")], [piece('{"a":1}', index=0, id="a", name="one")]],
    ],
    ids=["in pieces, one id twice", "at once, one index twice", "without index and id", "in disorder"],
)
async def test_chat_calls_are_put_together_in_every_dialect(server, pieces):
    chunks = [chunk(tool_calls=several) for several in pieces]
    events = await answer(server, sse(*chunks, chunk("tool_calls"), DONE), "chat")
    assert calls_of(events) == [("one", '{"a":1}'), ("two", "{}")]
    assert events[-1].stop_reason == "tool_calls"


async def test_a_call_that_was_cut_is_told_as_far_as_it_came(server):
    added = {"type": "response.output_item.added", "output_index": 0, "item": called("")}
    piece = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"ye'}
    cut = completed(kind="incomplete", incomplete_details={"reason": "max_output_tokens"})
    events = await answer(server, sse(added, piece, cut))
    assert calls_of(events) == [("vacation_balance", '{"ye')]
    assert events[-1].stop_reason == "length"


@pytest.mark.parametrize("listed", [True, False], ids=["listed at the end", "not listed"])
async def test_a_server_that_gives_one_place_and_one_id_to_two_calls_loses_neither(server, listed):
    events = []
    for item in (called('{"a":1}', name="one"), called("{}", name="two")):
        events.append({"type": "response.output_item.added", "output_index": 0, "item": item})
        events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    output = [event["item"] for event in events[1::2]] if listed else []
    told = await answer(server, sse(*events, completed(*output)))
    assert calls_of(told) == [("one", '{"a":1}'), ("two", "{}")]


async def test_arguments_that_are_no_text_are_told_as_their_json(server):
    item = {**called(""), "arguments": {"year": 2026}}
    assert calls_of(await answer(server, sse(completed(item)))) == [("vacation_balance", '{"year": 2026}')]
    whole = {"index": 0, "function": {"name": "one", "arguments": {"year": 2026}}}
    assert calls_of(await answer(server, sse(chunk(tool_calls=[whole]), DONE), "chat")) == [("one", '{"year": 2026}')]


@pytest.mark.parametrize("kind", ["completed", "done"])
@pytest.mark.parametrize("response", [True, False], ids=["with a response", "without one"])
async def test_a_terminal_event_by_another_name_or_without_a_response_ends_an_answer(server, kind, response):
    end = {"type": f"response.{kind}", **({"response": {"status": "completed"}} if response else {})}
    events = await answer(server, sse(delta("Hi."), end))
    assert (text_of(events), events[-1].stop_reason) == ("Hi.", "end")


async def test_a_stream_of_responses_without_a_terminal_event_has_no_finish(server):
    item = {"type": "response.output_item.done", "output_index": 0, "item": message("Hi.")}
    assert [event.kind for event in await answer(server, sse(delta("Hi."), item, DONE))] == ["text"]


@pytest.mark.parametrize("at", ["added", "pieces", "arguments", "done", "listed"])
@pytest.mark.parametrize("placed", [True, False], ids=["with places", "without places"])
async def test_a_call_is_read_from_whichever_event_has_it_and_is_one(server, at, placed):
    raw, place = '{"year": 2026}', {"output_index": 0} if placed else {}
    pieces = [
        {"type": "response.function_call_arguments.delta", "delta": piece, **place} for piece in ('{"year": ', "2026}")
    ]
    whole = {"type": "response.function_call_arguments.done", "arguments": raw, **place}
    events = [
        {"type": "response.output_item.added", "item": called(raw if at == "added" else ""), **place},
        *(pieces if at == "pieces" else []),
        *([whole] if at == "arguments" else []),
        *([{"type": "response.output_item.done", "item": called(raw), **place}] if at == "done" else []),
        completed(*([called(raw)] if at == "listed" else [])),
    ]
    told = await answer(server, sse(*events))
    assert (calls_of(told), told[-1].stop_reason) == ([("vacation_balance", raw)], "tool_calls")


async def test_a_call_that_the_last_list_leaves_out_is_still_made(server):
    done = {"type": "response.output_item.done", "output_index": 1, "item": called("{}")}
    events = await answer(server, sse(delta("Look."), done, completed(message("Look."))))
    assert (text_of(events), calls_of(events)) == ("Look.", [("vacation_balance", "{}")])


@pytest.mark.parametrize(("written", "raw"), [("", "{}"), (None, "{}"), ('"{\\"a\\": 1}"', '{"a": 1}'), ("[1]", "[1]")])
async def test_arguments_may_be_missing_or_a_text_within_a_text(server, written, raw):
    item = {**called(""), "arguments": written}
    assert calls_of(await answer(server, sse(completed(item)))) == [("vacation_balance", raw)]


async def test_the_rest_of_a_text_that_was_not_streamed_is_told_at_its_end(server):
    events = await answer(server, sse(delta("All "), completed(message("All at once."))))
    assert [event.text for event in events[:-1]] == ["All ", "at once."]
    assert text_of(await answer(server, sse(delta("All."), completed(message("Another."))))) == "All."


async def test_a_response_that_did_not_come_in_events_is_read_whole(server):
    whole = {**completed(message("Hi."), called("{}"))["response"], "object": "response", "usage": {"output_tokens": 3}}
    events = await answer(server, sse(whole))
    assert (text_of(events), calls_of(events)) == ("Hi.", [("vacation_balance", "{}")])
    assert (events[-1].stop_reason, events[-1].usage.output) == ("tool_calls", 3)


async def test_a_count_is_not_taken_back_by_a_later_nought_and_a_nought_is_no_count(server):
    counted = {"input_tokens": 90, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 20}}
    nought = {"input_tokens": 0, "output_tokens": 0, "input_tokens_details": {"cached_tokens": 0}}
    early = {"type": "response.in_progress", "response": {"usage": counted}}
    events = await answer(server, sse(early, completed(message("Hi."), usage=nought)))
    assert events[-1].usage == Usage(input=90, cached=20, output=7)
    alone = await answer(server, sse(completed(message("Hi."), usage={"input_tokens": 0, "output_tokens": 0})))
    assert alone[-1].usage == Usage()


@pytest.mark.parametrize("status", ["failed", "completed"])
async def test_a_failed_response_is_an_error_by_whatever_event_it_ends(server, status):
    end = completed(status=status, error={"code": "content_filter"})
    assert (await failure(server, sse(delta("Hi."), end))).code == "refusal"


@pytest.mark.parametrize(
    ("api", "body", "advised"),
    [
        ("responses", {"detail": "Not Found"}, True),
        ("responses", {"error": {"message": "Invalid URL (POST /v1/responses)"}}, True),
        ("responses", {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, False),
        ("chat", {"detail": "Not Found"}, False),
    ],
)
async def test_a_server_without_the_responses_api_is_told_from_one_without_the_model(server, api, body, advised):
    error = await failure(server, Reply([json.dumps(body).encode()], 404), api)
    assert error.code == "invalid_request"
    assert ("api=chat" in str(error)) == advised


async def test_reasoning_that_no_record_can_hold_is_not_taken(server):
    thought = {**reasoning("rs_1"), "summary": [{"type": "summary_text", "text": "\ud800"}]}
    assert (await failure(server, sse(completed(thought, message("Hi."))))).code == "protocol"


async def test_a_chat_answer_that_ends_without_a_reason_is_good_if_the_stream_says_that_it_is_done(server):
    assert (await answer(server, sse(chunk(content="Hi."), DONE), "chat"))[-1].stop_reason == "end"
    calls = [piece("{}", index=0, name="one")]
    assert (await answer(server, sse(chunk(tool_calls=calls), DONE), "chat"))[-1].stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (completed(kind="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (completed(kind="incomplete", incomplete_details={"reason": "content_filter"}), "refusal"),
        (completed(kind="incomplete", incomplete_details={"reason": "a new one"}), "other"),
        (completed(kind="incomplete", incomplete_details={"reason": "max_tokens"}), "length"),
        (completed(kind="incomplete"), "other"),
        (completed(status="cancelled"), "other"),
        (chunk("length"), "length"),
        (chunk("content_filter"), "refusal"),
        (chunk("a new one"), "other"),
        (chunk("stop", refusal="I may not."), "refusal"),
    ],
)
async def test_every_end_has_its_reason(server, reply, reason):
    api, more = ("chat", [DONE]) if "choices" in reply else ("responses", [])
    assert (await answer(server, sse(reply, *more), api))[-1].stop_reason == reason


async def test_a_refusal_is_text_with_a_reason_of_its_own(server):
    refusal = message("")
    refusal["content"] = [{"type": "refusal", "refusal": "I may not."}]
    pieces = [{"type": "response.refusal.delta", "output_index": 0, "delta": "I may not."}]
    for reply in (sse(*pieces, completed(refusal)), sse(completed(refusal))):
        events = await answer(server, reply)
        assert events[0] == TextDelta(text="I may not.")
        assert events[-1].stop_reason == "refusal"


async def test_the_reason_stays_where_a_later_chunk_has_none_and_of_two_choices_the_first_is_read(server):
    other = {"choices": [{"index": 1, "delta": {"content": "Hello."}, "finish_reason": "length"}]}
    events = await answer(server, sse(chunk("content_filter", content="Hi."), chunk(), other, DONE), "chat")
    assert text_of(events) == "Hi."
    assert events[-1].stop_reason == "refusal"


async def test_an_answer_that_was_not_streamed_in_pieces_is_told_at_its_end(server):
    events = await answer(server, sse(completed(message("All at once."))))
    assert text_of(events) == "All at once."


async def test_two_messages_of_one_answer_are_two_paragraphs(server):
    events = await answer(server, streamed(message("Let me look."), message("12 days.")))
    assert text_of(events) == "Let me look.\n\n12 days."


async def test_thoughts_and_signs_of_life_are_no_text(server):
    summary = {"type": "response.reasoning_summary_text.delta", "delta": "Hm."}
    events = await answer(server, sse(": keep-alive\n\n", summary, completed(message("Hi."))))
    assert events[:2] == [Ping(), ReasoningDelta(text="Hm.")]
    thinking = [chunk(reasoning_content="Hm."), chunk(reasoning="Hm."), chunk("stop", content="Hi."), DONE]
    assert (await answer(server, sse(*thinking), "chat"))[:2] == [ReasoningDelta(text="Hm.")] * 2


async def test_two_parts_of_a_summary_are_two_paragraphs_of_reasoning(server):
    parts = [
        {"type": f"response.reasoning_summary_text.{kind}", "delta": said}
        for said in ("One.", "Two.")
        for kind in ("delta", "done")
    ]
    events = await answer(server, sse(*parts, completed(message("Hi."))))
    assert "".join(event.text for event in events if event.kind == "reasoning") == "One.\n\nTwo."
    assert text_of(events) == "Hi."


async def test_events_that_nobody_knows_are_passed_over(server):
    strange = {"type": "response.output_hologram.delta", "delta": "?"}
    assert text_of(await answer(server, sse(strange, delta("Hi."), completed()))) == "Hi."


async def test_an_answer_may_hold_characters_at_which_a_careless_reader_ends_a_line(server):
    text = "one\u2028two\u0085three\u2029four\x0bfive"
    event = f"data: {json.dumps(chunk('stop', content=text), ensure_ascii=False)}\r\n\r\n".replace("\x0b", "\\u000b")
    assert text_of(await answer(server, sse(event, DONE), "chat")) == text


@given(st.lists(st.integers(0, 120)), st.sampled_from(["\n", "\r\n", "\r"]))
def test_where_the_bytes_are_cut_into_chunks_changes_nothing(cuts, end):
    body = end.join(
        [": ping", "event: e", 'data: {"a":', "data:1}", "", 'data: {"b": "ü"}', "", "data: [DONE]", "", ""]
    )
    cut = sorted({0, len(body.encode()), *cuts})
    pieces = [body.encode()[start:stop] for start, stop in pairwise(cut)]

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def read() -> list:
        return [event async for event in events_of(chunks())]

    assert anyio.run(read) == ["ping", {"type": "e", "a": 1}, {"b": "ü"}, "done", "end"]


async def test_a_closed_generator_ends_the_request(server):
    reply = sse(delta("Hi."))
    reply.end = "silence"
    server.replies.append(reply)
    async with model(server) as asked:
        async with aclosing(asked.stream(HELLO)) as events:
            assert await anext(events) == TextDelta(text="Hi.")
        with anyio.fail_after(PATIENCE):
            await server.dropped.wait()


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_server_that_says_nothing_after_its_terminal_marker_keeps_nobody_waiting(server, api):
    reply = sse(chunk("stop", content="Hi."), DONE) if api == "chat" else streamed(message("Hi."))
    reply.end = "silence"
    with anyio.fail_after(PATIENCE):
        assert (await answer(server, reply, api))[-1].stop_reason == "end"


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_one_connection_serves_one_request_after_the_other(server, api):
    for text in ("Hi.", "Hi again."):
        server.replies.append(sse(chunk("stop", content=text), DONE) if api == "chat" else streamed(message(text)))
    async with model(server, api) as asked:
        for text in ("Hi.", "Hi again."):
            assert text_of([event async for event in asked.stream(HELLO)]) == text
    assert server.connections == 1


# Reasoning


THOUGHTFUL = [
    reasoning("rs_1"),
    message("Let me look.", phase="commentary"),
    reasoning("rs_2"),
    called('{"year":2026}'),
]


def given_back(events: list, name: str) -> AssistantMessage:
    """The message as which an answer is sent again."""
    calls = [SentCall(id=f"c-{n}", tool=t, arguments=json.loads(a)) for n, (t, a) in enumerate(calls_of(events))]
    return AssistantMessage(text=text_of(events), calls=tuple(calls), reasoning=events[-1].reasoning, model=name)


def sent_back(message: AssistantMessage, name: str) -> list[dict]:
    """As what the model `name` gets the message, without the question before and the results after it."""
    results = [ToolMessage(id=call.id, tool=call.tool, content="12") for call in message.calls]
    request = ModelRequest(instructions="", messages=(HELLO.messages[0], message, *results))
    items = responses_body(request, model="m", name=name)["input"]
    return items[1 : len(items) - len(results)]


async def test_reasoning_goes_back_unchanged_and_in_its_place(server):
    back = sent_back(given_back(await answer(server, streamed(*THOUGHTFUL)), "openai:m"), "openai:m")
    said = {"type": "message", "role": "assistant", "content": "Let me look.", "phase": "commentary"}
    call = {"type": "function_call", "call_id": "c-0", "name": "vacation_balance", "arguments": '{"year":2026}'}
    assert back == [reasoning("rs_1"), said, reasoning("rs_2"), call]


async def test_reasoning_goes_to_no_other_model(server):
    back = sent_back(given_back(await answer(server, streamed(*THOUGHTFUL)), "openai:m"), "openai:other")
    assert [item["type"] for item in back] == ["message", "function_call"]


async def test_reasoning_is_left_out_where_the_answer_is_no_longer_what_it_led_to(server):
    whole = given_back(await answer(server, streamed(*THOUGHTFUL)), "openai:m")
    for changed in (replace(whole, text="Let me"), replace(whole, calls=())):
        assert all(item["type"] != "reasoning" for item in sent_back(changed, "openai:m"))


async def test_an_answer_without_reasoning_needs_no_layout(server):
    assert (await answer(server, streamed(message("Hi."))))[-1].reasoning == ()


@given(st.lists(st.sampled_from(["reasoning", "message", "function_call"]), min_size=1, max_size=7))
def test_an_answer_goes_back_in_its_order_and_each_reasoning_before_what_it_led_to(kinds):
    made = {"reasoning": reasoning, "message": message, "function_call": lambda id: called(json.dumps({"n": id}))}
    items = [made[kind](f"{kind}-{n}") for n, kind in enumerate(kinds)]
    body = b"".join(streamed(*items).chunks)

    async def ask() -> list:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
        async with AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=transport)) as client:
            return [event async for event in ResponsesModel("m", client=client).stream(HELLO)]

    back = sent_back(given_back(anyio.run(ask), "openai:m"), "openai:m")
    led_to = max((n for n, kind in enumerate(kinds) if kind != "reasoning"), default=-1)
    if "reasoning" in kinds:
        assert [item["type"] for item in back] == kinds[: led_to + 1]
        assert [item for item in back if item["type"] == "reasoning"] == [
            item for item in items[: led_to + 1] if item["type"] == "reasoning"
        ]
        told = [item.get("content") or item["arguments"] for item in back if item["type"] != "reasoning"]
        assert told == [
            f"{kind}-{n}" if kind == "message" else f'{{"n":"{kind}-{n}"}}'
            for n, kind in enumerate(kinds)
            if kind != "reasoning"
        ]


async def test_a_turn_with_a_tool_goes_back_to_the_model_with_its_reasoning_and_our_ids(server):
    @tool(effect="read")
    def vacation_balance(year: int) -> dict[str, int]:
        """Days left."""
        return {"days": 12}

    server.replies += [streamed(*THOUGHTFUL), streamed(message("12 days."))]
    async with (
        open_store("memory:") as store,
        model(server) as asked,
        chatting(store, asked, tools=[vacation_balance]) as chat,
    ):
        reply = await chat.ask("How many days?")
        (call,) = reply.tool_calls
    assert (reply.status, reply.text) == ("completed", "Let me look.\n\n12 days.")
    question, *back, result = server.bodies[1]["input"]
    assert question["content"] == "How many days?"
    assert [item["type"] for item in back] == ["reasoning", "message", "reasoning", "function_call"]
    assert [back[0], back[2]] == [reasoning("rs_1"), reasoning("rs_2")]
    assert back[3]["call_id"] == result["call_id"] == call.id
    assert result["output"] == '{"days": 12}'


# What goes wrong


ERRORS = [
    (429, {"code": "rate_limit_exceeded"}, "overloaded", True),
    (429, {"code": "insufficient_quota", "type": "insufficient_quota"}, "quota", False),
    (401, {"code": "invalid_api_key"}, "auth", False),
    (403, {}, "auth", False),
    (402, {"message": "Insufficient balance"}, "quota", False),
    (400, {"code": "context_length_exceeded"}, "too_large", False),
    (400, {"message": "This model's maximum context length is 4096 tokens."}, "too_large", False),
    (413, {}, "too_large", False),
    (400, {"code": "invalid_value"}, "invalid_request", False),
    (404, {"code": "model_not_found"}, "invalid_request", False),
    (422, {}, "invalid_request", False),
    (408, {}, "overloaded", True),
    (409, {}, "overloaded", True),
    (500, {}, "overloaded", True),
    (503, {}, "overloaded", True),
]


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(("status", "error", "code", "retryable"), ERRORS)
async def test_a_status_and_a_name_say_what_a_failure_means(server, api, status, error, code, retryable):
    error = {"message": "Dear e-1042, your key sk-secret", **error}
    reply = Reply([json.dumps({"error": error}).encode()], status, {"x-request-id": "req_7"})
    failed = await failure(server, reply, api)
    assert (failed.code, failed.retryable) == (code, retryable)
    assert str(status) in str(failed)
    assert "req_7" in str(failed)
    assert error.get("code", "") in str(failed)
    assert "e-1042" not in str(failed)
    assert "sk-" not in str(failed)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "3600"}, 60),
        ({"retry-after": "-1"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"date": "Tue, 03 Mar 2026 10:00:00 GMT", "retry-after": "Tue, 03 Mar 2026 10:00:20 GMT"}, 20),
        ({"retry-after": format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)}, 60),
    ],
)
async def test_a_provider_says_when_to_ask_again(server, headers, seconds):
    failed = await failure(server, Reply([b"{}"], 429, headers))
    assert failed.retry_after == seconds


INSIDE = [
    ({"code": "server_error", "message": "?"}, "overloaded", True),
    ({"code": "rate_limit_exceeded"}, "overloaded", True),
    ({"code": 502}, "overloaded", True),
    ({"code": 400}, "invalid_request", False),
    ({"type": "overloaded_error"}, "overloaded", True),
    ("model runner has stopped", "overloaded", True),
    ({"code": "insufficient_quota"}, "quota", False),
    ({"code": "context_length_exceeded"}, "too_large", False),
    ({"code": "invalid_prompt"}, "invalid_request", False),
    ({"type": "invalid_request_error", "code": None}, "invalid_request", False),
    ({"code": "bio_policy"}, "refusal", False),
]


@pytest.mark.parametrize(("error", "code", "retryable"), INSIDE)
async def test_an_error_within_a_good_answer_is_an_error(server, error, code, retryable):
    replies = [(delta("Hi."), {"error": error}, "responses"), (chunk(content="Hi."), {"error": error}, "chat")]
    if isinstance(error, dict):
        failed = {"type": "response.failed", "response": {"status": "failed", "error": error, "output": []}}
        replies.append((delta("Hi."), failed, "responses"))
    for good, bad, api in replies:
        raised = await failure(server, sse(good, bad), api)
        assert (raised.code, raised.retryable) == (code, retryable)


async def test_an_error_event_without_an_error_object_is_an_error(server):
    for event in ({"type": "error", "code": "server_error", "message": "?"}, "event: error\ndata: {}\n\n"):
        assert (await failure(server, sse(delta("Hi."), event))).code == "overloaded"


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Bad gateway</body></html>\n",
        b"<html><body>Bad gateway</body></html>",
        b"data: {broken\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"type": "\xff"}\n\n',
    ],
    ids=[
        "HTML",
        "HTML in one line",
        "broken JSON",
        "no object",
        "deep",
        "bad UTF-8",
    ],
)
async def test_what_is_no_stream_of_events_is_no_answer(server, api, body):
    reply = Reply([body[at : at + 65_536] for at in range(0, len(body), 65_536)])
    failed = await failure(server, reply, api)
    assert (failed.code, failed.retryable) == ("protocol", True)


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    "body", [b"data: " + b"x" * MAX_EVENT, b"data: x\n" * (MAX_EVENT // 2 + 1)], ids=["line", "event"]
)
async def test_an_event_that_is_too_long_is_an_answer_that_is_too_large(server, api, body):
    reply = Reply([body[at : at + 65_536] for at in range(0, len(body), 65_536)])
    failed = await failure(server, reply, api)
    assert (failed.code, failed.retryable) == ("answer_too_large", False)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_body_that_is_not_compressed_as_it_says_is_no_answer(server, api):
    reply = Reply([b"no gzip"], headers={"content-type": "text/event-stream", "content-encoding": "gzip"})
    failed = await failure(server, reply, api)
    assert (failed.code, failed.retryable) == ("protocol", True)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_stream_that_just_ends_has_no_finish(server, api):
    for cut in ("da", "data: {", "data: [DON", "event: x"):
        events = await answer(server, sse(delta("Hi."), chunk("stop", content="Hi."), cut), api)
        assert events == [TextDelta(text="Hi.")]


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_an_answer_cut_at_any_byte_is_finished_only_if_its_terminal_marker_came(api):
    whole = {
        "responses": streamed(reasoning("rs_1"), message("Hi."), called('{"year":2026}')),
        "chat": sse(": ping\n\n", chunk(content="Hi."), chunk(tool_calls=[piece("{}", index=0, name="one")]), DONE),
    }
    body = b"".join(whole[api].chunks)
    cut = 0
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body[:cut]))
    made = ChatModel if api == "chat" else ResponsesModel
    async with AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=transport)) as client:
        asked = made("m", client=client)
        for cut in range(len(body) + 1):
            events = [event async for event in asked.stream(HELLO)]
            finished = cut >= len(body) - 2  # a last event may lack its line ends
            assert [event.kind for event in events].count("finish") == finished
            assert "Hi.".startswith(text_of(events))
            assert bool(calls_of(events)) == finished


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_cut_connection_is_told_from_an_end(server, api):
    reply = sse(delta("Hi."), chunk(content="Hi."))
    reply.end = "cut"
    failed = await failure(server, reply, api)
    assert (failed.code, failed.retryable) == ("connection", True)


async def test_a_server_that_is_not_there_may_come_back():
    model = ResponsesModel("gpt-test", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ModelError) as raised:
        [event async for event in model.stream(HELLO)]
    await model.close()
    assert (raised.value.code, raised.value.retryable) == ("connection", True)


async def test_silence_beyond_the_clients_own_patience_is_a_timeout(server):
    reply = sse(delta("Hi."))
    reply.end = "silence"
    server.replies.append(reply)
    async with AsyncOpenAI(api_key="k", base_url=server.url, timeout=0.2) as client:
        with pytest.raises(ModelError) as raised:
            [event async for event in ResponsesModel("gpt-test", client=client).stream(HELLO)]
    assert (raised.value.code, raised.value.retryable) == ("timeout", True)


# Which model a URL means


def test_a_url_names_the_model_the_api_and_the_server_but_no_secret(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    for url in (
        "openai:gpt-5",
        "openai:gpt-5?api=chat",
        "openai:llama3.2:3b?api=chat&base_url=http://127.0.0.1:11434/v1",
    ):
        assert open_model(url).name == url
    secret = open_model("openai:m?base_url=http://user:pass@127.0.0.1:8000/v1")
    assert secret.name == "openai:m?base_url=http://127.0.0.1:8000/v1"
    assert (
        open_model("openai:m?base_url=http://127.0.0.1:8000/v1/").name == "openai:m?base_url=http://127.0.0.1:8000/v1"
    )
    assert open_model("openai:m?base_url=https://api.openai.com/v1").name == "openai:m"
    assert isinstance(open_model("openai:gpt-5"), ResponsesModel)
    assert isinstance(open_model("openai:gpt-5?api=chat"), ChatModel)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("openai:", "openai:MODEL"),
        ("openai:?api=chat", "openai:MODEL"),
        ("openai:m?api=assistants", "responses or chat"),
        ("openai:m?temperature=1&api=chat", "takes api, base_url, key_env, each once"),
        ("openai:m?base_url=ftp://127.0.0.1", "http"),
        ("openai:m?base_url=http://127.0.0.1/v1?key=s", "without a query"),
        ("openai:m", "OPENAI_API_KEY"),
    ],
)
def test_a_url_that_means_no_model_says_what_would(monkeypatch, url, says):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match=says):
        open_model(url)


@pytest.mark.parametrize(("headers", "key"), [({"api-key": "secret"}, "secret"), ({}, "sk-azure")])
async def test_a_server_is_asked_at_its_version_with_its_headers_and_fields(server, monkeypatch, headers, key):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("AZURE_KEY", "sk-azure")
    base_url = server.url.removesuffix("/v1") + "/openai/deployments/d?api-version=2024-10-21"
    for api in ("chat", "responses"):
        server.replies.append(sse(chunk("stop", content="Hi."), DONE) if api == "chat" else streamed(message("Hi.")))
        asked = open_model(
            f"openai:m?api={api}&base_url={base_url}&key_env=AZURE_KEY",
            headers=headers,
            extra_body={"num_ctx": 8192, "chat_template_kwargs": {"enable_thinking": False}},
        )
        assert "version" not in asked.name
        assert text_of([event async for event in asked.stream(HELLO)]) == "Hi."
        await asked.close()
        head, body = server.heads[-1], server.bodies[-1]
        path = "chat/completions" if api == "chat" else "responses"
        assert head.startswith(f"POST /openai/deployments/d/{path}?api-version=2024-10-21 ")
        assert [line for line in head.lower().splitlines() if line.startswith("api-key:")] == [f"api-key: {key}"]
        assert "Bearer sk-azure" in head
        assert "sk-openai" not in head
        assert (body["num_ctx"], body["chat_template_kwargs"]) == (8192, {"enable_thinking": False})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"extra_body": {"messages": []}}, "extra_body: messages"),
        ({"headers": {"a b": "secret"}}, "headers"),
        ({"headers": {"a": "se\ncret"}}, "headers: a"),
        ({"settings": {"temprature": 0}}, "temprature"),
        ({"settings": {"temperature": "secret"}}, "temperature"),
        ({"context_window": 0}, "context_window"),
        ({"first_content": -1.0}, "first_content"),
    ],
)
def test_what_cannot_be_sent_or_set_is_refused_by_its_name_and_its_value_is_not_repeated(given, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        open_model("openai:m?base_url=http://127.0.0.1/v1", **given)
    assert "cret" not in str(caught.value)
    with pytest.raises(InvalidInput):
        open_model("offline:", **given)


def test_a_key_that_no_request_could_hold_is_refused_before_any(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\nnext line")
    with pytest.raises(InvalidInput, match="no key has") as raised:
        open_model("openai:m")
    assert "next" not in str(raised.value)


async def test_a_key_in_the_environment_is_nothing_to_a_client_that_was_given(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\nnext line")
    server.replies.append(streamed(message("Hi.")))
    async with AsyncOpenAI(api_key="k", base_url=server.url) as client:
        asked = ResponsesModel("gpt-test", client=client)
        assert text_of([event async for event in asked.stream(HELLO)]) == "Hi."
    assert "Bearer k\r\n" in server.heads[0]


async def test_the_environment_does_not_choose_the_server(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert text_of(await answer(server, streamed(message("Hi.")))) == "Hi."


async def test_a_client_that_was_given_is_used_without_retries_and_left_open(server):
    server.replies += [Reply([b"{}"], 500), streamed(message("Hi."))]
    async with AsyncOpenAI(api_key="k", base_url=server.url) as client:
        model = ResponsesModel("gpt-test", client=client)
        with pytest.raises(ModelError):
            [event async for event in model.stream(HELLO)]
        assert len(server.bodies) == 1
        assert text_of([event async for event in model.stream(HELLO)]) == "Hi."
        await model.close()
        assert not client.is_closed()
