"""Anthropic's adapter, through the real SDK, against a server on this machine that speaks the wire format."""

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
from anthropic import AsyncAnthropic
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from anyio.abc import SocketAttribute, SocketStream
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backends import open_store
from backends.models.anthropic.messages import MessagesModel
from backends.models.anthropic.request_body import MAX_TOKENS, messages_body
from backends.models.opening import open_model
from backends.models.prices import Prices
from backends.models.sse import MAX_EVENT, server_events
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
    UsageSoFar,
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
NAME = "anthropic:m"
CACHED = {"cache_control": {"type": "ephemeral"}}


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
        lengths = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        length = int(next(lengths).split(b":")[1])
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
    server = Server(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        yield server
        group.cancel_scope.cancel()


@asynccontextmanager
async def model(server: Server, **options) -> AsyncIterator[MessagesModel]:
    model = MessagesModel("m", base_url=server.url, **options)
    try:
        yield model
    finally:
        await model.close()


async def answer(server: Server, reply: Reply, request: ModelRequest = HELLO, **options) -> list:
    """What the adapter makes of the reply."""
    server.replies.append(reply)
    async with model(server, **options) as asked, aclosing(asked.stream(request)) as events:
        return [event async for event in events]


async def failure(server: Server, reply: Reply) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await answer(server, reply)
    return raised.value


def sse(*events: dict) -> Reply:
    """Each event is a chunk of its own."""
    return Reply([f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events])


def refused(status: int, kind: str, message: str = "", **headers: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Reply([json.dumps(body).encode()], status, {"content-type": "application/json", **headers})


def starts(**usage) -> dict:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m"}
    return {"type": "message_start", "message": {**message, "usage": usage}}


def block(index: int, value: dict, *deltas: dict) -> list[dict]:
    """A whole block: its beginning, its pieces, its end."""
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    begins = {"type": "content_block_start", "index": index, "content_block": value}
    return [begins, *pieces, {"type": "content_block_stop", "index": index}]


def text(index: int, said: str) -> list[dict]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": letter} for letter in said))


def thinking(index: int, thought: str, signature: str) -> list[dict]:
    return block(
        index,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": thought},
        {"type": "signature_delta", "signature": signature},
    )


def use(index: int, *pieces: str, name: str = "vacation_balance", given: dict | None = None) -> list[dict]:
    value = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": given or {}}
    return block(index, value, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def ends(reason: str | None = "end_turn", **usage) -> list[dict]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


HI = sse(starts(), *text(0, "Hi."), *ends())


def text_of(events: list) -> str:
    return "".join(event.text for event in events if event.kind == "text")


def calls_of(events: list) -> list[tuple[str, str]]:
    return [(event.tool, event.arguments) for event in events if event.kind == "call"]


# What is sent


def said(text: str, **more) -> dict:
    return {"type": "text", "text": text, **more}


async def test_a_request_reaches_the_messages_api(server):
    await answer(server, HI)
    sent = server.bodies[0]
    assert server.heads[0].startswith("POST /v1/messages ")
    assert (sent["model"], sent["stream"], sent["max_tokens"]) == ("m", True, MAX_TOKENS)
    assert sent["system"] == [said("Be brief.", **CACHED)]
    assert sent["messages"] == [{"role": "user", "content": [said("hello")]}]
    tool = {"name": LOOKUP.name, "description": LOOKUP.description, "input_schema": dict(LOOKUP.parameters)}
    assert sent["tools"] == [{**tool, **CACHED}]


async def test_settings_reach_the_api_where_it_looks_for_them(server):
    settings = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "max_tokens": 4000,
        "thinking_budget": 2000,
        "stop": "END",
    }
    await answer(server, HI, replace(HELLO, settings=settings))
    sent = server.bodies[0]
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["max_tokens"]) == (0.5, 0.9, 3, 4000)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert sent["stop_sequences"] == ["END"]
    assert MessagesModel.settings.keys() == settings.keys()


def test_thinking_has_room_of_its_own_where_no_limit_is_set():
    body = messages_body(replace(HELLO, settings={"thinking_budget": 20_000}), model="m", name=NAME)
    assert body["max_tokens"] == MAX_TOKENS + 20_000


def test_thinking_does_not_begin_between_another_models_call_and_its_result():
    call = AssistantMessage(text="", calls=(SentCall(id="c1", tool="t", arguments={}),), model="openai:other")
    result = ToolMessage(id="c1", tool="t", content="1")
    settings = {"thinking_budget": 2000}
    within = replace(HELLO, messages=(*HELLO.messages, call, result), settings=settings)
    assert "thinking" not in messages_body(within, model="m", name=NAME)
    told = replace(within, messages=(*within.messages, UserMessage(text="Your last answer was empty.")))
    assert "thinking" not in messages_body(told, model="m", name=NAME)
    later = replace(within, messages=(*within.messages, AssistantMessage(text="One."), UserMessage(text="And now?")))
    assert messages_body(later, model="m", name=NAME)["thinking"]["budget_tokens"] == 2000


def test_thinking_does_not_begin_behind_a_thought_that_follows_other_words_in_one_message():
    paused = AssistantMessage(text="Let me see.", model=NAME)
    layout = ({"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "tool_use"})
    call = AssistantMessage(text="", calls=(SentCall(id="c1", tool="t", arguments={}),), reasoning=layout, model=NAME)
    result = ToolMessage(id="c1", tool="t", content="1")
    for before, thinks in (((), True), ((paused,), False)):
        asked = replace(HELLO, messages=(*HELLO.messages, *before, call, result), settings={"thinking_budget": 2000})
        assert ("thinking" in messages_body(asked, model="m", name=NAME)) is thinks


@pytest.mark.parametrize(
    ("choice", "at_once", "written"),
    [
        ("auto", True, None),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        (LOOKUP.name, False, {"type": "tool", "name": LOOKUP.name, "disable_parallel_tool_use": True}),
    ],
)
async def test_a_choice_of_tools_is_written_as_the_api_writes_it(server, choice, at_once, written):
    await answer(server, HI, replace(HELLO, tool_choice=choice, calls_at_once=at_once))
    assert server.bodies[0].get("tool_choice") == written


def test_a_model_that_must_call_a_tool_is_not_asked_to_think():
    thinking = replace(HELLO, settings={"thinking_budget": 2000})
    assert "thinking" in messages_body(replace(thinking, tool_choice="none"), model="m", name=NAME)
    assert "thinking" not in messages_body(replace(thinking, tool_choice="required"), model="m", name=NAME)


def test_a_schema_is_enforced_where_the_api_can_and_else_asked_for_in_words():
    schema = {"type": "object", "properties": {"days": {"type": "integer", "minimum": 0}}, "required": ["days"]}
    body = messages_body(replace(HELLO, output=schema), model="m", name=NAME)
    form = body["output_config"]["format"]
    assert (form["type"], form["schema"]["required"]) == ("json_schema", ["days"])
    assert form["schema"]["additionalProperties"] is False
    assert body["system"] == [said("Be brief.", **CACHED)]
    for beyond in ({"properties": {"days": {}}}, {"type": "object", "properties": {"days": True}}):
        asked = messages_body(replace(HELLO, output=beyond), model="m", name=NAME)
        assert "output_config" not in asked
        assert asked["system"][0]["text"].startswith("Be brief.\n\n")
        assert asked["system"][0]["text"].endswith(json.dumps(beyond))


DAYS = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
HOURS = {"type": "object", "properties": {"hours": {"type": "integer"}}}


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "patternProperties": {"^d": {"type": "integer"}}},
        {**DAYS, "additionalProperties": True},
        {**DAYS, "patternProperties": {"^d": {"type": "integer"}}},
        {"anyOf": [DAYS, {"type": "object"}]},
        {"type": "object"},
        {"type": "object", "required": ["days"]},
        {**HOURS, "required": ["days"]},
        {"allOf": [DAYS, HOURS]},
    ],
)
def test_a_schema_is_not_enforced_where_closing_its_objects_would_change_what_fits(inner):
    for schema in (inner, {"type": "object", "properties": {"left": {"type": "array", "items": inner}}}):
        body = messages_body(replace(HELLO, output=schema), model="m", name=NAME)
        assert "output_config" not in body
        assert body["system"][0]["text"].endswith(json.dumps(schema))


HISTORY = (
    UserMessage(text="one"),
    AssistantMessage(text="", calls=(SentCall(id="c1", tool="t", arguments={"a": 1}),)),
    ToolMessage(id="c1", tool="t", content="gone wrong", failed=True),
    UserMessage(text="two"),
    UserMessage(text="three"),
)


def test_roles_alternate_and_results_come_first_with_our_ids():
    sent = messages_body(replace(HELLO, messages=HISTORY), model="m", name=NAME)["messages"]
    assert sent == [
        {"role": "user", "content": [said("one")]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "t", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "gone wrong", "is_error": True},
                said("two", **CACHED),
                said("three"),
            ],
        },
    ]


def test_only_an_answer_that_is_to_be_gone_on_with_loses_the_blank_it_ends_in():
    paused = replace(HELLO, messages=(*HELLO.messages, AssistantMessage(text=" Let me see. \n")))
    assert messages_body(paused, model="m", name=NAME)["messages"][-1]["content"] == [said(" Let me see.")]
    answered = replace(paused, messages=(*paused.messages, UserMessage(text="and now? ")))
    *_, before, question = messages_body(answered, model="m", name=NAME)["messages"]
    assert (before["content"], question["content"]) == ([said(" Let me see. \n", **CACHED)], [said("and now? ")])


def test_tools_that_may_not_be_called_are_named_only_where_they_were_called():
    history = replace(HELLO, messages=HISTORY, tools=())
    body = messages_body(history, model="m", name=NAME)
    assert body["tools"] == [{"name": "t", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    assert "tools" not in messages_body(replace(HELLO, tools=()), model="m", name=NAME)


def test_a_name_that_no_tool_has_is_sent_back_as_one_that_the_api_can_read():
    call = AssistantMessage(text="", calls=(SentCall(id="c1", tool="hr.balance", arguments={}),))
    messages = (*HELLO.messages, call, ToolMessage(id="c1", tool="hr.balance", content="no such tool", failed=True))
    for tools in ((LOOKUP,), ()):
        body = messages_body(replace(HELLO, messages=messages, tools=tools), model="m", name=NAME)
        assert body["messages"][1]["content"][0]["name"] == "hr_balance"
        assert body["tools"][0]["name"] == (LOOKUP.name if tools else "hr_balance")


def marks(body: dict) -> list[dict]:
    """Every block of a request that ends a cached prefix."""
    blocks = [*body.get("tools", []), *body.get("system", []), *(b for m in body["messages"] for b in m["content"])]
    return [block for block in blocks if "cache_control" in block]


def test_the_mark_before_the_newest_question_stays_where_it_is_as_the_turn_grows():
    before = (UserMessage(text="one"), AssistantMessage(text="First."), UserMessage(text="two"))
    call = AssistantMessage(text="", calls=(SentCall(id="c1", tool="t", arguments={}),))
    grown = (*before, call, ToolMessage(id="c1", tool="t", content="1"))
    for messages in (before, grown):
        found = marks(messages_body(replace(HELLO, messages=messages), model="m", name=NAME))
        assert [block.get("name") or block["text"] for block in found] == ["vacation_balance", "Be brief.", "First."]


def test_a_thought_at_the_end_of_the_history_is_passed_over_by_its_mark():
    layout = ({"type": "text", "start": 0, "end": 6}, THOUGHT)
    first = AssistantMessage(text="First.", reasoning=layout, model=NAME)
    request = replace(HELLO, messages=(*HELLO.messages, first, UserMessage(text="two")))
    body = messages_body(request, model="m", name=NAME)
    assert body["messages"][1]["content"] == [said("First.", **CACHED), THOUGHT]


def test_tools_and_instructions_are_marked_each_from_the_first_question_on():
    body = messages_body(HELLO, model="m", name=NAME)
    assert [block.get("name") or block["text"] for block in marks(body)] == ["vacation_balance", "Be brief."]


def test_without_tools_the_instructions_are_marked_and_without_either_nothing_is():
    assert marks(messages_body(replace(HELLO, tools=()), model="m", name=NAME)) == [said("Be brief.", **CACHED)]
    assert marks(messages_body(replace(HELLO, tools=(), instructions=" "), model="m", name=NAME)) == []


SENDABLE = TypeAdapter(MessageCreateParamsStreaming)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s1"}


@st.composite
def requests(draw) -> ModelRequest:
    """Sendable requests: turns of a question, an answer with or without thoughts and calls, a result for each."""
    messages: list = []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(UserMessage(text=draw(TEXTS)))
        ids = draw(st.lists(NAMES, max_size=3, unique=True))
        calls = tuple(SentCall(id=id, tool=draw(NAMES), arguments={"a": draw(TEXTS)}) for id in ids)
        words = draw(TEXTS) if not calls else draw(TEXTS | st.just(""))
        place = [{"type": "text", "start": 0, "end": len(words)}] if words else []
        layout = (THOUGHT, *place, *({"type": "tool_use"} for _ in calls)) if draw(st.booleans()) else ()
        messages.append(AssistantMessage(text=words, calls=calls, reasoning=layout, model=NAME))
        messages += [ToolMessage(id=c.id, tool=c.tool, content=draw(TEXTS), failed=draw(st.booleans())) for c in calls]
    tools = draw(st.lists(NAMES, max_size=2, unique=True))
    return ModelRequest(
        instructions=draw(st.just("") | TEXTS),
        messages=tuple(messages),
        tools=tuple(ToolSchema(name=name, description="d", parameters={"type": "object"}) for name in tools),
        settings=draw(st.fixed_dictionaries({}, optional={"thinking_budget": st.integers(1024, 9000)})),
        output=draw(st.none() | st.just({"type": "object"})),
        tool_choice=draw(st.sampled_from(["auto", "none", *(["required", tools[0]] if tools else [])])),
        calls_at_once=draw(st.booleans()),
    )


def plain(value):
    """What pydantic found valid, its lazy iterators read to their ends; what a type does not know is left out."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, Iterator | list) else value


@given(requests())
def test_whatever_is_sent_is_what_the_sdk_says_may_be_sent(request):
    body = messages_body(request, model="m", name=NAME)
    assert plain(SENDABLE.validate_python(body)) == body


@given(requests())
def test_roles_alternate_calls_have_their_results_and_no_thought_or_blank_is_marked(request):
    body = messages_body(request, model="m", name=NAME)
    messages = body["messages"]
    assert messages[0]["role"] == "user"
    assert all(one["role"] != other["role"] for one, other in pairwise(messages))
    for one, other in pairwise(messages):
        made = [b["id"] for b in one["content"] if b["type"] == "tool_use"]
        assert made == [b["tool_use_id"] for b in other["content"][: len(made)]]
    assert len(marks(body)) <= 4
    assert all(b.get("type") not in ("thinking", "redacted_thinking") for b in marks(body))
    assert all(b["text"].strip() for b in marks(body) if b.get("type") == "text")


# What is told


async def test_an_answer_is_told_as_it_comes_and_ends_with_what_it_used(server):
    events = await answer(
        server,
        sse(
            starts(input_tokens=10, cache_read_input_tokens=70, cache_creation_input_tokens=20, output_tokens=1),
            *text(0, "Hi."),
            *ends(output_tokens=9, output_tokens_details={"thinking_tokens": 4}),
        ),
        prices=Prices({"anthropic:m": {"input": 1, "cached": 0.1, "cache_write": 2, "output": 5}}),
    )
    used = Usage(input=100, cached=70, cache_write=20, output=9, reasoning=4)
    assert events == [
        UsageSoFar(usage=Usage(input=100, cached=70, cache_write=20)),
        *(TextDelta(text=letter) for letter in "Hi."),
        Finish(stop_reason="end", usage=used, cost=10 * 1_000 + 70 * 100 + 20 * 2_000 + 9 * 5_000),
    ]


async def test_usage_that_nobody_told_is_unknown_and_not_nought(server):
    finish = (await answer(server, HI))[-1]
    assert (finish.usage, finish.cost) == (Usage(), None)


async def test_a_null_in_the_last_count_takes_nothing_back(server):
    events = await answer(server, sse(starts(input_tokens=10), *ends(input_tokens=None, output_tokens=2)))
    assert events[-1].usage == Usage(input=10, output=2)


@pytest.mark.parametrize("own", [True, False])
async def test_an_answer_of_anthropic_costs_what_is_known_of_its_model_and_another_servers_does_not(own):
    def reply(request: httpx2.Request) -> httpx2.Response:
        body = b"".join(sse(starts(input_tokens=10), *text(0, "Hi."), *ends(output_tokens=9)).chunks)
        return httpx2.Response(200, content=body)

    base_url = "https://api.anthropic.com" if own else "http://127.0.0.1:9"
    http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(reply))
    client = AsyncAnthropic(api_key="k", base_url=base_url, http_client=http_client)
    asked = MessagesModel("claude-haiku-4-5", client=client)
    async with aclosing(asked.stream(HELLO)) as events:
        finish = [event async for event in events][-1]
    await client.close()
    assert finish.cost == (10 * 1_000 + 9 * 5_000 if own else None)


async def test_calls_come_whole_in_the_answers_order_with_the_text_the_model_wrote(server):
    events = await answer(
        server,
        sse(starts(), *text(0, "Look."), *use(1, "", '{"year"', ": 2026"), *use(2, name="other"), *ends("tool_use")),
    )
    assert text_of(events) == "Look."
    assert calls_of(events) == [("vacation_balance", '{"year": 2026'), ("other", "{}")]
    assert events[-1].stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("pieces", "given", "raw"),
    [
        ((), None, "{}"),
        (("",), None, "{}"),
        ((), {"a": "ü"}, '{"a": "ü"}'),
        (("", "{}"), None, "{}"),
        ((" ",), {}, "{}"),
        (("", ""), {"a": 1}, '{"a": 1}'),
        ((), '{"a": 1}', '{"a": 1}'),
        (({"a": 1},), None, '{"a": 1}'),
        (('"{\\"a', '\\": 1}"'), None, '{"a": 1}'),
        (("null",), None, "{}"),
    ],
)
async def test_a_call_without_arguments_is_one_and_arguments_may_come_at_once(server, pieces, given, raw):
    events = await answer(server, sse(starts(), *use(0, *pieces, given=given), *ends("tool_use")))
    assert calls_of(events) == [("vacation_balance", raw)]


async def test_a_call_that_was_cut_is_told_as_far_as_it_came(server):
    events = await answer(server, sse(starts(), *use(0, '{"ye')[:-1], *ends("max_tokens")))
    assert (calls_of(events), events[-1].stop_reason) == ([("vacation_balance", '{"ye')], "length")


@pytest.mark.parametrize(
    "again",
    [
        [{"type": "content_block_stop", "index": 0}],
        use(0, "{}")[:1] + use(0, "{}"),
    ],
)
async def test_a_block_that_begins_or_ends_twice_is_no_second_call(server, again):
    events = await answer(server, sse(starts(), *(again if len(again) > 1 else [*use(0, "{}"), *again]), *ends("stop")))
    assert calls_of(events) == [("vacation_balance", "{}")]


@pytest.mark.parametrize("before", [[], use(0, "{}"), text(0, "Hi."), use(1)[:1]])
async def test_arguments_that_belong_to_no_call_are_an_answer_that_cannot_be_read(server, before):
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "7"}}
    error = await failure(server, sse(starts(), *before, piece, *ends("tool_use")))
    assert (error.code, error.retryable) == ("protocol", True)


async def test_two_blocks_at_one_place_are_two(server):
    called = use(0, '{"year": 2026}')
    events = await answer(server, sse(starts(), *text(0, "Look."), *called, *use(0, name="b"), *ends("tool_use")))
    assert (text_of(events), calls_of(events)) == ("Look.", [("vacation_balance", '{"year": 2026}'), ("b", "{}")])


async def test_a_call_whose_end_is_missing_is_made_and_stays_in_its_place(server):
    first, second = use(0, '{"year": 2026}')[:-1], use(1, name="b")
    events = await answer(server, sse(starts(), *first, *second, *ends("tool_use")))
    assert calls_of(events) == [("vacation_balance", '{"year": 2026}'), ("b", "{}")]


async def test_text_and_thoughts_need_no_beginning_of_their_own(server):
    thought = thinking(0, "Hm.", "s")[1:]
    events = await answer(server, sse(starts(), *thought, *text(1, "Hi.")[1:-1], *text(1, " You.")[1:], *ends()))
    assert text_of(events) == "Hi. You."
    assert events[-1].reasoning[0] == {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    assert events[-1].stop_reason == "end"


async def test_places_that_are_missing_are_those_of_the_newest_block(server):
    bare = [{k: v for k, v in e.items() if k != "index"} for e in (*text(0, "Look."), *use(1, '{"year"', ": 1}"))]
    events = await answer(server, sse(starts(), *bare, *ends("tool_use")))
    assert (text_of(events), calls_of(events)) == ("Look.", [("vacation_balance", '{"year": 1}')])


async def test_a_message_that_did_not_come_in_pieces_is_read_whole(server):
    content = [{"type": "text", "text": "Look."}, use(0, given={"year": 2026})[0]["content_block"]]
    whole = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": {"output_tokens": 3}}
    events = await answer(server, sse(whole))
    assert (text_of(events), calls_of(events)) == ("Look.", [("vacation_balance", '{"year": 2026}')])
    assert (events[-1].stop_reason, events[-1].usage.output) == ("tool_calls", 3)


async def test_a_count_is_not_taken_back_by_a_later_nought_and_a_nought_is_no_count(server):
    later = ends(input_tokens=0, cache_read_input_tokens=0, output_tokens=7)
    after = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 0}}
    counted = starts(input_tokens=90, cache_read_input_tokens=20, output_tokens=1)
    events = await answer(server, sse(counted, *text(0, "Hi."), later[0], after, later[1]))
    assert events[-1].usage == Usage(input=110, cached=20, output=7)
    nought = await answer(server, sse(starts(input_tokens=0), *text(0, "Hi."), *ends(output_tokens=0)))
    assert (nought[-1].usage, nought[-1].cost) == (Usage(), None)


@pytest.mark.parametrize("done", [[], [b"data: [DONE]\n\n"], [b": bye\n\n"]])
async def test_a_stop_reason_and_a_clean_end_are_a_whole_answer(server, done):
    reply = sse(starts(), *text(0, "Hi."), *ends(output_tokens=2)[:-1])
    events = await answer(server, replace(reply, chunks=[*reply.chunks, *done]))
    assert (text_of(events), events[-1].stop_reason, events[-1].usage.output) == ("Hi.", "end", 2)
    assert (await failure(server, replace(reply, end="cut"))).code == "connection"


async def test_done_is_no_end_of_an_answer_that_has_no_reason(server):
    reply = sse(starts(), *text(0, "Hi."))
    events = await answer(server, replace(reply, chunks=[*reply.chunks, b"data: [DONE]\n\n"]))
    assert [event.kind for event in events if event.kind != "text"] == ["usage"]


async def test_an_error_within_an_answer_needs_no_type(server):
    assert (await failure(server, Reply([b'data: {"error": {"code": "content_filter"}}\n\n']))).code == "refusal"


async def test_a_thought_that_comes_in_pieces_and_is_never_closed_is_kept_whole(server):
    begins, delta, signature, _ = thinking(0, "Hm. ", "s")
    events = await answer(server, sse(starts(), begins, delta, delta, signature, *ends("max_tokens")))
    assert events[-1].reasoning == ({"type": "thinking", "thinking": "Hm. Hm. ", "signature": "s"},)


async def test_arguments_on_their_way_thoughts_and_signs_of_life_are_no_text(server):
    ping = {"type": "ping"}
    events = await answer(server, sse(starts(), ping, *thinking(0, "Hm.", "s1"), *use(1, "{", "}"), *ends("tool_use")))
    assert [event for event in events if event.kind in ("ping", "reasoning", "writing")] == [
        Ping(),
        ReasoningDelta(text="Hm."),
        WritingDelta(text="{"),
        WritingDelta(text="}"),
    ]
    assert text_of(events) == ""


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("tool_use", "other"),  # its calls were lost
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("something_new", "other"),
        (None, "end"),
        ("STOP", "end"),
        ("eos", "end"),
        ("toolCalls", "other"),
        ("length", "length"),
        ("content_filter", "refusal"),
        (7, "other"),
    ],
)
async def test_every_end_has_its_reason(server, reason, ours):
    events = await answer(server, sse(starts(), *text(0, "So far."), *ends(reason)))
    assert (text_of(events), events[-1].stop_reason) == ("So far.", ours)


async def test_two_thoughts_are_two_paragraphs_of_reasoning_and_go_back_as_they_came(server):
    events = await answer(
        server, sse(starts(), *thinking(0, "One.", "s"), *text(1, "Hi."), *thinking(2, "Two.", "t"), *ends())
    )
    assert "".join(event.text for event in events if event.kind == "reasoning") == "One.\n\nTwo."
    assert [block["thinking"] for block in events[-1].reasoning if block["type"] == "thinking"] == ["One.", "Two."]


async def test_texts_with_something_between_them_are_two_paragraphs_and_neighbours_one(server):
    apart = sse(starts(), *text(0, "One."), *thinking(1, "Hm.", "s"), *text(2, ""), *text(3, "Two."), *ends())
    assert text_of(await answer(server, apart)) == "One.\n\nTwo."
    assert text_of(await answer(server, sse(starts(), *text(0, "One."), *text(1, " Two."), *ends()))) == "One. Two."


async def test_events_that_nobody_knows_are_passed_over(server):
    unknown = [{"type": "news"}, *block(0, {"type": "news"}, {"type": "news_delta", "news": "n"})]
    assert text_of(await answer(server, sse(starts(), *unknown, *text(1, "Hi."), *ends()))) == "Hi."


# Thinking goes back

ROUND = sse(
    starts(),
    *thinking(0, "First.", "sig-1"),
    *text(1, "Let me look."),
    *block(2, {"type": "redacted_thinking", "data": "opaque"}),
    *use(3, '{"year": 2026}'),
    *thinking(4, "Then.", "sig-2"),
    *use(5, '{"year": 2027}'),
    *ends("tool_use"),
)
SENT = [
    {"type": "thinking", "thinking": "First.", "signature": "sig-1"},
    said("Let me look."),
    {"type": "redacted_thinking", "data": "opaque"},
    {"type": "tool_use", "id": "c1", "name": "vacation_balance", "input": {"year": 2026}},
    {"type": "thinking", "thinking": "Then.", "signature": "sig-2"},
    {"type": "tool_use", "id": "c2", "name": "vacation_balance", "input": {"year": 2027}},
]


async def continued(server: Server, **changes) -> list[dict]:
    """What of the answer goes back with its results."""
    events = await answer(server, ROUND)
    years = {"c1": 2026, "c2": 2027}
    calls = tuple(SentCall(id=id, tool="vacation_balance", arguments={"year": year}) for id, year in years.items())
    name = f"anthropic:m?base_url={server.url}"
    given = AssistantMessage(text=text_of(events), calls=calls, reasoning=events[-1].reasoning, model=name)
    given = replace(given, **changes)
    results = tuple(ToolMessage(id=call.id, tool=call.tool, content="12") for call in given.calls)
    await answer(server, HI, replace(HELLO, messages=(*HELLO.messages, given, *results)))
    return server.bodies[-1]["messages"][1]["content"]


async def test_thinking_goes_back_unchanged_and_in_its_place(server):
    assert await continued(server) == SENT


async def test_thinking_goes_to_no_other_model(server):
    kept = [block for block in SENT if "thinking" not in block["type"]]
    assert await continued(server, model="anthropic:other") == kept


async def test_thinking_is_left_out_where_the_answer_is_no_longer_what_it_led_to(server):
    assert await continued(server, text="Other words.", calls=()) == [said("Other words.")]


async def test_an_answer_without_thinking_needs_no_layout(server):
    assert (await answer(server, sse(starts(), *text(0, "Hi."), *use(1), *ends("tool_use"))))[-1].reasoning == ()


async def test_a_turn_with_a_tool_goes_back_to_the_model_with_its_thinking_and_our_ids(server):
    @tool(effect="read")
    async def vacation_balance(year: int) -> int:
        """Days left."""
        return 12

    looks = [*thinking(0, "Hm.", "sig"), *text(1, "Let me look."), *use(2, '{"year": 2026}')]
    server.replies += [sse(starts(), *looks, *ends("tool_use")), sse(starts(), *text(0, "12 days."), *ends())]
    async with (
        open_store("memory:") as store,
        model(server) as asked,
        chatting(store, asked, tools=[vacation_balance]) as chat,
    ):
        reply = await chat.ask("How many days?")
    assert (reply.status, reply.text) == ("completed", "Let me look.\n\n12 days.")
    given, result = server.bodies[1]["messages"][1:]
    id = given["content"][-1]["id"]
    assert not id.startswith("toolu")
    assert given["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        said("Let me look."),
        {"type": "tool_use", "id": id, "name": "vacation_balance", "input": {"year": 2026}},
    ]
    assert result["content"][0] == {"type": "tool_result", "tool_use_id": id, "content": "12"}


# What goes wrong


@pytest.mark.parametrize(
    ("status", "kind", "message", "code", "retryable"),
    [
        (529, "overloaded_error", "", "overloaded", True),
        (500, "api_error", "", "overloaded", True),
        (429, "rate_limit_error", "", "overloaded", True),
        (504, "timeout_error", "", "overloaded", True),
        (503, "news", "", "overloaded", True),
        (401, "authentication_error", "", "auth", False),
        (403, "permission_error", "", "auth", False),
        (402, "billing_error", "", "quota", False),
        (400, "invalid_request_error", "Your credit balance is too low", "quota", False),
        (413, "request_too_large", "", "too_large", False),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "too_large", False),
        (400, "invalid_request_error", "input length and `max_tokens` exceed context limit", "too_large", False),
        (400, "invalid_request_error", "messages.0: secret", "invalid_request", False),
        (404, "not_found_error", "model: m", "invalid_request", False),
        (418, "news", "", "invalid_request", False),
    ],
)
async def test_a_refusal_and_an_error_within_an_answer_mean_the_same(server, status, kind, message, code, retryable):
    outside = await failure(server, refused(status, kind, f"{message} secret", **{"request-id": "req_1"}))
    assert (outside.code, outside.retryable) == (code, retryable)
    assert str(outside) == f"the provider answered HTTP {status}, {kind}, request req_1"
    if kind != "news":
        error = {"type": "error", "error": {"type": kind, "message": f"{message} secret"}}
        inside = await failure(server, sse(starts(), *text(0, "Hi."), error))
        assert (inside.code, inside.retryable) == (code, retryable)
        assert str(inside) == f"the provider broke off, {kind}"


async def test_what_was_said_before_an_error_was_told(server):
    seen = []
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server.replies.append(sse(starts(), *text(0, "Hi."), error))
    async with model(server) as asked:
        with pytest.raises(ModelError):  # noqa: PT012  # what came before it is looked at
            async for event in asked.stream(HELLO):
                seen.append(event)
    assert text_of(seen) == "Hi."
    assert len(server.bodies) == 1


async def test_an_error_within_an_answer_that_nobody_knows_is_the_providers_own(server):
    error = await failure(server, sse(starts(), {"type": "error", "error": {"type": "news"}}))
    assert (error.code, error.retryable) == ("overloaded", True)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "3600"}, 60),
        ({"retry-after": "-1"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"date": format_datetime(NOON), "retry-after": format_datetime(NOON + timedelta(seconds=9))}, 9),
        ({"date": format_datetime(NOON), "retry-after": format_datetime(NOON + timedelta(days=9))}, 60),
    ],
)
async def test_a_provider_says_when_to_ask_again_and_is_asked_once(server, headers, seconds):
    error = await failure(server, refused(429, "rate_limit_error", **headers))
    assert (error.code, error.retryable, error.retry_after) == ("overloaded", True, seconds)
    assert len(server.bodies) == 1


async def test_a_proxys_page_in_place_of_an_error_is_judged_by_its_status(server):
    error = await failure(server, Reply([b"<html>Bad gateway</html>"], 502, {"content-type": "text/html"}))
    assert (error.code, error.retryable) == ("overloaded", True)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Hello</html>",
        b"<html>\n<body>\n\n",
        b'event: message_start\ndata: {"type": \n\n',
        b"event: message_start\ndata: []\n\n",
        b"event: message_start\ndata: NaN\n\n",
        b"event: message_start\ndata: " + b"[" * 100_000 + b"\n\n",
        b"data: \xff\xfe\n\n",
    ],
)
async def test_what_is_no_stream_of_events_is_no_answer(server, body):
    error = await failure(server, Reply([body]))
    assert (error.code, error.retryable) == ("protocol", True)
    assert "Hello" not in str(error)


async def test_an_event_without_an_end_is_an_answer_that_is_too_large(server):
    error = await failure(server, Reply([b"data: " + b"x" * (MAX_EVENT + 1)]))
    assert (error.code, error.retryable) == ("answer_too_large", False)


async def test_a_stream_that_just_ends_has_no_finish(server):
    events = await answer(server, sse(starts(stop_reason="end_turn"), *text(0, "Hi.")))
    assert text_of(events) == "Hi."
    assert not [event for event in events if event.kind == "finish"]


async def test_an_answer_cut_at_any_byte_is_finished_only_if_its_stop_reason_came():
    events = [starts(), *text(0, "Grüße."), *use(1, '{"year": 2026}'), *ends("tool_use")]
    whole = b"".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events)
    sent = iter(range(len(whole) + 1))

    def reply(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=whole[: next(sent)])

    client = AsyncAnthropic(api_key="k", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(reply)))
    asked = MessagesModel("m", client=client)
    finished = []
    for _ in range(len(whole) + 1):
        async with aclosing(asked.stream(HELLO)) as stream:
            seen = [event async for event in stream]
        assert "Grüße.".startswith(text_of(seen))
        assert calls_of(seen) in ([], [("vacation_balance", '{"year": 2026}')])
        finished.append(bool(seen) and seen[-1].kind == "finish")
    await client.close()
    told = whole.index(b"data: " + json.dumps(events[-1]).encode())
    # A stream that ends within its last event is cut; that event may lack its line ends.
    within = range(told + 1, len(whole) - 2)
    assert finished == [at >= told - 2 and at not in within for at in range(len(whole) + 1)]


async def test_a_cut_connection_is_told_from_an_end(server):
    error = await failure(server, replace(sse(starts(), *text(0, "Hi.")), end="cut"))
    assert (error.code, error.retryable) == ("connection", True)


async def test_a_server_that_is_not_there_may_come_back():
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
    asked = MessagesModel("m", base_url=url)
    with pytest.raises(ModelError) as raised:
        async for _ in asked.stream(HELLO):
            pass
    await asked.close()
    assert (raised.value.code, raised.value.retryable) == ("connection", True)


async def test_silence_beyond_the_clients_own_patience_is_a_timeout(server):
    client = AsyncAnthropic(api_key="k", base_url=server.url, timeout=0.05)
    with pytest.raises(ModelError) as raised:
        await answer(server, replace(sse(starts()), end="silent"), client=client)
    await client.close()
    assert (raised.value.code, raised.value.retryable) == ("timeout", True)


@given(st.lists(st.integers(0, 60)), st.sampled_from(["\n", "\r\n"]))
def test_where_the_bytes_are_cut_into_chunks_changes_nothing(cuts, end):
    lines = ["event: a", 'data: {"t": "é\u2028"}', "", ": still here", "", "data: 1", "data: 2", "", "data: cut"]
    whole = end.join(lines).encode()
    places = [0, *sorted(cuts), len(whole)]

    async def chunks() -> AsyncIterator[bytes]:
        for start, stop in pairwise(places):
            yield whole[start:stop]

    async def read() -> list[tuple[str, str]]:
        return [event async for event in server_events(chunks())]

    assert anyio.run(read) == [("a", '{"t": "é\u2028"}\n'), ("ping", ""), ("", "1\n2\n")]


# Connections, names and keys


async def test_a_closed_generator_ends_the_request(server):
    server.replies.append(replace(sse(starts(), *text(0, "Hi.")), end="silent"))
    async with model(server) as asked:
        async with aclosing(asked.stream(HELLO)) as events:
            assert (await anext(events)).kind == "usage"
            assert await anext(events) == TextDelta(text="H")
        with anyio.fail_after(PATIENCE):
            await server.dropped.wait()


async def test_one_connection_serves_one_request_after_the_other(server):
    server.replies += [HI, HI]
    async with model(server) as asked:
        for _ in range(2):
            async with aclosing(asked.stream(HELLO)) as events:
                assert [event async for event in events][-1].stop_reason == "end"
    assert server.connections == 1


def test_a_url_names_the_model_and_the_server_but_no_secret(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-secret")
    assert open_model("anthropic:claude-x").name == "anthropic:claude-x"
    assert open_model("anthropic:claude-x?base_url=https://api.anthropic.com/").name == "anthropic:claude-x"
    named = open_model("anthropic:m?base_url=http://me:secret@127.0.0.1:9/v").name
    assert named == "anthropic:m?base_url=http://127.0.0.1:9/v"
    assert open_model(named).name == named


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("anthropic:", "write anthropic:MODEL"),
        ("anthropic:?base_url=http://127.0.0.1:9", "name after the colon"),
        ("anthropic:m?api=chat&x=1", "takes base_url, key_env, each once"),
        ("anthropic:m?base_url=ftp://127.0.0.1", "http://"),
        ("anthropic:m?base_url=", "http://"),
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("nobody:m", "anthropic:MODEL"),
    ],
)
def test_a_url_that_means_no_model_says_what_would(monkeypatch, url, says):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match=says):
        open_model(url)


def test_a_key_that_no_request_could_hold_is_refused_before_any(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-\u2014")
    with pytest.raises(InvalidInput, match="ANTHROPIC_API_KEY") as raised:
        open_model("anthropic:m")
    assert "k-" not in str(raised.value)


async def test_the_environment_does_not_choose_the_server(server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert text_of(await answer(server, HI)) == "Hi."


async def test_a_client_that_was_given_is_used_without_retries_and_left_open(server):
    client = AsyncAnthropic(api_key="k", base_url=server.url, max_retries=5)
    server.replies.append(refused(529, "overloaded_error"))
    async with model(server, client=client) as asked:
        with pytest.raises(ModelError):
            await anext(asked.stream(HELLO))
    assert (len(server.bodies), client.is_closed()) == (1, False)
    await client.close()
